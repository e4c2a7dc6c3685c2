/**
 * RGB pictures as planes of Y, Cb and Cr. A recording of a screen spends its time here, where a pixel
 * may cost a few nanoseconds: so a pixel is one 32-bit word, all arithmetic is of 32-bit integers, and
 * what is by far the most frequent has a loop of its own, with constants for shifts and nothing to
 * clamp, which takes two thirds of the time.
 */

import { MiniAVError } from "../ffi/mod.ts";
import { lumaWeights } from "./color.ts";
import { PACKED_RGB, planeOf } from "./pixels.ts";
import type { PackedRgb, PixelSource } from "./pixels.ts";
import type { PlanarConverter } from "./planar.ts";
import type { PixelFormat } from "./types.ts";

type Planes = Uint8Array | Uint16Array;

/** A converter for pictures like this one. */
export function rgbConverter(sample: PixelSource, chroma: "420" | "444"): PlanarConverter {
  const { codedWidth: width, codedHeight: height } = sample;
  const shape = rgbShape(sample.format);
  const isWide = shape.depth > 8;
  const isHalved = chroma === "420";
  const chromaWidth = isHalved ? (width + 1) >> 1 : width;
  const chromaHeight = isHalved ? (height + 1) >> 1 : height;
  const luma = width * height;
  const count = luma + 2 * chromaWidth * chromaHeight;
  const math = rgbMath(sample, shape);
  const rows = new RowWords(shape.bytes, width);
  const v = luma + chromaWidth * chromaHeight;
  // Of full range nothing can leave the range of a byte.
  const isUsual = !isWide && isHalved && sample.colorSpace.fullRange !== false &&
    width % 2 === 0 && height % 2 === 0;
  return {
    chroma: isHalved ? (isWide ? "420p10" : "420jpeg") : isWide ? "444p10" : "444",
    fullRange: false,
    bytes: isWide ? 2 * count : count,
    convert(source, out) {
      if (isUsual) {
        convertUsual(source, rows, math, out);
        return;
      }
      const target = isWide ? wordsOf(out) : out;
      for (let row = 0; row < height; row += isHalved ? 2 : 1) {
        const upper = rows.read(source, row, 0);
        writeLuma(upper, math, target, row * width);
        if (!isHalved) {
          writeChroma(upper, math, target, luma + row * width, v + row * width);
          continue;
        }
        // The last row of an odd height stands for itself twice, as does the last column.
        const lower = row + 1 < height ? rows.read(source, row + 1, 1) : upper;
        if (lower !== upper) writeLuma(lower, math, target, (row + 1) * width);
        const at = (row >> 1) * chromaWidth;
        writeHalvedChroma(upper, lower, math, target, luma + at, v + at);
      }
    },
  };
}

/** Every system that this runs on is little-endian, as the file is. */
export function wordsOf(out: Uint8Array<ArrayBuffer>): Uint16Array {
  return new Uint16Array(out.buffer, out.byteOffset, out.byteLength >> 1);
}

// -- pixels as words ------------------------------------------------------------------------

/** Three fields of a word, the lowest first, above `skip` bits that mean nothing. */
interface RgbShape {
  readonly depth: 8 | 10;
  readonly bytes: 3 | 4;
  readonly skip: number;
  readonly order: readonly [Part, Part, Part];
}

type Part = "red" | "green" | "blue";

function rgbShape(format: PixelFormat): RgbShape {
  if (format === "X2RGB10" || format === "X2BGR10") {
    const order = format === "X2RGB10"
      ? ["blue", "green", "red"] as const
      : ["red", "green", "blue"] as const;
    return { depth: 10, bytes: 4, skip: 0, order };
  }
  const packed = PACKED_RGB[format];
  if (packed === undefined) {
    throw new MiniAVError("INVALID_ARG", {
      operation: "RGB",
      detail: `no conversion of ${format}`,
    });
  }
  const first = Math.min(packed.red, packed.green, packed.blue);
  return {
    depth: 8,
    bytes: packed.bytes === 3 ? 3 : 4,
    skip: 8 * first,
    order: [partAt(packed, first), partAt(packed, first + 1), partAt(packed, first + 2)],
  };
}

function partAt({ red, green }: PackedRgb, at: number): Part {
  return at === red ? "red" : at === green ? "green" : "blue";
}

/** Rows of a picture as words; in memory of its own where they do not lie as such. */
class RowWords {
  readonly #bytes: number;
  readonly #rows: readonly [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>];

  constructor(bytes: 3 | 4, width: number) {
    this.#bytes = bytes;
    this.#rows = [new Int32Array(width), new Int32Array(width)];
  }

