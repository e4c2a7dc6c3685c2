/** Options: which there are, and those that become properties of a context. */

import { isInt32, MiniAVError } from "../ffi/mod.ts";
import { PIXEL_FORMATS, SAMPLE_FORMATS } from "./formats.ts";
import type { PropertyEntry } from "./session.ts";
import type {
  AudioCaptureOptions,
  CaptureOptions,
  Rectangle,
  VideoCaptureOptions,
  WaitOptions,
} from "./types.ts";

/** How many buffers are kept, and which. */
export function queueEntries({ queue, latest }: CaptureOptions): PropertyEntry[] {
  const entries: PropertyEntry[] = [];
  if (queue !== undefined) entries.push({ name: "queueCapacity", value: queue });
  if (latest !== undefined) entries.push({ name: "queueLatest", value: latest });
  return entries;
}

/** Buffers of sound are short: with 16 of them a pause of 160 ms would lose some. */
const AUDIO_QUEUE = 64;

/** The same, and how long a buffer of sound is. */
export function audioEntries(options: AudioCaptureOptions): PropertyEntry[] {
  const queue = options.queue ?? AUDIO_QUEUE;
  return [...queueEntries({ ...options, queue }), ...chunkEntries(options)];
}

/** How long a buffer of sound is. */
export function chunkEntries(options: { readonly chunkMs?: number | undefined } | null) {
  const entries: PropertyEntry[] = [];
  if (options?.chunkMs !== undefined) {
    entries.push({ name: "chunkDuration", value: Math.round(options.chunkMs * 1000) });
  }
  return entries;
}

/** A name of every member of a type, no more and no less. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** The options of what only waits. */
export const WAITING: Names<WaitOptions> = { signal: true, timeout: true };

const CAPTURE: Names<CaptureOptions> = {
  ...WAITING,
  latest: true,
  queue: true,
  access: true,
  reconnect: true,
};

/** The options of every video source. */
export const VIDEO_OPTION_NAMES: Names<VideoCaptureOptions> = {
  ...CAPTURE,
  width: true,
  height: true,
  format: true,
  frameRate: true,
  output: true,
};

/** The options of every audio source. */
export const AUDIO_OPTION_NAMES: Names<AudioCaptureOptions> = {
  ...CAPTURE,
  sampleRate: true,
  channelCount: true,
  format: true,
  chunkMs: true,
};

/**
 * INVALID_ARG: the options are no object, or one of them does not exist; what is called otherwise
 * here is named.
 */
