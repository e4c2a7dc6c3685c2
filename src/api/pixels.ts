/** Any raw pixel format to RGBA, by the frame's own matrix and range. */

import { MiniAVError } from "../ffi/mod.ts";
import { lumaWeights } from "./color.ts";
import type { ColorSpace } from "./color.ts";
import type { PixelFormat, Rectangle } from "./types.ts";

/** What of a frame the conversion reads. */
export interface PixelSource {
  readonly format: PixelFormat;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly colorSpace: Pick<ColorSpace, "matrix" | "fullRange">;
  readonly planes: readonly { readonly data: Uint8Array; readonly stride: number }[];
}

/** A picture ready to look at: four bytes a pixel, no padding. */
export interface RgbaPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Where red, green, blue and alpha are in a pixel; alpha null is opaque. */
export interface PackedRgb {
  readonly bytes: number;
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  readonly alpha: number | null;
}

export const PACKED_RGB: Readonly<Partial<Record<PixelFormat, PackedRgb>>> = {
  RGB24: { bytes: 3, red: 0, green: 1, blue: 2, alpha: null },
  BGR24: { bytes: 3, red: 2, green: 1, blue: 0, alpha: null },
  RGBA: { bytes: 4, red: 0, green: 1, blue: 2, alpha: 3 },
  BGRA: { bytes: 4, red: 2, green: 1, blue: 0, alpha: 3 },
  ARGB: { bytes: 4, red: 1, green: 2, blue: 3, alpha: 0 },
  ABGR: { bytes: 4, red: 3, green: 2, blue: 1, alpha: 0 },
  RGBX: { bytes: 4, red: 0, green: 1, blue: 2, alpha: null },
  BGRX: { bytes: 4, red: 2, green: 1, blue: 0, alpha: null },
  XRGB: { bytes: 4, red: 1, green: 2, blue: 3, alpha: null },
  XBGR: { bytes: 4, red: 3, green: 2, blue: 1, alpha: null },
};

/** Where luma and colour are in the planes of a format. */
export interface YuvShape {
  readonly chromaPlanes: readonly [u: number, v: number];
  readonly lumaStart: number;
  readonly lumaStep: number;
  readonly chromaStarts: readonly [u: number, v: number];
  readonly chromaStep: number;
  /** Rows that share a row of colour, as a shift. */
  readonly rowShift: number;
}

export const YUV_SHAPES: Readonly<Partial<Record<PixelFormat, YuvShape>>> = {
  I420: yuvShape([1, 2], 0, 1, [0, 0], 1, 1),
  NV12: yuvShape([1, 1], 0, 1, [0, 1], 2, 1),
  NV21: yuvShape([1, 1], 0, 1, [1, 0], 2, 1),
  YUY2: yuvShape([0, 0], 0, 2, [1, 3], 4, 0),
  UYVY: yuvShape([0, 0], 1, 2, [0, 2], 4, 0),
};

function yuvShape(
  chromaPlanes: readonly [number, number],
  lumaStart: number,
  lumaStep: number,
  chromaStarts: readonly [number, number],
  chromaStep: number,
  rowShift: number,
): YuvShape {
  return { chromaPlanes, lumaStart, lumaStep, chromaStarts, chromaStep, rowShift };
}

/** True for formats that `convertToRgba` reads. */
export function isRawFormat(format: PixelFormat): boolean {
  return format !== "MJPEG" && format !== "H264";
}

/** Writes the picture as RGBA, rows `stride` bytes apart. BUFFER_TOO_SMALL, NOT_SUPPORTED. */
export function convertToRgba(
  source: PixelSource,
  destination: Uint8Array<ArrayBuffer>,
  stride: number,
): void {
  const { codedWidth: width, codedHeight: height, format } = source;
  const needed = (height - 1) * stride + width * 4;
  if (stride < width * 4 || destination.byteLength < needed) {
    throw new MiniAVError("BUFFER_TOO_SMALL", {
      operation: "converting to RGBA",
      detail: `${needed} bytes are needed`,
    });
  }
  // A clamped array rounds and clamps by itself.
  const out = new Uint8ClampedArray(
    destination.buffer,
    destination.byteOffset,
    destination.byteLength,
  );
  const packed = PACKED_RGB[format];
  const yuv = YUV_SHAPES[format];
  if (packed !== undefined) packedToRgba(source, packed, out, stride);
  else if (yuv !== undefined) yuvToRgba(source, yuv, out, stride);
  else if (format === "P010") p010ToRgba(source, out, stride);
  else if (format === "GRAY8") grayToRgba(source, out, stride);
  else if (format === "X2RGB10") tenBitToRgba(source, 20, 0, out, stride);
  else if (format === "X2BGR10") tenBitToRgba(source, 0, 20, out, stride);
  else {
    throw new MiniAVError("NOT_SUPPORTED", {
      operation: "converting to RGBA",
      detail: `${format} is compressed`,
      hint: 'Open with a raw format, such as format: "NV12".',
    });
  }
}

