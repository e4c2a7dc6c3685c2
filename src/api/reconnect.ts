/** Pauses between tries to open a lost device again. */

import { currentRuntime, LONGEST_TIMER_MS } from "../ffi/mod.ts";
import { describeValue, invalidOption, requireMilliseconds } from "./options.ts";
import type { ReconnectOptions } from "./types.ts";

const FIRST_MS = 250;
const LONGEST_MS = 5000;

/** Milliseconds before a try; the first is number 1. */
export function backoff(attempt: number, options: ReconnectOptions): number {
  const first = options.delay ?? FIRST_MS;
  const longest = Math.min(options.maximumDelay ?? LONGEST_MS, LONGEST_TIMER_MS);
  return Math.min(first * 2 ** Math.min(attempt - 1, 30), longest);
}

/** The options of a reconnect; null: there is none. */
export function reconnectOptions(
  operation: string,
  reconnect: boolean | ReconnectOptions | undefined,
): ReconnectOptions | null {
  if (reconnect === true) return {};
  if (!reconnect) return null;
  const { delay = FIRST_MS, maximumDelay = LONGEST_MS, attempts = Infinity } = reconnect;
  requireMilliseconds(operation, delay, "reconnect.delay");
  requireMilliseconds(operation, maximumDelay, "reconnect.maximumDelay");
  if (!(typeof attempts === "number" && attempts >= 0)) {
    const detail = `reconnect.attempts is a number of tries, not ${describeValue(attempts)}`;
    throw invalidOption(operation, detail);
  }
  return { delay, maximumDelay, attempts };
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
