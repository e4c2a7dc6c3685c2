/** Options: which there are, and those that become properties of a context. */

import { MiniAVError } from "../ffi/mod.ts";
import type { PropertyEntry } from "./session.ts";
import type {
  AudioCaptureOptions,
  CaptureOptions,
  VideoCaptureOptions,
  WaitOptions,
} from "./types.ts";

/** How many buffers are kept, and which. */
export function queueEntries({ queue, latest }: CaptureOptions): PropertyEntry[] {
  const entries: PropertyEntry[] = [];
  if (queue !== undefined) entries.push({ name: "queueCapacity", value: queue });
  if (latest !== undefined) entries.push({ name: "queueLatest", value: latest });
  return entries;
}

/** Buffers of sound are short: with 16 of them a pause of 160 ms would lose some. */
const AUDIO_QUEUE = 64;

/** The same, and how long a buffer of sound is. */
export function audioEntries(options: AudioCaptureOptions): PropertyEntry[] {
  const queue = options.queue ?? AUDIO_QUEUE;
  return [...queueEntries({ ...options, queue }), ...chunkEntries(options)];
}

/** How long a buffer of sound is. */
export function chunkEntries(options: { readonly chunkMs?: number | undefined } | null) {
  const entries: PropertyEntry[] = [];
  if (options?.chunkMs !== undefined) {
    entries.push({ name: "chunkDuration", value: Math.round(options.chunkMs * 1000) });
  }
  return entries;
}

/** A name of every member of a type, no more and no less. */
export type Names<T> = Readonly<Record<keyof T, true>>;

const WAITING: Names<WaitOptions> = { signal: true, timeout: true };

const CAPTURE: Names<CaptureOptions> = {
  ...WAITING,
  latest: true,
  queue: true,
  access: true,
  reconnect: true,
};

/** The options of every video source. */
export const VIDEO_OPTION_NAMES: Names<VideoCaptureOptions> = {
  ...CAPTURE,
  width: true,
  height: true,
  format: true,
  frameRate: true,
  output: true,
};

/** The options of every audio source. */
export const AUDIO_OPTION_NAMES: Names<AudioCaptureOptions> = {
  ...CAPTURE,
  sampleRate: true,
  channelCount: true,
  format: true,
  chunkMs: true,
};

/** INVALID_ARG: the options are no object, or one of them does not exist. */
export function requireKnownOptions(
  operation: string,
  options: unknown,
  known: Readonly<Record<string, true>>,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidOption(operation, `the options are an object, not ${describeValue(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw invalidOption(
      operation,
      `there is no option "${name.slice(0, 40)}"`,
      `There are ${Object.keys(known).join(", ")}.`,
    );
  }
}

/** INVALID_ARG, with what is wrong and what to do. */
export function invalidOption(operation: string, detail: string, hint = ""): MiniAVError {
  return new MiniAVError("INVALID_ARG", { operation, detail, hint });
}

/** A value as an error shows it: short, and telling "4" from 4. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}
