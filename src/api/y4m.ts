/** Writes YUV4MPEG2, the plainest file of raw pictures; every player and encoder reads it. */

import { MiniAVError } from "../ffi/mod.ts";
import { lumaWeights } from "./color.ts";
import { frameRateFraction } from "./formats.ts";
import { convertToRgba } from "./pixels.ts";
import type { PixelSource } from "./pixels.ts";
import type { ByteSink } from "./sink.ts";
import type { PixelFormat } from "./types.ts";

export interface Y4mFrame extends PixelSource {
  /** Microseconds. */
  readonly timestamp: number;
}

export interface Y4mSummary {
  /** Pictures in the file. */
  readonly numberOfFrames: number;
  /** Pictures written again because none came in their time. */
  readonly repeated: number;
  /** Pictures left out because two came in one time. */
  readonly skipped: number;
  readonly bytes: number;
}

/** How the samples of a format lie in the file. */
type Colour = "C420" | "C422" | "Cmono" | "C420p10";

function colourOf(format: PixelFormat): Colour {
  switch (format) {
    case "YUY2":
    case "UYVY":
      return "C422";
    case "GRAY8":
      return "Cmono";
    case "P010":
      return "C420p10";
    default:
      return "C420";
  }
}

/**
 * Writes one file. The format has a constant rate, so that pictures are repeated or left out where
 * the time stamps say so. RGB becomes 4:2:0.
 */
export class Y4mWriter {
  readonly #sink: ByteSink;
  readonly #rate: readonly [number, number];
  #first: Y4mFrame | null = null;
  #firstTimestamp = 0;
  #picture: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #index = -1;
  #repeated = 0;
  #skipped = 0;
  #bytes = 0;

  /** `frameRate`: frames per second. */
  constructor(sink: ByteSink, frameRate: number) {
    this.#sink = sink;
    this.#rate = frameRateFraction(frameRate);
    if (this.#rate[0] === 0) throw new RangeError("a Y4M file needs a frame rate");
  }

  get summary(): Y4mSummary {
    return {
      numberOfFrames: this.#index + 1,
      repeated: this.#repeated,
      skipped: this.#skipped,
      bytes: this.#bytes,
    };
  }

  /** Reads the frame at once: it may be closed when this returns, before it settles. */
  write(frame: Y4mFrame): Promise<void> {
    const index = this.#indexOf(frame);
    if (index <= this.#index) {
      this.#skipped++;
      return Promise.resolve();
    }
    const missing = index - this.#index - 1;
    const before = this.#picture;
    this.#picture = encodePicture(frame);
    const picture = this.#picture;
    const header = this.#index < 0 ? this.#header(frame) : null;
    this.#index = index;
    this.#repeated += missing;
    return this.#put(header, before, missing, picture);
  }

  async #put(
    header: Uint8Array | null,
    before: Uint8Array,
    missing: number,
    picture: Uint8Array,
  ): Promise<void> {
    if (header !== null) await this.#append(header);
    for (let count = 0; count < missing; count++) await this.#append(before);
    await this.#append(picture);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#bytes += bytes.byteLength;
    await this.#sink.write(bytes);
  }

  #indexOf(frame: Y4mFrame): number {
    const first = this.#first;
    if (first === null) {
      this.#first = { ...describe(frame), planes: [] };
      this.#firstTimestamp = frame.timestamp;
      return 0;
    }
    const same = first.codedWidth === frame.codedWidth &&
      first.codedHeight === frame.codedHeight && first.format === frame.format;
    if (!same) {
      throw new MiniAVError("FORMAT_NOT_SUPPORTED", {
        operation: "Y4M",
        detail: "the format changed while recording",
      });
    }
    const [numerator, denominator] = this.#rate;
    const microseconds = frame.timestamp - this.#firstTimestamp;
    return Math.round((microseconds * numerator) / (denominator * 1e6));
  }

  #header(frame: Y4mFrame): Uint8Array {
    const { codedWidth, codedHeight, colorSpace } = frame;
    const [numerator, denominator] = this.#rate;
    const range = colorSpace.fullRange === true ? "FULL" : "LIMITED";
    return new TextEncoder().encode(
      `YUV4MPEG2 W${codedWidth} H${codedHeight} F${numerator}:${denominator} Ip A1:1 ` +
        `${colourOf(frame.format)} XCOLORRANGE=${range}\n`,
    );
  }
}

function describe({ format, codedWidth, codedHeight, colorSpace, timestamp }: Y4mFrame) {
  return { format, codedWidth, codedHeight, colorSpace, timestamp };
}

const MARK = new TextEncoder().encode("FRAME\n");

