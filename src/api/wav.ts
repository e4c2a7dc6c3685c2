/**
 * Writes WAV while the sound comes. Past 4 GiB it becomes RF64 (EBU Tech 3306): the room for the
 * long sizes is reserved from the beginning. A file that is cut off, and a pipe, say "until the end".
 */

import { bytesPerSample } from "./formats.ts";
import type { AudioFormat } from "./types.ts";
import type { ByteSink } from "./sink.ts";

/** A finished file. */
export interface WavSummary {
  /** Samples of one channel. */
  readonly numberOfFrames: number;
  readonly seconds: number;
  /** Bytes of the whole file. */
  readonly bytes: number;
}

const UNKNOWN_SIZE = 0xffffffff;
/** Bytes are collected up to this before they are written. */
const BLOCK_BYTES = 1 << 16;

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;
/** KSDATAFORMAT_SUBTYPE_*: the format tag and this tail. */
const SUBTYPE_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

interface Header {
  readonly bytes: Uint8Array;
  /** Offsets of what is known only at the end. */
  readonly ds64: number;
  readonly fact: number | null;
  readonly data: number;
}

/** Writes one WAV file; samples are taken as captures give them: interleaved, little-endian. */
export class WavWriter {
  readonly format: AudioFormat;
  readonly #sink: ByteSink;
  readonly #header: Header;
  readonly #frameBytes: number;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #blockUsed = 0;
  #dataBytes = 0;
  #started = false;
  #failed = false;

  constructor(sink: ByteSink, format: AudioFormat) {
    this.format = format;
    this.#sink = sink;
    this.#header = wavHeader(format);
    this.#frameBytes = bytesPerSample(format.format) * format.channelCount;
  }

