/** Pictures in any raw format as planes without padding, the way Y4M holds them. */

import { lumaWeights } from "./color.ts";
import { PACKED_RGB, YUV_SHAPES } from "./pixels.ts";
import type { PixelSource, YuvShape } from "./pixels.ts";
import type { PixelFormat } from "./types.ts";

/** Names of Y4M. 420jpeg: colour in the middle of four pixels, which is where averaging puts it. */
export type Chroma = "420jpeg" | "422" | "444" | "mono" | "420p10" | "444p10";

/** Writes the planes of pictures of one format and size. */
export interface PlanarConverter {
  readonly chroma: Chroma;
  readonly fullRange: boolean;
  /** Of all planes. */
  readonly bytes: number;
  convert(source: PixelSource, out: Uint8Array<ArrayBuffer>): void;
}

/** A converter for pictures like this one; RGB becomes what `rgbChroma` says. */
export function planarConverter(
  sample: PixelSource,
  rgbChroma: "420" | "444",
): PlanarConverter {
  const shape = YUV_SHAPES[sample.format];
  if (shape !== undefined) return yuvConverter(sample, shape);
  if (sample.format === "P010") return p010Converter(sample);
  if (sample.format === "GRAY8") return grayConverter(sample);
  return rgbConverter(sample, rgbChroma);
}

function plane(source: PixelSource, index: number): { data: Uint8Array; stride: number } {
  const found = source.planes[index];
  if (found === undefined) throw new RangeError(`${source.format} without plane ${index}`);
  return found;
}

/** Samples that are `step` bytes apart, row by row. */
function gather(
  source: { readonly data: Uint8Array; readonly stride: number },
  start: number,
  step: number,
  width: number,
  height: number,
  out: Uint8Array,
  outStart: number,
): void {
  const { data, stride } = source;
  let to = outStart;
  for (let row = 0; row < height; row++) {
    let from = row * stride + start;
    if (step === 1) {
      out.set(data.subarray(from, from + width), to);
      to += width;
    } else for (let x = 0; x < width; x++, from += step) out[to++] = data[from]!;
  }
}

function yuvConverter(sample: PixelSource, shape: YuvShape): PlanarConverter {
  const { codedWidth: width, codedHeight: height } = sample;
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = shape.rowShift === 1 ? (height + 1) >> 1 : height;
  const luma = width * height;
  const chroma = chromaWidth * chromaHeight;
  const [u, v] = shape.chromaPlanes;
  const [uStart, vStart] = shape.chromaStarts;
  const { lumaStart, lumaStep, chromaStep: step } = shape;
  return {
    chroma: shape.rowShift === 1 ? "420jpeg" : "422",
    fullRange: sample.colorSpace.fullRange === true,
    bytes: luma + 2 * chroma,
    convert(source, out) {
      gather(plane(source, 0), lumaStart, lumaStep, width, height, out, 0);
      gather(plane(source, u), uStart, step, chromaWidth, chromaHeight, out, luma);
      gather(plane(source, v), vStart, step, chromaWidth, chromaHeight, out, luma + chroma);
    },
  };
}

/** The ten bits that count are the upper ones in P010 and the lower ones in Y4M. */
function p010Converter(sample: PixelSource): PlanarConverter {
  const { codedWidth: width, codedHeight: height } = sample;
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  const luma = width * height;
  const chroma = chromaWidth * chromaHeight;
  return {
    chroma: "420p10",
    fullRange: sample.colorSpace.fullRange === true,
    bytes: 2 * (luma + 2 * chroma),
    convert(source, out) {
      const words = wordsOf(out);
      gatherWords(plane(source, 0), 0, 2, width, height, words, 0);
      gatherWords(plane(source, 1), 0, 4, chromaWidth, chromaHeight, words, luma);
      gatherWords(plane(source, 1), 2, 4, chromaWidth, chromaHeight, words, luma + chroma);
    },
  };
}

function gatherWords(
  source: { readonly data: Uint8Array; readonly stride: number },
  start: number,
  step: number,
  width: number,
  height: number,
  out: Uint16Array,
  outStart: number,
): void {
  const { data, stride } = source;
  let to = outStart;
  for (let row = 0; row < height; row++) {
    let from = row * stride + start;
    for (let x = 0; x < width; x++, from += step) {
      out[to++] = (data[from]! | (data[from + 1]! << 8)) >> 6;
    }
  }
}

