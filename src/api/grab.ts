/** One picture and goodbye. */

import { LONGEST_TIMER_MS, MiniAVError } from "../ffi/mod.ts";
import type { AnyFrame } from "./capture.ts";
import type { WaitOptions } from "./types.ts";
import type { CapturedVideoFrame } from "./video_frame.ts";

export interface GrabOptions extends WaitOptions {
  /** Pictures to pass over first, for a camera that still finds its exposure. Default 0. */
  readonly skip?: number | undefined;
}

/** Opens, waits for a picture, copies it, closes. */
export async function grabFrame(
  operation: string,
  open: () => Promise<AsyncIterable<AnyFrame> & AsyncDisposable & { stop(): Promise<void> }>,
  options: GrabOptions,
): Promise<CapturedVideoFrame> {
  const started = performance.now();
  const { signal, timeout } = options;
  await using capture = await open();
  let skip = options.skip ?? 0;
  let timedOut = false;
  const left = Math.max(0, (timeout ?? Infinity) - (performance.now() - started));
  const timer = left > LONGEST_TIMER_MS ? undefined : setTimeout(() => {
    timedOut = true;
    void capture.stop();
  }, left);
  const onAbort = () => void capture.stop();
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    for await (using frame of capture) {
      if (frame.type === "video" && !(skip-- > 0)) return frame.clone();
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
  signal?.throwIfAborted();
  throw new MiniAVError(timedOut ? "TIMEOUT" : "NOT_RUNNING", { operation });
}