  /** Samples of one channel so far. */
  get numberOfFrames(): number {
    return Math.floor(this.#dataBytes / this.#frameBytes);
  }

  get seconds(): number {
    return this.numberOfFrames / this.format.sampleRate;
  }

  /** Bytes of the file so far. */
  get bytes(): number {
    return this.#header.bytes.byteLength + this.#dataBytes;
  }

  /** The sink has refused bytes: what is left for the file is `finishShort`. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Copies the samples at once: their memory is free when this returns, not when it settles. */
  write(samples: ArrayBufferView): Promise<void> {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    this.#dataBytes += bytes.byteLength;
    if (this.#blockUsed + bytes.byteLength <= BLOCK_BYTES) {
      this.#block.set(bytes, this.#blockUsed);
      this.#blockUsed += bytes.byteLength;
      return Promise.resolve();
    }
    const whole = new Uint8Array(this.#blockUsed + bytes.byteLength);
    whole.set(this.#block.subarray(0, this.#blockUsed));
    whole.set(bytes, this.#blockUsed);
    this.#blockUsed = 0;
    return this.#put(whole);
  }

  /** Hands on what is still collected, for a reader that must not wait. */
  async flush(): Promise<void> {
    const block = this.#block.slice(0, this.#blockUsed);
    this.#blockUsed = 0;
    await this.#put(block);
  }

  /** Writes what is left and the sizes. The sink stays open. */
  async finish(): Promise<WavSummary> {
    const padding = this.#dataBytes % 2;
    const rest = this.#block.slice(0, this.#blockUsed + padding);
    if (padding === 1) rest[this.#blockUsed] = 0;
    this.#blockUsed = 0;
    await this.#put(rest);
    await this.#patchSizes(padding);
    const { numberOfFrames, seconds } = this;
    return { numberOfFrames, seconds, bytes: this.bytes + padding };
  }

  /**
   * The end after a sink that failed, such as a full disk: the sizes name the whole samples among
   * the bytes that it took. The summary's `bytes` is where the file should be cut off.
   */
  async finishShort(bytesTaken: number): Promise<WavSummary> {
    const room = bytesTaken - this.#header.bytes.byteLength;
    if (room < 0) return { numberOfFrames: 0, seconds: 0, bytes: 0 };
    let frames = Math.floor(room / this.#frameBytes);
    // Chunks have an even length, and there is no room for padding.
    if ((frames * this.#frameBytes) % 2 === 1) frames--;
    this.#dataBytes = frames * this.#frameBytes;
    this.#blockUsed = 0;
    await this.#patchSizes(0);
    const { numberOfFrames, seconds, bytes } = this;
    return { numberOfFrames, seconds, bytes };
  }

  async #put(bytes: Uint8Array): Promise<void> {
    try {
      if (!this.#started) {
        this.#started = true;
        await this.#sink.write(this.#header.bytes);
      }
      if (bytes.byteLength > 0) await this.#sink.write(bytes);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async #patchSizes(padding: number): Promise<void> {
    const { writeAt } = this.#sink;
    if (writeAt === undefined) return;
    const patch = (bytes: Uint8Array, position: number) =>
      writeAt.call(this.#sink, bytes, position);
    const riffBytes = this.bytes + padding - 8;
    const { ds64, fact, data } = this.#header;
    if (riffBytes < UNKNOWN_SIZE) {
      await patch(u32Bytes(riffBytes), 4);
      await patch(u32Bytes(this.#dataBytes), data + 4);
      if (fact !== null) await patch(u32Bytes(this.numberOfFrames), fact + 8);
      return;
    }
    const sizes = new DataView(new ArrayBuffer(24));
    sizes.setBigUint64(0, BigInt(riffBytes), true);
    sizes.setBigUint64(8, BigInt(this.#dataBytes), true);
    sizes.setBigUint64(16, BigInt(this.numberOfFrames), true);
    await patch(new TextEncoder().encode("ds64"), ds64);
    await patch(new Uint8Array(sizes.buffer), ds64 + 8);
    await patch(new TextEncoder().encode("RF64"), 0);
  }
}

function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** RIFF, room for ds64, fmt, fact for floats, and the head of data. */
function wavHeader(format: AudioFormat): Header {
  const { channelCount, sampleRate } = format;
  const sampleBytes = bytesPerSample(format.format);
  const isFloat = format.format === "f32";
  const extensible = channelCount > 2 || (!isFloat && sampleBytes > 2);
  const tag = isFloat ? FORMAT_FLOAT : FORMAT_PCM;

  const bytes: number[] = [];
  const text = (value: string) => bytes.push(...new TextEncoder().encode(value));
  const u16 = (value: number) => bytes.push(value & 255, value >> 8);
  const u32 = (value: number) => bytes.push(...u32Bytes(value));

  text("RIFF");
  u32(UNKNOWN_SIZE);
  text("WAVE");
  const ds64 = bytes.length;
  text("JUNK");
  u32(28);
  bytes.push(...new Uint8Array(28));
  text("fmt ");
  u32(extensible ? 40 : isFloat ? 18 : 16);
  u16(extensible ? FORMAT_EXTENSIBLE : tag);
  u16(channelCount);
  u32(sampleRate);
  u32(sampleRate * channelCount * sampleBytes);
  u16(channelCount * sampleBytes);
  u16(sampleBytes * 8);
  if (extensible) {
    u16(22);
    u16(sampleBytes * 8);
    u32(channelMask(channelCount));
    u16(tag);
    bytes.push(...SUBTYPE_TAIL);
  } else if (isFloat) u16(0);
  const fact = isFloat ? bytes.length : null;
  if (isFloat) {
    text("fact");
    u32(4);
    u32(UNKNOWN_SIZE);
  }
  const data = bytes.length;
  text("data");
  u32(UNKNOWN_SIZE);
  return { bytes: new Uint8Array(bytes), ds64, fact, data };
}

/** Speakers of the usual layouts; 0 says nothing about the others. */
function channelMask(channelCount: number): number {
  const masks: Readonly<Record<number, number>> = { 1: 0x4, 2: 0x3, 4: 0x33, 6: 0x3f, 8: 0x63f };
  return masks[channelCount] ?? 0;
}
