/** The memory behind one frame, on loan or owned, behind one face. */

import { allocate, u64 } from "./memory.ts";
import { BufferContentType, CopyLayoutLayout, MAX_PLANES, ResultCode } from "./layout.gen.ts";
import type { NativeBuffer, NativeMetadata, NativePlane } from "./buffer.ts";
import { readMetadata } from "./buffer.ts";
import { MiniAVError, unwrap } from "./errors.ts";
import { Lease } from "./lease.ts";
import type { LeaseSource } from "./lease.ts";
import { library } from "./load.ts";

/** Where the rows of a plane lie in a copy. */
export interface PlaneLayout {
  /** Bytes from the start of the destination. */
  readonly offset: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
}

/** What a plane measures: rows, and the bytes of one row that mean something. */
export interface PlaneShape {
  readonly rows: number;
  readonly rowBytes: number;
}

/** What a frame asks of the memory behind it. */
export interface FrameMemory {
  readonly closed: boolean;
  /** The bytes of a plane, or of all samples; the same object each time. */
  bytes(plane: number): Uint8Array<ArrayBuffer>;
  /** Bytes from one row of a plane to the next, where this memory has a layout of its own. */
  stride(plane: number): number | null;
  /** Copies every plane; without a layout, rows follow each other without padding. */
  copy(destination: Uint8Array, layout: readonly PlaneLayout[] | null): PlaneLayout[];
  /** Bytes that `copy` needs. */
  copySize(layout: readonly PlaneLayout[] | null): number;
  metadata(): NativeMetadata | null;
  cursorPixels(bytes: number): Uint8Array<ArrayBuffer> | null;
  /** Who keeps this other view over the same memory keeps the memory. */
  hold(view: ArrayBufferView): void;
  close(): void;
}

const copyLayout = allocate(CopyLayoutLayout.size);

/** Views over native memory, made on first access. */
export class LeasedMemory implements FrameMemory {
  readonly #lease: Lease;
  readonly #buffer: NativeBuffer;
  readonly #views: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  #metadata: NativeMetadata | null | undefined;

  constructor(buffer: NativeBuffer, source: LeaseSource) {
    this.#lease = new Lease(buffer.handle, source);
    this.#buffer = buffer;
  }

  get closed(): boolean {
    return this.#lease.closed;
  }

  bytes(plane: number): Uint8Array<ArrayBuffer> {
    this.#check("reading a frame");
    const made = this.#views[plane];
    if (made !== undefined) return made;
    if (this.#buffer.contentType !== BufferContentType.CPU) {
      throw new MiniAVError("NOT_SUPPORTED", {
        operation: "planes[].data",
        detail: "this frame is in memory of the GPU",
        hint: 'Use frame.gpu, or open with output: "memory".',
      });
    }
    this.#makeViews();
    return this.#views[plane] as Uint8Array<ArrayBuffer>;
  }

  stride(): null {
    return null;
  }

  /** One ArrayBuffer for each native block: planes of one block share it. */
  #makeViews(): void {
    const { video, audio, sizeBytes } = this.#buffer;
    if (audio !== null) {
      const view = new Uint8Array(this.#lease.view(audio.address, sizeBytes));
      this.hold(view);
      this.#views[0] = view;
      return;
    }
    const planes = video?.planes ?? [];
    const blocks = new Map<bigint, { start: number; end: number; buffer: ArrayBuffer | null }>();
    const blockOf = ({ address, offsetBytes }: NativePlane) =>
      BigInt(address) - BigInt(offsetBytes);
    for (const plane of planes) {
      const { offsetBytes, sizeBytes } = plane;
      const key = blockOf(plane);
      const block = blocks.get(key) ?? { start: offsetBytes, end: 0, buffer: null };
      block.start = Math.min(block.start, offsetBytes);
      block.end = Math.max(block.end, offsetBytes + sizeBytes);
      blocks.set(key, block);
    }
    const { runtime } = library();
    planes.forEach((plane, index) => {
      const { offsetBytes, sizeBytes } = plane;
      const key = blockOf(plane);
      const block = blocks.get(key);
      if (block === undefined) return;
      const address = runtime.toHandle(key + BigInt(block.start));
      block.buffer ??= this.#lease.view(address, block.end - block.start);
      const view = new Uint8Array(block.buffer, offsetBytes - block.start, sizeBytes);
      this.hold(view);
      this.#views[index] = view;
    });
  }

