/** Options that several commands have. */

import { PIXEL_FORMATS, SAMPLE_FORMATS } from "../mod.ts";
import { choice, custom, number, text } from "./args.ts";
import type { AudioCaptureOptions, VideoCaptureOptions } from "../mod.ts";

/** `--device` */
export const deviceOption = text("ID", {
  short: "d",
  help: "an id or a name that `miniav devices` lists; by default the system's default device",
});

export interface Size {
  readonly width: number;
  readonly height: number;
}

export function parseSize(value: string): Size {
  const match = /^(\d{1,5})[x×*](\d{1,5})$/i.exec(value);
  const width = Number(match?.[1] ?? 0);
  const height = Number(match?.[2] ?? 0);
  if (width === 0 || height === 0) throw new Error("it is WIDTHxHEIGHT, such as 1280x720");
  return { width, height };
}

/** What pictures are asked for. */
export const VIDEO_OPTIONS = {
  size: custom("WxH", parseSize, { help: "exactly this size; `miniav formats ID` lists them" }),
  fps: number("N", { min: 0.01, max: 1000 }, { help: "exactly so many pictures a second" }),
} as const;

export const pixelFormatOption = choice("FORMAT", PIXEL_FORMATS, {
  help: "exactly this pixel format",
});

/** What sound is asked for. */
export const AUDIO_OPTIONS = {
  rate: number("HZ", { min: 8000, max: 192_000, integer: true }, {
    short: "r",
    help: "samples a second",
  }),
  channels: number("N", { min: 1, max: 8, integer: true }, {
    short: "c",
    help: "number of channels",
  }),
} as const;

export const sampleFormatOption = choice("FORMAT", SAMPLE_FORMATS, {
  help: `sample format: ${SAMPLE_FORMATS.join(", ")}`,
});

interface VideoWishes {
  readonly size: Size | undefined;
  readonly fps: number | undefined;
  readonly format: VideoCaptureOptions["format"];
}

/** Everything exact: what cannot be met is an error that lists what there is. */
export function videoOptions({ size, fps, format }: VideoWishes): VideoCaptureOptions {
  return {
    width: size?.width,
    height: size?.height,
    frameRate: fps,
    format,
  };
}

interface AudioWishes {
  readonly rate: number | undefined;
  readonly channels: number | undefined;
  readonly format: AudioCaptureOptions["format"];
}

export function audioOptions({ rate, channels, format }: AudioWishes): AudioCaptureOptions {
  return { sampleRate: rate, channelCount: channels, format };
}
