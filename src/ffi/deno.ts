/** The adapter for Deno. It declares the part of Deno that it uses, so that it checks anywhere. */

import { parametersOf, SYMBOLS } from "./symbols.ts";
import type { Handle, Native, ParameterType, SymbolName } from "./symbols.ts";
import type { CallbackShape, Demand, NativeCallback, Platform, Runtime, Wake } from "./adapter.ts";

type DenoPointer = object | null;

interface DenoForeignFunction {
  readonly name?: string;
  readonly parameters: readonly string[];
  readonly result: string;
  readonly nonblocking?: boolean;
}

interface DenoCallback {
  readonly pointer: DenoPointer;
  unref(): number;
  close(): void;
}

interface DenoApi {
  readonly build: { readonly os: string; readonly arch: string };
  readonly env: { get(name: string): string | undefined };
  readonly permissions: {
    querySync(descriptor: { name: string; path?: string; variable?: string }): { state: string };
  };
  readonly UnsafePointer: {
    create(address: bigint): DenoPointer;
    value(pointer: DenoPointer): bigint;
  };
  readonly UnsafePointerView: {
    getArrayBuffer(pointer: DenoPointer, bytes: number): ArrayBuffer;
  };
  readonly UnsafeCallback: {
    threadSafe(
      definition: { parameters: readonly string[]; result: string },
      callback: (...args: readonly (DenoPointer | number | bigint)[]) => void,
    ): DenoCallback;
  };
  dlopen(
    path: string,
    symbols: Readonly<Record<string, DenoForeignFunction>>,
  ): { readonly symbols: Readonly<Record<string, unknown>> };
  readTextFileSync(path: string): string;
  unrefTimer(id: number): void;
}

const TYPES: Readonly<Record<ParameterType, string>> = {
  handle: "u64",
  address: "u64",
  buffer: "buffer",
  text: "buffer",
  // Function pointers as numbers: "function" would need the permission that fill mode does without.
  function: "u64",
  pointer: "u64",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  usize: "usize",
};

/** The second declaration of WaitAny, which runs on Deno's blocking pool. */
const PARKED_WAIT = "parkedWaitAny";
/** A parked wait holds the exit of the process for as long as it lasts. */
const PARKED_WAIT_MS = 500;
const FRAMES_POLL_MS = 10;
const EVENTS_POLL_MS = 100;

type ParkedWait = (waiter: Handle, timeoutMs: number) => Promise<number>;

export function denoRuntime(): Runtime | null {
  const api = (globalThis as unknown as { Deno?: DenoApi }).Deno;
  if (api === undefined || typeof api.dlopen !== "function") return null;
  const granted = (name: string, details: { path?: string; variable?: string } = {}): boolean =>
    api.permissions.querySync({ name, ...details }).state === "granted";
  const parkedWaits = new WeakMap<Native, ParkedWait>();
  return {
    name: "deno",
    platform: platformOf(api),
    leaseDenied: granted("ffi") ? null : "this process has --allow-ffi only for certain paths",
    environment(name) {
      return granted("env", { variable: name }) ? api.env.get(name) ?? null : null;
    },
    readText(path) {
      if (!granted("read", { path })) return null;
      try {
        return api.readTextFileSync(path);
      } catch {
        return null;
      }
    },
    cannotOpen(path) {
      return granted("ffi", { path }) ? null : `not permitted: run with --allow-ffi=${path}`;
    },
    open(path) {
      const { symbols } = api.dlopen(path, declarations());
      const native = withNullPointers(symbols as unknown as Native);
      parkedWaits.set(native, symbols[PARKED_WAIT] as ParkedWait);
      return native;
    },
    handleAt: (view, offset) => view.getBigUint64(offset, true),
    setHandleAt: (view, offset, handle) => view.setBigUint64(offset, BigInt(handle), true),
    toHandle: (value) => BigInt(value),
    view(address, bytes) {
      const pointer = api.UnsafePointer.create(BigInt(address));
      return api.UnsafePointerView.getArrayBuffer(pointer, bytes);
    },
    createWake(native, waiter, onWake) {
      const wait = parkedWaits.get(native);
      if (wait === undefined) throw new Error("this library was not opened here");
      return createWake(api, native, wait, waiter, onWake);
    },
    createCallback: (shape, callback) => createCallback(api, shape, callback),
    backgroundTimer(callback, milliseconds) {
      const id = setTimeout(callback, milliseconds) as unknown as number;
      api.unrefTimer(id);
      return { clear: () => clearTimeout(id) };
    },
  };
}