  hold(view: ArrayBufferView): void {
    holders.set(view, this.#lease);
  }

  copy(destination: Uint8Array, layout: readonly PlaneLayout[] | null): PlaneLayout[] {
    this.#check("copyTo");
    writeLayout(layout);
    const { native } = library();
    const handle = this.#lease.handle;
    unwrap(
      native.MiniAV_CopyBuffer(handle, destination, destination.byteLength, copyLayout.bytes),
      "copyTo",
    );
    return readLayout(this.#buffer.video?.planes.length ?? 1);
  }

  copySize(layout: readonly PlaneLayout[] | null): number {
    this.#check("allocationSize");
    writeLayout(layout);
    const { native } = library();
    const code = native.MiniAV_CopyBuffer(this.#lease.handle, null, 0, copyLayout.bytes);
    if (code !== ResultCode.BUFFER_TOO_SMALL) unwrap(code, "allocationSize");
    return u64(copyLayout, 0, CopyLayoutLayout.size_bytes);
  }

  metadata(): NativeMetadata | null {
    if (this.#metadata === undefined) {
      this.#metadata = this.#buffer.hasMetadata && !this.closed
        ? readMetadata(library().native, this.#lease.handle)
        : null;
    }
    return this.#metadata;
  }

  cursorPixels(bytes: number): Uint8Array<ArrayBuffer> | null {
    if (this.closed) return null;
    return readCursorPixels(this.#buffer, bytes);
  }

  close(): void {
    this.#lease.close();
  }

  #check(operation: string): void {
    if (this.closed) throw new MiniAVError("INVALID_HANDLE", { operation });
  }
}

/** Who keeps a view keeps its lease, which must not look forgotten meanwhile. */
const holders = new WeakMap<ArrayBufferView, Lease>();

function readCursorPixels(buffer: NativeBuffer, bytes: number): Uint8Array<ArrayBuffer> | null {
  if (bytes === 0) return null;
  const memory = allocate(bytes);
  const code = library().native.MiniAV_CopyCursorPixels(buffer.handle, memory.bytes, bytes);
  return code === ResultCode.SUCCESS ? memory.bytes.subarray(0, bytes) : null;
}

function writeLayout(layout: readonly PlaneLayout[] | null): void {
  copyLayout.bytes.fill(0, 0, CopyLayoutLayout.size);
  if (layout === null) return;
  const { view } = copyLayout;
  view.setUint32(CopyLayoutLayout.plane_count.offset, layout.length, true);
  layout.slice(0, MAX_PLANES).forEach(({ offset, stride }, index) => {
    view.setBigUint64(
      CopyLayoutLayout.offsets_bytes.offset + 8 * index,
      BigInt(offset),
      true,
    );
    view.setUint32(CopyLayoutLayout.strides_bytes.offset + 4 * index, stride, true);
  });
}

function readLayout(planes: number): PlaneLayout[] {
  const { view } = copyLayout;
  return Array.from({ length: planes }, (_, index) => ({
    offset: Number(view.getBigUint64(CopyLayoutLayout.offsets_bytes.offset + 8 * index, true)),
    stride: view.getUint32(CopyLayoutLayout.strides_bytes.offset + 4 * index, true),
  }));
}

/** Copied memory of JavaScript's own. */
export class OwnedMemory implements FrameMemory {
  #buffer: ArrayBuffer;
  readonly #size: number;
  readonly #layout: readonly PlaneLayout[];
  readonly #shapes: readonly PlaneShape[];
  readonly #metadata: NativeMetadata | null;
  readonly #cursor: Uint8Array<ArrayBuffer> | null;
  readonly #pool: BufferPool | null;
  readonly #views: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  #closed = false;

  constructor(parts: OwnedParts) {
    this.#buffer = parts.buffer;
    this.#size = parts.size;
    this.#layout = parts.layout;
    this.#shapes = parts.shapes;
    this.#metadata = parts.metadata;
    this.#cursor = parts.cursor;
    this.#pool = parts.pool;
  }

  get closed(): boolean {
    return this.#closed;
  }

  bytes(plane: number): Uint8Array<ArrayBuffer> {
    this.#check("reading a frame");
    const made = this.#views[plane];
    if (made !== undefined) return made;
    const start = this.#layout[plane]?.offset ?? this.#size;
    const end = this.#layout[plane + 1]?.offset ?? this.#size;
    const view = new Uint8Array(this.#buffer, start, end - start);
    this.#views[plane] = view;
    return view;
  }

  stride(plane: number): number | null {
    return this.#layout[plane]?.stride ?? null;
  }

  copy(destination: Uint8Array, layout: readonly PlaneLayout[] | null): PlaneLayout[] {
    this.#check("copyTo");
    const wanted = this.#checkLayout(layout);
    if (destination.byteLength < this.copySize(layout)) {
      throw new MiniAVError("BUFFER_TOO_SMALL", {
        operation: "copyTo",
        detail: `${this.copySize(layout)} bytes are needed`,
      });
    }
    this.#shapes.forEach(({ rows, rowBytes }, plane) => {
      const source = this.bytes(plane);
      const { offset, stride } = wanted[plane] ?? { offset: 0, stride: rowBytes };
      const from = this.#layout[plane]?.stride ?? rowBytes;
      for (let row = 0; row < rows; row++) {
        const start = row * from;
        destination.set(source.subarray(start, start + rowBytes), offset + row * stride);
      }
    });
    return [...wanted];
  }

  copySize(layout: readonly PlaneLayout[] | null): number {
    this.#check("allocationSize");
    if (layout === null) return this.#size;
    return Math.max(
      0,
      ...this.#shapes.map(({ rows, rowBytes }, plane) => {
        const { offset, stride } = layout[plane] ?? { offset: 0, stride: rowBytes };
        return rows === 0 ? offset : offset + (rows - 1) * stride + rowBytes;
      }),
    );
  }

  #checkLayout(layout: readonly PlaneLayout[] | null): readonly PlaneLayout[] {
    if (layout === null) return this.#layout;
    const fits = layout.length === this.#shapes.length &&
      this.#shapes.every(({ rowBytes }, plane) => (layout[plane]?.stride ?? 0) >= rowBytes);
    if (!fits) throw new MiniAVError("INVALID_ARG", { operation: "copyTo", detail: "layout" });
    return layout;
  }

