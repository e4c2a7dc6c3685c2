/** What all captures share: one consumer that pulls, events, counters, stopping, reconnecting. */

import { setImmediate } from "node:timers";
import {
  allocate,
  bufferAt,
  BufferFlags,
  BufferLayout,
  BufferPool,
  copyToOwned,
  errorFrom,
  EventType,
  insideScope,
  LeasedMemory,
  library,
  MiniAVError,
  PropertyKey,
  ResultCode,
  runInScope,
  waiter,
} from "../ffi/mod.ts";
import type {
  FrameMemory,
  LeaseSource,
  NativeBuffer,
  NativeEvent,
  OperationOptions,
  PlaneShape,
  Wait,
  Waiter,
} from "../ffi/mod.ts";
import { Emitter } from "./emitter.ts";
import { audioShapesOf, CapturedAudio } from "./audio_data.ts";
import type { CapturedFrame } from "./frame.ts";
import { KINDS } from "./kinds.ts";
import { describeValue, invalidOption } from "./options.ts";
import { PROPERTY_NAMES, readProperty, readPropertyInfo, writeProperty } from "./properties.ts";
import type { Properties, PropertyInfo, PropertyName } from "./properties.ts";
import { backoff, pause, reconnectOptions } from "./reconnect.ts";
import { openSession } from "./session.ts";
import type { Session, SessionPlan } from "./session.ts";
import { combineStats, compactEnded } from "./stats.ts";
import type { EndedSession } from "./stats.ts";
import { asyncIteratorOver, type Consumer, readableOver } from "./streams.ts";
import { CapturedVideoFrame, cursorBytesOf, planeShapesOf } from "./video_frame.ts";
import type { CaptureOptions, CaptureStats, ReconnectOptions } from "./types.ts";

/** Why a capture ended by itself. */
export interface LostInfo {
  readonly error: MiniAVError;
}

/** The events of a capture. */
export interface CaptureEvents<Format> {
  /** Something else comes from now on; the first frame of it is flagged. */
  format: { readonly type: "format"; readonly format: Format };
  /** Nothing came for a second or ten intervals. */
  stalled: { readonly type: "stalled" };
  /** It comes again. */
  resumed: { readonly type: "resumed" };
  /** A capture of the default device moved to another one. */
  default: { readonly type: "default"; readonly deviceId: string };
  property: { readonly type: "property"; readonly name: PropertyName };
  /** The device is gone, and no reconnect was asked for or helped. */
  lost: { readonly type: "lost"; readonly error: MiniAVError };
  /** The device is gone; this is the next try to open it again. */
  reconnecting: {
    readonly type: "reconnecting";
    readonly attempt: number;
    readonly error: MiniAVError;
  };
  reconnected: { readonly type: "reconnected"; readonly format: Format };
}

/** What a subclass hands to the constructor. */
export interface CaptureParts<Format> {
  readonly plan: SessionPlan<Format>;
  readonly session: Session<Format>;
  readonly fill: boolean;
  readonly reconnect: ReconnectOptions | null;
  /** Where the events of the context come from. */
  readonly events: EventSink;
}

/** Events may come before there is a capture to hear them: they wait here. */
export interface EventSink {
  attach(listener: (event: NativeEvent) => void): void;
}

const EMPTY = Symbol("nothing queued");
const ENDED = Symbol("nothing will come");

type State = "running" | "reconnecting" | "lost" | "stopped";

const bufferMemory = allocate(BufferLayout.size);

/** A picture or a piece of sound; `type` tells which. */
export type AnyFrame = CapturedVideoFrame | CapturedAudio;