/** "FRAME" and the planes, without padding. */
function encodePicture(frame: Y4mFrame): Uint8Array<ArrayBuffer> {
  const { codedWidth: width, codedHeight: height, format } = frame;
  const halfWidth = (width + 1) >> 1;
  const halfHeight = (height + 1) >> 1;
  const luma = width * height;
  const colour = colourOf(format);
  const chroma = colour === "Cmono" ? 0 : halfWidth * (colour === "C422" ? height : halfHeight);
  const sampleBytes = colour === "C420p10" ? 2 : 1;
  const bytes = new Uint8Array(MARK.length + (luma + 2 * chroma) * sampleBytes);
  bytes.set(MARK);
  const body = bytes.subarray(MARK.length);
  switch (format) {
    case "I420":
      copyRows(frame, 0, body, width, height);
      copyRows(frame, 1, body.subarray(luma), halfWidth, halfHeight);
      copyRows(frame, 2, body.subarray(luma + chroma), halfWidth, halfHeight);
      break;
    case "NV12":
    case "NV21":
      copyRows(frame, 0, body, width, height);
      pickSamples(frame, 1, format === "NV12" ? 0 : 1, 2, body, luma, halfWidth, halfHeight);
      pickSamples(
        frame,
        1,
        format === "NV12" ? 1 : 0,
        2,
        body,
        luma + chroma,
        halfWidth,
        halfHeight,
      );
      break;
    case "YUY2":
      pickSamples(frame, 0, 0, 2, body, 0, width, height);
      pickSamples(frame, 0, 1, 4, body, luma, halfWidth, height);
      pickSamples(frame, 0, 3, 4, body, luma + chroma, halfWidth, height);
      break;
    case "UYVY":
      pickSamples(frame, 0, 1, 2, body, 0, width, height);
      pickSamples(frame, 0, 0, 4, body, luma, halfWidth, height);
      pickSamples(frame, 0, 2, 4, body, luma + chroma, halfWidth, height);
      break;
    case "GRAY8":
      copyRows(frame, 0, body, width, height);
      break;
    case "P010":
      pickWords(frame, 0, 0, 2, body, 0, width, height);
      pickWords(frame, 1, 0, 4, body, luma * 2, halfWidth, halfHeight);
      pickWords(frame, 1, 2, 4, body, (luma + chroma) * 2, halfWidth, halfHeight);
      break;
    default:
      encodeRgb(frame, body);
  }
  return bytes;
}

function planeOf(frame: Y4mFrame, index: number): { data: Uint8Array; stride: number } {
  const plane = frame.planes[index];
  if (plane === undefined) throw new RangeError(`${frame.format} without plane ${index}`);
  return plane;
}

function copyRows(
  frame: Y4mFrame,
  index: number,
  out: Uint8Array,
  width: number,
  height: number,
): void {
  const { data, stride } = planeOf(frame, index);
  for (let row = 0; row < height; row++) {
    out.set(data.subarray(row * stride, row * stride + width), row * width);
  }
}

function pickSamples(
  frame: Y4mFrame,
  index: number,
  first: number,
  step: number,
  out: Uint8Array,
  start: number,
  width: number,
  height: number,
): void {
  const { data, stride } = planeOf(frame, index);
  for (let row = 0, to = start; row < height; row++) {
    for (let column = 0, from = row * stride + first; column < width; column++, from += step) {
      out[to++] = data[from]!;
    }
  }
}

/** Words with ten bits at the top to words with ten bits at the bottom. */
function pickWords(
  frame: Y4mFrame,
  index: number,
  first: number,
  step: number,
  out: Uint8Array,
  start: number,
  width: number,
  height: number,
): void {
  const { data, stride } = planeOf(frame, index);
  for (let row = 0, to = start; row < height; row++) {
    for (let column = 0, from = row * stride + first; column < width; column++, from += step) {
      const word = (data[from]! | (data[from + 1]! << 8)) >> 6;
      out[to++] = word & 255;
      out[to++] = word >> 8;
    }
  }
}

/** RGB to limited-range 4:2:0: the mean of four pixels for each sample of colour. */
function encodeRgb(frame: Y4mFrame, out: Uint8Array<ArrayBuffer>): void {
  const { codedWidth: width, codedHeight: height } = frame;
  const rgba = new Uint8Array(width * height * 4);
  convertToRgba(frame, rgba, width * 4);
  const { red, blue } = lumaWeights(null, height);
  const green = 1 - red - blue;
  const luma = (at: number) => red * rgba[at]! + green * rgba[at + 1]! + blue * rgba[at + 2]!;
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.byteLength);
  const halfWidth = (width + 1) >> 1;
  const halfHeight = (height + 1) >> 1;
  const uStart = width * height;
  const vStart = uStart + halfWidth * halfHeight;
  for (let pixel = 0; pixel < width * height; pixel++) {
    clamped[pixel] = 16 + luma(pixel * 4) * (219 / 255);
  }
  for (let row = 0; row < halfHeight; row++) {
    for (let column = 0; column < halfWidth; column++) {
      let u = 0;
      let v = 0;
      for (let corner = 0; corner < 4; corner++) {
        const x = Math.min(column * 2 + (corner & 1), width - 1);
        const y = Math.min(row * 2 + (corner >> 1), height - 1);
        const at = (y * width + x) * 4;
        const level = luma(at);
        u += rgba[at + 2]! - level;
        v += rgba[at]! - level;
      }
      const to = row * halfWidth + column;
      clamped[uStart + to] = 128 + (u / 4) * (112 / 255) / (1 - blue);
      clamped[vStart + to] = 128 + (v / 4) * (112 / 255) / (1 - red);
    }
  }
}
