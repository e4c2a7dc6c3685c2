/** What `Screen.open` takes is checked here: nothing may silently show more than was meant. */

import { describeValue, invalidOption } from "./options.ts";

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