/** Every system that this runs on is little-endian, as the file is. */
function wordsOf(out: Uint8Array<ArrayBuffer>): Uint16Array {
  return new Uint16Array(out.buffer, out.byteOffset, out.byteLength >> 1);
}

function grayConverter(sample: PixelSource): PlanarConverter {
  const { codedWidth: width, codedHeight: height } = sample;
  return {
    chroma: "mono",
    fullRange: sample.colorSpace.fullRange !== false,
    bytes: width * height,
    convert: (source, out) => gather(plane(source, 0), 0, 1, width, height, out, 0),
  };
}

// -- RGB ------------------------------------------------------------------------------------

/** One row of a picture, its parts side by side. */
interface RgbRow {
  readonly red: Uint16Array;
  readonly green: Uint16Array;
  readonly blue: Uint16Array;
}

type RowReader = (source: PixelSource, row: number, into: RgbRow) => void;

function rgbConverter(sample: PixelSource, chroma: "420" | "444"): PlanarConverter {
  const tenBits = sample.format === "X2RGB10" || sample.format === "X2BGR10";
  const { codedWidth: width, codedHeight: height } = sample;
  const halved = chroma === "420";
  const chromaWidth = halved ? (width + 1) >> 1 : width;
  const chromaHeight = halved ? (height + 1) >> 1 : height;
  const luma = width * height;
  const count = luma + 2 * chromaWidth * chromaHeight;
  const math = rgbMath(sample, tenBits ? 10 : 8);
  const read = tenBits ? tenBitReader(sample.format) : packedReader(sample.format);
  const even = rgbRow(width);
  const odd = rgbRow(width);
  return {
    chroma: halved ? (tenBits ? "420p10" : "420jpeg") : tenBits ? "444p10" : "444",
    fullRange: false,
    bytes: tenBits ? 2 * count : count,
    convert(source, out) {
      const target = tenBits ? wordsOf(out) : out;
      const u = luma;
      const v = luma + chromaWidth * chromaHeight;
      for (let row = 0; row < height; row += halved ? 2 : 1) {
        read(source, row, even);
        writeLuma(even, math, target, row * width);
        if (!halved) {
          writeChroma(even, math, target, u + row * width, v + row * width);
          continue;
        }
        // The last row of an odd height stands for itself twice, as does the last column.
        const second = row + 1 < height ? odd : even;
        if (second === odd) {
          read(source, row + 1, odd);
          writeLuma(odd, math, target, (row + 1) * width);
        }
        const at = (row >> 1) * chromaWidth;
        writeHalvedChroma(even, second, math, target, u + at, v + at);
      }
    },
  };
}

function rgbRow(width: number): RgbRow {
  return {
    red: new Uint16Array(width),
    green: new Uint16Array(width),
    blue: new Uint16Array(width),
  };
}

function packedReader(format: PixelFormat): RowReader {
  const packed = PACKED_RGB[format];
  if (packed === undefined) throw new TypeError(`no conversion of ${format}`);
  const { bytes, red, green, blue } = packed;
  return (source, row, into) => {
    const { data, stride } = plane(source, 0);
    let from = row * stride;
    for (let x = 0; x < into.red.length; x++, from += bytes) {
      into.red[x] = data[from + red]!;
      into.green[x] = data[from + green]!;
      into.blue[x] = data[from + blue]!;
    }
  };
}

function tenBitReader(format: PixelFormat): RowReader {
  const redShift = format === "X2RGB10" ? 20 : 0;
  return (source, row, into) => {
    const { data, stride } = plane(source, 0);
    let from = row * stride;
    for (let x = 0; x < into.red.length; x++, from += 4) {
      const word = data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16) |
        (data[from + 3]! << 24);
      into.red[x] = (word >>> redShift) & 1023;
      into.green[x] = (word >>> 10) & 1023;
      into.blue[x] = (word >>> (20 - redShift)) & 1023;
    }
  };
}

/** Weights of red, green and blue, as 16-bit fractions, with what is added to the sum. */
interface Weights {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  readonly offset: number;
}

