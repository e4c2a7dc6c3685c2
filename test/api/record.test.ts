// A known tone, through the library, into a file, and back.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { enableTestDevices, Loopback, Microphone, recordWav } from "../../src/mod.ts";
import type { RecordOptions } from "../../src/mod.ts";
import { measureTone } from "../support/tone.ts";
import { channelOf, readWavFile } from "../support/wav.ts";

enableTestDevices();
const folder = mkdtempSync(join(tmpdir(), "miniav-"));
after(() => rmSync(folder, { recursive: true }));

for (const format of ["s16", "s24", "s32", "f32"] as const) {
  test(`a second of ${format} holds the tone that was played`, async () => {
    const path = join(folder, `${format}.wav`);
    await using microphone = await Microphone.open({
      deviceId: "test:tone",
      format,
      channelCount: 2,
      sampleRate: 48000,
    });
    let progress = 0;
    const summary = await recordWav(microphone, path, {
      seconds: 1,
      onProgress: ({ seconds }) => {
        progress = seconds;
      },
    });
    assert.equal(summary.numberOfFrames, 48000);
    assert.equal(summary.gaps, 0, JSON.stringify(microphone.stats()));
    assert.equal(progress, 1);
    assert.equal(summary.bytes, statSync(path).size);
    const wav = readWavFile(path);
    assert.equal(wav.format, format);
    assert.equal(wav.sampleRate, 48000);
    for (const [channel, frequency] of [[0, 1000], [1, 2000]] as const) {
      const tone = measureTone(channelOf(wav, channel), wav.sampleRate);
      assert.ok(Math.abs(tone.frequency - frequency) < 1, `${tone.frequency} Hz`);
      assert.ok(Math.abs(tone.level - -12) < 0.1, `${tone.level} dB`);
    }
    assert.equal(microphone.running, true);
  });
}

test("an option that does not exist records nothing", async () => {
  const path = join(folder, "misspelt.wav");
  await using microphone = await Microphone.open({ deviceId: "test:tone" });
  const options = { secs: 1 } as RecordOptions;
  await assert.rejects(recordWav(microphone, path, options), /there is no option "secs"/);
  assert.equal(existsSync(path), false);
});

test("a signal ends the recording early, and the file is complete", async () => {
  const path = join(folder, "early.wav");
  await using loopback = await Loopback.open({ deviceId: "test:system" });
  const controller = new AbortController();
  const recording = recordWav(loopback, path, {
    signal: controller.signal,
    onProgress: ({ seconds }) => {
      if (seconds >= 0.3) controller.abort();
    },
  });
  const { numberOfFrames, seconds } = await recording;
  assert.ok(seconds >= 0.3 && seconds < 1);
  const wav = readWavFile(path);
  assert.equal(channelOf(wav, 0).length, numberOfFrames);
  assert.ok(Math.abs(measureTone(channelOf(wav, 0), wav.sampleRate).frequency - 440) < 2);
});
