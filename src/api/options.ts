/** Options: which there are, and those that become properties of a context. */

import { isInt32, MiniAVError } from "../ffi/mod.ts";
import type { PropertyEntry } from "./session.ts";
import type {
  AudioCaptureOptions,
  CaptureOptions,
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

const WAITING: Names<WaitOptions> = { signal: true, timeout: true };

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
  requireSoundValues(operation, options as Readonly<Record<string, unknown>>);
}

/** What `known` has of these is the same everywhere. */
const NUMBER_WISHES = ["width", "height", "frameRate", "sampleRate", "channelCount"] as const;
const NUMBER_MEMBERS = ["exact", "ideal", "min", "max"];
const CHOICE_MEMBERS = ["exact", "ideal"];
const RECONNECT_MEMBERS = ["delay", "maximumDelay", "attempts"];

/** INVALID_ARG: a value that would be no wish at all, and so be ignored in silence. */
function requireSoundValues(operation: string, options: Readonly<Record<string, unknown>>): void {
  const { format, reconnect, output, skip, region } = options;
  for (const name of NUMBER_WISHES) {
    requireSoundWish(operation, name, options[name], "number", NUMBER_MEMBERS);
  }
  requireSoundWish(operation, "format", format, "string", CHOICE_MEMBERS);
  if (isObject(reconnect)) requireMembers(operation, "reconnect", reconnect, RECONNECT_MEMBERS);
  if (!isNothing(output) && output !== "memory" && output !== "gpu") {
    const detail = `output is "memory" or "gpu", not ${describeValue(output)}`;
    throw invalidOption(operation, detail);
  }
  if (!isNothing(skip) && !(Number.isInteger(skip) && Number(skip) >= 0)) {
    throw invalidOption(operation, `skip is a number of pictures, not ${describeValue(skip)}`);
  }
  for (const name of ["deviceId", "displayId", "windowId"]) {
    const id = options[name];
    if (id === undefined || (typeof id === "string" && id !== "")) continue;
    if (name === "deviceId" && (id === null || id === "")) {
      const detail = `${name} is ${describeValue(id)}`;
      throw invalidOption(operation, detail, "Leave it out for the default device.");
    }
    if (id === null || id === "") continue; // what it means is the source's to say
    throw invalidOption(operation, `${name} is a string, not ${describeValue(id)}`);
  }
  if (region !== undefined && !isRectangle(region)) {
    throw invalidOption(
      operation,
      `region is { x, y, width, height } in whole pixels, not ${describeValue(region)}`,
    );
  }
}

function isRectangle(value: unknown): boolean {
  if (!isObject(value)) return false;
  return ["x", "y", "width", "height"].every((name) => isInt32(value[name]));
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
  if (isNothing(wish) || typeof wish === type) return;
  if (!isObject(wish)) throw refuse(name, wish);
  requireMembers(operation, name, wish, members);
  for (const member of members) {
    const value = wish[member];
    if (!isNothing(value) && typeof value !== type) throw refuse(`${name}.${member}`, value);
  }
  if (Number(wish.min ?? -Infinity) > Number(wish.max ?? Infinity)) {
    throw invalidOption(operation, `${name}.min is more than ${name}.max`);
  }
}

function requireMembers(
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

const isNothing = (value: unknown): value is null | undefined =>
  value === null || value === undefined;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
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
