// Every raw format, matrix and range against a reference in floating point (ITU-T H.273, 8.3),
// written the slow and plain way: random samples, an odd size, rows with padding.

import assert from "node:assert/strict";
import { test } from "node:test";
import { convertToRgba, isRawFormat, PIXEL_FORMATS } from "../../src/mod.ts";
import type { PixelFormat, PixelSource } from "../../src/mod.ts";

const WIDTH = 37;
const HEIGHT = 11;
/** Rows whose words are aligned, and rows whose words are not. */
const PADDINGS = [4, 5] as const;

const WEIGHTS = {
  bt709: [0.2126, 0.0722],
  smpte170m: [0.299, 0.114],
  bt470bg: [0.299, 0.114],
  "bt2020-ncl": [0.2627, 0.0593],
  smpte240m: [0.212, 0.087],
  fcc: [0.3, 0.11],
} as const;

type Matrix = keyof typeof WEIGHTS;
type Sample = (plane: number, x: number, y: number) => number;
type Rgba = readonly [number, number, number, number];

const PACKED: Partial<Record<PixelFormat, string>> = {
  RGB24: "RGB",
  BGR24: "BGR",
  RGBA: "RGBA",
  BGRA: "BGRA",
  ARGB: "ARGB",
  ABGR: "ABGR",
  RGBX: "RGBx",
  BGRX: "BGRx",
  XRGB: "xRGB",
  XBGR: "xBGR",
};

/** Bytes of a row of each plane. */
function rowBytes(format: PixelFormat): number[] {
  const half = (WIDTH + 1) >> 1;
  const packed = PACKED[format];
  if (packed !== undefined) return [WIDTH * packed.length];
  switch (format) {
    case "I420":
      return [WIDTH, half, half];
    case "NV12":
    case "NV21":
      return [WIDTH, half * 2];
    case "P010":
      return [WIDTH * 2, half * 4];
    case "YUY2":
    case "UYVY":
      return [half * 4];
    case "GRAY8":
      return [WIDTH];
    default:
      return [WIDTH * 4];
  }
}

function randomPicture(
  format: PixelFormat,
  matrix: Matrix,
  fullRange: boolean,
  padding: number,
): PixelSource {
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16 & 255;
  const planes = rowBytes(format).map((bytes, index) => {
    const rows = index === 0 ? HEIGHT : (HEIGHT + 1) >> 1;
    const stride = bytes + padding;
    const data = Uint8Array.from({ length: stride * rows }, next);
    return { data, stride };
  });
  return {
    format,
    codedWidth: WIDTH,
    codedHeight: HEIGHT,
    colorSpace: { matrix, fullRange },
    planes,
  };
}

function yuvToRgb(y: number, u: number, v: number, bits: 8 | 10, source: PixelSource): Rgba {
  const [kr, kb] = WEIGHTS[source.colorSpace.matrix as Matrix];
  const unit = 1 << (bits - 8);
  const full = source.colorSpace.fullRange === true;
  const most = (1 << bits) - 1;
  const luma = full ? y / most : (y - 16 * unit) / (219 * unit);
  const cb = (u - 128 * unit) / (full ? most : 224 * unit);
  const cr = (v - 128 * unit) / (full ? most : 224 * unit);
  const red = luma + 2 * (1 - kr) * cr;
  const blue = luma + 2 * (1 - kb) * cb;
  const green = (luma - kr * red - kb * blue) / (1 - kr - kb);
  return [red * 255, green * 255, blue * 255, 255];
}

function expected(source: PixelSource, x: number, y: number): Rgba {
  const { format, planes } = source;
  const byte: Sample = (plane, at, row) =>
    planes[plane]!.data[row * planes[plane]!.stride + at] ?? NaN;
  const ten: Sample = (plane, at, row) =>
    (byte(plane, at, row) | (byte(plane, at + 1, row) << 8)) >>> 6;
  const level = (value: number, bits: 8 | 10) => {
    const unit = 1 << (bits - 8);
    return source.colorSpace.fullRange === false
      ? (value - 16 * unit) * 255 / (219 * unit)
      : value * 255 / ((1 << bits) - 1);
  };
  const [cx, cy] = [x >> 1, y >> 1];
  const packed = PACKED[format];
  if (packed !== undefined) {
    const of = (letter: string) => byte(0, x * packed.length + packed.indexOf(letter), y);
    const alpha = packed.includes("A") ? of("A") : 255;
    return [level(of("R"), 8), level(of("G"), 8), level(of("B"), 8), alpha];
  }
  switch (format) {
    case "I420":
      return yuvToRgb(byte(0, x, y), byte(1, cx, cy), byte(2, cx, cy), 8, source);
    case "NV12":
      return yuvToRgb(byte(0, x, y), byte(1, cx * 2, cy), byte(1, cx * 2 + 1, cy), 8, source);
    case "NV21":
      return yuvToRgb(byte(0, x, y), byte(1, cx * 2 + 1, cy), byte(1, cx * 2, cy), 8, source);
    case "P010":
      return yuvToRgb(ten(0, x * 2, y), ten(1, cx * 4, cy), ten(1, cx * 4 + 2, cy), 10, source);
    case "YUY2":
      return yuvToRgb(byte(0, x * 2, y), byte(0, cx * 4 + 1, y), byte(0, cx * 4 + 3, y), 8, source);
    case "UYVY":
      return yuvToRgb(byte(0, x * 2 + 1, y), byte(0, cx * 4, y), byte(0, cx * 4 + 2, y), 8, source);
    case "GRAY8": {
      const gray = level(byte(0, x, y), 8);
      return [gray, gray, gray, 255];
    }
    default: {
      const view = new DataView(planes[0]!.data.buffer);
      const word = view.getUint32(y * planes[0]!.stride + x * 4, true);
      const [high, middle, low] = [20, 10, 0].map((shift) => level((word >>> shift) & 1023, 10));
      return format === "X2RGB10"
        ? [high ?? 0, middle ?? 0, low ?? 0, 255]
        : [low ?? 0, middle ?? 0, high ?? 0, 255];
    }
  }
}

function worstError(source: PixelSource): number {
  const stride = WIDTH * 4 + 12;
  const out = new Uint8Array(stride * HEIGHT);
  convertToRgba(source, out, stride);
  let worst = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      expected(source, x, y).forEach((value, channel) => {
        const clamped = Math.min(255, Math.max(0, value));
        worst = Math.max(worst, Math.abs((out[y * stride + x * 4 + channel] ?? NaN) - clamped));
      });
    }
  }
  return worst;
}

for (const format of PIXEL_FORMATS.filter(isRawFormat)) {
  test(`${format} is right to one level in every matrix and range`, () => {
    for (const matrix of Object.keys(WEIGHTS) as Matrix[]) {
      for (const fullRange of [true, false]) {
        for (const padding of PADDINGS) {
          const worst = worstError(randomPicture(format, matrix, fullRange, padding));
          assert.ok(worst <= 1, `${matrix}, ${fullRange ? "full" : "limited"}: off by ${worst}`);
        }
      }
    }
  });
}
