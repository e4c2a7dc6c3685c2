/** Pictures in any raw format as planes without padding, the way Y4M holds them. */

import { planeOf, YUV_SHAPES } from "./pixels.ts";
import type { PixelSource, YuvShape } from "./pixels.ts";
import { rgbConverter, wordsOf } from "./rgb_planes.ts";

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
      gather(planeOf(source, 0), lumaStart, lumaStep, width, height, out, 0);
      gather(planeOf(source, u), uStart, step, chromaWidth, chromaHeight, out, luma);
      gather(planeOf(source, v), vStart, step, chromaWidth, chromaHeight, out, luma + chroma);
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
      gatherWords(planeOf(source, 0), 0, 2, width, height, words, 0);
      gatherWords(planeOf(source, 1), 0, 4, chromaWidth, chromaHeight, words, luma);
      gatherWords(planeOf(source, 1), 2, 4, chromaWidth, chromaHeight, words, luma + chroma);
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

function grayConverter(sample: PixelSource): PlanarConverter {
  const { codedWidth: width, codedHeight: height } = sample;
  return {
    chroma: "mono",
    fullRange: sample.colorSpace.fullRange !== false,
    bytes: width * height,
    convert: (source, out) => gather(planeOf(source, 0), 0, 1, width, height, out, 0),
  };
}
