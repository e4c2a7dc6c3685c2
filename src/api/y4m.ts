/**
 * Writes YUV4MPEG2 (.y4m), the plainest file of raw pictures; every player and encoder reads it.
 * After yuv4mpeg(5) of mjpegtools, with the chroma names and XCOLORRANGE as FFmpeg reads them.
 */

import { MiniAVError } from "../ffi/mod.ts";
import type { Rectangle } from "../ffi/mod.ts";
import { lumaWeights } from "./color.ts";
import { frameRateFraction } from "./formats.ts";
import { invalidOption } from "./options.ts";
import { Pacing } from "./pacing.ts";
import type { Fraction } from "./pacing.ts";
import { toRgbaPicture } from "./pixels.ts";
import type { PixelSource } from "./pixels.ts";
import { planarConverter } from "./planar.ts";
import type { PlanarConverter } from "./planar.ts";
import type { ByteSink } from "./sink.ts";

/** What of a captured frame is read. */
export interface Y4mFrame extends PixelSource {
  /** Microseconds. */
  readonly timestamp: number;
  readonly visibleRect?: Rectangle;
  readonly rotation?: number;
  readonly flip?: boolean;
}

export interface Y4mOptions {
  /** What RGB becomes: `420` (default) halves its colour, `444` keeps it. YUV stays as it is. */
  readonly chroma?: "420" | "444" | undefined;
  /** The file ends after so many pictures; `full` tells when. */
  readonly maximumFrames?: number | undefined;
}

export interface Y4mSummary {
  /** Pictures in the file. */
  readonly numberOfFrames: number;
  readonly seconds: number;
  /** Pictures written again because none came in their time. */
  readonly repeated: number;
  /** Pictures left out because two came in one time. */
  readonly skipped: number;
  readonly bytes: number;
  /** How the file holds colour: "420jpeg"; "" before the first picture. */
  readonly chroma: string;
}

const MARK = new TextEncoder().encode("FRAME\n");

/** A picture as the file has it; the memory is used again for the next but one. */
type Picture = Uint8Array<ArrayBuffer>;

/**
 * Writes one file. The format has a constant rate, so that pictures are repeated or left out where
 * the time stamps say so; the file keeps time. RGB becomes YUV of limited range.
 */
export class Y4mWriter {
  readonly #sink: ByteSink;
  readonly #rate: Fraction;
  readonly #chroma: "420" | "444";
  readonly #pacing: Pacing;
  #first: Y4mFrame | null = null;
  #converter: PlanarConverter | null = null;
  #current: Picture = new Uint8Array(0);
  #spare: Picture = new Uint8Array(0);
  #bytes = 0;

