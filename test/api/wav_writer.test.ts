// WAV files byte by byte: headers, sizes, RF64 past 4 GiB, and files that had to end early.

import assert from "node:assert/strict";
import { mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { WavWriter } from "../../src/mod.ts";
import type { AudioFormat, ByteSink } from "../../src/mod.ts";
import { channelOf, readWav } from "../support/wav.ts";

const folder = mkdtempSync(join(tmpdir(), "miniav-wav-"));
after(() => rmSync(folder, { recursive: true }));

/** A file in memory. */
class MemoryFile implements ByteSink {
  bytes = new Uint8Array(0);

  write(bytes: Uint8Array): Promise<void> {
    const whole = new Uint8Array(this.bytes.length + bytes.length);
    whole.set(this.bytes);
    whole.set(bytes, this.bytes.length);
    this.bytes = whole;
    return Promise.resolve();
  }

  writeAt(bytes: Uint8Array, position: number): Promise<void> {
    assert.ok(position + bytes.length <= this.bytes.length);
    this.bytes.set(bytes, position);
    return Promise.resolve();
  }
}

interface Chunk {
  readonly id: string;
  readonly size: number;
  /** Of its content. */
  readonly start: number;
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number) => new TextDecoder("latin1").decode(bytes.subarray(at, at + 4));
  const chunks: Chunk[] = [];
  for (let at = 12; at + 8 <= bytes.length;) {
    const chunk = { id: text(at), size: view.getUint32(at + 4, true), start: at + 8 };
    chunks.push(chunk);
    if (chunk.id === "data") break;
    at = chunk.start + chunk.size + (chunk.size & 1);
  }
  return chunks;
}

const FORMATS: readonly (readonly [AudioFormat, tag: number, subtype: number | null])[] = [
  [{ format: "u8", sampleRate: 8000, channelCount: 1 }, 1, null],
  [{ format: "s16", sampleRate: 44_100, channelCount: 2 }, 1, null],
  [{ format: "s16", sampleRate: 48_000, channelCount: 6 }, 0xfffe, 1],
  [{ format: "s24", sampleRate: 48_000, channelCount: 2 }, 0xfffe, 1],
  [{ format: "s32", sampleRate: 192_000, channelCount: 1 }, 0xfffe, 1],
  [{ format: "f32", sampleRate: 48_000, channelCount: 2 }, 3, null],
  [{ format: "f32", sampleRate: 48_000, channelCount: 8 }, 0xfffe, 3],
];

const SAMPLE_BYTES = { u8: 1, s16: 2, s24: 3, s32: 4, f32: 4 } as const;

for (const [format, tag, subtype] of FORMATS) {
  test(`the header of ${format.format} with ${format.channelCount} channels`, async () => {
    const file = new MemoryFile();
    const writer = new WavWriter(file, format);
    const frameBytes = SAMPLE_BYTES[format.format] * format.channelCount;
    await writer.write(new Uint8Array(10 * frameBytes));
    const summary = await writer.finish();
    assert.equal(summary.numberOfFrames, 10);
    assert.equal(summary.bytes, file.bytes.length);

    const view = new DataView(file.bytes.buffer);
    assert.equal(new TextDecoder().decode(file.bytes.subarray(0, 4)), "RIFF");
    assert.equal(view.getUint32(4, true), file.bytes.length - 8);
    const chunks = chunksOf(file.bytes);
    const fmt = chunks.find(({ id }) => id === "fmt ");
    const data = chunks.find(({ id }) => id === "data");
    assert.ok(fmt !== undefined && data !== undefined);
    assert.equal(view.getUint16(fmt.start, true), tag);
    assert.equal(view.getUint16(fmt.start + 2, true), format.channelCount);
    assert.equal(view.getUint32(fmt.start + 4, true), format.sampleRate);
    assert.equal(view.getUint32(fmt.start + 8, true), format.sampleRate * frameBytes);
    assert.equal(view.getUint16(fmt.start + 12, true), frameBytes);
    assert.equal(view.getUint16(fmt.start + 14, true), SAMPLE_BYTES[format.format] * 8);
    assert.equal(fmt.size, subtype === null ? (tag === 3 ? 18 : 16) : 40);
    if (subtype !== null) assert.equal(view.getUint16(fmt.start + 24, true), subtype);
    assert.equal(data.size, 10 * frameBytes);
    const fact = chunks.find(({ id }) => id === "fact");
    assert.equal(fact === undefined ? 10 : view.getUint32(fact.start, true), 10);
    assert.equal(file.bytes.length % 2, 0);
  });
}

