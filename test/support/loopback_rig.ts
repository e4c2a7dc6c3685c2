// A sound server with a loudspeaker, programs that play tones, and a virtual microphone that plays a
// tone of its own all the time: it must never be heard.

import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { cProgram } from "./c_program.ts";
import { describeResult, type RunningScript, runProgram, startProgram } from "./process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, startRig } from "./rig.ts";
import { amplitudeOf, levelAt, type Samples, sine } from "./tone.ts";
import { waitUntil } from "./wait.ts";
import { writeWavFile } from "./wav.ts";

export const SERVERS = ["pipewire", "pulse"] as const;

/** The output that every rig has as its default. */
export const OUTPUT = "loudspeaker";

/** Hz and dBFS of each program, and of the microphone. */
const TONES = { first: [997, -12], second: [1499, -18], third: [2503, -15] } as const;
const MICROPHONE = 440;
export type Tone = keyof typeof TONES;

/** Nothing of it is there. */
export const SILENT = -90;
/** A rig with a loudspeaker as the default output, and the microphone that must not be heard. */
export async function loopbackRig(server: AudioRig["server"]): Promise<AudioRig> {
  const rig = await startRig(server);
  try {
    await setUp(rig);
  } catch (error) {
    await rig.stop();
    throw error;
  }
  return rig;
}

/** The same on PipeWire. */
export function withSpeaker(): Promise<AudioRig> {
  return loopbackRig("pipewire");
}

/** What a new rig, and one whose server was started again, needs. */
export async function setUp(rig: AudioRig): Promise<void> {
  await rig.createVirtualMicrophone({ name: "microphone" });
  await rig.setDefaultSource("microphone");
  await rig.playInto("microphone", {
    seconds: 170,
    sample: sine(MICROPHONE, -10, RIG_SAMPLE_RATE),
  });
  await addOutput(rig, OUTPUT);
  await pactl(rig, "set-default-sink", OUTPUT);
  await waitUntil(
    async () => await pactl(rig, "get-default-sink") === OUTPUT,
    10_000,
    "the default output",
  );
}

export async function pactl(rig: AudioRig, ...args: string[]): Promise<string> {
  const result = await runProgram("pactl", args, { env: rig.env, clearEnv: true });
  assert.equal(result.code, 0, describeResult(result));
  return result.stdout.trim();
}

/** Plugs in an output; returns what unload-module takes. */
export function addOutput(rig: AudioRig, name: string): Promise<string> {
  const format = ["rate=48000", "channels=2"];
  // PulseAudio's mixes two seconds in advance otherwise, of which a recorder gets nothing.
  if (rig.server === "pulse") format.push("format=float32le", "norewinds=true");
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

/** The server's own player. */
export function playerOf(rig: AudioRig): "pw-play" | "paplay" {
  return rig.server === "pipewire" ? "pw-play" : "paplay";
}

let players = 0;

/** Starts a program that plays a tone; returns when its stream is there. */
export async function play(
  rig: AudioRig,
  tone: Tone,
  program: "pw-play" | "paplay" = playerOf(rig),
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

/** A program of our own that plays a tone, is called tone_player, and pauses when told. */
export interface TonePlayer {
  readonly pid: number;
  readonly script: RunningScript;
  /** "cork" or "uncork"; resolves with the time at which the server had done it. */
  order(what: "cork" | "uncork"): Promise<number>;
  stop(): Promise<void>;
}

/** It may play for so many seconds. */
export async function playByOrder(
  rig: AudioRig,
  tone: Tone,
  seconds = 60,
): Promise<TonePlayer> {
  const [frequency, level] = TONES[tone];
  const pipe = join(rig.directory, `orders-${++players}`);
  await runProgram("mkfifo", [pipe]);
  const orders = openSync(pipe, "r+"); // a reader too, so that it does not wait for one
  const script = startProgram("sh", [
    ...["-c", 'exec "$1" "$2" "$3" <"$0"', pipe, cProgram("tone_player")],
    ...[String(frequency), String(amplitudeOf(level))],
  ], { env: rig.env, clearEnv: true, timeoutMs: 60_000 + seconds * 1000 });
  await script.waitForLine('"playing"');
  await waitForStream(rig, "application.process.id", String(script.pid));
  return {
    pid: script.pid,
    script,
    async order(what) {
      const answer = script.waitForLine(`"${what}"`);
      writeSync(orders, `${what}\n`);
      return (JSON.parse(await answer) as { time: number }).time;
    },
    async stop() {
      closeSync(orders);
      await stop(script);
    },
  };
}

interface SinkInput {
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
