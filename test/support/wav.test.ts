import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { channelOf, readWav, readWavFile, writeWavFile } from "./wav.ts";

const directory = mkdtempSync(join(tmpdir(), "miniav-wav-"));
after(() => rmSync(directory, { recursive: true }));

for (const format of ["f32", "s16"] as const) {
  test(`a ${format} file comes back as it was written`, () => {
    const path = join(directory, `${format}.wav`);
    const sample = (frame: number, channel: number) => (channel ? -1 : 1) * ((frame % 999) / 1024);
    writeWavFile(path, { sampleRate: 44_100, channels: 3, frames: 20_001, format, sample });
    const wav = readWavFile(path);
    assert.equal(wav.sampleRate, 44_100);
    assert.equal(wav.channelCount, 3);
    assert.equal(wav.format, format);
    for (const [channel, samples] of wav.channels.entries()) {
      assert.equal(samples.length, 20_001);
      for (const [frame, value] of samples.entries()) {
        assert.equal(Math.abs(value - sample(frame, channel)), 0, `frame ${frame} of ${channel}`);
      }
    }
  });
}

/** A mono file with the given header fields around the bytes of its data. */
function makeWav(tag: number, bits: number, data: number[], dataSize = data.length): Uint8Array {
  const bytes = new Uint8Array(44 + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RIFF    WAVEfmt "));
  view.setUint32(16, 16, true);
  view.setUint16(20, tag, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true);
  view.setUint16(32, bits / 8, true);
  view.setUint16(34, bits, true);
  bytes.set(new TextEncoder().encode("data"), 36);
  view.setUint32(40, dataSize, true);
  bytes.set(data, 44);
  return bytes;
}

/** The samples of a mono file. */
function samplesOf(bytes: Uint8Array): number[] {
  return [...channelOf(readWav(bytes), 0)];
}

test("integers of every width are scaled to one", () => {
  assert.deepEqual(samplesOf(makeWav(1, 8, [0, 128, 192])), [-1, 0, 0.5]);
  assert.deepEqual(samplesOf(makeWav(1, 16, [0, 0x80, 0, 0x40])), [-1, 0.5]);
  assert.deepEqual(samplesOf(makeWav(1, 24, [0, 0, 0x80, 0, 0, 0x40])), [-1, 0.5]);
  assert.deepEqual(samplesOf(makeWav(1, 24, [255, 255, 255])), [-1 / 8388608]);
  assert.deepEqual(samplesOf(makeWav(1, 32, [0, 0, 0, 0xc0])), [-0.5]);
});

test("a file whose data size was never filled in is read to its end", () => {
  const data = [0, 0x40, 0, 0x20];
  assert.deepEqual(samplesOf(makeWav(1, 16, data, 0)), [0.5, 0.25]);
  assert.deepEqual(samplesOf(makeWav(1, 16, data, 0xffff_ffff)), [0.5, 0.25]);
});

test("what is no WAV file is refused", () => {
  assert.throws(() => readWav(new Uint8Array(100)), /not a WAV file/);
  assert.throws(() => readWav(makeWav(85, 16, [0, 0])), /WAV format 85/);
});
