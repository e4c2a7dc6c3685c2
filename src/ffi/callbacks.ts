/**
 * C callbacks that run JavaScript, for those who want the C API as it is.
 *
 * Nothing of this package uses them, because a native thread that can still call JavaScript is a
 * hazard in both runtimes:
 * - Stop the capture (with an Async call: a synchronous stop waits for the callback, and the
 *   callback for this thread) and wait for its event before `close()`.
 * - Leaving the process, or the Worker, while a callback is open can crash it.
 * - Deno: the native thread waits until the JavaScript function has returned, and the callback keeps
 *   the process alive until `unref()` or `close()`. It needs `--allow-ffi` without a path.
 * - Bun: calls are queued without a bound and run later. What a pointer names may be gone by then:
 *   a MiniAVBuffer stays valid until it is released, the text of a log line does not. Keep the rate
 *   low. A throw in the function ends the process.
 */

import { currentRuntime } from "./runtime.ts";
import type { CallbackShape, NativeCallback } from "./adapter.ts";
import type { Handle } from "./symbols.ts";

const SHAPES = {
  /** MiniAVBufferCallback: the address of a MiniAVBuffer, user data. */
  buffer: { parameters: ["address", "address"] },
  /** MiniAVLogCallback: level, the address of the text, user data. */
  log: { parameters: ["i32", "address", "address"] },
  /** MiniAVDeviceChangeCallback: kind, the address of an id or 0, user data. */
  deviceChange: { parameters: ["i32", "address", "address"] },
  /** MiniAVContextLostCallback: context, reason, the address of the text, user data. */
  contextLost: { parameters: ["handle", "i32", "address", "address"] },
  /** MiniAVWakeCallback: user data. */
  wake: { parameters: ["address"] },
} as const satisfies Readonly<Record<string, CallbackShape>>;

/** The callback types of the C API. */
export type CallbackKind = keyof typeof SHAPES;

/** A function pointer for one of the callback types of the C API. Mind the dangers above. */
export function createCallback(
  kind: CallbackKind,
  callback: (...args: readonly (Handle | number)[]) => void,
): NativeCallback {
  return currentRuntime().createCallback(SHAPES[kind], callback);
}
