/** `miniav devices` */

import type { DeviceInfo } from "../../mod.ts";
import { choice, flag } from "../args.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../failure.ts";
import { describeError } from "../report.ts";
import { KINDS, list } from "../sources.ts";
import type { Listed, Listing } from "../sources.ts";
import { formatTable, print, printable, printError } from "../terminal.ts";

export const devices = defineCommand({
  name: "devices",
  summary: "list cameras, screens, windows, microphones and what plays sound",
  details: [
    "Each line has the kind, the id for --device, the name, and what else is known. Nothing is " +
    "opened: no light goes on and no dialog appears.",
  ],
  options: {
    kind: choice("KIND", KINDS, { short: "k", help: `only one kind: ${KINDS.join(", ")}` }),
    loopback: flag({ help: "outputs and programs that play: the same as --kind loopback" }),
    json: flag({ help: "a JSON array, with everything that is known, instead of a table" }),
  },
  examples: [
    ["miniav devices", "everything"],
    ["miniav devices --loopback", "what can be recorded of what plays"],
    ["miniav devices --kind microphone --json", "microphones, for a program"],
  ],
  async run({ kind: named, loopback, json }) {
    if (loopback && (named ?? "loopback") !== "loopback") {
      throw new UsageError(`--loopback does not go with --kind ${named}`);
    }
    const kind = loopback ? "loopback" : named;
    const kinds = kind === undefined ? KINDS : [kind];
    const listings = await Promise.all(kinds.map((kind) => list(kind)));
    const found = listings.flatMap(({ devices }) => devices);
    if (json) print(`${JSON.stringify(found.map(toJson), null, 2)}\n`);
    else if (found.length > 0) print(deviceTable(found));
    else printError("No devices. `miniav doctor` says why.\n");
    return reportFailures(listings, kind !== undefined);
  },
});

/** A kind that this system cannot have is an error only for who asked for it. */
function reportFailures(listings: readonly Listing[], asked: boolean): number {
  let code: number = EXIT.ok;
  for (const { error } of listings) {
    if (error === null || (error.code === "NOT_SUPPORTED" && !asked)) continue;
    printError(describeError(error));
    code = EXIT.failed;
  }
  return code;
}

function toJson({ device, isWindow }: Listed) {
  return device.kind === "screen" ? { ...device, isWindow } : device;
}

function deviceTable(found: readonly Listed[]): string {
  const rows = found.map(({ device, isWindow }) => [
    isWindow ? "window" : device.kind,
    printable(device.id),
    printable(device.name),
    printable(notes(device)),
  ]);
  return formatTable(["KIND", "ID", "NAME", ""], rows);
}

function notes(device: DeviceInfo): string {
  const { rectangle, refreshRate, processId, facing } = device;
  const rate = refreshRate === null ? "" : ` ${Number(refreshRate.toFixed(2))} Hz`;
  return [
    device.isDefault ? "default" : "",
    device.isTest ? "test device" : device.isVirtual ? "virtual" : "",
    device.isPlaying ? "playing" : "",
    facing ?? "",
    rectangle === null
      ? ""
      : `${rectangle.width}x${rectangle.height}+${rectangle.x}+${rectangle.y}${rate}`,
    processId === null ? "" : `process ${processId}`,
  ].filter((note) => note !== "").join(", ");
}
