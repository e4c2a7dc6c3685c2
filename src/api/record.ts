/** A capture into a file, in one call. */

import { MiniAVError } from "../ffi/mod.ts";
import type { CapturedAudio } from "./audio_data.ts";
import { bytesPerSample } from "./formats.ts";
import { openFileSink } from "./sink.ts";
import { WavWriter } from "./wav.ts";
import type { WavSummary } from "./wav.ts";
import type { AudioFormat } from "./types.ts";

/** What `recordWav` reads from: a `Microphone` or a `Loopback`. */
export interface AudioSource extends AsyncIterable<CapturedAudio> {
  readonly format: AudioFormat;
}

export interface RecordOptions {
  /** How long; without it until the capture stops or the signal comes. */
  readonly seconds?: number | undefined;
  /** Ends the recording early; the file is complete all the same. */
  readonly signal?: AbortSignal | undefined;
  /** After each piece of sound. */
  readonly onProgress?: ((progress: RecordProgress) => void) | undefined;
}

export interface RecordProgress {
  readonly seconds: number;
  readonly bytes: number;
}

export interface RecordSummary extends WavSummary {
  /** Places where sound is missing. */
  readonly gaps: number;
}

/** Records sound into a WAV file (RF64 past 4 GiB). The capture goes on running. */
export async function recordWav(
  capture: AudioSource,
  file: string | URL,
  options: RecordOptions = {},
): Promise<RecordSummary> {
  await using sink = await openFileSink(file);
  const writer = new WavWriter(sink, capture.format);
  const gaps = await writeSound(capture, writer, options);
  return { ...await writer.finish(), gaps };
}

/** Writes sound until it is enough; resolves to the number of gaps. */
export async function writeSound(
  capture: AudioSource,
  writer: WavWriter,
  options: RecordOptions,
): Promise<number> {
  const { sampleRate, channelCount, format } = writer.format;
  const wanted = options.seconds === undefined
    ? Infinity
    : Math.round(options.seconds * sampleRate);
  const frames = capture[Symbol.asyncIterator]();
  const stop = () => void frames.return?.();
  options.signal?.addEventListener("abort", stop);
  let gaps = 0;
  try {
    while (writer.numberOfFrames < wanted && !options.signal?.aborted) {
      const { done, value } = await frames.next();
      if (done) break;
      using audio = value;
      if (audio.sampleRate !== sampleRate || audio.numberOfChannels !== channelCount) {
        throw new MiniAVError("FORMAT_NOT_SUPPORTED", {
          operation: "recordWav",
          detail: "the format changed while recording",
        });
      }
      if (audio.discontinuity && writer.numberOfFrames > 0) gaps++;
      const left = (wanted - writer.numberOfFrames) * channelCount * bytesPerSample(format);
      const { data } = audio;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      await writer.write(left < bytes.byteLength ? bytes.subarray(0, left) : bytes);
      options.onProgress?.({ seconds: writer.seconds, bytes: writer.bytes });
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await frames.return?.();
  }
  return gaps;
}