export function planeOf(
  source: PixelSource,
  index: number,
): { data: Uint8Array; stride: number } {
  const plane = source.planes[index];
  if (plane === undefined) {
    throw new MiniAVError("INVALID_ARG", {
      operation: "RGBA",
      detail: `${source.format} without plane ${index}`,
    });
  }
  return plane;
}

/** Limited range is 16…235; what RGB does not say is full. */
function rgbLevels(fullRange: boolean | null): { scale: number; offset: number } {
  return fullRange === false ? { scale: 255 / 219, offset: -16 } : { scale: 1, offset: 0 };
}

function packedToRgba(
  source: PixelSource,
  { bytes, red, green, blue, alpha }: PackedRgb,
  out: Uint8ClampedArray,
  outStride: number,
): void {
  const { data, stride } = planeOf(source, 0);
  const { scale, offset } = rgbLevels(source.colorSpace.fullRange);
  const isAligned = (data.byteOffset | stride | out.byteOffset | outStride) % 4 === 0;
  if (bytes === 4 && scale === 1 && isAligned) {
    reorderWords(source, { bytes, red, green, blue, alpha }, out, outStride);
    return;
  }
  for (let row = 0; row < source.codedHeight; row++) {
    let from = row * stride;
    let to = row * outStride;
    for (let column = 0; column < source.codedWidth; column++, from += bytes, to += 4) {
      out[to] = (data[from + red]! + offset) * scale;
      out[to + 1] = (data[from + green]! + offset) * scale;
      out[to + 2] = (data[from + blue]! + offset) * scale;
      out[to + 3] = alpha === null ? 255 : data[from + alpha]!;
    }
  }
}

/** The same of whole words: what a screen sends, where only the order of its bytes changes. Every
 * system that this runs on is little-endian. */
function reorderWords(
  { codedWidth: width, codedHeight: height, planes }: PixelSource,
  { red, green, blue, alpha }: PackedRgb,
  out: Uint8ClampedArray,
  outStride: number,
): void {
  const { data, stride } = planes[0]!;
  const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
  const target = new Int32Array(out.buffer, out.byteOffset, out.byteLength >> 2);
  const [redShift, greenShift, blueShift] = [8 * red, 8 * green, 8 * blue];
  const alphaShift = 8 * (alpha ?? 0);
  const opaque = alpha === null ? 255 : 0;
  for (let row = 0; row < height; row++) {
    let from = (row * stride) >> 2;
    let to = (row * outStride) >> 2;
    for (const end = from + width; from < end; from++, to++) {
      const word = words[from]!;
      target[to] = ((word >>> redShift) & 255) | (((word >>> greenShift) & 255) << 8) |
        (((word >>> blueShift) & 255) << 16) | (((word >>> alphaShift) | opaque) << 24);
    }
  }
}

interface YuvCoefficients {
  readonly lumaScale: number;
  readonly lumaOffset: number;
  readonly redFromV: number;
  readonly greenFromU: number;
  readonly greenFromV: number;
  readonly blueFromU: number;
}

/** ITU-T H.273, 8.3: what the matrix and the range make of Y, U and V. */
export function yuvCoefficients(source: PixelSource): YuvCoefficients {
  const { red, blue } = lumaWeights(source.colorSpace.matrix, source.codedHeight);
  const green = 1 - red - blue;
  const full = source.colorSpace.fullRange === true;
  const chroma = full ? 1 : 255 / 224;
  return {
    lumaScale: full ? 1 : 255 / 219,
    lumaOffset: full ? 0 : -16,
    redFromV: 2 * (1 - red) * chroma,
    greenFromU: (-2 * blue * (1 - blue) * chroma) / green,
    greenFromV: (-2 * red * (1 - red) * chroma) / green,
    blueFromU: 2 * (1 - blue) * chroma,
  };
}

function yuvToRgba(
  source: PixelSource,
  shape: YuvShape,
  out: Uint8ClampedArray,
  outStride: number,
): void {
  const luma = planeOf(source, 0);
  const uPlane = planeOf(source, shape.chromaPlanes[0]);
  const vPlane = planeOf(source, shape.chromaPlanes[1]);
  const k = yuvCoefficients(source);
  for (let row = 0; row < source.codedHeight; row++) {
    const lumaRow = row * luma.stride + shape.lumaStart;
    const uRow = (row >> shape.rowShift) * uPlane.stride + shape.chromaStarts[0];
    const vRow = (row >> shape.rowShift) * vPlane.stride + shape.chromaStarts[1];
    let to = row * outStride;
    for (let column = 0; column < source.codedWidth; column++, to += 4) {
      const at = (column >> 1) * shape.chromaStep;
      const y = (luma.data[lumaRow + column * shape.lumaStep]! + k.lumaOffset) * k.lumaScale;
      const u = uPlane.data[uRow + at]! - 128;
      const v = vPlane.data[vRow + at]! - 128;
      out[to] = y + k.redFromV * v;
      out[to + 1] = y + k.greenFromU * u + k.greenFromV * v;
      out[to + 2] = y + k.blueFromU * u;
      out[to + 3] = 255;
    }
  }
}