test("an odd number of bytes is padded, and the padding is no sound", async () => {
  const file = new MemoryFile();
  const writer = new WavWriter(file, { format: "u8", sampleRate: 8000, channelCount: 1 });
  await writer.write(Uint8Array.of(128, 255, 0));
  const { bytes } = await writer.finish();
  assert.equal(bytes, file.bytes.length);
  const data = chunksOf(file.bytes).find(({ id }) => id === "data");
  assert.equal(data?.size, 3);
  assert.equal(file.bytes.length, (data?.start ?? 0) + 4);
  assert.equal(channelOf(readWav(file.bytes), 0).length, 3);
});

test("a stream says that its length is not known, and flush hands on what is there", async () => {
  const chunks: Uint8Array[] = [];
  const stream: ByteSink = {
    write: (bytes) => {
      chunks.push(bytes.slice());
      return Promise.resolve();
    },
  };
  const writer = new WavWriter(stream, { format: "s16", sampleRate: 48_000, channelCount: 1 });
  await writer.write(Int16Array.of(1, 2, 3));
  assert.equal(chunks.length, 0);
  await writer.flush();
  const sofar = Buffer.concat(chunks);
  assert.equal(sofar.readUInt32LE(4), 0xffff_ffff);
  assert.equal(sofar.readInt16LE(sofar.length - 2), 3);
  await writer.write(Int16Array.of(4));
  await writer.finish();
  const all = Buffer.concat(chunks);
  assert.equal(all.length, sofar.length + 2);
  assert.equal(channelOf(readWav(all), 0).length, 4);
});

// -- past 4 GiB -----------------------------------------------------------------------------

/** Bytes of which only beginning and length count: a file with a hole as long as the sound. */
async function writeWithHoles(path: string, dataBytes: number) {
  const file = await open(path, "w+");
  let end = 0;
  const sink: ByteSink = {
    async write(bytes) {
      if (end === 0) await file.write(bytes, 0, bytes.length, 0);
      end += bytes.length;
      await file.truncate(end);
    },
    async writeAt(bytes, position) {
      await file.write(bytes, 0, bytes.length, position);
    },
  };
  try {
    const writer = new WavWriter(sink, { format: "s16", sampleRate: 48_000, channelCount: 2 });
    const block = new Uint8Array(1 << 24);
    for (let left = dataBytes; left > 0; left -= block.length) {
      await writer.write(left < block.length ? block.subarray(0, left) : block);
    }
    return await writer.finish();
  } finally {
    await file.close();
  }
}

function beginningOf(path: string): Uint8Array {
  const bytes = new Uint8Array(200);
  const file = openSync(path, "r");
  readSync(file, bytes, 0, bytes.length, 0);
  return bytes;
}

const HEADER_BYTES = 80;

test("a file of the largest size that RIFF can tell stays RIFF", async () => {
  const path = join(folder, "largest.wav");
  // The size counts what follows its own field; all ones is the sign of RF64.
  const dataBytes = 0xffff_fffe - (HEADER_BYTES - 8) - 2;
  const { bytes } = await writeWithHoles(path, dataBytes);
  assert.equal(statSync(path).size, bytes);
  const start = beginningOf(path);
  assert.equal(new TextDecoder().decode(start.subarray(0, 4)), "RIFF");
  assert.equal(new DataView(start.buffer).getUint32(4, true), bytes - 8);
  const chunks = chunksOf(start);
  assert.deepEqual(chunks.map(({ id }) => id), ["JUNK", "fmt ", "data"]);
  assert.deepEqual(chunks.at(-1), { id: "data", size: dataBytes, start: HEADER_BYTES });
});

