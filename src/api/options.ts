/** Options that become properties of a context before it is configured. */

import type { PropertyEntry } from "./session.ts";
import type { AudioCaptureOptions, CaptureOptions } from "./types.ts";

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