interface RgbMath {
  readonly y: Weights;
  readonly u: Weights;
  readonly v: Weights;
  readonly maximum: number;
}

const ONE = 65_536;

/** ITU-T H.273, 8.3: from RGB to limited-range Y, Cb and Cr of the same depth. */
function rgbMath(sample: PixelSource, depth: 8 | 10): RgbMath {
  const weights = lumaWeights(sample.colorSpace.matrix, sample.codedHeight);
  const { red, blue } = weights;
  const green = 1 - red - blue;
  const unit = 1 << (depth - 8);
  const limitedInput = sample.colorSpace.fullRange === false;
  const inputSpan = limitedInput ? 219 * unit : (1 << depth) - 1;
  const black = limitedInput ? 16 * unit : 0;
  const lumaScale = (219 * unit) / inputSpan;
  const chromaScale = (224 * unit) / inputSpan;
  const middle = 128 * unit;
  const uScale = chromaScale / (2 * (1 - blue));
  const vScale = chromaScale / (2 * (1 - red));
  return {
    // Grey has no colour, so that a black level other than 0 changes luma alone.
    y: fixed(red * lumaScale, green * lumaScale, blue * lumaScale, 16 * unit - black * lumaScale),
    u: fixed(-red * uScale, -green * uScale, (1 - blue) * uScale, middle),
    v: fixed((1 - red) * vScale, -green * vScale, -blue * vScale, middle),
    maximum: (1 << depth) - 1,
  };
}

/** Rounded so that the sum stays exact: grey stays grey. */
function fixed(red: number, green: number, blue: number, offset: number): Weights {
  const total = Math.round((red + green + blue) * ONE);
  const redPart = Math.round(red * ONE);
  const bluePart = Math.round(blue * ONE);
  return {
    red: redPart,
    green: total - redPart - bluePart,
    blue: bluePart,
    offset: Math.round((offset + 0.5) * ONE),
  };
}

function writeLuma(
  row: RgbRow,
  { y, maximum }: RgbMath,
  out: Uint8Array | Uint16Array,
  at: number,
): void {
  const { red, green, blue } = row;
  for (let x = 0; x < red.length; x++) {
    const value = (y.red * red[x]! + y.green * green[x]! + y.blue * blue[x]! + y.offset) >> 16;
    out[at + x] = clamp(value, maximum);
  }
}

function writeChroma(
  row: RgbRow,
  { u, v, maximum }: RgbMath,
  out: Uint8Array | Uint16Array,
  uAt: number,
  vAt: number,
): void {
  for (let x = 0; x < row.red.length; x++) {
    const red = row.red[x]!;
    const green = row.green[x]!;
    const blue = row.blue[x]!;
    out[uAt + x] = clamp((u.red * red + u.green * green + u.blue * blue + u.offset) >> 16, maximum);
    out[vAt + x] = clamp((v.red * red + v.green * green + v.blue * blue + v.offset) >> 16, maximum);
  }
}

/** The mean of two by two pixels. */
function writeHalvedChroma(
  upper: RgbRow,
  lower: RgbRow,
  { u, v, maximum }: RgbMath,
  out: Uint8Array | Uint16Array,
  uAt: number,
  vAt: number,
): void {
  const last = upper.red.length - 1;
  for (let x = 0, to = 0; x <= last; x += 2, to++) {
    const next = x < last ? x + 1 : x;
    const red = upper.red[x]! + upper.red[next]! + lower.red[x]! + lower.red[next]!;
    const green = upper.green[x]! + upper.green[next]! + lower.green[x]! + lower.green[next]!;
    const blue = upper.blue[x]! + upper.blue[next]! + lower.blue[x]! + lower.blue[next]!;
    // Sums of four: two more bits to shift, and four times the offset.
    const cb = u.red * red + u.green * green + u.blue * blue + 4 * u.offset;
    const cr = v.red * red + v.green * green + v.blue * blue + 4 * v.offset;
    out[uAt + to] = clamp(cb >> 18, maximum);
    out[vAt + to] = clamp(cr >> 18, maximum);
  }
}

function clamp(value: number, maximum: number): number {
  return value < 0 ? 0 : value > maximum ? maximum : value;
}
