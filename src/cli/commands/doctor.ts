/** `miniav doctor` */

import process from "node:process";
import { MiniAVError } from "../../mod.ts";
import type { DeviceKind } from "../../mod.ts";
import { currentRuntime } from "../../ffi/mod.ts";
import { flag } from "../args.ts";
import { defineCommand } from "../command.ts";
import { distributionName, examineLinux } from "../doctor_linux.ts";
import { describeLoopback } from "../doctor_loopback.ts";
import { EXIT } from "../failure.ts";
import type { Finding } from "../finding.ts";
import { messageOf } from "../report.ts";
import { KINDS, list, permission } from "../sources.ts";
import { print, printable } from "../terminal.ts";
import { libraryVersion, runtimeVersion, systemName, VERSION } from "../version.ts";

export const doctor = defineCommand({
  name: "doctor",
  summary: "what is installed, running and permitted here, and what to do about the rest",
  details: [
    "Looks at the library, at the services of the system and at each kind of source; opens " +
    "nothing and asks for nothing. Exit code 0: there is something to capture from. 1: there is " +
    "not, or the library does not load.",
  ],
  options: {
    json: flag({ help: "a JSON array instead of lines" }),
  },
  examples: [["miniav doctor", "why is my microphone not in the list?"]],
  async run({ json }) {
    const libraryFinding = examineLibrary();
    const loaded = libraryFinding.state === "ok";
    const system = process.platform === "linux" ? await examineLinux() : [];
    const sources = loaded ? await Promise.all(KINDS.map((kind) => examineSource(kind))) : [];
    const usable = sources.some(({ state }) => state === "ok");
    const first = loaded ? [libraryFinding, examineAccess()] : [libraryFinding];
    const findings = [...first, ...system, ...sources];
    if (json) print(`${JSON.stringify(findings, null, 2)}\n`);
    else print(report(findings, verdict(loaded, sources)));
    return usable ? EXIT.ok : EXIT.failed;
  },
});

function verdict(loaded: boolean, sources: readonly Finding[]): string {
  if (!loaded) return "Not usable: the library does not load.";
  const working = sources.filter(({ state }) => state === "ok").map(({ name }) => name);
  if (working.length > 0) return `Usable: ${working.join(", ")}.`;
  return "Nothing to capture from here. --test-devices tries everything without hardware.";
}

function report(findings: readonly Finding[], last: string): string {
  const distribution = process.platform === "linux" ? distributionName() : "";
  const system = distribution === "" ? systemName() : `${systemName()}, ${distribution}`;
  const column = Math.max(...findings.map(({ name }) => name.length)) + 2;
  const marks = { ok: "ok  ", missing: "--  ", failed: "FAIL" };
  const lines = findings.flatMap(({ name, state, text, advice }) => {
    const [head = "", ...more] = text.split("\n");
    const indent = " ".repeat(column + 6);
    return [
      `${marks[state]}  ${name.padEnd(column)}${head}`,
      ...more.map((line) => `${indent}${line}`),
      ...(advice === "" ? [] : advice.split("\n").map((line) => `${indent}→ ${line}`)),
    ];
  });
  const title = `MiniAV ${VERSION}, ${runtimeVersion()}, ${system}`;
  return `${[title, "", ...lines, "", last].map(printable).join("\n")}\n`;
}

function examineLibrary(): Finding {
  const name = "library";
  try {
    return { name, state: "ok", text: libraryVersion(), advice: "" };
  } catch (error) {
    if (!(error instanceof MiniAVError)) throw error;
    return { name, state: "failed", text: messageOf(error), advice: error.hint };
  }
}

function examineAccess(): Finding {
  const denied = currentRuntime().leaseDenied;
  const name = "frames";
  if (denied === null) return { name, state: "ok", text: "without a copy", advice: "" };
  const advice = "deno run --allow-ffi, without a path, saves the copy";
  return { name, state: "ok", text: `copied once: ${denied}`, advice };
}

async function examineSource(kind: DeviceKind): Promise<Finding> {
  const name = kind;
  const { devices, error } = await list(kind);
  if (error !== null) {
    const unsupported = error.code === "NOT_SUPPORTED";
    const text = unsupported ? unsupportedText(kind, error) : messageOf(error);
    return { name, state: unsupported ? "missing" : "failed", text, advice: error.hint };
  }
  if (devices.length === 0) {
    return { name, state: "missing", text: "works, but there are no devices", advice: "" };
  }
  const infos = devices.map(({ device }) => device);
  const finding = await describeSource(kind, infos);
  if (kind !== "loopback" || finding.state !== "ok") return finding;
  return { ...finding, text: [finding.text, ...await describeLoopback(infos)].join("\n") };
}

/** Why no backend serves, as each of them says; of sound the lines above have said it. */
function unsupportedText(kind: DeviceKind, error: MiniAVError): string {
  if (kind === "loopback") return "neither PipeWire nor PulseAudio answers";
  const [, reason] = /^.*? here can do it: (.*)$/s.exec(messageOf(error)) ?? [];
  return reason ?? messageOf(error);
}

async function describeSource(
  kind: DeviceKind,
  devices: readonly {
    readonly name: string;
    readonly isTest: boolean;
    readonly isDefault: boolean;
  }[],
): Promise<Finding> {
  const state = await permission(kind).catch(() => "unknown" as const);
  const count = `${devices.length} ${devices.length === 1 ? "device" : "devices"}`;
  const onlyTest = devices.every(({ isTest }) => isTest) ? " (test devices)" : "";
  const standard = devices.find(({ isDefault }) => isDefault);
  const name = standard === undefined ? "" : `, default "${standard.name}"`;
  const text = `${count}${onlyTest}${name}, permission: ${state}`;
  if (state !== "denied") return { name: kind, state: "ok", text, advice: "" };
  const { hint } = new MiniAVError("PERMISSION_DENIED", { operation: OPERATIONS[kind] });
  return { name: kind, state: "failed", text, advice: hint };
}

const OPERATIONS: Readonly<Record<DeviceKind, string>> = {
  camera: "Camera.open",
  screen: "Screen.open",
  microphone: "Microphone.open",
  loopback: "Loopback.open",
};
