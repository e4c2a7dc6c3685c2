/** From wishes to a request. */

import { MiniAVError } from "../ffi/mod.ts";
import { isCompressed } from "./formats.ts";
import type {
  AudioCaptureOptions,
  AudioFormat,
  Constraint,
  NumberConstraint,
  VideoCaptureOptions,
  VideoFormat,
} from "./types.ts";

interface Wish<T> {
  readonly exact?: T | undefined;
  readonly ideal?: T | undefined;
  readonly min?: T | undefined;
  readonly max?: T | undefined;
}

function wishOf<T extends number | string>(
  constraint: Constraint<T> | Wish<T> | undefined,
): Wish<T> | null {
  if (constraint === undefined) return null;
  return typeof constraint === "object" ? constraint : { exact: constraint };
}

/** The value of a wish that leaves no choice: undefined when it does. */
function fixed<T extends number | string>(constraint: Constraint<T> | undefined): T | undefined {
  return wishOf<T>(constraint)?.exact;
}

type VideoWishes = Pick<VideoCaptureOptions, "width" | "height" | "format" | "frameRate">;

const VIDEO_KEYS = ["width", "height", "format", "frameRate"] as const;

/** What can be asked of the device as it is, without looking at its list; null: look at it. */
export function directVideoRequest(wishes: VideoWishes): Partial<VideoFormat> | null {
  const given = VIDEO_KEYS.filter((key) => wishes[key] !== undefined);
  if (given.length === 0) return {};
  const exact = exactVideo(wishes);
  return VIDEO_KEYS.every((key) => exact[key] !== undefined) ? exact : null;
}

/** The fixed values among the wishes; the rest is the device's own. */
export function exactVideo(wishes: VideoWishes): Partial<VideoFormat> {
  const width = fixed(wishes.width as Constraint<number> | undefined);
  const height = fixed(wishes.height as Constraint<number> | undefined);
  const format = fixed(wishes.format);
  const frameRate = fixed(wishes.frameRate as Constraint<number> | undefined);
  return {
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(format === undefined ? {} : { format }),
    ...(frameRate === undefined ? {} : { frameRate }),
  };
}

/** Rates of 30 and 30000/1001 mean the same to a person. */
const RATE_TOLERANCE = 0.005;

function meets(value: number | string, wish: Wish<number | string>, tolerance: number): boolean {
  if (typeof value === "string") return wish.exact === undefined || value === wish.exact;
  const slack = value * tolerance;
  const { exact, min, max } = wish as Wish<number>;
  // Said this way round, what is no number is met by nothing.
  if (exact !== undefined && !(Math.abs(value - exact) <= slack)) return false;
  if (min !== undefined && !(value >= min - slack)) return false;
  return max === undefined || value <= max + slack;
}

function distance(value: number | string, ideal: number | string | undefined): number {
  if (ideal === undefined || value === ideal) return 0;
  if (typeof value === "string" || typeof ideal === "string") return 1;
  return Math.abs(value - ideal) / Math.max(value, ideal, 1);
}

/**
 * The format of the list that meets the wishes best, or null. Equally good ones: nearest to the
 * device's default, raw before compressed, then as the device orders them.
 */
export function chooseVideoFormat(
  wishes: VideoWishes,
  offered: readonly VideoFormat[],
  preferred: VideoFormat | null,
): VideoFormat | null {
  let best: VideoFormat | null = null;
  let bestScore: readonly number[] = [];
  for (const format of offered) {
    const possible = VIDEO_KEYS.every((key) => {
      const wish = wishOf<number | string>(wishes[key]);
      return wish === null || meets(format[key], wish, key === "frameRate" ? RATE_TOLERANCE : 0);
    });
    if (!possible) continue;
    const score = [
      VIDEO_KEYS.reduce(
        (sum, key) => sum + distance(format[key], wishOf<number | string>(wishes[key])?.ideal),
        0,
      ),
      isCompressed(format.format) ? 1 : 0,
      VIDEO_KEYS.reduce((sum, key) => sum + distance(format[key], preferred?.[key]), 0),
    ];
    if (best === null || isLess(score, bestScore)) {
      best = format;
      bestScore = score;
    }
  }
  return best;
}

function isLess(left: readonly number[], right: readonly number[]): boolean {
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}

/** Audio is converted to whatever is asked, so a wish is a value. */
export function audioWishes(
  wishes: Pick<AudioCaptureOptions, "sampleRate" | "channelCount" | "format">,
  preferred: AudioFormat | null,
): Partial<AudioFormat> {
  const sampleRate = numberWish(wishes.sampleRate, preferred?.sampleRate);
  const channelCount = numberWish(wishes.channelCount, preferred?.channelCount);
  const format = wishOf(wishes.format);
  const sampleFormat = format?.exact ?? format?.ideal;
  return {
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channelCount === undefined ? {} : { channelCount }),
    ...(sampleFormat === undefined ? {} : { format: sampleFormat }),
  };
}

