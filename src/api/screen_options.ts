/** What `Screen.open` takes is checked here: nothing may silently show more than was meant. */

import { PROPERTY_MAX_HANDLES } from "../ffi/mod.ts";
import { SAMPLE_FORMATS } from "./formats.ts";
import {
  describeValue,
  invalidOption,
  isNothing,
  isObject,
  requireBoolean,
  requireChoice,
  requireMembers,
  requireSoundValues,
  requireText,
} from "./options.ts";
import { isHandles, valuesOf } from "./properties.ts";

/** Which options say what is shown, and what to do when one of them has no value. */
const TARGETS = {
  windowId: "No window matched? Screen.enumerateWindows() lists them. For a display leave it out.",
  displayId:
    "No display matched? Screen.enumerateDisplays() lists them. For the default one leave " +
    "it out.",
  region: "For the whole display leave it out.",
} as const;

type TargetOptions = { readonly [Name in keyof typeof TARGETS]?: unknown };

/**
 * INVALID_ARG: a target that is there without a value, such as the id of a window that was not found:
 * the display would be shown instead. Beside a window nothing wider is left.
 */
export function requireTargetValues(operation: string, options: TargetOptions): void {
  for (const name of Object.keys(TARGETS) as (keyof typeof TARGETS)[]) {
    if (!Object.hasOwn(options, name) || hasValue(options[name])) continue;
    if (name !== "windowId" && hasValue(options.windowId)) continue;
    throw invalidOption(operation, `${name} is ${describeValue(options[name])}`, TARGETS[name]);
  }
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

type Values = { readonly [Name in ScreenValue]?: unknown };
type ScreenValue =
  | "cursor"
  | "audioSource"
  | "persist"
  | "excludedWindows"
  | "repeatLastFrame"
  | "restoreToken"
  | "audio";

const AUDIO_MEMBERS = ["sampleRate", "channelCount", "format", "chunkMs", "optional"];

/** INVALID_ARG: a value that is none of its option; under the names that options have. */
export function requireScreenValues(operation: string, options: Values): void {
  const { audio, excludedWindows, restoreToken } = options;
  requireChoice(operation, "cursor", options.cursor, valuesOf("cursorMode"));
  requireChoice(operation, "audioSource", options.audioSource, valuesOf("audioSource"));
  requireChoice(operation, "persist", options.persist, valuesOf("persistMode"));
  requireBoolean(operation, "repeatLastFrame", options.repeatLastFrame);
  if (restoreToken !== undefined) requireText(operation, "restoreToken", restoreToken);
  if (excludedWindows !== undefined && !isHandles(excludedWindows)) {
    const given = JSON.stringify(excludedWindows)?.slice(0, 40);
    const detail =
      `excludedWindows is a list of at most ${PROPERTY_MAX_HANDLES} numbers of windows, not ${given}`;
    throw invalidOption(operation, detail);
  }
  if (isNothing(audio) || typeof audio === "boolean") return;
  if (!isObject(audio)) {
    const detail = `audio is true, false or an object, not ${describeValue(audio)}`;
    throw invalidOption(operation, detail);
  }
  // A misspelt `optional` would open with sound required.
  requireMembers(operation, "audio", audio, AUDIO_MEMBERS);
  requireSoundValues(operation, audio, SAMPLE_FORMATS, "audio.");
  requireBoolean(operation, "audio.optional", audio.optional);
}
