/** C structs to plain objects and back; what the numbers mean to a person is not known here. */

import * as L from "./layout.gen.ts";
import { allocate, f32, f64, i32, i64, requireNoZero, textField, u32, u64 } from "./memory.ts";
import type { Memory } from "./memory.ts";
import type { Field } from "./layout.gen.ts";

/** A place and a size, in pixels unless its user says otherwise. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** MiniAVDeviceInfo */
export interface NativeDevice {
  readonly id: string;
  readonly name: string;
  readonly flags: number;
  readonly processId: number;
  readonly rectangle: Rectangle;
  readonly scale: number;
  readonly refreshRateMillihertz: number;
  readonly facing: number;
  readonly kind: number;
  readonly model: string;
  readonly manufacturer: string;
  readonly icon: string;
}

/** MiniAVVideoInfo */
export interface NativeVideoInfo {
  readonly width: number;
  readonly height: number;
  readonly pixelFormat: number;
  readonly frameRateNumerator: number;
  readonly frameRateDenominator: number;
  readonly outputPreference: number;
}

/** MiniAVAudioInfo */
export interface NativeAudioInfo {
  readonly sampleRate: number;
  readonly channelCount: number;
  readonly format: number;
}

/** Counters of one capture, in one snapshot; see MiniAVCaptureStats. */
export type NativeStats = {
  readonly [Name in Exclude<keyof typeof L.CaptureStatsLayout, "size" | "reserved">]: number;
};

/** The optical geometry of a camera, in pixels of the frame it rides on. */
export interface Intrinsics {
  readonly width: number;
  readonly height: number;
  readonly focalX: number;
  readonly focalY: number;
  readonly centreX: number;
  readonly centreY: number;
  /** k1 k2 p1 p2 k3 k4 k5 k6 of the rational Brown model. */
  readonly distortion: readonly number[];
}

/** MiniAVLoopbackTarget */
export interface NativeLoopbackTarget {
  readonly type: number;
  readonly flags: number;
  readonly processId: number;
  readonly windowHandle: number;
  readonly name: string;
}

export function rectangleAt(memory: Memory, base: number): Rectangle {
  const layout = L.RectLayout;
  return {
    x: i32(memory, base, layout.x),
    y: i32(memory, base, layout.y),
    width: i32(memory, base, layout.width),
    height: i32(memory, base, layout.height),
  };
}

/** What 32 bits hold; runtimes would cut off the rest, and mean another place. */
export function isInt32(value: unknown): value is number {
  return typeof value === "number" && value === (value | 0);
}

export function setRectangleAt(memory: Memory, base: number, rectangle: Rectangle): void {
  for (const name of ["x", "y", "width", "height"] as const) {
    if (!isInt32(rectangle[name])) {
      throw new RangeError(`${name} of a rectangle takes whole pixels, not ${rectangle[name]}`);
    }
    memory.view.setInt32(base + L.RectLayout[name].offset, rectangle[name], true);
  }
}

export function deviceAt(memory: Memory, base: number): NativeDevice {
  const layout = L.DeviceInfoLayout;
  return {
    id: textField(memory, base, layout.device_id),
    name: textField(memory, base, layout.name),
    flags: u32(memory, base, layout.flags),
    processId: u32(memory, base, layout.process_id),
    rectangle: rectangleAt(memory, base + layout.rectangle.offset),
    scale: f32(memory, base, layout.scale),
    refreshRateMillihertz: u32(memory, base, layout.refresh_rate_millihertz),
    facing: u32(memory, base, layout.facing),
    kind: u32(memory, base, layout.kind),
    model: textField(memory, base, layout.model),
    manufacturer: textField(memory, base, layout.manufacturer),
    icon: textField(memory, base, layout.icon),
  };
}

export function videoInfoAt(memory: Memory, base: number): NativeVideoInfo {
  const layout = L.VideoInfoLayout;
  return {
    width: u32(memory, base, layout.width),
    height: u32(memory, base, layout.height),
    pixelFormat: u32(memory, base, layout.pixel_format),
    frameRateNumerator: u32(memory, base, layout.frame_rate_numerator),
    frameRateDenominator: u32(memory, base, layout.frame_rate_denominator),
    outputPreference: u32(memory, base, layout.output_preference),
  };
}

export function audioInfoAt(memory: Memory, base: number): NativeAudioInfo {
  const layout = L.AudioInfoLayout;
  return {
    sampleRate: u32(memory, base, layout.sample_rate),
    channelCount: u32(memory, base, layout.channel_count),
    format: u32(memory, base, layout.format),
  };
}

