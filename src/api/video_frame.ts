/** One captured picture. */

import { BufferContentType, MetadataFlags, MiniAVError } from "../ffi/mod.ts";
import type {
  FrameMemory,
  Intrinsics,
  NativeBuffer,
  NativeMetadata,
  PlaneLayout,
  PlaneShape,
  Rectangle,
} from "../ffi/mod.ts";
import { colorSpaceFrom } from "./color.ts";
import type { ColorSpace } from "./color.ts";
import { pixelFormatName, planeShape } from "./formats.ts";
import { checkCopy, checkCopyOptions } from "./copy_options.ts";
import { bytesOf, CapturedFrame, ownedCopy } from "./frame.ts";
import type { CopyDestination } from "./frame.ts";
import { decodePicture } from "./jpeg.ts";
import { convertToRgba } from "./pixels.ts";
import type { PixelFormat } from "./types.ts";

/** One plane of a frame. */
export interface VideoPlane {
  /**
   * The bytes, rows `stride` apart, over native memory and without a copy; length 0 after `close()`.
   *
   * They are for synchronous use. What reads them later (a write to a file, a compressor) takes a
   * copy, or the frame is closed after it has settled. Memory that is transferred elsewhere
   * (postMessage with transfer, a byte stream) never comes back: it counts as stolen.
   */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Samples a row; a plane of halved colour counts its own. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** The mouse pointer, where it is not painted into the picture. */
export interface FrameCursor {
  /** Of the hotspot, in pixels of the frame: negative or beyond its edges where it is outside. */
  readonly x: number;
  readonly y: number;
  /** False: hidden, or outside the frame. */
  readonly visible: boolean;
  /** Changes with the picture. */
  readonly serial: number;
  /** The picture, when it changed with this frame; `data` is a copy, which stays after `close()`. */
  readonly image: {
    readonly width: number;
    readonly height: number;
    readonly stride: number;
    readonly format: PixelFormat;
    readonly hotspotX: number;
    readonly hotspotY: number;
    readonly data: Uint8Array<ArrayBuffer>;
  } | null;
}

/** Handles of GPU memory, borrowed until the frame is closed. */
export type GpuFrame =
  | {
    readonly type: "dmabuf";
    /** DRM format code. */
    readonly fourcc: number;
    readonly modifier: bigint;
    readonly planes: readonly {
      readonly fd: number;
      readonly offset: number;
      readonly stride: number;
    }[];
  }
  | { readonly type: "d3d11"; readonly handle: bigint; readonly subresource: number }
  | { readonly type: "metal"; readonly textures: readonly bigint[] };

/** How `copyTo` lays a picture out. */
export interface CopyToOptions {
  /** Where each plane goes; by default one after the other, rows without padding. */
  readonly layout?: readonly PlaneLayout[] | undefined;
  /** Converts on the way; only to "RGBA", from any format but H264. */
  readonly format?: "RGBA" | undefined;
}

/** A captured picture. Close it: the source needs its buffer back. */
export class CapturedVideoFrame extends CapturedFrame {
  readonly type = "video";
  readonly format: PixelFormat;
  /** Pixels of the picture in memory. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** The part to show. */
  readonly visibleRect: Rectangle;
  /** Degrees clockwise that turn the picture upright: 0, 90, 180, 270. */
  readonly rotation: number;
  /** Flipped left to right after the turn. */
  readonly flip: boolean;
  readonly colorSpace: ColorSpace;
  readonly planes: readonly VideoPlane[];
  /** Handles of GPU memory instead of bytes, or null. */
  readonly gpu: GpuFrame | null;
  readonly #buffer: NativeBuffer;
  readonly #shapes: readonly PlaneShape[];

  /** Frames come from captures. */
  constructor(buffer: NativeBuffer, memory: FrameMemory) {
    super(buffer, memory);
    const video = videoOf(buffer);
    const { width, height } = video.info;
    this.format = pixelFormatName(video.info.pixelFormat);
    this.codedWidth = width;
    this.codedHeight = height;
    this.visibleRect = buffer.crop.width === 0 ? { x: 0, y: 0, width, height } : buffer.crop;
    this.rotation = buffer.rotation;
    this.flip = buffer.mirrored;
    this.colorSpace = colorSpaceFrom(buffer.color);
    this.#buffer = buffer;
    this.#shapes = planeShapesOf(buffer);
    this.planes = video.planes.map((plane, index) => ({
      // What the memory says: a copy has rows without padding.
      get data() {
        return memory.bytes(index);
      },
      stride: memory.stride(index) ?? plane.strideBytes,
      width: plane.width,
      height: plane.height,
    }));
    this.gpu = gpuOf(buffer);
  }

  /** Where the picture changed since the last frame; null: the source does not say. */
  get damage(): readonly Rectangle[] | null {
    return this.#metadata(MetadataFlags.DAMAGE)?.damage ?? null;
  }

  /** The mouse pointer; null: painted into the picture, or there is none. */
  get cursor(): FrameCursor | null {
    const cursor = this.#metadata(MetadataFlags.CURSOR)?.cursor;
    if (cursor === undefined) return null;
    const pixels = this.#metadata(MetadataFlags.CURSOR_PIXELS) === null
      ? null
      : this.memory.cursorPixels(cursor.strideBytes * cursor.height);
    return {
      x: cursor.x,
      y: cursor.y,
      visible: cursor.visible,
      serial: cursor.serial,
      image: pixels === null ? null : {
        width: cursor.width,
        height: cursor.height,
        stride: cursor.strideBytes,
        format: pixelFormatName(cursor.pixelFormat),
        hotspotX: cursor.hotspotX,
        hotspotY: cursor.hotspotY,
        data: pixels,
      },
    };
  }

