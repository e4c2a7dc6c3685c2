/**
 * What `Loopback.open` takes, and what it means. Strict: an option that does not exist, that has no
 * value or that contradicts another must never become something wider than what was meant.
 */

import { LoopbackTargetFlags, LoopbackTargetType } from "../ffi/mod.ts";
import type { MiniAVError, NativeLoopbackTarget } from "../ffi/mod.ts";
import {
  AUDIO_OPTION_NAMES,
  describeValue,
  invalidOption,
  requireKnownOptions,
} from "./options.ts";
import type { Names } from "./options.ts";
import type { AudioCaptureOptions } from "./types.ts";

/** One thing that plays. Exactly one of its first five members says which. */
export interface LoopbackTarget {
  /** The system's mix, whatever its default output is. */
  readonly system?: true | undefined;
  readonly processId?: number | undefined;
  /** The binary's or the application's name, without case; every match counts. */
  readonly name?: string | undefined;
  /** A window's processes: HWND, NSWindow number, XID. */
  readonly windowHandle?: number | undefined;
  /** The system's mix: an id of `enumerateDevices()`, or "" for the default. */
  readonly systemId?: string | undefined;
  /** Of a process or a window: its descendants too. */
  readonly tree?: boolean | undefined;
  /** One that does not play yet is no error: until it does, there is silence. */
  readonly waitForProcess?: boolean | undefined;
  /** Of a name: joins again when the application comes back. Default true. */
  readonly followName?: boolean | undefined;
}

/** What `Loopback.open` takes. Without any target: the system's mix. */
export interface LoopbackOptions extends AudioCaptureOptions, LoopbackTarget {
  /** An id of `enumerateDevices()` or `Screen.enumerateWindows()`. */
  readonly deviceId?: string | undefined;
  /** The sound of a window's processes: an id of `Screen.enumerateWindows()`. */
  readonly windowId?: string | undefined;
  /** Several targets at once, up to 32, instead of one in these options. */
  readonly targets?: readonly LoopbackTarget[] | undefined;
  /** `exclude`: everything but the targets. Default `include`. */
  readonly mode?: "include" | "exclude" | undefined;
}

/** What is to be configured. */
export type WantedSound =
  & { readonly name: string }
  & ({ readonly type: "device"; readonly id: string | undefined } | {
    readonly type: "targets";
    readonly targets: readonly NativeLoopbackTarget[];
    readonly mode: "include" | "exclude";
  });

/** Whether a window says whose sound it is. Its number may be another program's window later. */
export function isOfWindow(wanted: WantedSound): boolean {
  return wanted.type === "device"
    ? /(^|:)window\//.test(wanted.id ?? "")
    : wanted.targets.some(({ type }) => type === LoopbackTargetType.WINDOW);
}

const TARGET_NAMES: Names<LoopbackTarget> = {
  system: true,
  processId: true,
  name: true,
  windowHandle: true,
  systemId: true,
  tree: true,
  waitForProcess: true,
  followName: true,
};

const OPTION_NAMES: Names<LoopbackOptions> = {
  deviceId: true,
  windowId: true,
  targets: true,
  mode: true,
  ...TARGET_NAMES,
  ...AUDIO_OPTION_NAMES,
};

/** What says whose sound is meant. */
const TARGET_KEYS = ["system", "processId", "name", "windowHandle", "systemId"] as const;
const SOURCE_KEYS = [...TARGET_KEYS, "deviceId", "windowId", "targets"] as const;
const FLAG_KEYS = ["tree", "waitForProcess", "followName"] as const;

type SourceKey = (typeof SOURCE_KEYS)[number];
type FlagKey = (typeof FLAG_KEYS)[number];

/** REQUEST_MAX_TARGETS of the library. */
const MAX_TARGETS = 32;
/** MINIAV_TEXT_BYTES of the library, without the zero at the end. */
const MAX_TEXT_BYTES = 255;

const SYSTEM_HINT = "The system's mix is `system: true`, or no target at all.";

