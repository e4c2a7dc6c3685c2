/** Recordings: what a capture gives, into a file that is whole whatever ends it. */

import { isCompressed, MiniAVError, now, WavWriter, writeSound, Y4mWriter } from "../mod.ts";
import type { AudioFormat, AudioSource, ByteSink, CaptureStats, VideoFormat } from "../mod.ts";
import { CommandError } from "./failure.ts";
import type { Output } from "./output.ts";
import { ReaderGone } from "./output.ts";
import type { Progress } from "./progress.ts";
import { formatBytes, formatTime } from "./terminal.ts";
import type { VideoSource } from "./sources.ts";
import { Watchdog } from "./watchdog.ts";

export interface RecordingOptions {
  /** How long; without it until the signal. */
  readonly seconds: number | undefined;
  /** Ends the recording; the file is complete. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** How long nothing may come before that is a failure. */
  readonly silenceLimitMs?: number;
}

/** How long after the end of a recording in which nothing changed a last picture may still come. */
export const LAST_PICTURE_MS = 300;

/** A reader of a stream waits no longer than this for sound that is there. */
export const FLUSH_INTERVAL_MS = 100;

// -- sound ----------------------------------------------------------------------------------

/** What of an audio capture a recording uses. */
export interface SoundSource extends AudioSource {
  stats(): CaptureStats;
}

export interface SoundSummary {
  readonly format: AudioFormat;
  readonly seconds: number;
  readonly bytes: number;
  /** Places where sound was lost. */
  readonly gaps: number;
  /** Seconds of silence in their place. */
  readonly silence: number;
  readonly dropped: number;
}

/** A finished recording, for people. `dropped` is not known of sound that came along with pictures. */
export function soundText(
  { format, seconds, bytes, gaps, silence, dropped }:
    & Omit<SoundSummary, "dropped">
    & Partial<SoundSummary>,
): string {
  const { sampleRate, channelCount } = format;
  return [
    formatTime(seconds),
    `${sampleRate} Hz, ${channelCount} ${
      channelCount === 1 ? "channel" : "channels"
    }, ${format.format}`,
    formatBytes(bytes),
    ...(dropped === undefined ? [] : [`${dropped} dropped`]),
    ...(gaps === 0 ? [] : [`${gaps} gaps, ${silence.toFixed(3)} s of silence in their place`]),
  ].join(", ");
}

/** Records sound as WAV. A failure leaves what came before it, as a whole file. */
export async function recordSound(
  source: SoundSource,
  output: Output,
  options: RecordingOptions,
): Promise<SoundSummary> {
  const writer = new WavWriter(output, source.format);
  const watchdog = new Watchdog(options.signal, options.silenceLimitMs);
  let flushed = performance.now();
  try {
    const lost = await writeSound(source, writer, {
      seconds: options.seconds,
      signal: watchdog.signal,
      onProgress: async ({ seconds, bytes }) => {
        watchdog.feed();
        options.onProgress({ seconds, bytes, dropped: source.stats().dropped });
        if (!output.isStream || performance.now() - flushed < FLUSH_INTERVAL_MS) return;
        flushed = performance.now();
        await writer.flush();
      },
    });
    watchdog.throwIfStarved();
    const { dropped } = source.stats();
    const { seconds, bytes } = await writer.finish();
    return { format: source.format, seconds, bytes, ...lost, dropped };
  } catch (error) {
    await rescueSound(writer, output, error);
    throw error;
  } finally {
    watchdog.stop();
  }
}

/** Makes a whole file of what is there; the first failure is the one to tell. */
export async function rescueSound(
  writer: WavWriter,
  output: Output,
  failure: unknown,
): Promise<void> {
  if (failure instanceof ReaderGone) return;
  const diskFailed = failure instanceof CommandError && failure.code !== "TIMEOUT";
  try {
    if (diskFailed) await output.truncate((await writer.finishShort(output.written)).bytes);
    else if (writer.numberOfFrames > 0) await writer.finish();
  } catch {
    // The disk does not take the sizes either; readers then go by the length of the file.
  }
}

// -- pictures -------------------------------------------------------------------------------

export interface PictureSummary {
  readonly format: VideoFormat;
  readonly frames: number;
  readonly seconds: number;
  readonly rate: number;
  readonly bytes: number;
  readonly chroma: string;
  readonly repeated: number;
  readonly skipped: number;
  readonly dropped: number;
}

