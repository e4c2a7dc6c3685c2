/** What of loopback works here: outputs, programs, windows. */

import { Loopback, MiniAVError } from "../mod.ts";
import type { DeviceInfo } from "../mod.ts";
import { messageOf } from "./report.ts";
import { LIST_TIMEOUT_MS } from "./sources.ts";

type Listed = Pick<DeviceInfo, "id" | "backend" | "processId" | "isPlaying">;

/** What can be told apart on each server. */
const PROGRAMS: Readonly<Record<string, string>> = {
  pipewire: "PipeWire: one, several, or all but some",
  pulse: "PulseAudio: one or several; all but some (--exclude) needs PipeWire",
  test: "test devices: one, or all but that one",
};

/** Lines about loopback, below the count of its devices. */
export async function describeLoopback(devices: readonly Listed[]): Promise<string[]> {
  const programs = devices.filter(({ processId, isPlaying }) => processId !== null && isPlaying);
  const backend = devices[0]?.backend ?? "";
  const count = new Set(programs.map(({ processId }) => processId)).size;
  return [
    `${count} ${count === 1 ? "program plays" : "programs play"} now`,
    `programs, ${PROGRAMS[backend] ?? backend}`,
    `windows, ${await describeWindows()}`,
  ];
}

async function describeWindows(): Promise<string> {
  try {
    const windows = await Loopback.enumerateTargets({ kind: "window", timeout: LIST_TIMEOUT_MS });
    return `${windows.length} whose processes are known`;
  } catch (error) {
    if (!(error instanceof MiniAVError)) throw error;
    const reason = messageOf(error).replace(/^Loopback\.\w+: (no backend here can do it: )?/, "");
    return `not here: ${reason.replace(/ \(\w+\)$/, "")}`;
  }
}
