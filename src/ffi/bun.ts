/** The adapter for Bun. It declares the part of Bun that it uses, so that it checks anywhere. */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { ResultCode } from "./layout.gen.ts";
import { allocate } from "./memory.ts";
import { parametersOf, SYMBOLS } from "./symbols.ts";
import type { Handle, Native, ParameterType, SymbolName } from "./symbols.ts";
import type { CallbackShape, NativeCallback, Platform, Runtime, Wake } from "./adapter.ts";
import { errorFrom, MiniAVError, unwrap } from "./errors.ts";

interface BunForeignFunction {
  readonly args: readonly string[];
  readonly returns: string;
}

interface BunCallback {
  readonly ptr: number | null;
  close(): void;
}

interface BunFfi {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, BunForeignFunction>>,
  ): { readonly symbols: Readonly<Record<string, unknown>> };
  toArrayBuffer(address: number, offset: number, bytes: number): ArrayBuffer;
  readonly JSCallback: new (
    callback: (...args: readonly number[]) => void,
    definition: { args: readonly string[]; returns: string; threadsafe: boolean },
  ) => BunCallback;
}

interface BunSocket {
  ref(): void;
  unref(): void;
  end(): void;
}

interface BunApi {
  readonly isMainThread: boolean;
  connect(options: {
    fd: number;
    socket: {
      open(socket: BunSocket): void;
      data(socket: BunSocket): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): Promise<BunSocket>;
}

const TYPES: Readonly<Record<ParameterType, string>> = {
  handle: "u64",
  address: "u64",
  buffer: "ptr",
  text: "ptr",
  function: "ptr",
  pointer: "ptr",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  usize: "u64",
};

export function bunRuntime(): Runtime | null {
  const api = (globalThis as unknown as { Bun?: BunApi }).Bun;
  if (api === undefined) return null;
  let ffi: BunFfi | undefined;
  const loadFfi = (): BunFfi => {
    // Not an import: no other runtime's module graph may see this name.
    ffi ??= createRequire(import.meta.url)("bun:ffi") as BunFfi;
    return ffi;
  };
  const platform = platformOf();
  return {
    name: "bun",
    platform,
    leaseDenied: null,
    environment: (name) => process.env[name] ?? null,
    readText(path) {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return null;
      }
    },
    cannotOpen: (path) => existsSync(path) ? null : "no such file",
    open: (path) => loadFfi().dlopen(path, declarations()).symbols as unknown as Native,
    handleAt: (view, offset) =>
      view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x1_0000_0000,
    setHandleAt(view, offset, handle) {
      const value = Number(handle);
      view.setUint32(offset, value % 0x1_0000_0000, true);
      view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
    },
    toHandle: (value) => Number(value),
    view: (address, bytes) => loadFfi().toArrayBuffer(Number(address), 0, bytes),
    createWake(native, waiter, onWake) {
      if (platform.os !== "windows") return createSocketWake(api, native, waiter, onWake);
      return createCallbackWake(api, loadFfi(), native, waiter, onWake);
    },
    createCallback: (shape, callback) => createCallback(loadFfi(), shape, callback),
    backgroundTimer(callback, milliseconds) {
      const timer = setTimeout(callback, milliseconds);
      (timer as unknown as { unref(): void }).unref();
      return { clear: () => clearTimeout(timer) };
    },
  };
}

function platformOf(): Platform {
  return {
    os: process.platform === "darwin"
      ? "macos"
      : process.platform === "win32"
      ? "windows"
      : "linux",
    cpu: process.arch === "arm64" ? "arm64" : "x64",
  };
}

function declarations(): Record<string, BunForeignFunction> {
  const table: Record<string, BunForeignFunction> = {};
  for (const name of Object.keys(SYMBOLS) as SymbolName[]) {
    table[name] = {
      args: parametersOf(name).map(({ type }) => TYPES[type]),
      returns: SYMBOLS[name][0] === "code" ? "i32" : "ptr",
    };
  }
  return table;
}

/** Bun has no call that waits elsewhere: one byte on a socket of its own event loop wakes it. */
function createSocketWake(
  api: BunApi,
  native: Native,
  waiter: Handle,
  onWake: () => void,
): Wake {
  const memory = allocate(4);
  unwrap(native.MiniAV_WaiterFd(waiter, memory.bytes), "MiniAV_WaiterFd");
  let socket: BunSocket | undefined;
  let keepAlive = false;
  let closed = false;
  const apply = () => {
    if (closed) socket?.end();
    else if (keepAlive) socket?.ref();
    else socket?.unref();
  };
  const adopt = (opened: BunSocket) => {
    socket = opened;
    apply();
  };
  const wake = () => {
    if (closed) return;
    native.MiniAV_WaitAny(waiter, 0);
    onWake();
  };
  api.connect({
    fd: memory.view.getInt32(0, true),
    // The other end closes only when the library is disposed of.
    socket: { open: adopt, data: wake, close: wake, error: wake },
  }).then(wake, (error) => {
    throw new MiniAVError("SYSTEM_CALL_FAILED", {
      operation: "Bun.connect",
      detail: String(error),
    });
  });
  return {
    demand(demand) {
      keepAlive = demand === "active";
      apply();
    },
    close() {
      closed = true;
      apply();
    },
  };
}

/**
 * Windows: one wake-only callback for each isolate. It is never closed, because a posted call may
 * still be on its way; and a Worker cannot have one, because it would end under it.
 */
function createCallbackWake(
  api: BunApi,
  ffi: BunFfi,
  native: Native,
  waiter: Handle,
  onWake: () => void,
): Wake {
  if (!api.isMainThread) {
    throw new MiniAVError("NOT_SUPPORTED", {
      operation: "capture in a Worker",
      hint: "Bun on Windows can capture on its main thread only.",
    });
  }
  let closed = false;
  let timer: ReturnType<typeof setInterval> | undefined;
  const callback = new ffi.JSCallback(() => {
    if (closed) return;
    native.MiniAV_WaitAny(waiter, 0);
    onWake();
  }, { args: ["ptr"], returns: "void", threadsafe: true });
  const code = native.MiniAV_WaiterSetWake(waiter, callback.ptr, null);
  if (code !== ResultCode.SUCCESS) throw errorFrom(code, "MiniAV_WaiterSetWake");
  return {
    demand(demand) {
      if (demand === "active") timer ??= setInterval(() => {}, 1 << 30);
      else {
        clearInterval(timer);
        timer = undefined;
      }
    },
    close() {
      closed = true;
      clearInterval(timer);
      native.MiniAV_WaiterSetWake(waiter, null, null);
    },
  };
}

function createCallback(
  ffi: BunFfi,
  shape: CallbackShape,
  callback: (...args: readonly (Handle | number)[]) => void,
): NativeCallback {
  const native = new ffi.JSCallback((...args) => callback(...args.map((value) => value ?? 0)), {
    args: shape.parameters.map((type) => type === "address" || type === "handle" ? "ptr" : type),
    returns: "void",
    threadsafe: true,
  });
  return { pointer: native.ptr, unref: () => {}, close: () => native.close() };
}
