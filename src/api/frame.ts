/** What video frames and audio have in common. */

import { BufferFlags } from "../ffi/mod.ts";
import type { FrameMemory, NativeBuffer, PlaneShape } from "../ffi/mod.ts";
import { OwnedMemory } from "../ffi/mod.ts";

/** Memory that `copyTo` writes to. */
export type CopyDestination = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

/** A buffer of a capture. Close it, with `using` or `close()`: the source needs it back. */
export abstract class CapturedFrame implements Disposable {
  /** Microseconds, of the capture of the first pixel or sample; the clock of `now()`. */
  readonly timestamp: number;
  /** Microseconds; 0 when the source has no rate. */
  readonly duration: number;
  /** Counts what the source produced; a gap is a dropped frame. */
  readonly sequence: number;
  readonly #memory: FrameMemory;
  readonly #flags: number;

  protected constructor(buffer: NativeBuffer, memory: FrameMemory) {
    this.timestamp = buffer.timestamp;
    this.duration = buffer.duration;
    this.sequence = buffer.sequence;
    this.#memory = memory;
    this.#flags = buffer.flags;
  }

  /** Something before this one is missing. */
  get discontinuity(): boolean {
    return this.#has(BufferFlags.DISCONTINUITY);
  }

  /** This is not the device's own format. */
  get converted(): boolean {
    return this.#has(BufferFlags.CONVERTED);
  }

  /** It was copied on its way, because the system's buffer could not be lent. */
  get copied(): boolean {
    return this.#has(BufferFlags.COPIED);
  }

  /** The source gave no usable time. */
  get estimatedTime(): boolean {
    return this.#has(BufferFlags.ESTIMATED_TIME);
  }

  /** The source says that something is wrong with it. */
  get corrupted(): boolean {
    return this.#has(BufferFlags.CORRUPTED);
  }

  /** The last picture again. */
  get repeated(): boolean {
    return this.#has(BufferFlags.REPEATED);
  }

  /** Silence, filled in while nothing played. */
  get silent(): boolean {
    return this.#has(BufferFlags.SILENT);
  }

  /** The first of a new format. */
  get formatChanged(): boolean {
    return this.#has(BufferFlags.FORMAT_CHANGED);
  }

  /** After `close()`: its memory is gone. */
  get closed(): boolean {
    return this.#memory.closed;
  }

  /** Gives the memory back; views over it have length 0 from now on. Again is no error. */
  close(): void {
    this.#memory.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  protected get memory(): FrameMemory {
    return this.#memory;
  }

  #has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }
}

/** The bytes of a destination, whatever kind of view it is. */
export function bytesOf(destination: CopyDestination): Uint8Array<ArrayBuffer> {
  return destination instanceof ArrayBuffer
    ? new Uint8Array(destination)
    : new Uint8Array(destination.buffer, destination.byteOffset, destination.byteLength);
}

/** A copy of a frame's memory that belongs to JavaScript. */
export function ownedCopy(
  memory: FrameMemory,
  shapes: readonly PlaneShape[],
  cursorBytes: number,
): OwnedMemory {
  const size = memory.copySize(null);
  const buffer = new ArrayBuffer(size);
  const layout = memory.copy(new Uint8Array(buffer), null);
  return new OwnedMemory({
    buffer,
    size,
    layout,
    shapes,
    metadata: memory.metadata(),
    cursor: memory.cursorPixels(cursorBytes),
    pool: null,
  });
}
