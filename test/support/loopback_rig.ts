// Programs that play tones on a real sound server, and a microphone that must never be heard.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describeResult, type RunningScript, runProgram, startProgram } from "./process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, startPipeWireRig } from "./rig.ts";
import { levelAt, type Samples, sine } from "./tone.ts";
import { waitUntil } from "./wait.ts";
import { writeWavFile } from "./wav.ts";

/** Hz and dBFS of each program, and of the microphone. */
export const TONES = { first: [997, -12], second: [1499, -18], third: [2503, -15] } as const;
export const MICROPHONE = 440;
export type Tone = keyof typeof TONES;

/** Nothing of it is there. */
export const SILENT = -90;

/** A rig with a loudspeaker as the default output, and the microphone that must not be heard. */
export async function withSpeaker(): Promise<AudioRig> {
  const rig = await startPipeWireRig();
  await setUp(rig);
  return rig;
}

export async function setUp(rig: AudioRig): Promise<void> {
  await rig.createVirtualMicrophone({ name: "microphone" });
  await rig.setDefaultSource("microphone");
  await rig.playInto("microphone", {
    seconds: 170,
    sample: sine(MICROPHONE, -10, RIG_SAMPLE_RATE),
  });
  await addSpeaker(rig, "speaker");
  await pactl(rig, "set-default-sink", "speaker");
  await waitUntil(
    async () => await pactl(rig, "get-default-sink") === "speaker",
    10_000,
    "the default output",
  );
}

export async function pactl(rig: AudioRig, ...args: string[]): Promise<string> {
  const result = await runProgram("pactl", args, { env: rig.env, clearEnv: true });
  assert.equal(result.code, 0, describeResult(result));
  return result.stdout.trim();
}

export function addSpeaker(rig: AudioRig, name: string): Promise<string> {
  const format = ["rate=48000", "channels=2"];
  return pactl(rig, "load-module", "module-null-sink", `sink_name=${name}`, ...format);
}

/** The path of a file that holds a tone, made once a rig. */
export function toneFile(rig: AudioRig, tone: Tone): string {
  const path = join(rig.directory, `${tone}.wav`);
  if (existsSync(path)) return path;
  const [frequency, level] = TONES[tone];
  const sample = sine(frequency, level, RIG_SAMPLE_RATE);
  const frames = 100 * RIG_SAMPLE_RATE;
  writeWavFile(path, { sampleRate: RIG_SAMPLE_RATE, channels: 2, frames, format: "f32", sample });
  return path;
}

let players = 0;

/** Starts a program that plays a tone; returns when its stream is there. */
export async function play(
  rig: AudioRig,
  tone: Tone,
  program: "pw-play" | "paplay" = "pw-play",
  args: readonly string[] = [],
): Promise<RunningScript> {
  const name = `program-${++players}`;
  const naming = program === "paplay"
    ? [`--property=node.name=${name}`]
    : ["-P", `{ node.name = "${name}" }`];
  const player = startProgram(program, [...naming, ...args, toneFile(rig, tone)], {
    env: rig.env,
    clearEnv: true,
    timeoutMs: 120_000,
  });
  await waitForStream(rig, "node.name", name);
  return player;
}

export interface SinkInput {
  index: number;
  corked: boolean;
  properties: Record<string, string>;
}

/** Waits until a stream with that property plays into an output. */
export function waitForStream(rig: AudioRig, key: string, value: string): Promise<SinkInput> {
  return waitUntil(
    async () => {
      const inputs = JSON.parse(await pactl(rig, "-f", "json", "list", "sink-inputs"));
      return (inputs as SinkInput[]).find(({ corked, properties }) =>
        !corked && properties[key] === value
      );
    },
    20_000,
    `stream with ${key} ${value}`,
  ) as Promise<SinkInput>;
}

export async function stop(player: RunningScript): Promise<void> {
  player.kill("SIGKILL");
  await player.ended;
}

export function levels(samples: Samples): Record<Tone | "microphone", number> {
  const at = (frequency: number) => levelAt(samples, RIG_SAMPLE_RATE, frequency);
  return {
    first: at(TONES.first[0]),
    second: at(TONES.second[0]),
    third: at(TONES.third[0]),
    microphone: at(MICROPHONE),
  };
}

/** Exactly these tones, and none of the others. */
export function isExactly(samples: Samples, tones: readonly Tone[]): boolean {
  const found = levels(samples);
  return found.microphone < SILENT && (Object.keys(TONES) as Tone[]).every((tone) => {
    return tones.includes(tone)
      ? Math.abs(found[tone] - TONES[tone][1]) < 0.1
      : found[tone] < SILENT;
  });
}
