/** Pauses between tries to open a lost device again. */

import { currentRuntime } from "../ffi/mod.ts";
import type { ReconnectOptions } from "./types.ts";

const FIRST_MS = 250;
const LONGEST_MS = 5000;

/** Milliseconds before a try; the first is number 1. */
export function backoff(attempt: number, options: ReconnectOptions): number {
  const first = options.delay ?? FIRST_MS;
  return Math.min(first * 2 ** Math.min(attempt - 1, 30), options.maximumDelay ?? LONGEST_MS);
}

/** Resolves after a while, or at once when the signal comes; keeps nothing alive. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      timer.clear();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = currentRuntime().backgroundTimer(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
