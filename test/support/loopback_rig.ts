// What the tests of loopback share: a sound server with a loudspeaker, programs that play tones, and
// captures of them that are measured.
//
// A virtual microphone plays a tone of its own all the time: it must never be heard. Loopback is used
// by a process in the rig's environment, test/os/fixtures/loopback_user.ts.

import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { cProgram } from "./c_program.ts";
import {
  describeResult,
  type RunningScript,
  runProgram,
  startProgram,
  startScript,
} from "./process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason, startRig } from "./rig.ts";
import { amplitudeOf, levelAt, rmsLevel, type Samples, sine } from "./tone.ts";
import { waitUntil } from "./wait.ts";
import { writeWavFile } from "./wav.ts";

export const SERVERS = ["pipewire", "pulse"] as const;

/** The output that every rig has as its default. */
export const OUTPUT = "loudspeaker";

/** Hz and dBFS of each program, and of the microphone. */
export const TONES = { first: [997, -12], second: [1499, -18], third: [2503, -15] } as const;
export const MICROPHONE = 440;
export type Tone = keyof typeof TONES;

/** Nothing of it is there. */
export const SILENT = -90;
/** As much of everything is in the edge of a tone that begins or ends within the second. */
export const EDGE = -50;

/** Bun gives a test five seconds unless told. */
export const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

export interface Heard {
  frames: number;
  silentFrames: number;
  discontinuities: number;
  worstStepUs: number;
  estimated: number;
  firstUs: number;
  endUs: number;
  stopMs: number;
  lost: { code: string; error: string } | null;
  samples: Float32Array;
}

/** A rig with a loudspeaker as the default output, and the microphone that must not be heard. */
export async function withSpeaker(server: AudioRig["server"] = "pipewire"): Promise<AudioRig> {
  const rig = await startRig(server);
  try {
    await setUp(rig);
  } catch (error) {
    await rig.stop();
    throw error;
  }
  return rig;
}

/** What a new rig, and one whose server was started again, needs. */
export async function setUp(rig: AudioRig): Promise<void> {
  await rig.createVirtualMicrophone({ name: "microphone" });
  await rig.setDefaultSource("microphone");
  await rig.playInto("microphone", {
    seconds: 170,
    sample: sine(MICROPHONE, -10, RIG_SAMPLE_RATE),
  });
  await addSpeaker(rig, OUTPUT);
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
export function addSpeaker(rig: AudioRig, name: string): Promise<string> {
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

export async function playByOrder(rig: AudioRig, tone: Tone): Promise<TonePlayer> {
  const [frequency, level] = TONES[tone];
  const pipe = join(rig.directory, `orders-${++players}`);
  await runProgram("mkfifo", [pipe]);
  const orders = openSync(pipe, "r+"); // a reader too, so that it does not wait for one
  const script = startProgram("sh", [
    ...["-c", 'exec "$1" "$2" "$3" <"$0"', pipe, cProgram("tone_player")],
    ...[String(frequency), String(amplitudeOf(level))],
  ], { env: rig.env, clearEnv: true, timeoutMs: 120_000 });
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

/** Runs test/os/fixtures/loopback_user.ts. */
export function user(rig: AudioRig, args: readonly string[]): RunningScript {
  const script = new URL("../os/fixtures/loopback_user.ts", import.meta.url);
  return startScript(script, { args, env: rig.env, clearEnv: true, timeoutMs: 90_000 });
}

let captures = 0;

/** A capture; `heard` is what came once it has ended. */
export function listen(
  rig: AudioRig,
  options: object,
): { script: RunningScript; heard: () => Promise<Heard> } {
  const file = join(rig.directory, `capture-${++captures}.raw`);
  const script = user(rig, ["capture", JSON.stringify({ file, ...options })]);
  const heard = async () => {
    const result = await script.ended;
    const last = result.stdout.split("\n").find((line) => line.includes('"end":true'));
    assert.ok(last !== undefined && result.code === 0, describeResult(result));
    const bytes = readFileSync(file);
    const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return { ...JSON.parse(last), samples: Float32Array.from(samples) } as Heard;
  };
  return { script, heard };
}

/** Why a capture cannot be. */
export async function refusal(
  rig: AudioRig,
  options: object,
): Promise<{ code: string; error: string }> {
  const result = await listen(rig, { seconds: 1, ...options }).script.ended;
  const line = result.stdout.split("\n").find((line) => line.includes('"failed":true'));
  assert.ok(line !== undefined, describeResult(result));
  return JSON.parse(line) as { code: string; error: string };
}

export async function assertRefused(rig: AudioRig, options: object, code: string): Promise<void> {
  const told = await refusal(rig, options);
  assert.equal(told.code, code, JSON.stringify({ options, told }));
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

/** Each second of it. */
export function inSeconds(samples: Float32Array): Float32Array[] {
  return Array.from({ length: Math.floor(samples.length / RIG_SAMPLE_RATE) }, (_, i) => {
    return samples.subarray(i * RIG_SAMPLE_RATE, (i + 1) * RIG_SAMPLE_RATE);
  });
}

/** Whether some whole second is exactly these tones. */
export function hasExactly(samples: Float32Array, tones: readonly Tone[]): boolean {
  const step = RIG_SAMPLE_RATE / 4;
  for (let from = 0; from + RIG_SAMPLE_RATE <= samples.length; from += step) {
    if (isExactly(samples.subarray(from, from + RIG_SAMPLE_RATE), tones)) return true;
  }
  return false;
}

/**
 * Captures until a whole second of exactly these tones came. On a machine that is busier than its
 * processors a player misses a period now and then, and a tone with a hole has another level and a
 * wider spectrum: that is no fault of the capture, and passes. A wrong source never does.
 */
export async function assertHears(
  rig: AudioRig,
  options: object,
  tones: readonly Tone[],
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const what = await listen(rig, { seconds: 2.5, ...options }).heard();
    assert.equal(what.estimated, 0, "the server tells the time");
    const isRight = hasExactly(what.samples, tones);
    if (isRight || attempt === 5) {
      const told = inSeconds(what.samples).map(levels);
      assert.ok(isRight, JSON.stringify({ options, tones, told }));
      return;
    }
  }
}

/** Whether a fortieth of a second each is loud. */
export function loudness(samples: Float32Array): boolean[] {
  const size = RIG_SAMPLE_RATE / 40;
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) => {
    return rmsLevel(samples.subarray(i * size, (i + 1) * size)) > -60;
  });
}

/** The number of samples is the time that passed. */
export function assertInTime(what: Heard): void {
  const elapsedUs = what.endUs - what.firstUs;
  const told = JSON.stringify({ ...what, samples: what.samples.length });
  assert.ok(Math.abs((what.frames / RIG_SAMPLE_RATE) * 1e6 - elapsedUs) < 1000, told);
  assert.ok(what.worstStepUs < 1000, told);
}
