/**
 * The one loop of an isolate: it sleeps until the library has something, hands out events, and lets
 * the consumers that wait take their frames. There is no queue of frames here: a consumer that is
 * not waiting is not asked, and the ring in C does the dropping.
 */

import { setImmediate } from "node:timers";
import { EventLayout, EventType, ResultCode } from "./layout.gen.ts";
import { allocate } from "./memory.ts";
import { errorFrom, unwrap } from "./errors.ts";
import { eventAt } from "./events.ts";
import type { NativeEvent } from "./events.ts";
import { library } from "./load.ts";
import type { Library } from "./load.ts";
import { currentLogHandler, logLevelName, logLevelNumber, replaceLogHandler } from "./log.ts";
import type { LogHandler, LogLevelName } from "./log.ts";
import { Operations } from "./operations.ts";
import type { FreeList, OperationOptions } from "./operations.ts";
import type { Demand, Wake } from "./adapter.ts";
import type { Handle } from "./symbols.ts";

/** One consumer that waits for a frame. */
export interface Wait {
  /** Keeps the process alive while it waits. */
  ref: boolean;
  /** Tries again; true ends the wait. Must not throw. */
  attempt(): boolean;
}

/** Who wants to know of devices that come and go. */
export interface DeviceWatch {
  /** 1 << MiniAVKind each. */
  readonly kinds: number;
  ref: boolean;
  onEvent(event: NativeEvent): void;
}

export type ContextListener = (event: NativeEvent) => void;

/** Back-to-back frames longer than this yield to timers and other work. */
const TURN_MS = 4;
/** An idle waiter is given back after this long, with its descriptor or thread. */
const IDLE_MS = 250;
/** A level above ERROR: no lines. */
const LOG_OFF = 4;

interface Live {
  readonly handle: Handle;
  readonly wake: Wake;
}

export class Waiter {
  readonly #library: Library;
  readonly #eventMemory = allocate(EventLayout.size);
  readonly #operations = new Operations();
  readonly #contexts = new Map<Handle, ContextListener>();
  readonly #waits = new Set<Wait>();
  readonly #watches = new Set<DeviceWatch>();
  #live: Live | null = null;
  #demand: Demand = "none";
  #idle: { clear(): void } | null = null;
  #turnStarted = 0;

  constructor(opened: Library) {
    this.#library = opened;
  }

  // -- operations ---------------------------------------------------------------------------

