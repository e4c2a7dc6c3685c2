// Captures of what programs play, measured. Loopback is used by a process in the rig's environment,
// fixtures/loopback_user.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isExactly, levels, type Tone } from "../../support/loopback_rig.ts";
import { describeResult, type RunningScript, startScript } from "../../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason } from "../../support/rig.ts";
import { rmsLevel } from "../../support/tone.ts";

export * from "../../support/loopback_rig.ts";

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

/** Runs fixtures/loopback_user.ts, which may take a minute and so many seconds. */
export function user(rig: AudioRig, args: readonly string[], seconds = 30): RunningScript {
  const script = new URL("../fixtures/loopback_user.ts", import.meta.url);
  const timeoutMs = 60_000 + seconds * 1000;
  return startScript(script, { args, env: rig.env, clearEnv: true, timeoutMs });
}

let captures = 0;

/** A capture; `heard` is what came once it has ended. */
export function listen(
  rig: AudioRig,
  options: { seconds?: number; [option: string]: unknown },
): { script: RunningScript; heard: () => Promise<Heard> } {
  const file = join(rig.directory, `capture-${++captures}.raw`);
  // On a busy machine a consumer sleeps for longer than the usual queue holds.
  const asked = JSON.stringify({ file, queue: 64, ...options });
  const script = user(rig, ["capture", asked], options.seconds);
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