  metadata(): NativeMetadata | null {
    return this.#metadata;
  }

  cursorPixels(): Uint8Array<ArrayBuffer> | null {
    return this.#cursor;
  }

  hold(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#buffer.detached) return;
    // The same memory under a new object: late users of the old one see length 0.
    const buffer = this.#buffer.transfer();
    if (this.#buffer.detached) this.#pool?.give(buffer);
  }

  #check(operation: string): void {
    if (this.#closed) throw new MiniAVError("INVALID_HANDLE", { operation });
  }
}

/** What a copy consists of. */
export interface OwnedParts {
  readonly buffer: ArrayBuffer;
  /** Bytes in use; the buffer may be larger. */
  readonly size: number;
  readonly layout: readonly PlaneLayout[];
  readonly shapes: readonly PlaneShape[];
  readonly metadata: NativeMetadata | null;
  readonly cursor: Uint8Array<ArrayBuffer> | null;
  /** Where the buffer goes when the frame is closed. */
  readonly pool: BufferPool | null;
}

/** Buffers of one capture that are used again; a fresh one for each frame costs ten times more. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];

  /** At most as many as a consumer is likely to hold at once. */
  static readonly LIMIT = 8;

  take(bytes: number): ArrayBuffer {
    for (;;) {
      const buffer = this.#free.pop();
      if (buffer === undefined) return allocate(bytes).bytes.buffer;
      if (buffer.byteLength >= bytes && buffer.byteLength <= Math.max(bytes * 2, 8192)) {
        return buffer;
      }
    }
  }

  give(buffer: ArrayBuffer): void {
    if (this.#free.length < BufferPool.LIMIT) this.#free.push(buffer);
  }
}

/** Copies a buffer that is outstanding into owned memory. The buffer stays outstanding. */
export function copyToOwned(
  buffer: NativeBuffer,
  shapes: readonly PlaneShape[],
  cursorBytes: (metadata: NativeMetadata) => number,
  pool: BufferPool | null,
): OwnedMemory {
  const { native } = library();
  writeLayout(null);
  const asked = native.MiniAV_CopyBuffer(buffer.handle, null, 0, copyLayout.bytes);
  if (asked !== ResultCode.BUFFER_TOO_SMALL) unwrap(asked, "copying a frame");
  const size = u64(copyLayout, 0, CopyLayoutLayout.size_bytes);
  const memory = pool === null ? allocate(size).bytes.buffer : pool.take(size);
  writeLayout(null);
  const code = native.MiniAV_CopyBuffer(
    buffer.handle,
    new Uint8Array(memory),
    memory.byteLength,
    copyLayout.bytes,
  );
  unwrap(code, "copying a frame");
  const layout = readLayout(shapes.length);
  const metadata = buffer.hasMetadata ? readMetadata(native, buffer.handle) : null;
  const cursor = metadata === null ? null : readCursorPixels(buffer, cursorBytes(metadata));
  return new OwnedMemory({ buffer: memory, size, layout, shapes, metadata, cursor, pool });
}
