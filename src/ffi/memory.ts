/** Memory of JavaScript's that the library writes to and reads from, and how single values lie in it. */

import { TEXT_BYTES } from "./layout.gen.ts";
import type { Field } from "./layout.gen.ts";

/** A block that both sides use. */
export interface Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

/** Bun keeps smaller blocks inside its collected heap, where an address is no promise. */
const SMALLEST_BLOCK = 4096;

/** A block of at least this many bytes, all zero. */
export function allocate(bytes: number): Memory {
  const buffer = new ArrayBuffer(Math.max(bytes, SMALLEST_BLOCK));
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A zero-terminated argument. What is longer than the library reads is refused here. */
export function encodeText(text: string | null | undefined, name: string): Uint8Array | null {
  if (text === null || text === undefined) return null;
  requireNoZero(`${text}`, name);
  const bytes = encoder.encode(`${text}\0`);
  if (bytes.length > TEXT_BYTES) {
    throw new RangeError(`${name} has more than ${TEXT_BYTES - 1} bytes of UTF-8`);
  }
  return bytes;
}

/** C would read only what stands before it, and that may name something else, or everything. */
export function requireNoZero(text: string, name: string): void {
  if (text.includes("\0")) throw new RangeError(`${name} has a zero character in it`);
}

/** The text in `count` bytes at `offset`, up to its zero. */
export function textAt(bytes: Uint8Array, offset: number, count: number): string {
  const whole = bytes.subarray(offset, offset + count);
  const end = whole.indexOf(0);
  return decoder.decode(end < 0 ? whole : whole.subarray(0, end));
}

/** The text in a member. */
export function textField(
  memory: Memory,
  base: number,
  field: Field & { readonly count: number },
): string {
  return textAt(memory.bytes, base + field.offset, field.count);
}

export const u32 = (memory: Memory, base: number, field: Field): number =>
  memory.view.getUint32(base + field.offset, true);

export const i32 = (memory: Memory, base: number, field: Field): number =>
  memory.view.getInt32(base + field.offset, true);

export const f32 = (memory: Memory, base: number, field: Field): number =>
  memory.view.getFloat32(base + field.offset, true);

export const f64 = (memory: Memory, base: number, field: Field): number =>
  memory.view.getFloat64(base + field.offset, true);

/** Signed, as a number: times and counters stay far below 2^53. */
export const i64 = (memory: Memory, base: number, field: Field): number =>
  memory.view.getInt32(base + field.offset + 4, true) * 0x1_0000_0000 +
  memory.view.getUint32(base + field.offset, true);

/** Unsigned, as a number; for what stays below 2^53. */
export const u64 = (memory: Memory, base: number, field: Field): number =>
  memory.view.getUint32(base + field.offset + 4, true) * 0x1_0000_0000 +
  memory.view.getUint32(base + field.offset, true);

/** Unsigned, exact. */
export const bigU64 = (memory: Memory, base: number, field: Field): bigint =>
  memory.view.getBigUint64(base + field.offset, true);
