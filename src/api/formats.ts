/** Names of formats, and the numbers that C has for them. */

import {
  AudioFormat as C_AUDIO,
  MiniAVError,
  OutputPreference,
  PixelFormat as C_PIXEL,
} from "../ffi/mod.ts";
import type { NativeAudioInfo, NativeVideoInfo, PlaneShape } from "../ffi/mod.ts";
import type { AudioFormat, PixelFormat, SampleFormat, VideoFormat } from "./types.ts";

const PIXEL_NUMBERS: Readonly<Record<PixelFormat, number>> = {
  I420: C_PIXEL.I420,
  NV12: C_PIXEL.NV12,
  NV21: C_PIXEL.NV21,
  YUY2: C_PIXEL.YUY2,
  UYVY: C_PIXEL.UYVY,
  RGB24: C_PIXEL.RGB24,
  BGR24: C_PIXEL.BGR24,
  RGBA: C_PIXEL.RGBA32,
  BGRA: C_PIXEL.BGRA32,
  ARGB: C_PIXEL.ARGB32,
  ABGR: C_PIXEL.ABGR32,
  MJPEG: C_PIXEL.MJPEG,
  BGRX: C_PIXEL.BGRX32,
  RGBX: C_PIXEL.RGBX32,
  XRGB: C_PIXEL.XRGB32,
  XBGR: C_PIXEL.XBGR32,
  GRAY8: C_PIXEL.GRAY8,
  P010: C_PIXEL.P010,
  X2RGB10: C_PIXEL.X2RGB10,
  X2BGR10: C_PIXEL.X2BGR10,
  H264: C_PIXEL.H264,
};

const SAMPLE_NUMBERS: Readonly<Record<SampleFormat, number>> = {
  u8: C_AUDIO.U8,
  s16: C_AUDIO.S16,
  s24: C_AUDIO.S24,
  s32: C_AUDIO.S32,
  f32: C_AUDIO.F32,
};

/** Every pixel format there is. */
export const PIXEL_FORMATS = Object.keys(PIXEL_NUMBERS) as readonly PixelFormat[];
/** Every sample format there is. */
export const SAMPLE_FORMATS = Object.keys(SAMPLE_NUMBERS) as readonly SampleFormat[];

const PIXEL_NAMES = new Map(PIXEL_FORMATS.map((name) => [PIXEL_NUMBERS[name], name]));
const SAMPLE_NAMES = new Map(SAMPLE_FORMATS.map((name) => [SAMPLE_NUMBERS[name], name]));

const wrongFormat = (detail: string) =>
  new MiniAVError("INVALID_ARG", { operation: "format", detail });

export function pixelFormatNumber(format: PixelFormat): number {
  if (!Object.hasOwn(PIXEL_NUMBERS, format)) {
    throw wrongFormat(`"${format}" is no pixel format; there are ${PIXEL_FORMATS.join(", ")}`);
  }
  return PIXEL_NUMBERS[format];
}

export function pixelFormatName(number: number): PixelFormat {
  const name = PIXEL_NAMES.get(number);
  if (name === undefined) throw new TypeError(`pixel format ${number} has no name here`);
  return name;
}

export function sampleFormatNumber(format: SampleFormat): number {
  if (!Object.hasOwn(SAMPLE_NUMBERS, format)) {
    throw wrongFormat(`"${format}" is no sample format; there are ${SAMPLE_FORMATS.join(", ")}`);
  }
  return SAMPLE_NUMBERS[format];
}

export function sampleFormatName(number: number): SampleFormat {
  const name = SAMPLE_NAMES.get(number);
  if (name === undefined) throw new TypeError(`sample format ${number} has no name here`);
  return name;
}

const SAMPLE_BYTES: Readonly<Record<SampleFormat, number>> = {
  u8: 1,
  s16: 2,
  s24: 3,
  s32: 4,
  f32: 4,
};

export function bytesPerSample(format: SampleFormat): number {
  return SAMPLE_BYTES[format];
}

export function isCompressed(format: PixelFormat): boolean {
  return format === "MJPEG" || format === "H264";
}

export function videoFormatFrom(info: NativeVideoInfo): VideoFormat {
  const { frameRateNumerator: numerator, frameRateDenominator: denominator } = info;
  return {
    width: info.width,
    height: info.height,
    format: pixelFormatName(info.pixelFormat),
    frameRate: denominator === 0 ? 0 : numerator / denominator,
    frameRateFraction: [numerator, denominator],
  };
}

export function audioFormatFrom(info: NativeAudioInfo): AudioFormat {
  return {
    sampleRate: info.sampleRate,
    channelCount: info.channelCount,
    format: sampleFormatName(info.format),
  };
}

/** A request; what is left out is the device's own. */
export function videoRequest(
  wanted: Partial<VideoFormat>,
  output: "memory" | "gpu" = "memory",
): NativeVideoInfo {
  const [numerator, denominator] = wanted.frameRateFraction ??
    frameRateFraction(wanted.frameRate ?? 0);
  return {
    width: wanted.width ?? 0,
    height: wanted.height ?? 0,
    pixelFormat: wanted.format === undefined ? C_PIXEL.UNKNOWN : pixelFormatNumber(wanted.format),
    frameRateNumerator: numerator,
    frameRateDenominator: denominator,
    outputPreference: output === "gpu" ? OutputPreference.GPU : OutputPreference.CPU,
  };
}

export function audioRequest(wanted: Partial<AudioFormat>): NativeAudioInfo {
  return {
    sampleRate: wanted.sampleRate ?? 0,
    channelCount: wanted.channelCount ?? 0,
    format: wanted.format === undefined ? C_AUDIO.UNKNOWN : sampleFormatNumber(wanted.format),
  };
}

/** 29.97 is 30000/1001, as every standard means it. */
export function frameRateFraction(rate: number): readonly [number, number] {
  if (!(rate >= 0)) throw wrongFormat(`frameRate is frames a second, not ${rate}`);
  if (rate === 0) return [0, 0];
  if (Number.isInteger(rate)) return [rate, 1];
  const nominal = Math.round(rate * 1.001);
  if (nominal > 0 && Math.abs((nominal * 1000) / 1001 - rate) < 0.005) {
    return [nominal * 1000, 1001];
  }
  return [Math.round(rate * 1000), 1000];
}

/** Bytes of one sample of each plane. */
const PLANE_SAMPLE_BYTES: Readonly<Partial<Record<PixelFormat, readonly number[]>>> = {
  I420: [1, 1, 1],
  NV12: [1, 2],
  NV21: [1, 2],
  P010: [2, 4],
  YUY2: [2],
  UYVY: [2],
  RGB24: [3],
  BGR24: [3],
  GRAY8: [1],
};

/** Rows and meaningful bytes of a row of a plane that says its size in samples. */
export function planeShape(
  format: PixelFormat,
  plane: number,
  size: { readonly width: number; readonly height: number; readonly sizeBytes: number },
): PlaneShape {
  if (isCompressed(format)) return { rows: 1, rowBytes: size.sizeBytes };
  const bytes = PLANE_SAMPLE_BYTES[format]?.[plane] ?? 4;
  return { rows: size.height, rowBytes: size.width * bytes };
}