  /** A row, of which two may be in use at once. */
  read(source: PixelSource, row: number, which: 0 | 1): Int32Array {
    const { data, stride } = planeOf(source, 0);
    const words = this.#rows[which];
    const from = row * stride;
    if (this.#bytes === 3) {
      widen(data, from, words);
      return words;
    }
    const start = data.byteOffset + from;
    if (start % 4 === 0) return new Int32Array(data.buffer, start, words.length);
    new Uint8Array(words.buffer).set(data.subarray(from, from + words.byteLength));
    return words;
  }
}

/** Three bytes a pixel as words. */
function widen(data: Uint8Array, start: number, words: Int32Array): void {
  for (let x = 0, from = start; x < words.length; x++, from += 3) {
    words[x] = data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16);
  }
}

// -- arithmetic -----------------------------------------------------------------------------

/** Weights of the three fields, as 16-bit fractions, with what is added to the sum. */
interface Weights {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  readonly offset: number;
}

interface RgbMath {
  readonly y: Weights;
  readonly u: Weights;
  readonly v: Weights;
  readonly skip: number;
  readonly depth: number;
  readonly maximum: number;
}

const ONE = 65_536;

/** ITU-T H.273, 8.3: from RGB to limited-range Y, Cb and Cr of the same depth. */
function rgbMath(sample: PixelSource, { depth, skip, order }: RgbShape): RgbMath {
  const { red, blue } = lumaWeights(sample.colorSpace.matrix, sample.codedHeight);
  const green = 1 - red - blue;
  const unit = 1 << (depth - 8);
  const limitedInput = sample.colorSpace.fullRange === false;
  const inputSpan = limitedInput ? 219 * unit : (1 << depth) - 1;
  const black = limitedInput ? 16 * unit : 0;
  const luma = (219 * unit) / inputSpan;
  const chroma = (224 * unit) / inputSpan;
  const middle = 128 * unit;
  const u = chroma / (2 * (1 - blue));
  const v = chroma / (2 * (1 - red));
  // Grey has no colour, so that a black level other than 0 changes luma alone.
  const yOffset = 16 * unit - black * luma;
  return {
    y: fixed({ red: red * luma, green: green * luma, blue: blue * luma }, yOffset, order),
    u: fixed({ red: -red * u, green: -green * u, blue: (1 - blue) * u }, middle, order),
    v: fixed({ red: (1 - red) * v, green: -green * v, blue: -blue * v }, middle, order),
    skip,
    depth,
    maximum: (1 << depth) - 1,
  };
}

/** Rounded so that the sum stays exact: grey stays grey. */
function fixed(
  { red, green, blue }: Readonly<Record<Part, number>>,
  offset: number,
  [low, middle, high]: RgbShape["order"],
): Weights {
  const redPart = Math.round(red * ONE);
  const bluePart = Math.round(blue * ONE);
  const greenPart = Math.round((red + green + blue) * ONE) - redPart - bluePart;
  const parts = { red: redPart, green: greenPart, blue: bluePart };
  return {
    low: parts[low],
    middle: parts[middle],
    high: parts[high],
    offset: Math.round((offset + 0.5) * ONE),
  };
}

function writeLuma(row: Int32Array, math: RgbMath, out: Planes, at: number): void {
  const { skip, depth, maximum } = math;
  const { low, middle, high, offset } = math.y;
  const top = 2 * depth;
  const width = row.length;
  for (let x = 0; x < width; x++) {
    const word = row[x]! >>> skip;
    const value = (Math.imul(low, word & maximum) + Math.imul(middle, (word >>> depth) & maximum) +
      Math.imul(high, (word >>> top) & maximum) + offset) >> 16;
    out[at + x] = value < 0 ? 0 : value > maximum ? maximum : value;
  }
}

function writeChroma(row: Int32Array, math: RgbMath, out: Planes, uAt: number, vAt: number): void {
  const { u, v, skip, depth, maximum } = math;
  const top = 2 * depth;
  const width = row.length;
  for (let x = 0; x < width; x++) {
    const word = row[x]! >>> skip;
    const low = word & maximum;
    const middle = (word >>> depth) & maximum;
    const high = (word >>> top) & maximum;
    const cb = (Math.imul(u.low, low) + Math.imul(u.middle, middle) + Math.imul(u.high, high) +
      u.offset) >> 16;
    const cr = (Math.imul(v.low, low) + Math.imul(v.middle, middle) + Math.imul(v.high, high) +
      v.offset) >> 16;
    out[uAt + x] = cb < 0 ? 0 : cb > maximum ? maximum : cb;
    out[vAt + x] = cr < 0 ? 0 : cr > maximum ? maximum : cr;
  }
}