export function requireKnownOptions(
  operation: string,
  options: unknown,
  known: Readonly<Record<string, true>>,
  calledHere: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidOption(operation, `the options are an object, not ${describeValue(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const meant = Object.hasOwn(calledHere, name) ? `It is "${calledHere[name]}" here. ` : "";
    throw invalidOption(
      operation,
      `there is no option "${name.slice(0, 40)}"`,
      `${meant}There are ${Object.keys(known).join(", ")}.`,
    );
  }
  const formats = Object.hasOwn(known, "width") ? PIXEL_FORMATS : SAMPLE_FORMATS;
  requireSoundValues(operation, options as Readonly<Record<string, unknown>>, formats);
}

/** What `known` has of these is the same everywhere; the numbers that a wish may ask for. */
const NUMBER_WISHES: Readonly<Record<string, readonly [low: number, high: number]>> = {
  width: [1, 32_768],
  height: [1, 32_768],
  frameRate: [0.001, 1_000_000],
  sampleRate: [8000, 192_000],
  channelCount: [1, 8],
};
const NUMBER_MEMBERS = ["exact", "ideal", "min", "max"];
const CHOICE_MEMBERS = ["exact", "ideal"];
const RECONNECT_MEMBERS = ["delay", "maximumDelay", "attempts"];
const RECTANGLE_MEMBERS = ["x", "y", "width", "height"];
/** MINIAV_TEXT_BYTES of the library, without the zero at the end. */
const MAX_TEXT_BYTES = 255;

/**
 * INVALID_ARG: a value that would be no wish at all, and so be ignored in silence. `place` is what
 * stands before the names: "audio.".
 */
export function requireSoundValues(
  operation: string,
  options: Readonly<Record<string, unknown>>,
  formats: readonly string[],
  place = "",
): void {
  const refuse = (detail: string) => invalidOption(operation, place + detail);
  const { format, reconnect, output, skip, region, queue, latest, chunkMs } = options;
  for (const name of Object.keys(NUMBER_WISHES)) {
    requireNumberWish(operation, `${place}${name}`, options[name], NUMBER_WISHES[name]!);
  }
  requireSoundWish(operation, `${place}format`, format, "string", CHOICE_MEMBERS);
  for (const one of isObject(format) ? [format.exact, format.ideal] : [format]) {
    if (isNothing(one) || formats.includes(one as string)) continue;
    throw refuse(`format: there is no ${describeValue(one)}; there are ${formats.join(", ")}`);
  }
  if (isObject(reconnect)) requireMembers(operation, "reconnect", reconnect, RECONNECT_MEMBERS);
  else if (!isNothing(reconnect) && typeof reconnect !== "boolean") {
    throw refuse(`reconnect is true, false or an object, not ${describeValue(reconnect)}`);
  }
  if (!isNothing(output) && output !== "memory" && output !== "gpu") {
    throw refuse(`output is "memory" or "gpu", not ${describeValue(output)}`);
  }
  if (!isNothing(skip) && !isWholeWithin(skip, 0, Infinity)) {
    throw refuse(`skip is a number of pictures, not ${describeValue(skip)}`);
  }
  if (!isNothing(queue) && !isWholeWithin(queue, 2, 64)) {
    throw refuse(`queue is a number of frames from 2 to 64, not ${describeValue(queue)}`);
  }
  requireBoolean(operation, "latest", latest);
  if (!isNothing(chunkMs) && !(typeof chunkMs === "number" && chunkMs >= 0 && chunkMs <= 1000)) {
    throw refuse(
      `chunkMs is a number of milliseconds from 0 to 1000, not ${describeValue(chunkMs)}`,
    );
  }
  for (const name of ["deviceId", "displayId", "windowId"]) {
    const id = options[name];
    if (name === "deviceId" && (id === null || id === "")) {
      const detail = `${name} is ${describeValue(id)}`;
      throw invalidOption(operation, detail, "Leave it out for the default device.");
    }
    // What is empty the source itself refuses, and says what it means there.
    if (!isNothing(id) && id !== "") requireText(operation, name, id);
  }
  if (region !== undefined) requireRegion(operation, region);
}

function requireNumberWish(
  operation: string,
  name: string,
  wish: unknown,
  [low, high]: readonly [number, number],
): void {
  requireSoundWish(operation, name, wish, "number", NUMBER_MEMBERS);
  const exact = isObject(wish) ? wish.exact : wish;
  // 0 is "as the device likes", as in C.
  if (isNothing(exact) || exact === 0) return;
  const isRate = name.endsWith("frameRate");
  const value = Number(exact);
  if (value >= low && value <= high && (isRate || Number.isInteger(value))) return;
  const kind = isRate ? "frames a second" : "a whole number";
  const what = isObject(wish) ? `${name}.exact` : name;
  throw invalidOption(operation, `${what} is ${kind} from ${low} to ${high}, not ${value}`);
}

/** INVALID_ARG unless it is a part of a picture; whether it lies inside, the library says. */
export function requireRegion(
  operation: string,
  value: unknown,
): asserts value is Rectangle {
  if (!isObject(value)) {
    const detail = `region is { x, y, width, height } in whole pixels, not ${describeValue(value)}`;
    throw invalidOption(operation, detail);
  }
  requireMembers(operation, "region", value, RECTANGLE_MEMBERS);
  for (const name of RECTANGLE_MEMBERS) {
    const least = name === "x" || name === "y" ? 0 : 1;
    const number = value[name];
    if (isInt32(number) && number >= least) continue;
    throw invalidOption(
      operation,
      `region.${name} is a whole number of pixels from ${least} on, not ${describeValue(number)}`,
    );
  }
}

/** INVALID_ARG unless it is a text that C can read whole. */
export function requireText(operation: string, name: string, value: unknown): void {
  if (typeof value !== "string") {
    throw invalidOption(operation, `${name} is a string, not ${describeValue(value)}`);
  }
  if (value.includes("\0")) throw invalidOption(operation, `${name} has a zero character`);
  const bytes = new TextEncoder().encode(value).length;
  if (bytes > MAX_TEXT_BYTES) {
    const detail = `${name} has ${bytes} bytes of UTF-8; at most ${MAX_TEXT_BYTES} can be`;
    throw invalidOption(operation, detail);
  }
}

/** INVALID_ARG unless it is true, false or not there. */
export function requireBoolean(operation: string, name: string, value: unknown): void {
  if (isNothing(value) || typeof value === "boolean") return;
  throw invalidOption(operation, `${name} is true or false, not ${describeValue(value)}`);
}

/** INVALID_ARG unless it is one of these, or not there. */
export function requireChoice(
  operation: string,
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  if (value === undefined || choices.includes(value as string)) return;
  const list = choices.map((choice) => `"${choice}"`).join(" or ");
  throw invalidOption(operation, `${name} is ${list}, not ${describeValue(value)}`);
}

export function isWholeWithin(value: unknown, low: number, high: number): value is number {
  return Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
}

/** INVALID_ARG unless the value is a time, of 0 to Infinity. */
export function requireMilliseconds(operation: string, value: unknown, name: string): void {
  if (typeof value === "number" && value >= 0) return;
  const detail = `${name} is milliseconds from 0 to Infinity, not ${describeValue(value)}`;
  throw invalidOption(operation, detail);
}

function requireSoundWish(
  operation: string,
  name: string,
  wish: unknown,
  type: "number" | "string",
  members: readonly string[],
): void {
  const refuse = (what: string, value: unknown) =>
    invalidOption(operation, `${what} is a ${type}, not ${describeValue(value)}`);
  const isWish = (value: unknown) => typeof value === type && !Number.isNaN(value);
  if (isNothing(wish) || isWish(wish)) return;
  if (!isObject(wish)) throw refuse(name, wish);
  requireMembers(operation, name, wish, members);
  for (const member of members) {
    const value = wish[member];
    if (!isNothing(value) && !isWish(value)) throw refuse(`${name}.${member}`, value);
  }
  if (Number(wish.min ?? -Infinity) > Number(wish.max ?? Infinity)) {
    throw invalidOption(operation, `${name}.min is more than ${name}.max`);
  }
}

/** INVALID_ARG: it has a member that does not exist. */
export function requireMembers(
  operation: string,
  name: string,
  value: object,
  members: readonly string[],
): void {
  for (const member of Object.keys(value)) {
    if (members.includes(member)) continue;
    const detail = `${name} has no "${member.slice(0, 40)}"`;
    throw invalidOption(operation, detail, `It takes ${members.join(", ")}.`);
  }
}

export const isNothing = (value: unknown): value is null | undefined =>
  value === null || value === undefined;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** INVALID_ARG, with what is wrong and what to do. */
export function invalidOption(operation: string, detail: string, hint = ""): MiniAVError {
  return new MiniAVError("INVALID_ARG", { operation, detail, hint });
}

/** A value as an error shows it: short, and telling "4" from 4. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}