/** Anything else would become some other number in C, and 0 there means "as you like". */
function put32(memory: Memory, base: number, field: Field, value: number, name: string): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`${name} takes a whole number from 0 on, not ${value}`);
  }
  memory.view.setUint32(base + field.offset, value, true);
}

export function encodeVideoInfo(info: NativeVideoInfo): Uint8Array {
  const layout = L.VideoInfoLayout;
  const memory = allocate(layout.size);
  put32(memory, 0, layout.width, info.width, "width");
  put32(memory, 0, layout.height, info.height, "height");
  put32(memory, 0, layout.pixel_format, info.pixelFormat, "pixelFormat");
  put32(memory, 0, layout.frame_rate_numerator, info.frameRateNumerator, "frameRateNumerator");
  put32(
    memory,
    0,
    layout.frame_rate_denominator,
    info.frameRateDenominator,
    "frameRateDenominator",
  );
  put32(memory, 0, layout.output_preference, info.outputPreference, "outputPreference");
  return memory.bytes;
}

export function encodeAudioInfo(info: NativeAudioInfo): Uint8Array {
  const layout = L.AudioInfoLayout;
  const memory = allocate(layout.size);
  put32(memory, 0, layout.sample_rate, info.sampleRate, "sampleRate");
  put32(memory, 0, layout.channel_count, info.channelCount, "channelCount");
  put32(memory, 0, layout.format, info.format, "format");
  return memory.bytes;
}

export function encodeLoopbackTargets(targets: readonly NativeLoopbackTarget[]): Uint8Array {
  const layout = L.LoopbackTargetLayout;
  const memory = allocate(layout.size * targets.length);
  targets.forEach((target, index) => {
    const base = index * layout.size;
    put32(memory, base, layout.type, target.type, "type");
    put32(memory, base, layout.flags, target.flags, "flags");
    put32(memory, base, layout.process_id, target.processId, "processId");
    memory.view.setBigUint64(
      base + layout.window_handle.offset,
      BigInt(target.windowHandle),
      true,
    );
    putText(memory, base, layout.name, target.name);
  });
  return memory.bytes;
}

export function putText(
  memory: Memory,
  base: number,
  field: Field & { readonly count: number },
  text: string,
): void {
  requireNoZero(text, "the text");
  const bytes = new TextEncoder().encode(text);
  if (bytes.length >= field.count) {
    throw new RangeError(`"${text.slice(0, 40)}…" has more than ${field.count - 1} bytes of UTF-8`);
  }
  memory.bytes.set(bytes, base + field.offset);
  memory.bytes[base + field.offset + bytes.length] = 0;
}

export function statsAt(memory: Memory): NativeStats {
  const { size: _size, reserved: _reserved, ...fields } = L.CaptureStatsLayout;
  const stats: Record<string, number> = {};
  for (const [name, field] of Object.entries(fields)) {
    stats[name] = field.type === "i64" ? i64(memory, 0, field) : u64(memory, 0, field);
  }
  return stats as NativeStats;
}

export function intrinsicsAt(memory: Memory, base: number): Intrinsics {
  const layout = L.IntrinsicsLayout;
  return {
    width: u32(memory, base, layout.width),
    height: u32(memory, base, layout.height),
    focalX: f64(memory, base, layout.focal_x),
    focalY: f64(memory, base, layout.focal_y),
    centreX: f64(memory, base, layout.centre_x),
    centreY: f64(memory, base, layout.centre_y),
    distortion: Array.from(
      { length: layout.distortion.count },
      (_, index) => memory.view.getFloat64(base + layout.distortion.offset + index * 8, true),
    ),
  };
}

export function setIntrinsicsAt(memory: Memory, base: number, value: Intrinsics): void {
  const layout = L.IntrinsicsLayout;
  put32(memory, base, layout.width, value.width, "width");
  put32(memory, base, layout.height, value.height, "height");
  const numbers = [
    [layout.focal_x, value.focalX],
    [layout.focal_y, value.focalY],
    [layout.centre_x, value.centreX],
    [layout.centre_y, value.centreY],
  ] as const;
  for (const [field, number] of numbers) {
    memory.view.setFloat64(base + field.offset, number, true);
  }
  for (let index = 0; index < layout.distortion.count; index++) {
    const coefficient = value.distortion[index] ?? 0;
    memory.view.setFloat64(base + layout.distortion.offset + index * 8, coefficient, true);
  }
}
