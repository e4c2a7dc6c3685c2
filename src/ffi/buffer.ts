/** Descriptions of captured buffers, read from the caller's copy of MiniAVBuffer. */

import * as L from "./layout.gen.ts";
import { allocate, bigU64, i32, i64, u32, u64 } from "./memory.ts";
import type { Memory } from "./memory.ts";
import { intrinsicsAt, rectangleAt, videoInfoAt } from "./structs.ts";
import type { Intrinsics, NativeVideoInfo, Rectangle } from "./structs.ts";
import type { Handle, Native } from "./symbols.ts";
import type { Runtime } from "./adapter.ts";

/** MiniAVPlane */
export interface NativePlane {
  /** CPU: of its first byte; GPU: the handle. */
  readonly address: Handle;
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  /** From the start of the block that holds it. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly subresourceIndex: number;
}

/** The video part of a MiniAVBuffer. */
export interface NativeVideo {
  readonly info: NativeVideoInfo;
  readonly planes: readonly NativePlane[];
}

/** The audio part of a MiniAVBuffer. */
export interface NativeAudio {
  readonly frameCount: number;
  readonly channelCount: number;
  readonly format: number;
  readonly address: Handle;
}

/** What the numbers of a picture mean, as code points of ITU-T H.273. */
export interface NativeColor {
  readonly range: number;
  readonly matrix: number;
  readonly primaries: number;
  readonly transfer: number;
}

/** File descriptors of GPU memory. */
export interface NativeDmabuf {
  readonly fourcc: number;
  readonly modifier: bigint;
  readonly planes: readonly {
    readonly fd: number;
    readonly offsetBytes: number;
    readonly strideBytes: number;
  }[];
}

/** One captured buffer; `video` or `audio`, never both. */
export interface NativeBuffer {
  readonly handle: Handle;
  readonly contentType: number;
  readonly timestamp: number;
  readonly sizeBytes: number;
  readonly flags: number;
  readonly sequence: number;
  readonly duration: number;
  readonly sampleRate: number;
  readonly color: NativeColor;
  readonly rotation: number;
  readonly mirrored: boolean;
  readonly crop: Rectangle;
  readonly dmabuf: NativeDmabuf | null;
  readonly hasMetadata: boolean;
  readonly video: NativeVideo | null;
  readonly audio: NativeAudio | null;
}

/** What rides on a frame besides its pixels. */
export interface NativeMetadata {
  readonly flags: number;
  readonly damage: readonly Rectangle[];
  readonly cursor: {
    readonly x: number;
    readonly y: number;
    readonly hotspotX: number;
    readonly hotspotY: number;
    readonly visible: boolean;
    readonly width: number;
    readonly height: number;
    readonly strideBytes: number;
    readonly pixelFormat: number;
    readonly serial: number;
  };
  readonly intrinsics: Intrinsics;
}

const B = L.BufferLayout;

/** Reads a description; the memory may be used again at once. */
export function bufferAt(memory: Memory, runtime: Runtime): NativeBuffer {
  const type = u32(memory, 0, B.type);
  const contentType = u32(memory, 0, B.content_type);
  return {
    handle: runtime.handleAt(memory.view, B.internal_handle.offset),
    contentType,
    timestamp: i64(memory, 0, B.timestamp_us),
    sizeBytes: u64(memory, 0, B.data_size_bytes),
    flags: u32(memory, 0, B.flags),
    sequence: u64(memory, 0, B.sequence),
    duration: i64(memory, 0, B.duration_us),
    sampleRate: u32(memory, 0, B.sample_rate),
    color: {
      range: u32(memory, 0, B.color_range),
      matrix: u32(memory, 0, B.color_matrix),
      primaries: u32(memory, 0, B.color_primaries),
      transfer: u32(memory, 0, B.color_transfer),
    },
    rotation: u32(memory, 0, B.rotation_degrees),
    mirrored: u32(memory, 0, B.mirrored) !== 0,
    crop: rectangleAt(memory, B.crop.offset),
    dmabuf: contentType === L.BufferContentType.GPU_DMABUF_FD ? dmabufAt(memory) : null,
    hasMetadata: u64(memory, 0, B.metadata) !== 0,
    video: type === L.BufferType.VIDEO ? videoAt(memory, runtime) : null,
    audio: type === L.BufferType.AUDIO ? audioAt(memory, runtime) : null,
  };
}

function videoAt(memory: Memory, runtime: Runtime): NativeVideo {
  const count = memory.view.getUint8(B.data_video_num_planes.offset);
  const planes: NativePlane[] = [];
  const layout = L.PlaneLayout;
  for (let index = 0; index < Math.min(count, L.MAX_PLANES); index++) {
    const base = B.data_video_planes.offset + index * layout.size;
    planes.push({
      address: runtime.handleAt(memory.view, base + layout.data_ptr.offset),
      width: u32(memory, base, layout.width),
      height: u32(memory, base, layout.height),
      strideBytes: u32(memory, base, layout.stride_bytes),
      offsetBytes: u32(memory, base, layout.offset_bytes),
      sizeBytes: u32(memory, base, layout.size_bytes),
      subresourceIndex: u32(memory, base, layout.subresource_index),
    });
  }
  return { info: videoInfoAt(memory, B.data_video_info.offset), planes };
}

function audioAt(memory: Memory, runtime: Runtime): NativeAudio {
  return {
    frameCount: u32(memory, 0, B.data_audio_frame_count),
    channelCount: u32(memory, 0, B.data_audio_channel_count),
    format: u32(memory, 0, B.data_audio_format),
    address: runtime.handleAt(memory.view, B.data_audio_data.offset),
  };
}

function dmabufAt(memory: Memory): NativeDmabuf {
  const count = Math.min(u32(memory, 0, B.num_fds), L.MAX_PLANES);
  const at = (field: L.Field, index: number) => ({ ...field, offset: field.offset + 4 * index });
  return {
    fourcc: u32(memory, 0, B.drm_fourcc),
    modifier: bigU64(memory, 0, B.drm_modifier),
    planes: Array.from({ length: count }, (_, index) => ({
      fd: i32(memory, 0, at(B.plane_fds, index)),
      offsetBytes: u32(memory, 0, at(B.plane_offsets_bytes, index)),
      strideBytes: u32(memory, 0, at(B.plane_strides_bytes, index)),
    })),
  };
}

/** The metadata of a buffer that is still outstanding, or null. */
export function readMetadata(native: Native, handle: Handle): NativeMetadata | null {
  const layout = L.FrameMetadataLayout;
  const memory = allocate(layout.size);
  if (native.MiniAV_CopyMetadata(handle, memory.bytes) !== L.ResultCode.SUCCESS) return null;
  const count = Math.min(u32(memory, 0, layout.damage_count), L.MAX_DAMAGE_RECTANGLES);
  return {
    flags: u32(memory, 0, layout.flags),
    damage: Array.from(
      { length: count },
      (_, index) => rectangleAt(memory, layout.damage.offset + index * L.RectLayout.size),
    ),
    cursor: {
      x: i32(memory, 0, layout.cursor_x),
      y: i32(memory, 0, layout.cursor_y),
      hotspotX: i32(memory, 0, layout.cursor_hotspot_x),
      hotspotY: i32(memory, 0, layout.cursor_hotspot_y),
      visible: u32(memory, 0, layout.cursor_visible) !== 0,
      width: u32(memory, 0, layout.cursor_width),
      height: u32(memory, 0, layout.cursor_height),
      strideBytes: u32(memory, 0, layout.cursor_stride_bytes),
      pixelFormat: u32(memory, 0, layout.cursor_format),
      serial: u32(memory, 0, layout.cursor_serial),
    },
    intrinsics: intrinsicsAt(memory, layout.intrinsics.offset),
  };
}