function platformOf(api: DenoApi): Platform {
  const { os, arch } = api.build;
  return {
    os: os === "darwin" ? "macos" : os === "windows" ? "windows" : "linux",
    cpu: arch === "aarch64" ? "arm64" : "x64",
  };
}

function declarations(): Record<string, DenoForeignFunction> {
  const table: Record<string, DenoForeignFunction> = {};
  for (const name of Object.keys(SYMBOLS) as SymbolName[]) {
    table[name] = {
      parameters: parametersOf(name).map(({ type }) => TYPES[type]),
      result: SYMBOLS[name][0] === "code" ? "i32" : "u64",
    };
  }
  table[PARKED_WAIT] = {
    name: "MiniAV_WaitAny",
    parameters: parametersOf("MiniAV_WaitAny").map(({ type }) => TYPES[type]),
    result: "i32",
    nonblocking: true,
  };
  return table;
}

/** Function pointers travel as numbers; where the table has one, null becomes 0. */
function withNullPointers(symbols: Native): Native {
  const calls: Record<string, unknown> = { ...symbols };
  for (const name of Object.keys(SYMBOLS) as SymbolName[]) {
    const types = parametersOf(name).map(({ type }) => type);
    if (!types.some((type) => type === "function" || type === "pointer")) continue;
    const call = symbols[name] as (...args: unknown[]) => unknown;
    calls[name] = (...args: unknown[]) =>
      call(
        ...args.map((value, index) =>
          value === null && (types[index] === "function" || types[index] === "pointer") ? 0n : value
        ),
      );
  }
  return calls as unknown as Native;
}

/**
 * One wait parked on the blocking pool while somebody waits; a timer that keeps nothing alive
 * otherwise. The pool has 32 threads and is shared with file access: never more than one.
 */
function createWake(
  api: DenoApi,
  native: Native,
  wait: ParkedWait,
  waiter: Handle,
  onWake: () => void,
): Wake {
  let demand: Demand = "none";
  let parked = false;
  let closed = false;
  let timer: number | undefined;

  const park = async () => {
    parked = true;
    while (!closed && demand === "active") {
      await wait(waiter, PARKED_WAIT_MS);
      // Also when it failed: then the events say why, and close this.
      if (!closed) onWake();
    }
    parked = false;
    poll();
  };
  const poll = () => {
    if (closed || parked || timer !== undefined || demand === "none" || demand === "active") return;
    timer = setTimeout(() => {
      timer = undefined;
      if (!closed && !parked && demand !== "none") onWake();
      poll();
    }, demand === "frames" ? FRAMES_POLL_MS : EVENTS_POLL_MS) as unknown as number;
    api.unrefTimer(timer);
  };
  const stopPolling = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    demand(next) {
      if (closed || next === demand) return;
      const faster = demand === "events" && next === "frames";
      demand = next;
      if (next === "active") {
        if (!parked) void park();
      } else if (parked) native.MiniAV_WaiterKick(waiter);
      else if (next === "none" || faster) stopPolling();
      poll();
    },
    close() {
      closed = true;
      stopPolling();
      if (parked) native.MiniAV_WaiterKick(waiter);
    },
  };
}

function createCallback(
  api: DenoApi,
  shape: CallbackShape,
  callback: (...args: readonly (Handle | number)[]) => void,
): NativeCallback {
  const types = shape.parameters.map((type) => type === "address" ? "pointer" : type);
  const native = api.UnsafeCallback.threadSafe(
    {
      parameters: types.map((type) => type === "handle" ? "u64" : type),
      result: "void",
    },
    (...args) =>
      callback(
        ...args.map((value, index) =>
          types[index] === "pointer"
            ? api.UnsafePointer.value(value as DenoPointer)
            : value as number | bigint
        ),
      ),
  );
  return {
    pointer: api.UnsafePointer.value(native.pointer),
    unref: () => void native.unref(),
    close: () => native.close(),
  };
}