test("past that it becomes RF64, with the sizes in 64 bits", async () => {
  const path = join(folder, "long.wav");
  const dataBytes = 2 ** 32 + 400;
  const { bytes, numberOfFrames } = await writeWithHoles(path, dataBytes);
  assert.equal(statSync(path).size, bytes);
  assert.equal(numberOfFrames, dataBytes / 4);
  const start = beginningOf(path);
  const view = new DataView(start.buffer);
  assert.equal(new TextDecoder().decode(start.subarray(0, 4)), "RF64");
  assert.equal(view.getUint32(4, true), 0xffff_ffff);
  const chunks = chunksOf(start);
  // EBU Tech 3306: ds64 is the first chunk.
  assert.deepEqual(chunks.map(({ id }) => id), ["ds64", "fmt ", "data"]);
  assert.equal(chunks[0]?.size, 28);
  assert.equal(view.getBigUint64(20, true), BigInt(bytes - 8));
  assert.equal(view.getBigUint64(28, true), BigInt(dataBytes));
  assert.equal(view.getBigUint64(36, true), BigInt(numberOfFrames));
  assert.equal(view.getUint32(44, true), 0);
  assert.equal(chunks.at(-1)?.size, 0xffff_ffff);
});

// -- files that had to end early ------------------------------------------------------------

/** A disk with so much room. */
class SmallDisk extends MemoryFile {
  readonly #room: number;

  constructor(room: number) {
    super();
    this.#room = room;
  }

  override async write(bytes: Uint8Array): Promise<void> {
    const fits = Math.min(bytes.length, this.#room - this.bytes.length);
    await super.write(bytes.subarray(0, fits));
    if (fits < bytes.length) throw new Error("full");
  }
}

test("after a full disk the sizes name the whole samples that are there", async () => {
  // The header of this format, which is an extensible one, has 104 bytes.
  for (const [room, frames] of [[104 + 70_003, 11_667], [104 + 5, 0], [104, 0], [103, null]]) {
    const disk = new SmallDisk(room ?? 0);
    const writer = new WavWriter(disk, { format: "s24", sampleRate: 48_000, channelCount: 2 });
    await assert.rejects(async () => {
      for (let i = 0; i < 100; i++) await writer.write(new Uint8Array(6000));
      await writer.finish();
    }, /full/);
    const { numberOfFrames, bytes } = await writer.finishShort(disk.bytes.length);
    if (frames === null) {
      // Not even a header: there is no file to make of it.
      assert.deepEqual([numberOfFrames, bytes], [0, 0]);
      continue;
    }
    assert.equal(numberOfFrames, frames, `${room} bytes of room`);
    assert.ok(bytes <= disk.bytes.length);
    const file = disk.bytes.subarray(0, bytes);
    assert.equal(new DataView(file.buffer).getUint32(4, true), bytes - 8);
    assert.equal(channelOf(readWav(file), 0).length, frames);
  }
});

test("whole samples of an odd size end with an even one", async () => {
  const disk = new SmallDisk(80 + 70_002);
  const writer = new WavWriter(disk, { format: "u8", sampleRate: 8000, channelCount: 3 });
  await assert.rejects(writer.write(new Uint8Array(90_000)), /full/);
  const { bytes, numberOfFrames } = await writer.finishShort(disk.bytes.length);
  assert.equal((numberOfFrames * 3) % 2, 0);
  assert.equal(bytes % 2, 0);
  assert.equal(channelOf(readWav(disk.bytes.subarray(0, bytes)), 0).length, numberOfFrames);
});
