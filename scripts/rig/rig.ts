// Real sound servers for tests, private and without hardware.
//
//   deno run -A scripts/rig/rig.ts pipewire|pulse [--tone=HZ] -- COMMAND [ARGUMENT...]
//
// starts one, runs COMMAND in its environment with a virtual microphone named `rig_microphone` as
// the default source, ends everything and exits as COMMAND did. With --tone the microphone hears a
// sine of -12 dBFS for five minutes.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sine } from "../../test/support/tone.ts";
import { type AudioRig, RIG_SAMPLE_RATE } from "./audio_rig.ts";
import { startPipeWireRig } from "./pipewire_rig.ts";
import { startPulseRig } from "./pulse_rig.ts";

export type {
  AudioRig,
  Playback,
  RigEnvironment,
  Sound,
  VirtualMicrophone,
  VirtualMicrophoneOptions,
} from "./audio_rig.ts";
export { RIG_SAMPLE_RATE };
export { type PipeWireRig, type PipeWireRigOptions, startPipeWireRig } from "./pipewire_rig.ts";
export { type PulseRig, startPulseRig } from "./pulse_rig.ts";

const USAGE = "usage: rig.ts pipewire|pulse [--tone=HZ] -- COMMAND [ARGUMENT...]";
const TONE_LEVEL = -12;
const TONE_SECONDS = 300;

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
  const separator = args.indexOf("--");
  const [server, option, ...rest] = args.slice(0, Math.max(separator, 0));
  const [command, ...commandArgs] = args.slice(separator + 1);
  const tone = /^--tone=(\d+(?:\.\d+)?)$/.exec(option ?? "--tone=0")?.[1];
  const isKnown = server === "pipewire" || server === "pulse";
  if (!isKnown || tone === undefined || rest.length > 0 || command === undefined) {
    console.error(USAGE);
    return 2;
  }
  await using rig = await startRig(server);
  const { name } = await rig.createVirtualMicrophone({ name: "rig_microphone", channels: 1 });
  await rig.setDefaultSource(name);
  if (Number(tone) > 0) {
    const sample = sine(Number(tone), TONE_LEVEL, RIG_SAMPLE_RATE);
    await rig.playInto(name, { seconds: TONE_SECONDS, sample });
  }
  return await runInForeground(command, commandArgs, rig.env);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
