/** Whose sound: the options that name programs, and what they mean. */

import type { LoopbackOptions, LoopbackTarget } from "../mod.ts";
import { flag, number, several, text } from "./args.ts";
import type { OptionValues } from "./args.ts";
import { UsageError } from "./failure.ts";

/** Options of commands that listen to programs. */
export const PROGRAM_OPTIONS = {
  app: several(text("NAME", { help: "loopback: only what programs of this name play" })),
  pid: several(number("PID", { min: 1, max: 0x7fffffff, integer: true }, {
    help: "loopback: only what this process plays",
  })),
  tree: flag({ help: "with --pid: what its children play, too" }),
  exclude: flag({ help: "everything but those programs" }),
  wait: flag({ help: "a program that does not play yet is waited for: until then, silence" }),
} as const;

type ProgramOptions = OptionValues<typeof PROGRAM_OPTIONS>;

/** What a loopback listens to. */
export interface Programs {
  readonly targets: readonly LoopbackTarget[];
  readonly mode: NonNullable<LoopbackOptions["mode"]>;
}

interface WhatElse {
  readonly device: string | undefined;
  readonly kind: string | undefined;
}

/** The programs that are named, or null. A UsageError says what goes with nothing. */
export function namedPrograms(
  { app, pid, tree, exclude, wait }: ProgramOptions,
  { device, kind }: WhatElse,
): Programs | null {
  if (app.length + pid.length === 0) {
    for (const [name, given] of Object.entries({ tree, exclude, wait })) {
      const wanted = name === "tree" ? "--pid" : "--app or --pid";
      if (given) throw new UsageError(`--${name} needs ${wanted}`);
    }
    return null;
  }
  if (tree && pid.length === 0) {
    throw new UsageError("--tree goes with --pid: a name means every process of that name");
  }
  if (device !== undefined || (kind ?? "loopback") !== "loopback") {
    throw new UsageError("--app and --pid go with neither --device nor another kind");
  }
  const twice = [...app.map((name) => name.toLowerCase()), ...pid].find((value, index, all) =>
    all.indexOf(value) !== index
  );
  if (twice !== undefined) throw new UsageError(`${twice} is named twice`);
  const waiting = wait ? { waitForProcess: true } : {};
  return {
    targets: [
      ...app.map((name) => ({ name, ...waiting })),
      ...pid.map((processId) => ({ processId, ...(tree ? { tree } : {}), ...waiting })),
    ],
    mode: exclude ? "exclude" : "include",
  };
}
