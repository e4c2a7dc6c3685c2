/** One native context from creation to destruction: what a capture holds while its device lasts. */

import {
  allocate,
  CaptureStatsLayout,
  leaseSource,
  library,
  retryPinned,
  statsAt,
  unwrap,
  waiter,
} from "../ffi/mod.ts";
import { ResultCode } from "../ffi/mod.ts";
import type {
  Handle,
  LeaseSource,
  Native,
  NativeEvent,
  NativeStats,
  OperationOptions,
} from "../ffi/mod.ts";
import type { KindName } from "./kinds.ts";
import { writeProperty } from "./properties.ts";
import type { Properties, PropertyName } from "./properties.ts";
import { afterEnd } from "./stats.ts";

/** How one kind configures and starts a context. */
export interface SessionPlan<Format> {
  readonly kind: KindName;
  /** "Camera.open", for errors. */
  readonly operation: string;
  /** `Camera "test:bars"`, for warnings. */
  readonly name: string;
  /** Set on the fresh context, in order. */
  readonly early: readonly PropertyEntry[];
  /** Set on the configured context, before it starts. */
  readonly late: readonly PropertyEntry[];
  configure(native: Native, waiter: Handle, token: Handle, context: Handle): number;
  start(native: Native, waiter: Handle, token: Handle, context: Handle): number;
  readFormat(native: Native, context: Handle): Format;
  /** What is lost is not opened again: its id may mean something else by then. */
  readonly isFinal?: boolean;
  /** Throws when what was started is not what was asked for; `started` may say why. */
  check?(format: Format, started: NativeEvent): void;
}

export interface PropertyEntry {
  readonly name: PropertyName;
  readonly value: Properties[PropertyName];
}

/** A running context. */
export interface Session<Format> {
  readonly handle: Handle;
  readonly source: LeaseSource;
  /** What came when it started. */
  readonly format: Format;
  stats(): NativeStats;
  /** Stops and destroys; resolves to the last counters. Bounded by the library. */
  end(): Promise<NativeStats>;
}

/** Creates, configures and starts a context, or leaves nothing behind. */
export async function openSession<Format>(
  plan: SessionPlan<Format>,
  onEvent: (event: NativeEvent) => void,
  options: OperationOptions,
): Promise<Session<Format>> {
  const { native, runtime } = library();
  const loop = waiter();
  const memory = allocate(8);
  unwrap(native[`MiniAV_${plan.kind}_CreateContext`](memory.bytes), plan.operation);
  const handle = runtime.handleAt(memory.view, 0);
  const run = (begin: (waiter: Handle, token: Handle) => number) =>
    loop.operation(plan.operation, begin, options);
  try {
    loop.add(handle, onEvent);
    for (const { name, value } of plan.early) writeProperty(plan.kind, handle, name, value);
    await run((waiter, token) => plan.configure(native, waiter, token, handle));
    for (const { name, value } of plan.late) writeProperty(plan.kind, handle, name, value);
    const started = await run((waiter, token) => plan.start(native, waiter, token, handle));
    const format = plan.readFormat(native, handle);
    plan.check?.(format, started);
    return session(plan, handle, format);
  } catch (error) {
    await destroy(plan.kind, handle);
    throw error;
  }
}

function session<Format>(
  plan: SessionPlan<Format>,
  handle: Handle,
  format: Format,
): Session<Format> {
  const { native } = library();
  const { kind } = plan;
  const source = leaseSource(plan.name);
  let known = statsAt(allocate(CaptureStatsLayout.size));
  let last: NativeStats | null = null;
  // Destroying invalidates the handle at once, and takes a while: until then the last counters hold.
  const stats = () => last === null ? known = readStats(kind, handle) : afterEnd(last, source);
  let ending: Promise<NativeStats> | null = null;
  const end = async () => {
    try {
      await waiter().operation(
        `${plan.operation}: stop`,
        (waiter, token) => native[`MiniAV_${kind}_StopCaptureAsync`](waiter, token, handle),
      ).catch(ignoreStopped);
      retryPinned();
      source.stopped = true;
      return last = stats();
    } catch (error) {
      ignoreStopped(error);
      return last = known;
    } finally {
      await destroy(kind, handle);
    }
  };
  return { handle, source, format, stats, end: () => ending ??= end() };
}

/** A capture that was lost, or whose library was disposed of, needs no stop. */
function ignoreStopped(error: unknown): void {
  const code = (error as { code?: unknown }).code;
  if (code !== "NOT_RUNNING" && code !== "INVALID_HANDLE" && code !== "NOT_INITIALIZED") {
    throw error;
  }
}

async function destroy(kind: KindName, handle: Handle): Promise<void> {
  const { native } = library();
  const loop = waiter();
  try {
    await loop.operation(
      `MiniAV_${kind}_DestroyContext`,
      (waiter, token) => native[`MiniAV_${kind}_DestroyContextAsync`](waiter, token, handle),
    ).catch(ignoreStopped);
  } finally {
    loop.forget(handle);
  }
}

function readStats(kind: KindName, handle: Handle): NativeStats {
  const memory = allocate(CaptureStatsLayout.size);
  const code = library().native[`MiniAV_${kind}_GetStats`](handle, memory.bytes);
  if (code !== ResultCode.SUCCESS) unwrap(code, "stats");
  return statsAt(memory);
}