  /** `frameRate`: frames per second, as a number or as a fraction. */
  constructor(sink: ByteSink, frameRate: number | Fraction, options: Y4mOptions = {}) {
    this.#sink = sink;
    this.#rate = typeof frameRate === "number" ? frameRateFraction(frameRate) : frameRate;
    if (!(this.#rate[0] > 0 && this.#rate[1] > 0)) {
      throw invalidOption("Y4mWriter", "a Y4M file needs a frame rate");
    }
    this.#chroma = options.chroma ?? "420";
    this.#pacing = new Pacing(this.#rate, options.maximumFrames);
  }

  get summary(): Y4mSummary {
    const { written, repeated, skipped } = this.#pacing;
    return {
      numberOfFrames: written,
      seconds: (written * this.#rate[1]) / this.#rate[0],
      repeated,
      skipped,
      bytes: this.#bytes,
      chroma: this.#converter?.chroma ?? "",
    };
  }

  /** `maximumFrames` pictures are in the file; others are left out. */
  get full(): boolean {
    return this.#pacing.full;
  }

  /** Bytes of one picture in the file, its mark included; 0 before the first. */
  get pictureBytes(): number {
    return this.#current.byteLength;
  }

  /**
   * Writes a picture, when its time is not taken. Reads the frame at once: it may be closed when
   * this returns, before it settles. One call at a time. FORMAT_NOT_SUPPORTED: compressed, or of
   * another size or format than the first.
   */
  async write(frame: Y4mFrame): Promise<void> {
    const header = this.#first === null ? this.#begin(frame) : null;
    if (this.#first !== null && !sameShape(frame, this.#first)) {
      throw new MiniAVError("FORMAT_NOT_SUPPORTED", {
        operation: "Y4M",
        detail: `the pictures changed from ${describe(this.#first)} to ${describe(frame)}`,
        hint: "A Y4M file has one size and format from its beginning to its end.",
      });
    }
    const { repeats, write } = this.#pacing.next(frame.timestamp);
    const before = this.#current;
    if (write) {
      this.#converter?.convert(upright(frame), this.#spare.subarray(MARK.length));
      this.#current = this.#spare;
      this.#spare = before;
    }
    await this.#put(header, before, repeats, write ? this.#current : null);
  }

  /** Shows the last picture until a time in microseconds: the file is as long as time has passed. */
  async fillUntil(timestamp: number): Promise<void> {
    await this.#put(null, this.#current, this.#pacing.fill(timestamp), null);
  }

  #begin(frame: Y4mFrame): Uint8Array {
    if (frame.format === "MJPEG" || frame.format === "H264") {
      throw new MiniAVError("FORMAT_NOT_SUPPORTED", {
        operation: "Y4M",
        detail: `it holds raw pictures, and these are ${frame.format}`,
        hint: 'Open with a raw format, such as format: "NV12".',
      });
    }
    const sample = upright(frame);
    this.#converter = planarConverter(sample, this.#chroma);
    this.#current = pictureMemory(this.#converter);
    this.#spare = pictureMemory(this.#converter);
    this.#first = shapeOf(frame);
    return headerLine(sample, this.#rate, this.#converter);
  }

  async #put(
    header: Uint8Array | null,
    before: Picture,
    repeats: number,
    picture: Picture | null,
  ): Promise<void> {
    if (header !== null) await this.#append(header);
    for (let count = 0; count < repeats; count++) await this.#append(before);
    if (picture !== null) await this.#append(picture);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await this.#sink.write(bytes);
    this.#bytes += bytes.byteLength;
  }
}

function pictureMemory(converter: PlanarConverter): Picture {
  const memory = new Uint8Array(MARK.length + converter.bytes);
  memory.set(MARK);
  return memory;
}

/** What must not change within a file; the planes are not kept. */
function shapeOf(frame: Y4mFrame): Y4mFrame {
  const { format, codedWidth, codedHeight, colorSpace, timestamp } = frame;
  return {
    format,
    codedWidth,
    codedHeight,
    colorSpace,
    timestamp,
    planes: [],
    visibleRect: visiblePart(frame),
    rotation: frame.rotation ?? 0,
    flip: frame.flip ?? false,
  };
}

function visiblePart({ visibleRect, codedWidth, codedHeight }: Y4mFrame): Rectangle {
  return visibleRect ?? { x: 0, y: 0, width: codedWidth, height: codedHeight };
}

function sameShape(left: Y4mFrame, right: Y4mFrame): boolean {
  const a = visiblePart(left);
  const b = visiblePart(right);
  return left.format === right.format && left.codedWidth === right.codedWidth &&
    left.codedHeight === right.codedHeight && (left.rotation ?? 0) === (right.rotation ?? 0) &&
    (left.flip ?? false) === (right.flip ?? false) && a.x === b.x && a.y === b.y &&
    a.width === b.width && a.height === b.height;
}

function describe({ codedWidth, codedHeight, format }: Y4mFrame): string {
  return `${codedWidth}x${codedHeight} ${format}`;
}

/** The file has no words for crop and rotation: such pictures are turned before they are written. */
function upright(frame: Y4mFrame): PixelSource {
  const visibleRect = visiblePart(frame);
  const { rotation = 0, flip = false } = frame;
  const isWhole = visibleRect.x === 0 && visibleRect.y === 0 &&
    visibleRect.width === frame.codedWidth && visibleRect.height === frame.codedHeight;
  if (isWhole && rotation === 0 && !flip) return frame;
  const { format, codedWidth, codedHeight, colorSpace, planes } = frame;
  const { width, height, data } = toRgbaPicture({
    format,
    codedWidth,
    codedHeight,
    colorSpace,
    planes,
    visibleRect,
    rotation,
    flip,
  });
  return {
    format: "RGBA",
    codedWidth: width,
    codedHeight: height,
    colorSpace: { matrix: null, fullRange: true },
    planes: [{ data, stride: width * 4 }],
  };
}

function headerLine(
  sample: PixelSource,
  rate: Fraction,
  { chroma, fullRange }: PlanarConverter,
): Uint8Array {
  const tags = [
    "YUV4MPEG2",
    `W${sample.codedWidth}`,
    `H${sample.codedHeight}`,
    `F${rate[0]}:${rate[1]}`,
    "Ip",
    "A1:1",
    `C${chroma}`,
    // More than 8 bits have a second name, which is the one that FFmpeg writes for older readers.
    ...(chroma.endsWith("p10") ? [`XYSCSS=${chroma.toUpperCase()}`] : []),
    `XCOLORRANGE=${fullRange ? "FULL" : "LIMITED"}`,
    // No reader has a word for the matrix; X tags that a reader does not know it passes over.
    ...(chroma === "mono" ? [] : [`XMATRIX=${matrixName(sample)}`]),
  ];
  return new TextEncoder().encode(`${tags.join(" ")}\n`);
}

/** The matrix of the file's numbers; where the source does not say, what its size makes likely. */
function matrixName({ colorSpace, codedHeight }: PixelSource): string {
  const named = colorSpace.matrix;
  if (named !== null && named !== "rgb") return named;
  return lumaWeights(named, codedHeight).red === lumaWeights("bt709", 0).red
    ? "bt709"
    : "smpte170m";
}
