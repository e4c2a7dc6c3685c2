// WAV files for tests: written sample by sample, read whole. The library has its own writer; this
// one is separate so that a mistake in either shows.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export interface WavDescription {
  /** Hz */
  sampleRate: number;
  channels: number;
  frames: number;
  format: "s16" | "f32";
  /** The sample of `frame` in `channel`, −1 to 1. */
  sample(frame: number, channel: number): number;
}

/** A WAV file that was read; samples are scaled to −1 … 1 whatever the file holds. */
export interface WavData {
  sampleRate: number;
  channelCount: number;
  format: "u8" | "s16" | "s24" | "s32" | "f32" | "f64";
  /** One array a channel. */
  channels: Float64Array[];
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** Frames that are computed and written at a time. */
const BLOCK_FRAMES = 16_384;

/** Writes a WAV file. */
export function writeWavFile(path: string, wav: WavDescription): void {
  const sampleBytes = wav.format === "f32" ? 4 : 2;
  const dataBytes = wav.frames * wav.channels * sampleBytes;
  if (dataBytes > 0xffff_ff00) throw new RangeError("more than a WAV file can hold");
  const file = openSync(path, "w");
  try {
    writeSync(file, wavHeader(wav, sampleBytes, dataBytes));
    for (let start = 0; start < wav.frames; start += BLOCK_FRAMES) {
      writeSync(file, encodeBlock(wav, start, Math.min(BLOCK_FRAMES, wav.frames - start)));
    }
  } finally {
    closeSync(file);
  }
}

function wavHeader(wav: WavDescription, sampleBytes: number, dataBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(44));
  const text = (offset: number, value: string) => {
    for (let i = 0; i < value.length; i++) view.setUint8(offset + i, value.charCodeAt(i));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + dataBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, wav.format === "f32" ? FLOAT : PCM, true);
  view.setUint16(22, wav.channels, true);
  view.setUint32(24, wav.sampleRate, true);
  view.setUint32(28, wav.sampleRate * wav.channels * sampleBytes, true);
  view.setUint16(32, wav.channels * sampleBytes, true);
  view.setUint16(34, sampleBytes * 8, true);
  text(36, "data");
  view.setUint32(40, dataBytes, true);
  return new Uint8Array(view.buffer);
}

function encodeBlock(wav: WavDescription, start: number, frames: number): Uint8Array {
  const count = frames * wav.channels;
  const samples = wav.format === "f32" ? new Float32Array(count) : new Int16Array(count);
  for (let i = 0; i < count; i++) {
    const value = wav.sample(start + Math.floor(i / wav.channels), i % wav.channels);
    samples[i] = wav.format === "f32"
      ? value
      : Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
  }
  return new Uint8Array(samples.buffer);
}

/** One channel of what was read; an error when there is none of that number. */
export function channelOf(wav: WavData, channel: number): Float64Array {
  const samples = wav.channels[channel];
  if (samples === undefined) throw new RangeError(`channel ${channel} of ${wav.channelCount}`);
  return samples;
}

/** Reads a WAV file, also one whose sizes were never filled in (a recorder that was interrupted). */
export function readWavFile(path: string): WavData {
  const bytes = readFileSync(path);
  return readWav(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Reads a WAV file from memory; RF64 too. */
export function readWav(bytes: Uint8Array): WavData {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (offset: number) => String.fromCharCode(...bytes.subarray(offset, offset + 4));
  if (bytes.length < 12 || !["RIFF", "RF64"].includes(text(0)) || text(8) !== "WAVE") {
    throw new Error("not a WAV file");
  }
  let formatAt = -1;
  let size64 = -1;
  for (let offset = 12; offset + 8 <= bytes.length;) {
    const id = text(offset);
    let size = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (id === "fmt ") formatAt = start;
    if (id === "ds64") size64 = Number(view.getBigUint64(start + 8, true));
    if (id === "data") {
      if (size === 0xffff_ffff && size64 >= 0) size = size64;
      const available = bytes.length - start;
      // Zero and oversized mean: until the end of the file.
      const length = size === 0 || size > available ? available : size;
      if (formatAt < 0) throw new Error("WAV data before its format");
      return decodeSamples(view, formatAt, start, length);
    }
    offset = start + size + (size & 1);
  }
  throw new Error("WAV file without data");
}

function decodeSamples(view: DataView, at: number, start: number, length: number): WavData {
  let tag = view.getUint16(at, true);
  const channelCount = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  // The sub-format's first two bytes are the tag that the extensible form stands for.
  if (tag === EXTENSIBLE) tag = view.getUint16(at + 24, true);
  const { format, read } = sampleReader(view, tag, bits);
  const stride = channelCount * (bits / 8);
  const frames = Math.floor(length / stride);
  const channels: Float64Array[] = [];
  for (let c = 0; c < channelCount; c++) {
    const samples = new Float64Array(frames);
    for (let i = 0; i < frames; i++) samples[i] = read(start + i * stride + c * (bits / 8));
    channels.push(samples);
  }
  return { sampleRate, channelCount, format, channels };
}

function sampleReader(
  view: DataView,
  tag: number,
  bits: number,
): { format: WavData["format"]; read(offset: number): number } {
  if (tag === FLOAT && bits === 32) {
    return { format: "f32", read: (o) => view.getFloat32(o, true) };
  }
  if (tag === FLOAT && bits === 64) {
    return { format: "f64", read: (o) => view.getFloat64(o, true) };
  }
  if (tag === PCM && bits === 8) {
    return { format: "u8", read: (o) => (view.getUint8(o) - 128) / 128 };
  }
  if (tag === PCM && bits === 16) {
    return { format: "s16", read: (o) => view.getInt16(o, true) / 32768 };
  }
  if (tag === PCM && bits === 24) {
    const read = (o: number) => (view.getInt8(o + 2) * 65536 + view.getUint16(o, true)) / 8388608;
    return { format: "s24", read };
  }
  if (tag === PCM && bits === 32) {
    return { format: "s32", read: (o) => view.getInt32(o, true) / 2147483648 };
  }
  throw new Error(`WAV format ${tag} with ${bits} bits`);
}
