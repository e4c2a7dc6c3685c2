// Audio and video time stamps line up: a program whitens its window in the moment in which its burst
// is heard, as the sound server tells it the play position; a capture of the window with its sound
// says when it saw and when it heard that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cProgram } from "../support/c_program.ts";
import { setUp } from "../support/loopback_rig.ts";
import { type RunningScript, startProgram, startScript } from "../support/process.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import { startX11Rig, x11SkipReason } from "../support/x11.ts";

const OPTIONS = { timeout: 180_000, skip: rigSkipReason() || x11SkipReason() };

/** How far they may be apart: 20 ms, and the picture a frame of 60 a second more. */
const SOUND_US = 20_000;
const FRAME_US = 16_667;
/** What belongs to one clap: claps are more than half a second apart. */
const NEAR_US = 250_000;
const CLAPS = 7;
/** A busy machine delays pictures and starves players: the median of more claps tells. */
const ROUNDS = 4;

interface Clap {
  /** How much later than it was, each is said to have been. */
  readonly soundUs: number;
  readonly pictureUs: number;
}

function linesOf(script: RunningScript): Record<string, number>[] {
  return script.stdout().split("\n").slice(0, -1).filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

/** The claps that were both seen and heard. */
function clapsOf(clapper: RunningScript, user: RunningScript): Clap[] {
  const told = linesOf(user);
  const nearest = (key: string, time: number) =>
    told.flatMap((line) => line[key] ?? []).map((found) => found - time)
      .filter((late) => Math.abs(late) < NEAR_US)
      .toSorted((a, b) => Math.abs(a) - Math.abs(b))[0];
  return linesOf(clapper).flatMap(({ heard = -1, drawn = -1 }) => {
    if (heard < 0 || drawn < 0) return [];
    const soundUs = nearest("burst", heard);
    const pictureUs = nearest("flash", drawn);
    return soundUs === undefined || pictureUs === undefined ? [] : [{ soundUs, pictureUs }];
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

test("a clap is seen when it is heard", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await setUp(rig);
  await using display = await startX11Rig({ screen: "320x200x24" });
  const env = { ...rig.env, ...display.env };
  const clapper = startProgram(cProgram("clapper"), ["200"], {
    ...{ env, clearEnv: true, timeoutMs: 170_000 },
  });
  const window = JSON.parse(await clapper.waitForLine('"window"')).window as number;
  const script = new URL("./fixtures/clap_user.ts", import.meta.url);
  const user = startScript(script, {
    ...{ args: [`x11:window/${window}`], env, clearEnv: true, timeoutMs: 170_000 },
  });
  try {
    for (let round = 1;; round++) {
      const enough = () => clapsOf(clapper, user).length >= round * CLAPS;
      await waitUntil(
        enough,
        60_000,
        () => `${user.stdout()} ${user.stderr()} ${clapper.stdout()}`,
      );
      const claps = clapsOf(clapper, user).slice(-CLAPS);
      const apart = median(claps.map(({ soundUs, pictureUs }) => pictureUs - soundUs));
      const isRight = apart >= -SOUND_US && apart <= SOUND_US + FRAME_US;
      if (isRight) break;
      assert.ok(round < ROUNDS, `${apart} microseconds apart: ${JSON.stringify(claps)}`);
    }
  } finally {
    for (const each of [user, clapper]) {
      each.kill("SIGKILL");
      await each.ended;
    }
  }
});