/** A running source of frames. Stop it with `await using`, `stop()` or by leaving the process. */
export abstract class Capture<Frame extends AnyFrame, Format> extends Emitter<CaptureEvents<Format>>
  implements AsyncIterable<Frame>, AsyncDisposable {
  /**
   * Resolves when the device is lost for good: never when the capture is stopped. The consumer gets
   * the same error, after the last frame.
   */
  readonly lost: Promise<LostInfo>;
  readonly #plan: SessionPlan<Format>;
  readonly #fill: boolean;
  readonly #reconnectOptions: ReconnectOptions | null;
  readonly #waiter: Waiter = waiter();
  readonly #pool = new BufferPool();
  readonly #ended: EndedSession[] = [];
  readonly #resolveLost: (info: LostInfo) => void;
  readonly #stopping = new AbortController();
  #session: Session<Format> | null;
  #format: Format;
  #state: State = "running";
  #lostEvent: NativeEvent | null = null;
  #lostError: MiniAVError | null = null;
  #reconnects = 0;
  /** What the contexts before this one produced: the numbering of frames goes on. */
  #sequenceBase = 0;
  /** The next frame is the first after a reconnect. */
  #resumed = false;
  /** What comes in another format since the reconnect, and has not come yet. */
  #changed = NOTHING_CHANGED;
  #consumer: Consumer | null = null;
  #wait: Wait | null = null;
  #keepAlive = true;
  #handler: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;
  #readable: ReadableStream<Frame> | null = null;

  protected constructor(parts: CaptureParts<Format>) {
    super();
    this.#plan = parts.plan;
    this.#session = parts.session;
    this.#format = parts.session.format;
    this.#fill = parts.fill;
    this.#reconnectOptions = parts.reconnect;
    const { promise, resolve } = Promise.withResolvers<LostInfo>();
    this.lost = promise;
    this.#resolveLost = resolve;
    parts.events.attach((event) => this.#onEvent(event));
  }

  /** What comes now. */
  get format(): Format {
    return this.#format;
  }

  /** True until the capture is stopped or its device is lost for good. */
  get running(): boolean {
    return this.#state === "running" || this.#state === "reconnecting";
  }

  // -- consuming ----------------------------------------------------------------------------

  /**
   * `for await (using frame of capture)`. Leaving the loop leaves the capture running; the loop ends
   * when the capture is stopped and throws when its device is lost.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Frame> & AsyncDisposable {
    return asyncIteratorOver<Frame>({
      begin: () => this.#begin("for await"),
      pull: (consumer) => this.#pull(consumer),
      end: (consumer) => this.#end(consumer),
    });
  }

  /**
   * The frames as a stream that asks for one at a time. Cancelling it leaves the capture running,
   * and the next look gives a new stream.
   */
  get readable(): ReadableStream<Frame> {
    this.#readable ??= readableOver<Frame>({
      begin: () => this.#begin("readable"),
      pull: (consumer) => this.#pull(consumer),
      end: (consumer) => this.#end(consumer),
    }, () => this.#readable = null);
    return this.#readable;
  }

  /**
   * Calls the handler with each frame, one at a time: the next one comes when its promise has
   * settled. Resolves when the capture is stopped. A handler that throws stops the capture and
   * rejects the promise, as does a lost device. The handler closes its frames.
   */
  start(handler: (frame: Frame) => void | Promise<void>): Promise<void> {
    const consumer = this.#begin("start(handler)");
    const running = this.#runHandler(consumer, handler);
    this.#handler = running.then(() => {}, () => {});
    return running;
  }

  async #runHandler(
    consumer: Consumer,
    handler: (frame: Frame) => void | Promise<void>,
  ): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#pull(consumer);
        if (frame === null) return;
        try {
          await runInScope(this, () => handler(frame));
        } catch (error) {
          frame.close();
          throw error;
        }
      }
    } catch (error) {
      await this.#stopNow();
      throw error;
    } finally {
      this.#end(consumer);
    }
  }

  #begin(name: string): Consumer {
    if (this.#consumer !== null) {
      throw new MiniAVError("ALREADY_RUNNING", {
        operation: name,
        detail: `"${this.#consumer.name}" consumes this capture already`,
        hint: "A capture has one consumer at a time; end that one, or open a second capture.",
      });
    }
    this.#consumer = { name, ended: false };
    return this.#consumer;
  }

  #end(consumer: Consumer): void {
    consumer.ended = true;
    if (this.#consumer !== consumer) return;
    this.#consumer = null;
    this.#poke();
    // Nobody is left to see the last frame first.
    if (this.#lostEvent !== null && this.#state === "running") this.#onLost();
  }

  /** The next frame; null when there will be none. */
  async #pull(consumer: Consumer): Promise<Frame | null> {
    const breath = this.#waiter.breathe();
    if (breath !== null) await breath;
    if (consumer.ended) return null;
    const taken = this.#take();
    if (taken === ENDED) return null;
    if (taken !== EMPTY) return taken;
    return await new Promise((resolve, reject) => {
      const wait: Wait = {
        ref: this.#keepAlive,
        attempt: () => {
          try {
            const next = consumer.ended ? ENDED : this.#take();
            if (next === EMPTY) return false;
            resolve(next === ENDED ? null : next);
          } catch (error) {
            reject(error);
          }
          this.#wait = null;
          return true;
        },
      };
      this.#wait = wait;
      this.#waiter.wait(wait);
    });
  }

  #poke(): void {
    if (this.#wait !== null) this.#waiter.poke(this.#wait);
  }

  #take(): Frame | typeof EMPTY | typeof ENDED {
    if (this.#state === "stopped") return ENDED;
    if (this.#state === "lost") throw this.#lostError;
    const session = this.#session;
    // While it reconnects, the old context is still there and stopped: that is not the end.
    if (session === null || this.#state === "reconnecting") return EMPTY;
    const { native, runtime } = library();
    const code = native.MiniAV_TakeBuffer(session.handle, bufferMemory.bytes);
    switch (code) {
      case ResultCode.SUCCESS:
        return this.#frameFrom(
          this.#continued(this.#announced(bufferAt(bufferMemory, runtime))),
          session.source,
        );
      case ResultCode.NO_BUFFER:
        return EMPTY;
      case ResultCode.DEVICE_LOST:
        // A take may learn of the loss before its event is read, and only that says the reason.
        if (this.#lostEvent === null) this.#waiter.readEvents();
        this.#onLost();
        return this.#take();
      case ResultCode.NOT_RUNNING:
      case ResultCode.INVALID_HANDLE:
        return ENDED;
      default:
        throw errorFrom(code, this.#plan.operation);
    }
  }

  /** The event comes before the first frame of a format, also to a consumer that finds it queued. */
  #announced(buffer: NativeBuffer): NativeBuffer {
    if ((buffer.flags & BufferFlags.FORMAT_CHANGED) !== 0) this.#waiter.readEvents();
    return buffer;
  }

  /** A reconnect is a gap: numbers go on behind it, and the first frame says so. */
  #continued(buffer: NativeBuffer): NativeBuffer {
    if (this.#reconnects === 0) return buffer;
    let { flags } = buffer;
    if (this.#resumed) flags |= BufferFlags.DISCONTINUITY;
    this.#resumed = false;
    const type = buffer.video !== null ? "video" : "audio";
    if (this.#changed[type]) {
      flags |= BufferFlags.FORMAT_CHANGED;
      this.#changed = { ...this.#changed, [type]: false };
    }
    return { ...buffer, flags, sequence: this.#sequenceBase + buffer.sequence };
  }

  #frameFrom(buffer: NativeBuffer, source: LeaseSource): Frame {
    let memory: FrameMemory;
    if (this.#fill) {
      try {
        memory = copyToOwned(buffer, shapesOf(buffer), cursorBytesOf, this.#pool);
      } finally {
        library().native.MiniAV_ReleaseBuffer(buffer.handle);
      }
    } else memory = new LeasedMemory(buffer, source);
    const frame: CapturedFrame = buffer.video !== null
      ? new CapturedVideoFrame(buffer, memory)
      : new CapturedAudio(buffer, memory);
    return frame as Frame;
  }

  // -- events -------------------------------------------------------------------------------

  #onEvent(event: NativeEvent): void {
    switch (event.type) {
      case EventType.LOST:
        this.#lostEvent = event;
        // With a consumer, the loss is told after the last frame, by the take that finds no more.
        if (this.#consumer === null) this.#onLost();
        return;
      case EventType.STALLED:
        return this.emit("stalled", { type: "stalled" });
      case EventType.RESUMED:
        return this.emit("resumed", { type: "resumed" });
      case EventType.FORMAT_CHANGED:
        if (this.#session === null) return;
        this.#format = this.#plan.readFormat(library().native, this.#session.handle);
        return this.emit("format", { type: "format", format: this.#format });
      case EventType.DEFAULT_CHANGED:
        return this.emit("default", { type: "default", deviceId: event.text });
      case EventType.PROPERTY_CHANGED: {
        const name = PROPERTY_NAMES[Object.values(PropertyKey).indexOf(event.detail as 1)];
        if (name !== undefined) this.emit("property", { type: "property", name });
      }
    }
  }

  #onLost(): void {
    if (this.#state !== "running") return;
    const event = this.#lostEvent;
    this.#lostEvent = null;
    const { label } = KINDS[this.#plan.kind];
    const error = errorFrom(
      event === null ? ResultCode.DEVICE_LOST : event.result,
      `${label} capture`,
      event?.backend,
      event?.text,
    );
    // What a person has ended is not opened again behind that person's back.
    const isFinal = this.#plan.isFinal === true || error.code === "USER_CANCELLED";
    if (this.#reconnectOptions === null || isFinal) this.#declareLost(error);
    else void this.#reconnect(error, this.#reconnectOptions);
  }

  #declareLost(error: MiniAVError): void {
    this.#state = "lost";
    this.#lostError = error;
    this.#resolveLost({ error });
    this.emit("lost", { type: "lost", error });
    this.#poke();
    // Nothing of it is of use any more but the frames that are open; stop() tells what fails here.
    this.#endSession().catch(() => {});
  }

  // -- reconnecting -------------------------------------------------------------------------

  async #reconnect(first: MiniAVError, options: ReconnectOptions): Promise<void> {
    this.#state = "reconnecting";
    await this.#endSession();
    const { signal } = this.#stopping;
    let error = first;
    const attempts = options.attempts ?? Infinity;
    for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt++) {
      this.emit("reconnecting", { type: "reconnecting", attempt, error });
      await pause(backoff(attempt, options), signal);
      if (signal.aborted) return;
      try {
        const session = await openSession(this.#plan, (event) => this.#onEvent(event), { signal });
        if (signal.aborted) {
          await session.end();
          return;
        }
        this.#sequenceBase = this.stats().produced;
        this.#resumed = true;
        this.#session = session;
        this.#changed = changesBetween(this.#format, session.format);
        this.#format = session.format;
        this.#state = "running";
        this.#reconnects++;
        // The loss of the context before, read late, is none of this one.
        if (this.#lostEvent?.context !== session.handle) this.#lostEvent = null;
        this.emit("reconnected", { type: "reconnected", format: session.format });
        if (this.#changed.video || this.#changed.audio) {
          this.emit("format", { type: "format", format: session.format });
        }
        this.#poke();
        // Lost again while it was opened.
        if (this.#lostEvent !== null && this.#consumer === null) this.#onLost();
        return;
      } catch (failure) {
        if (failure instanceof MiniAVError) error = failure;
        else if (!signal.aborted) throw failure;
        if (error.code === "USER_CANCELLED") break;
      }
    }
    if (!signal.aborted) this.#declareLost(error);
  }

  // -- controls -----------------------------------------------------------------------------

  /** Counters, over all reconnects; also after `stop`. */
  stats(): CaptureStats {
    const session = this.#session;
    const running = session === null ? null : { stats: session.stats(), source: session.source };
    return combineStats(running, this.#ended, this.#reconnects);
  }

  /** Lets the process end although a consumer waits. */
  unref(): this {
    return this.#setKeepAlive(false);
  }

  /** Undoes `unref`. */
  ref(): this {
    return this.#setKeepAlive(true);
  }

  #setKeepAlive(keepAlive: boolean): this {
    this.#keepAlive = keepAlive;
    if (this.#wait !== null) {
      this.#wait.ref = keepAlive;
      this.#waiter.refresh();
    }
    return this;
  }

  /** NOT_SUPPORTED: the device does not have it. */
  getProperty<Name extends PropertyName>(name: Name): Promise<Properties[Name]> {
    return this.#withHandle((kind, handle) => readProperty(kind, handle, name));
  }

  /** "auto" lets the device choose. ALREADY_RUNNING: it can only be given to `open`. */
  setProperty<Name extends PropertyName>(
    name: Name,
    value: Properties[Name] | "auto",
  ): Promise<void> {
    return this.#withHandle((kind, handle) => writeProperty(kind, handle, name, value));
  }

  /** What the device says about a property; null: it does not have it. */
  getPropertyInfo(name: PropertyName): Promise<PropertyInfo | null> {
    return this.#withHandle((kind, handle) => readPropertyInfo(kind, handle, name));
  }

  /** Every property that the device has. */
  properties(): Promise<PropertyInfo[]> {
    return this.#withHandle((kind, handle) =>
      PROPERTY_NAMES.map((name) => readPropertyInfo(kind, handle, name))
        .filter((info) => info !== null)
    );
  }

  #withHandle<T>(
    body: (kind: SessionPlan<Format>["kind"], handle: Session<Format>["handle"]) => T,
  ): Promise<T> {
    return new Promise((resolve) => {
      if (this.#session === null) {
        throw new MiniAVError("NOT_RUNNING", { operation: KINDS[this.#plan.kind].label });
      }
      resolve(body(this.#plan.kind, this.#session.handle));
    });
  }

  /**
   * Stops and gives the device back. Resolves when no handler runs any more; called from inside
   * the handler it does not wait for it. Frames that are still open stay valid until they are
   * closed. Again is no error.
   */
  async stop(): Promise<void> {
    await this.#stopNow();
    if (this.#handler !== null && !insideScope(this)) await this.#handler;
  }

  /** `await using` */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #stopNow(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#state = "stopped";
    this.#stopping.abort(new MiniAVError("USER_CANCELLED", { operation: "stop" }));
    this.#poke();
    await this.#endSession();
  }

  /** Ends the native context and keeps its counters. */
  async #endSession(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    const last = await session.end();
    // Stop and reconnect may both have waited for this end.
    if (this.#session !== session) return;
    this.#session = null;
    this.#ended.push({ last, source: session.source });
    compactEnded(this.#ended);
  }
}

interface FormatChanges {
  readonly video: boolean;
  readonly audio: boolean;
}

const NOTHING_CHANGED: FormatChanges = { video: false, audio: false };

/** What comes in another format than before; a source of one kind has one format. */
function changesBetween(before: unknown, after: unknown): FormatChanges {
  const differ = (type: "video" | "audio") =>
    JSON.stringify(partOf(before, type)) !== JSON.stringify(partOf(after, type));
  return { video: differ("video"), audio: differ("audio") };
}

function partOf(format: unknown, type: "video" | "audio"): unknown {
  const isBoth = typeof format === "object" && format !== null && "video" in format;
  return isBoth ? (format as Readonly<Record<string, unknown>>)[type] : format;
}

function shapesOf(buffer: NativeBuffer): PlaneShape[] {
  return buffer.video !== null ? planeShapesOf(buffer) : audioShapesOf(buffer);
}

/** Opens what a subclass then wraps. */
export async function openCapture<Format>(
  plan: SessionPlan<Format>,
  options: CaptureOptions,
  waiting: OperationOptions,
): Promise<CaptureParts<Format>> {
  const fill = usesFill(plan.operation, options.access);
  const reconnect = reconnectOptions(plan.operation, options.reconnect);
  const early: NativeEvent[] = [];
  let deliver: (event: NativeEvent) => void = (event) => void early.push(event);
  const session = await openSession(plan, (event) => deliver(event), waiting);
  const attach = (listener: (event: NativeEvent) => void) => {
    const flush = () => {
      deliver = listener;
      early.forEach(listener);
    };
    // In a later turn: whoever awaits `open` adds listeners first, and hears what came before.
    if (early.length > 0) setImmediate(flush);
    else flush();
  };
  return { plan, session, fill, reconnect, events: { attach } };
}

function usesFill(operation: string, access: CaptureOptions["access"]): boolean {
  if (access !== undefined && access !== "lease" && access !== "fill") {
    const value = describeValue(access);
    throw invalidOption(operation, `access is "lease" or "fill", not ${value}`);
  }
  const { leaseDenied } = library().runtime;
  if (access === "lease" && leaseDenied !== null) {
    throw new MiniAVError("PERMISSION_DENIED", {
      operation,
      detail: `access: "lease" needs pointers, and ${leaseDenied}`,
      hint: 'Run Deno with --allow-ffi without a path, or open with access: "fill".',
    });
  }
  return access === "fill" || (access === undefined && leaseDenied !== null);
}
