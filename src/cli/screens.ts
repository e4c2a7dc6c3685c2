/** Screens: the options that name a display, a window or a part, and what they mean. */

import { MiniAVError, Screen } from "../mod.ts";
import type { DeviceInfo, Rectangle } from "../mod.ts";
import { choice, custom, flag, text } from "./args.ts";
import type { OptionValues } from "./args.ts";
import { CommandError, UsageError } from "./failure.ts";
import { hintFor, messageOf } from "./report.ts";
import { findTarget, LIST_TIMEOUT_MS } from "./sources.ts";
import type { ScreenPlace, ScreenTarget } from "./sources.ts";
import { nearest } from "./suggest.ts";

/** Options of commands that look at a screen. */
export const SCREEN_OPTIONS = {
  screen: flag({ help: "a display: the default one, or that of --device" }),
  window: text("TITLE", { help: "a window: its title, a part that no other has, or its id" }),
  region: custom("X,Y,W,H", parseRegion, {
    help: "only this part of the display, in its pixels",
  }),
  cursor: choice("MODE", ["embedded", "hidden"], {
    help: "the pointer on a screen: embedded (default) or hidden",
  }),
} as const;

type ScreenValues = OptionValues<typeof SCREEN_OPTIONS>;

export function parseRegion(value: string): Rectangle {
  if (/^-|,-/.test(value)) {
    throw new Error(
      "a display's pixels are counted from 0, at its upper left: nothing is negative",
    );
  }
  const match = /^(\d{1,5}),(\d{1,5}),(\d{1,5})[,x](\d{1,5})$/.exec(value.replaceAll(" ", ""));
  const [x = 0, y = 0, width = 0, height = 0] = match?.slice(1).map(Number) ?? [];
  if (width === 0 || height === 0) {
    throw new Error("it is X,Y,WIDTH,HEIGHT in pixels of the display, such as 0,0,640,480");
  }
  return { x, y, width, height };
}

/**
 * Whether these options are about a screen. A UsageError says what goes with nothing, before
 * anything is opened.
 */
export function namesScreen(
  { screen, window, region, cursor }: ScreenValues,
  { device, kind }: { readonly device: string | undefined; readonly kind: string | undefined },
): boolean {
  const given = Object.entries({ screen: screen || undefined, window, region, cursor })
    .flatMap(([name, value]) => value === undefined ? [] : [`--${name}`]);
  const [first] = given;
  if (first === undefined) return false;
  if (kind !== undefined && kind !== "screen") {
    throw new UsageError(`${first} is about screens, and does not go with --kind ${kind}`);
  }
  if (window !== undefined) {
    if (screen) throw new UsageError("--screen is a display and --window a window: name one");
    if (region !== undefined) {
      throw new UsageError("--region is a part of a display: a window is captured whole");
    }
    if (device !== undefined) {
      throw new UsageError("--window and --device both name it: one will do");
    }
  }
  if (given.length === 1 && cursor !== undefined && device === undefined && kind === undefined) {
    throw new UsageError("--cursor is about screens: add --screen, --window or --region");
  }
  return true;
}

/** The display, part of one, or window that the options name. */
export async function findScreen(
  { window, device, ...within }: ScreenValues & { readonly device: string | undefined },
): Promise<ScreenTarget> {
  const target = window === undefined
    ? await findTarget(device, ["screen"])
    : { kind: "screen" as const, id: (await findWindow(window)).id, isWindow: true };
  return { ...target, place: placeWithin(target, within) };
}

function placeWithin(
  target: { readonly id: string | undefined; readonly isWindow: boolean },
  { screen, region, cursor }: Pick<ScreenValues, "screen" | "region" | "cursor">,
): ScreenPlace {
  const pointer = cursor === undefined ? {} : { cursor };
  if (!target.isWindow) return { displayId: target.id, region, ...pointer };
  if (!screen && region === undefined) return { windowId: target.id, ...pointer };
  const what = screen ? "--screen is a display" : "--region is a part of a display";
  throw new UsageError(`${what}, and ${target.id} is a window: leave one of them out`);
}

async function findWindow(wanted: string): Promise<DeviceInfo> {
  try {
    return chooseWindow(wanted, await Screen.enumerateWindows({ timeout: LIST_TIMEOUT_MS }));
  } catch (error) {
    if (!(error instanceof MiniAVError && error.code === "NOT_SUPPORTED")) throw error;
    throw new CommandError(`windows cannot be listed here: ${messageOf(error)}`, {
      code: error.code,
      hint: error.backend === "" ? hintFor(error) : "--screen captures a display.",
      cause: error,
    });
  }
}

/**
 * An id, else a title, else the number of an id, as xwininfo and xdotool print it, else a part of
 * exactly one title; case does not matter.
 */
export function chooseWindow(wanted: string, windows: readonly DeviceInfo[]): DeviceInfo {
  const title = wanted.toLowerCase();
  const isNumber = /^(?:0x[0-9a-f]+|\d+)$/i.test(wanted);
  const ways: ((window: DeviceInfo) => boolean)[] = [
    ({ id }) => id === wanted,
    ({ name }) => name.toLowerCase() === title,
    ({ id }) => isNumber && id.endsWith(`:window/${Number(wanted)}`),
    ({ name }) => name.toLowerCase().includes(title),
  ];
  for (const matches of ways) {
    const found = windows.filter(matches);
    const [first, second] = found;
    if (first === undefined) continue;
    if (second === undefined) return first;
    throw new CommandError(`"${wanted}" is ${found.length} windows`, {
      code: "DEVICE_NOT_FOUND",
      hint: `Name one by its id, or by more of its title:\n${describeWindows(found)}`,
    });
  }
  const close = nearest(wanted, windows.map(({ name }) => name));
  const meant = close === null ? "" : ` Did you mean "${close}"?`;
  throw new CommandError(`there is no window "${wanted}"`, {
    code: "DEVICE_NOT_FOUND",
    hint: windows.length === 0
      ? "There is no window at all; --screen captures a display."
      : `miniav devices --kind screen lists what there is.${meant}`,
  });
}

function describeWindows(windows: readonly DeviceInfo[]): string {
  const column = Math.max(...windows.map(({ id }) => id.length));
  return windows.map(({ id, name, processId, rectangle }) => {
    const program = processId === null ? "" : `, process ${processId}`;
    const size = rectangle === null ? "" : `, ${rectangle.width}x${rectangle.height}`;
    return `  ${id.padEnd(column)}  "${name}"${size}${program}`;
  }).join("\n");
}
