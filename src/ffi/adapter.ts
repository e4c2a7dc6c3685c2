/** What an adapter of a runtime gives: the few primitives in which runtimes differ. */

import type { FunctionPointer, Handle, Native } from "./symbols.ts";

/** The machine. */
export interface Platform {
  readonly os: "linux" | "macos" | "windows";
  readonly cpu: "x64" | "arm64";
}

/**
 * How badly an isolate wants to be woken.
 * - `none`: not at all.
 * - `events`: now and then, without keeping the process alive.
 * - `frames`: soon, without keeping the process alive.
 * - `active`: at once, and the process stays alive for it.
 */
export type Demand = "none" | "events" | "frames" | "active";

/** What ends the sleep of an event loop when the library has something. */
export interface Wake {
  demand(demand: Demand): void;
  close(): void;
}

/** The shape of a C callback, in the types of the symbol table. */
export interface CallbackShape {
  readonly parameters: readonly ("address" | "i32" | "u32" | "handle")[];
}

/** A C function pointer that runs JavaScript. */
export interface NativeCallback {
  readonly pointer: FunctionPointer;
  /** Deno: lets the process end although the callback is open. */
  unref(): void;
  close(): void;
}

/** What this package asks of a runtime. */
export interface Runtime {
  readonly name: "deno" | "bun";
  readonly platform: Platform;
  /** What `view`, `createCallback` need and do not have, or null: what to say to a person. */
  readonly leaseDenied: string | null;
  /** Null when it is not set, or when this process may not look. */
  environment(name: string): string | null;
  /** The text of a small file; null when it is not there, or when this process may not look. */
  readText(path: string): string | null;
  /** Why `open` cannot work, without trying (and without a prompt); null when it may. */
  cannotOpen(path: string): string | null;
  /** Opens the library; never closed. Throws what the runtime throws. */
  open(path: string): Native;
  handleAt(view: DataView, offset: number): Handle;
  setHandleAt(view: DataView, offset: number, handle: Handle): void;
  /** A handle or another 64-bit value from an integer. */
  toHandle(value: number | bigint): Handle;
  /** Native memory as an ArrayBuffer that owns nothing. */
  view(address: Handle, bytes: number): ArrayBuffer;
  createWake(native: Native, waiter: Handle, onWake: () => void): Wake;
  createCallback(
    shape: CallbackShape,
    callback: (...args: readonly (Handle | number)[]) => void,
  ): NativeCallback;
  /** A timer that keeps nothing alive. */
  backgroundTimer(callback: () => void, milliseconds: number): { clear(): void };
}
