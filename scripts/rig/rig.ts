// Real sound servers for tests, private and without hardware.
//
//   deno run -A scripts/rig/rig.ts pipewire|pulse -- COMMAND [ARGUMENT...]
//
// starts one, runs COMMAND in its environment with a virtual microphone named `rig_microphone` as
// the default source, ends everything and exits as COMMAND did.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { AudioRig } from "./audio_rig.ts";
import { startPipeWireRig } from "./pipewire_rig.ts";
import { startPulseRig } from "./pulse_rig.ts";

export type {
  AudioRig,
  Playback,
  Sound,
  VirtualMicrophone,
  VirtualMicrophoneOptions,
} from "./audio_rig.ts";
export { RIG_SAMPLE_RATE } from "./audio_rig.ts";
export { type PipeWireRig, type PipeWireRigOptions, startPipeWireRig } from "./pipewire_rig.ts";
export { type PulseRig, startPulseRig } from "./pulse_rig.ts";

const USAGE = "usage: rig.ts pipewire|pulse -- COMMAND [ARGUMENT...]";

/** Starts a rig by the name of its server. */
export async function startRig(server: AudioRig["server"]): Promise<AudioRig> {
  return server === "pipewire" ? await startPipeWireRig() : await startPulseRig();
}

/** Runs a command with this process's terminal and returns its exit code. */
function runInForeground(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], { env, stdio: "inherit" });
    // Ctrl-C reaches the command by itself, from the terminal; it ends, and then so do we.
    process.on("SIGINT", () => {});
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.once("error", (error) => {
      console.error(`rig: ${command}: ${error.message}`);
      resolve(127);
    });
    child.once("exit", (code, signal) => {
      // As a shell reports a death by signal.
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

async function main(args: readonly string[]): Promise<number> {
  const [server, separator, command, ...commandArgs] = args;
  const known = server === "pipewire" || server === "pulse";
  if (!known || separator !== "--" || command === undefined) {
    console.error(USAGE);
    return 2;
  }
  const rig = await startRig(server);
  try {
    const microphone = await rig.createVirtualMicrophone({ name: "rig_microphone" });
    await rig.setDefaultSource(microphone.name);
    return await runInForeground(command, commandArgs, rig.env);
  } finally {
    await rig.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