  /**
   * Runs one Async call. `begin` gets this waiter and a token in the types of the symbol table;
   * `free` is what frees a list that comes too late.
   */
  async operation(
    name: string,
    begin: (waiter: Handle, token: Handle) => number,
    options: OperationOptions = {},
    free: FreeList | null = null,
  ): Promise<NativeEvent> {
    const { native, runtime } = this.#library;
    const { handle } = this.#open();
    const promise = this.#operations.run(
      name,
      (token) => begin(handle, runtime.toHandle(token)),
      (token) => void native.MiniAV_WaiterCancel(handle, runtime.toHandle(token)),
      (event) => {
        if (event.result === ResultCode.SUCCESS) free?.(native, event.list, event.count);
      },
      options,
    );
    // The first look arms the wake; without it nobody would be woken.
    this.#readEvents();
    this.#settle();
    try {
      return await promise;
    } finally {
      this.#settle();
    }
  }

  // -- contexts -----------------------------------------------------------------------------

  /** Joins a context; its events go to the listener. */
  add(context: Handle, listener: ContextListener): void {
    const { handle } = this.#open();
    unwrap(this.#library.native.MiniAV_WaiterAdd(handle, context), "MiniAV_WaiterAdd");
    this.#contexts.set(context, listener);
    this.#readEvents();
    this.#settle();
  }

  /** Forgets a context that is destroyed. */
  forget(context: Handle): void {
    this.#contexts.delete(context);
    this.#settle();
  }

  // -- consumers ----------------------------------------------------------------------------

  /** Asks `attempt` again whenever something came, until it says true. It has just said false. */
  wait(wait: Wait): void {
    this.#waits.add(wait);
    this.#settle();
  }

  /** Asks one wait now, because what it waits for changed on this side. */
  poke(wait: Wait): void {
    if (this.#waits.has(wait) && wait.attempt()) this.#waits.delete(wait);
    this.#settle();
  }

  /** A wait changed its `ref`. */
  refresh(): void {
    this.#settle();
  }

  /** Null while this turn of the event loop is young; otherwise the promise of a new one. */
  breathe(): Promise<void> | null {
    if (performance.now() - this.#turnStarted < TURN_MS) return null;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnStarted = performance.now();
        resolve();
      });
    });
  }

  // -- devices and log ----------------------------------------------------------------------

  watchDevices(watch: DeviceWatch): void {
    this.#watches.add(watch);
    try {
      this.#watchKinds();
    } catch (error) {
      this.#watches.delete(watch);
      throw error;
    }
    this.#readEvents();
    this.#settle();
  }

  unwatchDevices(watch: DeviceWatch): void {
    if (!this.#watches.delete(watch)) return;
    this.#watchKinds();
    this.#settle();
  }

  #watchKinds(): void {
    const { handle } = this.#open();
    let kinds = 0;
    for (const watch of this.#watches) kinds |= watch.kinds;
    const code = this.#library.native.MiniAV_WaiterWatchDevices(handle, kinds);
    unwrap(code, "MiniAV_WaiterWatchDevices");
  }

  setLogHandler(handler: LogHandler | null, level: LogLevelName): void {
    const { handle } = this.#open();
    const watched = handler === null ? LOG_OFF : logLevelNumber(level);
    const code = this.#library.native.MiniAV_WaiterWatchLog(handle, watched);
    unwrap(code, "setLogHandler");
    replaceLogHandler(handler);
    this.#readEvents();
    this.#settle();
  }

  // -- the loop -----------------------------------------------------------------------------

  #open(): Live {
    this.#idle?.clear();
    this.#idle = null;
    if (this.#live !== null) return this.#live;
    const { native, runtime } = this.#library;
    const memory = allocate(8);
    unwrap(native.MiniAV_CreateWaiter(memory.bytes), "MiniAV_CreateWaiter");
    const handle = runtime.handleAt(memory.view, 0);
    try {
      const wake = runtime.createWake(native, handle, () => this.#onWake());
      this.#live = { handle, wake };
    } catch (error) {
      native.MiniAV_DestroyWaiter(handle);
      throw error;
    }
    return this.#live;
  }

  #close(): void {
    const live = this.#live;
    if (live === null || this.#demand !== "none") return;
    this.#live = null;
    live.wake.close();
    this.#library.native.MiniAV_DestroyWaiter(live.handle);
  }

  #onWake(): void {
    this.#turnStarted = performance.now();
    this.#readEvents();
    for (const wait of this.#waits) {
      if (wait.attempt()) this.#waits.delete(wait);
    }
    this.#settle();
  }

  /** Hands out what has come already: who learned of something by another way gets its event now. */
  readEvents(): void {
    this.#readEvents();
  }

  /** Reads events until there is none, which arms the wake for the next. */
  #readEvents(): void {
    const { native, runtime } = this.#library;
    while (this.#live !== null) {
      const code = native.MiniAV_NextEvent(this.#live.handle, this.#eventMemory.bytes);
      if (code === ResultCode.NO_BUFFER) return;
      if (code !== ResultCode.SUCCESS) return this.#abandon(code);
      this.#dispatch(eventAt(this.#eventMemory, runtime));
    }
  }

  /** The library was disposed of: nothing will come, and what waits learns it. */
  #abandon(code: number): void {
    this.#live?.wake.close();
    this.#live = null;
    this.#demand = "none";
    this.#contexts.clear();
    this.#operations.failAll(code);
  }

  #dispatch(event: NativeEvent): void {
    try {
      switch (event.type) {
        case EventType.OPERATION:
          this.#operations.settle(event);
          return;
        case EventType.LOG:
          currentLogHandler()?.({
            level: logLevelName(event.detail),
            source: event.backend,
            message: event.text,
            timestamp: event.timestamp,
            lostLines: event.coalesced,
          });
          return;
        case EventType.DEVICES_CHANGED:
        case EventType.DEFAULT_CHANGED:
        case EventType.PERMISSION_CHANGED:
          // With a context it is that capture's own news; everybody is told by another event.
          if (Number(event.context) !== 0) break;
          // A copy: a handler may close itself and subscribe anew, and is told once all the same.
          for (const watch of [...this.#watches]) {
            const wanted = (watch.kinds & (1 << event.kind)) !== 0 && this.#watches.has(watch);
            if (wanted) watch.onEvent(event);
          }
      }
      this.#contexts.get(event.context)?.(event);
    } catch (error) {
      // A listener that throws is its owner's error, as in every EventTarget; the loop goes on.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** Tells the runtime how badly this isolate wants to be woken now. */
  #settle(): void {
    const demand = this.#wanted();
    if (demand !== this.#demand) {
      this.#demand = demand;
      this.#live?.wake.demand(demand);
    }
    if (demand !== "none" || this.#live === null || this.#idle !== null) return;
    this.#idle = this.#library.runtime.backgroundTimer(() => {
      this.#idle = null;
      this.#close();
    }, IDLE_MS);
  }

  #wanted(): Demand {
    if (this.#operations.awaited > 0) return "active";
    for (const wait of this.#waits) if (wait.ref) return "active";
    for (const watch of this.#watches) if (watch.ref) return "active";
    if (this.#waits.size > 0) return "frames";
    const quiet = this.#contexts.size === 0 && this.#operations.size === 0 &&
      this.#watches.size === 0 && currentLogHandler() === null;
    return quiet ? "none" : "events";
  }
}

let isolateWaiter: Waiter | undefined;

/** The waiter of this isolate. */
export function waiter(): Waiter {
  isolateWaiter ??= new Waiter(library());
  return isolateWaiter;
}

/** An error for an operation that an event ended. */
export function eventError(event: NativeEvent, operation: string): Error {
  return errorFrom(event.result, operation, event.backend, event.text);
}