  /** The optics behind the picture, where the system or the user told them. */
  get intrinsics(): Intrinsics | null {
    return this.#metadata(MetadataFlags.INTRINSICS)?.intrinsics ?? null;
  }

  /** Bytes that `copyTo` needs with the same options. */
  allocationSize(options: CopyToOptions = {}): number {
    if (options.format === "RGBA") return this.codedWidth * this.codedHeight * 4;
    return this.memory.copySize(options.layout ?? null);
  }

  /**
   * Copies the picture into memory of the caller's, which may then travel anywhere. Resolves to
   * where the planes lie in it. BUFFER_TOO_SMALL; INVALID_HANDLE after `close()`.
   */
  copyTo(destination: CopyDestination, options: CopyToOptions = {}): Promise<PlaneLayout[]> {
    return new Promise((resolve) => {
      checkCopy(this, destination);
      checkCopyOptions(options);
      const bytes = bytesOf(destination);
      const decodes = options.format !== undefined && this.format === "MJPEG";
      resolve(decodes ? this.#decode(bytes, options) : this.#copyNow(bytes, options));
    });
  }

  #copyNow(destination: Uint8Array<ArrayBuffer>, options: CopyToOptions): PlaneLayout[] {
    if (options.format === undefined) {
      return this.memory.copy(destination, options.layout ?? null);
    }
    const stride = options.layout?.[0]?.stride ?? this.codedWidth * 4;
    const offset = options.layout?.[0]?.offset ?? 0;
    convertToRgba(this, destination.subarray(offset), stride);
    return [{ offset, stride }];
  }

  async #decode(
    destination: Uint8Array<ArrayBuffer>,
    { layout }: CopyToOptions,
  ): Promise<PlaneLayout[]> {
    const stride = layout?.[0]?.stride ?? this.codedWidth * 4;
    const offset = layout?.[0]?.offset ?? 0;
    const { width: codedWidth, height: codedHeight, data } = await decodePicture(this);
    // What a decoder gives is RGB in full range, whatever the frame says of its YUV.
    const colorSpace = { matrix: null, fullRange: true };
    const planes = [{ data, stride: codedWidth * 4 }];
    const source = { format: "RGBA", codedWidth, codedHeight, colorSpace, planes } as const;
    convertToRgba(source, destination.subarray(offset), stride);
    return [{ offset, stride }];
  }

  /** A copy that belongs to JavaScript: it outlives the capture and holds no buffer of the source. */
  clone(): CapturedVideoFrame {
    if (this.gpu !== null) {
      throw new MiniAVError("NOT_SUPPORTED", {
        operation: "clone",
        detail: "this frame is in memory of the GPU",
      });
    }
    const memory = ownedCopy(this.memory, this.#shapes, this.#cursorBytes());
    return new CapturedVideoFrame(this.#buffer, memory);
  }

  #cursorBytes(): number {
    const metadata = this.#metadata(MetadataFlags.CURSOR_PIXELS);
    return metadata === null ? 0 : metadata.cursor.strideBytes * metadata.cursor.height;
  }

  #metadata(flag: number): NativeMetadata | null {
    const metadata = this.memory.metadata();
    return metadata !== null && (metadata.flags & flag) !== 0 ? metadata : null;
  }
}

/** Rows and bytes of a row of each plane of a buffer. */
export function planeShapesOf(buffer: NativeBuffer): PlaneShape[] {
  const video = videoOf(buffer);
  const format = pixelFormatName(video.info.pixelFormat);
  return video.planes.map((plane, index) => planeShape(format, index, plane));
}

/** Bytes of the pointer's picture that rides on a frame. */
export function cursorBytesOf({ flags, cursor }: NativeMetadata): number {
  return (flags & MetadataFlags.CURSOR_PIXELS) === 0 ? 0 : cursor.strideBytes * cursor.height;
}

function videoOf(buffer: NativeBuffer) {
  if (buffer.video === null) throw new TypeError("not a video buffer");
  return buffer.video;
}

function gpuOf(buffer: NativeBuffer): GpuFrame | null {
  const planes = buffer.video?.planes ?? [];
  switch (buffer.contentType) {
    case BufferContentType.GPU_DMABUF_FD: {
      const { dmabuf } = buffer;
      if (dmabuf === null) return null;
      return {
        type: "dmabuf",
        fourcc: dmabuf.fourcc,
        modifier: dmabuf.modifier,
        planes: dmabuf.planes.map(({ fd, offsetBytes, strideBytes }) => ({
          fd,
          offset: offsetBytes,
          stride: strideBytes,
        })),
      };
    }
    case BufferContentType.GPU_D3D11_HANDLE:
      return {
        type: "d3d11",
        handle: BigInt(planes[0]?.address ?? 0),
        subresource: planes[0]?.subresourceIndex ?? 0,
      };
    case BufferContentType.GPU_METAL_TEXTURE:
      return { type: "metal", textures: planes.map(({ address }) => BigInt(address)) };
    default:
      return null;
  }
}