/** True when the wishes depend on what the device would choose by itself. */
export function needsDefaultAudio(
  wishes: Pick<AudioCaptureOptions, "sampleRate" | "channelCount">,
): boolean {
  return [wishes.sampleRate, wishes.channelCount].some((constraint) => {
    const wish = wishOf<number>(constraint);
    return wish !== null && wish.exact === undefined &&
      (wish.min !== undefined || wish.max !== undefined);
  });
}

function numberWish(constraint: NumberConstraint | undefined, own?: number): number | undefined {
  const wish = wishOf<number>(constraint);
  if (wish === null) return undefined;
  if (wish.exact !== undefined) return wish.exact;
  const value = wish.ideal ?? own;
  if (value === undefined) return undefined;
  return Math.min(Math.max(value, wish.min ?? value), wish.max ?? Infinity);
}

/** What every screen can be asked for, whatever its display shows. */
const USUAL_LIMIT = 240;

/** True when what the display has says which rate a wish means. */
export function isRateRange(constraint: NumberConstraint | undefined): boolean {
  const wish = wishOf<number>(constraint);
  return wish !== null && wish.exact === undefined;
}

/**
 * What a wish means where the rate is a limit; undefined: the display's own. 0 is a display that tells
 * none, which is as fast as the limit.
 */
export function rateLimit(
  constraint: NumberConstraint | undefined,
  own: number,
): number | undefined {
  const value = numberWish(constraint, own > 0 ? own : Infinity);
  const wish = wishOf<number>(constraint);
  if (value === undefined || value === Infinity || wish === null) return undefined;
  if (wish.exact !== undefined) return value;
  return Math.min(value, Math.max(USUAL_LIMIT, own, wish.min ?? 0));
}

/**
 * What to ask of a device that lists nothing that fits: its default with the fixed values. A device
 * may take more than it lists, and says so itself. Null: a `min` or `max` speaks against it.
 */
export function unlistedVideoRequest(
  wishes: VideoWishes,
  preferred: VideoFormat | null,
): Partial<VideoFormat> | null {
  const { frameRateFraction: _, ...own } = preferred ?? { frameRateFraction: null };
  const request: Partial<VideoFormat> = { ...own, ...exactVideo(wishes) };
  const possible = VIDEO_KEYS.every((key) => {
    const wish = wishOf<number | string>(wishes[key]);
    const value = request[key];
    return wish === null || value === undefined || meets(value, wish, 0);
  });
  return possible ? request : null;
}

/** The error for wishes that cannot be met, with what there is. */
export function formatError(
  operation: string,
  backend: string,
  offered: readonly VideoFormat[],
  { detail = "", advice = "" } = {},
): MiniAVError {
  const lines = describeOffer(offered).join("\n") || "  nothing that it tells";
  return new MiniAVError("FORMAT_NOT_SUPPORTED", {
    operation,
    backend,
    detail,
    hint: `The device offers\n${lines}${advice && `\n${advice}`}`,
  });
}

/** One line a size: "  1280x720 NV12 MJPEG at 30, 60 fps". */
function describeOffer(offered: readonly VideoFormat[]): string[] {
  const rates = new Map<string, Set<string>>();
  for (const { width, height, format, frameRate } of offered) {
    const key = `${width}x${height} ${format}`;
    const rate = rates.get(key) ?? new Set();
    if (frameRate > 0) rate.add(String(Number(frameRate.toFixed(3))));
    rates.set(key, rate);
  }
  const lines = new Map<string, string[]>();
  for (const [key, set] of rates) {
    const [size = "", format = ""] = key.split(" ");
    const tail = set.size === 0 ? "" : ` at ${[...set].join(", ")} fps`;
    const line = `${size}\n${tail}`;
    lines.set(line, [...lines.get(line) ?? [], format]);
  }
  return [...lines].map(([line, formats]) => {
    const [size = "", tail = ""] = line.split("\n");
    return `  ${size} ${formats.join(" ")}${tail}`;
  });
}

/** "1280x720 NV12 30 fps" */
export function describeVideoFormat({ width, height, format, frameRate }: VideoFormat): string {
  const rate = frameRate === 0 ? "" : ` ${Number(frameRate.toFixed(3))} fps`;
  return `${width}x${height} ${format}${rate}`;
}