/** What the options of `Loopback.open` mean. INVALID_ARG says what is wrong with them. */
export function wantedSound(options: LoopbackOptions): WantedSound {
  const refuse = refusalOf("Loopback.open", "");
  requireKnownOptions("Loopback.open", options, OPTION_NAMES);
  const { mode = "include" } = options;
  if (mode !== "include" && mode !== "exclude") {
    throw refuse(`mode takes "include" or "exclude", not ${describeValue(mode)}`);
  }
  const key = givenKey(options, SOURCE_KEYS, refuse);
  if (key === null) {
    requireNoFlags(options, FLAG_KEYS, "the system's mix", refuse);
    if (mode === "exclude") throw refuse("mode: exclude needs a target to leave out");
    return { type: "device", name: "system", id: undefined };
  }
  if (key === "deviceId" || key === "windowId") {
    const id = requireText(options[key], key, refuse);
    requireNoFlags(options, FLAG_KEYS, key, refuse);
    requireInclude(mode, key, refuse);
    if (key === "windowId" && /^(\w+:)?system/.test(id)) {
      throw refuse(`"${id}" is no window`, "Screen.enumerateWindows() lists windows.");
    }
    return { type: "device", name: id, id };
  }
  if (key === "targets") return severalTargets(options, mode, refuse);
  if (key === "system" || key === "systemId") requireInclude(mode, key, refuse);
  const target = encodeTarget(options, key, refuse);
  if (key === "system") return { type: "device", name: "system", id: undefined };
  return { type: "targets", name: labelOf(options), targets: [target], mode };
}

function severalTargets(
  options: LoopbackOptions,
  mode: "include" | "exclude",
  refuse: Refusal,
): WantedSound {
  const { targets } = options;
  if (!Array.isArray(targets)) throw refuse(`targets takes a list, not ${describeValue(targets)}`);
  requireNoFlags(options, FLAG_KEYS, "targets", refuse, "Each target has its own.");
  if (targets.length === 0) throw refuse("targets is empty", SYSTEM_HINT);
  if (targets.length > MAX_TARGETS) {
    throw refuse(`${targets.length} targets; at most ${MAX_TARGETS} go into one capture`);
  }
  const encoded = Array.from(targets, (target: LoopbackTarget, index) => {
    const refuseTarget = refusalOf("Loopback.open", `targets[${index}]: `);
    const key = targetKey("Loopback.open", target, refuseTarget);
    if (key === "system" || key === "systemId") requireInclude(mode, key, refuseTarget);
    return encodeTarget(target, key, refuseTarget);
  });
  return { type: "targets", name: `${encoded.length} targets`, targets: encoded, mode };
}

/** INVALID_ARG unless the value is a target, and nothing else. */
export function requireTarget(operation: string, place: string, target: LoopbackTarget): void {
  const refuse = refusalOf(operation, place);
  encodeTarget(target, targetKey(operation, target, refuse), refuse);
}

/** A target for people: "firefox", "process 4242". */
export function labelOf(target: LoopbackTarget): string {
  const { name, processId, windowHandle, systemId } = target;
  if (name !== undefined) return name;
  if (processId !== undefined) return `process ${processId}`;
  if (windowHandle !== undefined) return `window ${windowHandle}`;
  return systemId || "system";
}

type Refusal = (detail: string, hint?: string) => MiniAVError;

function refusalOf(operation: string, place: string): Refusal {
  return (detail, hint) => invalidOption(operation, place + detail, hint);
}

function targetKey(
  operation: string,
  target: LoopbackTarget,
  refuse: Refusal,
): (typeof TARGET_KEYS)[number] {
  requireKnownOptions(operation, target, TARGET_NAMES);
  const key = givenKey(target, TARGET_KEYS, refuse);
  if (key === null) throw refuse(`a target has exactly one of ${TARGET_KEYS.join(", ")}`);
  return key;
}

/** The one that is given; null: none is there, not even without a value. */
function givenKey<Key extends SourceKey>(
  options: LoopbackOptions,
  keys: readonly Key[],
  refuse: Refusal,
): Key | null {
  const present = keys.filter((key) => key in options);
  const [given, second] = present.filter((key) => options[key] !== undefined);
  if (second !== undefined) {
    throw refuse(`${given} and ${second} are two targets`, "For several, use `targets`.");
  }
  if (given !== undefined) return given;
  const [empty] = present;
  if (empty === undefined) return null;
  throw refuse(`${empty} is undefined`, `Leave it out, or give it a value. ${SYSTEM_HINT}`);
}

