/** A capture into a file, in one call. */

import { MiniAVError } from "../ffi/mod.ts";
import type { CapturedAudio } from "./audio_data.ts";
import { bytesPerSample } from "./formats.ts";
import { describeValue, invalidOption, requireKnownOptions } from "./options.ts";
import type { Names } from "./options.ts";
import { openFileSink } from "./sink.ts";
import type { ByteSink } from "./sink.ts";
import { WavWriter } from "./wav.ts";
import type { WavSummary } from "./wav.ts";
import type { AudioFormat } from "./types.ts";

/** What `recordWav` reads from: a `Microphone` or a `Loopback`. */
export interface AudioSource extends AsyncIterable<CapturedAudio> {
  readonly format: AudioFormat;
}

/** How long to record, and who is told. */
export interface RecordOptions {
  /** How long; without it until the capture stops or the signal comes. */
  readonly seconds?: number | undefined;
  /** Ends the recording early; the file is complete all the same. */
  readonly signal?: AbortSignal | undefined;
  /** After each piece of sound; the recording waits for its promise. */
  readonly onProgress?: ((progress: RecordProgress) => void | Promise<void>) | undefined;
}

const RECORD_OPTION_NAMES: Names<RecordOptions> = { seconds: true, signal: true, onProgress: true };

/** What is in the file so far. */
export interface RecordProgress {
  readonly seconds: number;
  readonly bytes: number;
}

/** A finished recording. */
export interface RecordSummary extends WavSummary {
  /** Places where sound was lost. */
  readonly gaps: number;
  /** Seconds of silence that stand in the file for lost sound, so that it keeps time. */
  readonly silence: number;
}

/**
 * Records sound into a WAV file (RF64 past 4 GiB) or a pipe. The capture goes on running. Whatever
 * ends it, the file is whole. SYSTEM_CALL_FAILED: the file cannot be written, and why. INVALID_ARG: an
 * option that does not exist.
 */
export async function recordWav(
  capture: AudioSource,
  file: string | URL,
  options: RecordOptions = {},
): Promise<RecordSummary> {
  requireKnownOptions("recordWav", options, RECORD_OPTION_NAMES);
  requireSeconds("recordWav", options.seconds);
  await using sink = await openFileSink(file);
  const writer = new WavWriter(sink, capture.format);
  try {
    const lost = await writeSound(capture, writer, options);
    return { ...await writer.finish(), ...lost };
  } catch (error) {
    await rescueWav(writer, sink);
    throw error;
  }
}

/** After a failure, of the sink or of the source: what is there becomes a whole file. */
export async function rescueWav(
  writer: WavWriter,
  sink: ByteSink & { readonly written: number },
): Promise<WavSummary | null> {
  try {
    if (!writer.failed) return await writer.finish();
    const summary = await writer.finishShort(sink.written);
    await sink.truncate?.(summary.bytes);
    return summary;
  } catch {
    // The disk does not take the sizes either; readers then go by the length of the file.
    return null;
  }
}

export function requireSeconds(operation: string, seconds: number | undefined): void {
  if (seconds === undefined || (typeof seconds === "number" && seconds >= 0)) return;
  throw invalidOption(operation, `seconds is a number from 0 on, not ${describeValue(seconds)}`);
}

/** What is missing in a recording. */
export interface LostSound {
  readonly gaps: number;
  readonly silence: number;
}

/** Writes sound until it is enough; lost sound becomes silence. */
export async function writeSound(
  capture: AudioSource,
  writer: WavWriter,
  options: RecordOptions,
): Promise<LostSound> {
  const { sampleRate, channelCount, format } = writer.format;
  requireSeconds("writeSound", options.seconds);
  const wanted = options.seconds === undefined
    ? Infinity
    : Math.round(options.seconds * sampleRate);
  const frameBytes = channelCount * bytesPerSample(format);
  const frames = capture[Symbol.asyncIterator]();
  const stop = () => void frames.return?.();
  options.signal?.addEventListener("abort", stop);
  let gaps = 0;
  let silence = 0;
  let expected: number | null = null;
  try {
    while (writer.numberOfFrames < wanted && !options.signal?.aborted) {
      const { done, value } = await frames.next();
      if (done) break;
      using audio = value;
      requireFormat(audio, writer.format);
      if (audio.discontinuity && expected !== null) {
        gaps++;
        const missing = Math.round(((audio.timestamp - expected) / 1e6) * sampleRate);
        const room = wanted - writer.numberOfFrames;
        silence += await writeSilence(writer, Math.min(missing, room));
      }
      expected = audio.timestamp + (audio.numberOfFrames / sampleRate) * 1e6;
      const left = (wanted - writer.numberOfFrames) * frameBytes;
      const { data } = audio;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      await writer.write(left < bytes.byteLength ? bytes.subarray(0, left) : bytes);
      await options.onProgress?.({ seconds: writer.seconds, bytes: writer.bytes });
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await frames.return?.();
  }
  return { gaps, silence: silence / sampleRate };
}

export function requireFormat(audio: CapturedAudio, wanted: AudioFormat): void {
  const same = audio.sampleRate === wanted.sampleRate &&
    audio.numberOfChannels === wanted.channelCount && audio.format === wanted.format;
  if (same) return;
  throw new MiniAVError("FORMAT_NOT_SUPPORTED", {
    operation: "recordWav",
    detail: "the format changed while recording",
  });
}

/** Returns how many samples of each channel it wrote. */
export async function writeSilence(writer: WavWriter, count: number): Promise<number> {
  const frameBytes = writer.format.channelCount * bytesPerSample(writer.format.format);
  // A whole day at most: a clock that jumped is not worth a full disk.
  const frames = Math.min(Math.max(0, count), writer.format.sampleRate * 86_400);
  const block = new Uint8Array(Math.min(frames, writer.format.sampleRate) * frameBytes);
  // Unsigned samples have their zero in the middle.
  if (writer.format.format === "u8") block.fill(128);
  for (let left = frames * frameBytes; left > 0; left -= block.byteLength) {
    await writer.write(left < block.byteLength ? block.subarray(0, left) : block);
  }
  return frames;
}