/** A finished recording, for people. */
export function pictureText(summary: PictureSummary): string {
  const { format, frames, seconds, rate, bytes, chroma, repeated, skipped, dropped } = summary;
  return [
    `${formatTime(seconds)}, ${frames} pictures at ${Number(rate.toFixed(3))} fps`,
    `${format.width}x${format.height} ${format.format} as ${chroma}`,
    formatBytes(bytes),
    `${dropped} dropped`,
    `${repeated} repeated`,
    `${skipped} left out`,
  ].join(", ");
}

export interface PictureOptions extends RecordingOptions {
  /** What RGB becomes. */
  readonly chroma: "420" | "444";
  /** A source that sends nothing while nothing changes: a screen. */
  readonly mayRest: boolean;
}

/** The rate of a file whose source has none of its own. */
const DEFAULT_RATE = [30, 1] as const;

/** Records pictures as Y4M. A failure leaves what came before it, as a whole file. */
export async function recordPictures(
  source: VideoSource,
  output: Output,
  options: PictureOptions,
): Promise<PictureSummary> {
  const format = source.video;
  const { writer, complete } = pictureWriter(format, output, options);
  const watchdog = new Watchdog(options.signal, options.silenceLimitMs);
  try {
    await writePictures(source, writer, watchdog, options);
    watchdog.throwIfStarved();
  } catch (error) {
    // A screen that stood still until it was lost or resized: its last picture was to be seen. A
    // file that takes no more is another matter.
    const stoodStill = options.mayRest && error instanceof MiniAVError;
    if (stoodStill) await writer.fillUntil(now()).catch(() => {});
    await output.truncate(complete.bytes).catch(() => {});
    throw error;
  } finally {
    watchdog.stop();
  }
  return pictureSummary(format, writer, source.stats().dropped);
}

/** What writes a file of such pictures. */
export function pictureWriter(
  format: VideoFormat,
  output: Output,
  { seconds, chroma }: Pick<PictureOptions, "seconds" | "chroma">,
): { readonly writer: Y4mWriter; readonly complete: CompletePictures } {
  if (isCompressed(format.format)) throw compressedError(format);
  const rate = rateOf(format);
  const maximumFrames = seconds === undefined
    ? undefined
    : Math.max(1, Math.round((seconds * rate[0]) / rate[1]));
  const complete = new CompletePictures(output);
  return { writer: new Y4mWriter(complete, rate, { chroma, maximumFrames }), complete };
}

function rateOf({ frameRate, frameRateFraction }: VideoFormat): readonly [number, number] {
  return frameRate > 0 ? frameRateFraction : DEFAULT_RATE;
}

export function pictureSummary(
  format: VideoFormat,
  writer: Y4mWriter,
  dropped: number,
): PictureSummary {
  const { numberOfFrames, seconds, bytes, chroma, repeated, skipped } = writer.summary;
  if (numberOfFrames === 0) throw new CommandError("it ended before a picture came");
  const [numerator, denominator] = rateOf(format);
  const rate = numerator / denominator;
  return {
    format,
    frames: numberOfFrames,
    seconds,
    rate,
    bytes,
    chroma,
    repeated,
    skipped,
    dropped,
  };
}

async function writePictures(
  source: VideoSource,
  writer: Y4mWriter,
  watchdog: Watchdog,
  options: PictureOptions,
): Promise<void> {
  const frames = source[Symbol.asyncIterator]();
  const stop = () => void frames.return?.();
  let end: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  watchdog.signal.addEventListener("abort", stop);
  try {
    while (!writer.full && !watchdog.signal.aborted) {
      const { done, value } = await frames.next();
      if (done) break;
      watchdog.feed();
      let written: Promise<void>;
      {
        using frame = value;
        if (end === null && options.seconds !== undefined) {
          end = frame.timestamp + options.seconds * 1e6;
          timer = setTimeout(stop, options.seconds * 1000 + LAST_PICTURE_MS);
        }
        written = writer.write(frame);
      }
      // After the first picture a screen may rest as long as it likes.
      if (options.mayRest) watchdog.rest();
      await written;
      const { seconds, bytes } = writer.summary;
      options.onProgress({ seconds, bytes, dropped: source.stats().dropped });
    }
    await writer.fillUntil(Math.min(end ?? Infinity, now()));
  } finally {
    clearTimeout(timer);
    watchdog.signal.removeEventListener("abort", stop);
    await frames.return?.();
  }
}

/** Knows where the last whole picture ends. */
export class CompletePictures implements ByteSink {
  bytes = 0;
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#output.write(bytes);
    this.bytes += bytes.byteLength;
  }
}

function compressedError({ format }: VideoFormat): CommandError {
  return new CommandError(`Y4M holds raw pictures, and these are ${format}`, {
    code: "FORMAT_NOT_SUPPORTED",
    hint: "Choose a raw format with --format; miniav formats DEVICE lists what there is.",
  });
}