/** The mean of two by two pixels. */
function writeHalvedChroma(
  upper: Int32Array,
  lower: Int32Array,
  math: RgbMath,
  out: Planes,
  uAt: number,
  vAt: number,
): void {
  const { u, v, skip, depth, maximum } = math;
  const top = 2 * depth;
  // Between two fields there is room for the sum of four: the outer two are added as one number.
  const outerBits = maximum | (maximum << top);
  const middleBits = maximum << depth;
  const sumMask = (1 << (depth + 2)) - 1;
  const uOffset = 4 * u.offset;
  const vOffset = 4 * v.offset;
  const last = upper.length - 1;
  for (let x = 0, to = 0; x <= last; x += 2, to++) {
    const next = x < last ? x + 1 : x;
    const a = upper[x]! >>> skip;
    const b = upper[next]! >>> skip;
    const c = lower[x]! >>> skip;
    const d = lower[next]! >>> skip;
    const outer = ((((a & outerBits) + (b & outerBits)) | 0) +
      (((c & outerBits) + (d & outerBits)) | 0)) | 0;
    const middle = ((a & middleBits) + (b & middleBits) + (c & middleBits) + (d & middleBits)) >>>
      depth;
    const low = outer & sumMask;
    const high = outer >>> top;
    // Sums of four: two more bits to shift, and four times the offset.
    const cb = (Math.imul(u.low, low) + Math.imul(u.middle, middle) + Math.imul(u.high, high) +
      uOffset) >> 18;
    const cr = (Math.imul(v.low, low) + Math.imul(v.middle, middle) + Math.imul(v.high, high) +
      vOffset) >> 18;
    out[uAt + to] = cb < 0 ? 0 : cb > maximum ? maximum : cb;
    out[vAt + to] = cr < 0 ? 0 : cr > maximum ? maximum : cr;
  }
}

// -- the usual: 8 bits, full range, halved colour, even sizes -------------------------------

function convertUsual(
  source: PixelSource,
  rows: RowWords,
  math: RgbMath,
  out: Uint8Array<ArrayBuffer>,
): void {
  const { codedWidth: width, codedHeight: height } = source;
  const u = width * height;
  const v = u + u / 4;
  for (let row = 0; row < height; row += 2) {
    const upper = rows.read(source, row, 0);
    const lower = rows.read(source, row + 1, 1);
    const chroma = (row * width) / 4;
    writeTwoRows(upper, lower, math, out, row * width, u + chroma, v + chroma);
  }
}

function writeTwoRows(
  upper: Int32Array,
  lower: Int32Array,
  { y, u, v, skip }: RgbMath,
  out: Uint8Array,
  lumaAt: number,
  uAt: number,
  vAt: number,
): void {
  const { low: y0, middle: y1, high: y2, offset: yOffset } = y;
  const { low: u0, middle: u1, high: u2, offset: uOffset } = u;
  const { low: v0, middle: v1, high: v2, offset: vOffset } = v;
  const width = upper.length;
  for (let x = 0, at = lumaAt, to = 0; x < width; x += 2, at += 2, to++) {
    const a = upper[x]! >> skip;
    const b = upper[x + 1]! >> skip;
    const c = lower[x]! >> skip;
    const d = lower[x + 1]! >> skip;
    out[at] = (Math.imul(y0, a & 255) + Math.imul(y1, (a >> 8) & 255) +
      Math.imul(y2, (a >> 16) & 255) + yOffset) >> 16;
    out[at + 1] = (Math.imul(y0, b & 255) + Math.imul(y1, (b >> 8) & 255) +
      Math.imul(y2, (b >> 16) & 255) + yOffset) >> 16;
    out[at + width] = (Math.imul(y0, c & 255) + Math.imul(y1, (c >> 8) & 255) +
      Math.imul(y2, (c >> 16) & 255) + yOffset) >> 16;
    out[at + width + 1] = (Math.imul(y0, d & 255) + Math.imul(y1, (d >> 8) & 255) +
      Math.imul(y2, (d >> 16) & 255) + yOffset) >> 16;
    // As in writeHalvedChroma.
    const outer = (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff);
    const middle = ((a & 0xff00) + (b & 0xff00) + (c & 0xff00) + (d & 0xff00)) >> 8;
    const low = outer & 1023;
    const high = outer >> 16;
    out[uAt + to] = (Math.imul(u0, low) + Math.imul(u1, middle) + Math.imul(u2, high) +
      4 * uOffset) >> 18;
    out[vAt + to] = (Math.imul(v0, low) + Math.imul(v1, middle) + Math.imul(v2, high) +
      4 * vOffset) >> 18;
  }
}
