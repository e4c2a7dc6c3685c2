/**
 * The life of memory that a frame shows: native memory on loan, or a copy that JavaScript owns.
 *
 * A lease is given back when its frame is closed, or when the collector finds that nobody can close
 * it any more. Its ArrayBuffers are detached first, so that a late look reads length 0 and not
 * somebody else's picture.
 */

import { library } from "./load.ts";
import { allocate, i64 } from "./memory.ts";
import { warn } from "./log.ts";
import type { Handle } from "./symbols.ts";

/** Where frames came from, and what became of them; shared by all leases of one capture. */
export interface LeaseSource {
  /** For people: `Camera "test:bars"`. */
  readonly name: string;
  /** Leases carried off to another owner; their buffers are never used again. */
  stolen: number;
  /** Leases that the collector had to close. */
  forgotten: number;
  /** Leases closed while an operation of the runtime still reads them; given back later. */
  pinned: number;
  /** Leases given back since the capture stopped. */
  releasedAfterStop: number;
  stopped: boolean;
  warnedStolen: boolean;
  warnedForgotten: boolean;
}

/** A source from which nothing has come yet. */
export function leaseSource(name: string): LeaseSource {
  return {
    name,
    stolen: 0,
    forgotten: 0,
    pinned: 0,
    releasedAfterStop: 0,
    stopped: false,
    warnedStolen: false,
    warnedForgotten: false,
  };
}

/** What giving back needs; must never lead to the frame, or the collector could not find it. */
interface LeaseRecord {
  readonly handle: Handle;
  readonly buffers: ArrayBuffer[];
  readonly source: LeaseSource;
  closed: boolean;
}

const RETRY_MS = 50;

/** Closed, but a pending operation of the runtime holds their memory. */
const pinned = new Set<LeaseRecord>();
let retryTimer: { clear(): void } | null = null;

const forgotten = new FinalizationRegistry<LeaseRecord>((record) => {
  if (record.closed) return;
  const { source } = record;
  source.forgotten++;
  if (!source.warnedForgotten) {
    source.warnedForgotten = true;
    warn(
      `a frame of ${source.name} was never closed. Close every frame, with "using" or close(): ` +
        "until the collector finds it, it holds a buffer that the source cannot fill.",
      now(),
    );
  }
  closeRecord(record);
});

/** Native memory on loan. Keep it, not only its ArrayBuffers, for as long as they are in use. */
export class Lease {
  readonly #record: LeaseRecord;

  constructor(handle: Handle, source: LeaseSource) {
    this.#record = { handle, buffers: [], source, closed: false };
    forgotten.register(this, this.#record, this);
  }

  get handle(): Handle {
    return this.#record.handle;
  }

  get closed(): boolean {
    return this.#record.closed;
  }

  /** Native memory as an ArrayBuffer that is detached when the lease ends. */
  view(address: Handle, bytes: number): ArrayBuffer {
    if (bytes === 0) return new ArrayBuffer(0);
    const buffer = library().runtime.view(address, bytes);
    this.#record.buffers.push(buffer);
    return buffer;
  }

  /** Gives the memory back; again is no error. */
  close(): void {
    if (this.#record.closed) return;
    forgotten.unregister(this);
    closeRecord(this.#record);
  }
}

function closeRecord(record: LeaseRecord): void {
  record.closed = true;
  const state = detach(record);
  if (state === "pinned") {
    record.source.pinned++;
    pinned.add(record);
    scheduleRetry();
  } else finish(record, state);
}

type Detached = "free" | "stolen" | "pinned";

function detach({ buffers }: LeaseRecord): Detached {
  let state: Detached = "free";
  for (let buffer = buffers.at(-1); buffer !== undefined; buffer = buffers.at(-1)) {
    if (buffer.detached) {
      // Carried off: whoever has it still sees the native memory.
      state = "stolen";
    } else {
      buffer.transfer(0);
      // Bun: a buffer that an operation reads neither detaches nor throws.
      if (!buffer.detached) return state === "stolen" ? "stolen" : "pinned";
    }
    buffers.pop();
  }
  return state;
}

function finish(record: LeaseRecord, state: "free" | "stolen"): void {
  const { source } = record;
  if (state === "free") {
    library().native.MiniAV_ReleaseBuffer(record.handle);
    if (source.stopped) source.releasedAfterStop++;
    return;
  }
  source.stolen++;
  if (source.warnedStolen) return;
  source.warnedStolen = true;
  warn(
    `memory of a frame of ${source.name} was carried off (postMessage with transfer, ` +
      "structuredClone, transfer() or a byte stream). Its buffer is lost to the source until the " +
      "process ends; copyTo() or clone() makes memory that may travel.",
    now(),
  );
}

/** Gives back what was pinned and is free by now. */
export function retryPinned(): void {
  for (const record of pinned) {
    const state = detach(record);
    if (state === "pinned") continue;
    pinned.delete(record);
    record.source.pinned--;
    finish(record, state);
  }
}

function scheduleRetry(): void {
  retryTimer ??= library().runtime.backgroundTimer(() => {
    retryTimer = null;
    retryPinned();
    if (pinned.size > 0) scheduleRetry();
  }, RETRY_MS);
}

const clockMemory = allocate(8);

/** The clock of every time stamp, in microseconds. */
export function now(): number {
  library().native.MiniAV_GetTime(clockMemory.bytes);
  return i64(clockMemory, 0, { offset: 0, type: "i64" });
}