function requireInclude(mode: "include" | "exclude", key: SourceKey, refuse: Refusal): void {
  if (mode === "include") return;
  const hint = key === "system" || key === "systemId"
    ? "Everything but the system's mix is nothing."
    : "Name the processes to leave out: processId, name or targets.";
  throw refuse(`mode: exclude does not go with ${key}`, hint);
}

function requireNoFlags(
  options: LoopbackTarget,
  flags: readonly FlagKey[],
  what: string,
  refuse: Refusal,
  hint?: string,
): void {
  for (const flag of flags) {
    if (options[flag] !== undefined && options[flag] !== false) {
      throw refuse(`${flag} does not go with ${what}`, hint);
    }
  }
}

function requireText(value: unknown, key: string, refuse: Refusal, mayBeEmpty = false): string {
  if (typeof value !== "string") throw refuse(`${key} takes a text, not ${describeValue(value)}`);
  if (value === "" && !mayBeEmpty) throw refuse(`${key} is empty`, SYSTEM_HINT);
  if (value.includes("\0")) throw refuse(`${key} has a zero character`);
  const bytes = new TextEncoder().encode(value).length;
  if (bytes > MAX_TEXT_BYTES) {
    throw refuse(`${key} has ${bytes} bytes of UTF-8; at most ${MAX_TEXT_BYTES} can be`);
  }
  return value;
}

function requireNumber(value: unknown, key: string, maximum: number, refuse: Refusal): number {
  const fits = typeof value === "number" && Number.isInteger(value) && value > 0 &&
    value <= maximum;
  if (!fits) {
    throw refuse(`${key} takes a whole number from 1 to ${maximum}, not ${describeValue(value)}`);
  }
  return value;
}

/** Which flags mean something beside which kind of target. */
const FLAGS_OF: Readonly<Record<(typeof TARGET_KEYS)[number], readonly FlagKey[]>> = {
  system: [],
  systemId: [],
  processId: ["tree", "waitForProcess"],
  windowHandle: ["tree", "waitForProcess"],
  name: ["waitForProcess", "followName"],
};

function encodeTarget(
  target: LoopbackTarget,
  key: (typeof TARGET_KEYS)[number],
  refuse: Refusal,
): NativeLoopbackTarget {
  for (const flag of FLAG_KEYS) {
    const value: unknown = target[flag];
    if (value !== undefined && typeof value !== "boolean") {
      throw refuse(`${flag} takes true or false, not ${describeValue(value)}`);
    }
  }
  const meaningless = FLAG_KEYS.filter((flag) => !FLAGS_OF[key].includes(flag));
  const hint = key === "name" ? "A name means every process of that name." : undefined;
  requireNoFlags(target, meaningless, key, refuse, hint);
  const followName = key === "name" && target.followName !== false;
  const flags = (target.tree ? LoopbackTargetFlags.TREE : 0) |
    (target.waitForProcess ? LoopbackTargetFlags.WAIT : 0) |
    (followName ? LoopbackTargetFlags.FOLLOW_NAME : 0);
  const nothing = { flags, processId: 0, windowHandle: 0, name: "" };
  switch (key) {
    case "system":
      if (target.system !== true) {
        throw refuse(`system takes true, not ${describeValue(target.system)}`);
      }
      return { ...nothing, type: LoopbackTargetType.SYSTEM_AUDIO };
    case "systemId": {
      const name = requireText(target.systemId, key, refuse, true);
      return { ...nothing, type: LoopbackTargetType.SYSTEM_AUDIO, name };
    }
    case "processId": {
      const processId = requireNumber(target.processId, key, 2 ** 32 - 1, refuse);
      return { ...nothing, type: LoopbackTargetType.PROCESS, processId };
    }
    case "windowHandle": {
      const windowHandle = requireNumber(
        target.windowHandle,
        key,
        Number.MAX_SAFE_INTEGER,
        refuse,
      );
      return { ...nothing, type: LoopbackTargetType.WINDOW, windowHandle };
    }
    case "name": {
      const name = requireText(target.name, key, refuse);
      return { ...nothing, type: LoopbackTargetType.NAME, name };
    }
  }
}