/** 16-bit words whose top ten bits count, read as 8 bits with a fraction. In limited range that needs
 * no other scale; in full range white is 1023 / 4, not 255. */
function p010ToRgba(source: PixelSource, out: Uint8ClampedArray, outStride: number): void {
  const luma = planeOf(source, 0);
  const chroma = planeOf(source, 1);
  const eight = yuvCoefficients(source);
  const ten = source.colorSpace.fullRange === true ? 1020 / 1023 : 1;
  const k = {
    lumaOffset: eight.lumaOffset,
    lumaScale: eight.lumaScale * ten,
    redFromV: eight.redFromV * ten,
    greenFromU: eight.greenFromU * ten,
    greenFromV: eight.greenFromV * ten,
    blueFromU: eight.blueFromU * ten,
  };
  const word = (data: Uint8Array, at: number) => data[at + 1]! + (data[at]! & 0xc0) / 256;
  for (let row = 0; row < source.codedHeight; row++) {
    const lumaRow = row * luma.stride;
    const chromaRow = (row >> 1) * chroma.stride;
    let to = row * outStride;
    for (let column = 0; column < source.codedWidth; column++, to += 4) {
      const at = chromaRow + (column >> 1) * 4;
      const y = (word(luma.data, lumaRow + column * 2) + k.lumaOffset) * k.lumaScale;
      const u = word(chroma.data, at) - 128;
      const v = word(chroma.data, at + 2) - 128;
      out[to] = y + k.redFromV * v;
      out[to + 1] = y + k.greenFromU * u + k.greenFromV * v;
      out[to + 2] = y + k.blueFromU * u;
      out[to + 3] = 255;
    }
  }
}

function grayToRgba(source: PixelSource, out: Uint8ClampedArray, outStride: number): void {
  const { data, stride } = planeOf(source, 0);
  const { scale, offset } = rgbLevels(source.colorSpace.fullRange);
  for (let row = 0; row < source.codedHeight; row++) {
    let to = row * outStride;
    for (let column = 0; column < source.codedWidth; column++, to += 4) {
      const y = (data[row * stride + column]! + offset) * scale;
      out[to] = y;
      out[to + 1] = y;
      out[to + 2] = y;
      out[to + 3] = 255;
    }
  }
}

/** 32-bit little-endian words with three fields of ten bits; green is always in the middle. */
function tenBitToRgba(
  source: PixelSource,
  redShift: number,
  blueShift: number,
  out: Uint8ClampedArray,
  outStride: number,
): void {
  const { data, stride } = planeOf(source, 0);
  const limited = source.colorSpace.fullRange === false;
  const black = limited ? 64 : 0;
  const scale = 255 / (limited ? 876 : 1023);
  const level = (word: number, shift: number) => (((word >>> shift) & 1023) - black) * scale;
  for (let row = 0; row < source.codedHeight; row++) {
    let from = row * stride;
    let to = row * outStride;
    for (let column = 0; column < source.codedWidth; column++, from += 4, to += 4) {
      const word = data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16) |
        (data[from + 3]! << 24);
      out[to] = level(word, redShift);
      out[to + 1] = level(word, 10);
      out[to + 2] = level(word, blueShift);
      out[to + 3] = 255;
    }
  }
}

/** The visible part of a frame, upright, as RGBA. */
export function toRgbaPicture(
  frame: PixelSource & {
    readonly visibleRect: Rectangle;
    readonly rotation: number;
    readonly flip: boolean;
  },
): RgbaPicture {
  const { codedWidth, codedHeight, visibleRect } = frame;
  const data = new Uint8Array(codedWidth * codedHeight * 4);
  convertToRgba(frame, data, codedWidth * 4);
  const whole = visibleRect.x === 0 && visibleRect.y === 0 && visibleRect.width === codedWidth &&
    visibleRect.height === codedHeight;
  if (whole && frame.rotation === 0 && !frame.flip) {
    return { width: codedWidth, height: codedHeight, data };
  }
  return turn(data, codedWidth, visibleRect, frame.rotation, frame.flip);
}

function turn(
  data: Uint8Array<ArrayBuffer>,
  dataWidth: number,
  part: Rectangle,
  rotation: number,
  flip: boolean,
): RgbaPicture {
  const sideways = rotation === 90 || rotation === 270;
  const width = sideways ? part.height : part.width;
  const height = sideways ? part.width : part.height;
  const from = new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const to = new Uint32Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const shown = flip ? width - 1 - column : column;
      const [x, y] = unturned(shown, row, part, rotation);
      to[row * width + column] = from[(part.y + y) * dataWidth + part.x + x]!;
    }
  }
  return { width, height, data: new Uint8Array(to.buffer) };
}

/** Which pixel of the stored picture is shown at a place of the upright one. */
function unturned(x: number, y: number, part: Rectangle, rotation: number): [number, number] {
  switch (rotation) {
    case 90:
      return [y, part.height - 1 - x];
    case 180:
      return [part.width - 1 - x, part.height - 1 - y];
    case 270:
      return [part.width - 1 - y, x];
    default:
      return [x, y];
  }
}
