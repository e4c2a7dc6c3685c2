// A consumer in C that waits for pictures of an X server and takes them on its own thread.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cProgram } from "../support/c_program.ts";
import { describeResult, runProgram, startProgram } from "../support/process.ts";
import { x11SkipReason } from "../support/x11.ts";
import { stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };
const PROGRAM = cProgram("screen_wait");
type Stage = Awaited<ReturnType<typeof stage>>;

/** Changes the screen for as long as that takes, or until there is none. */
async function whilePainting<Result>(it: Stage, what: Promise<Result>): Promise<Result> {
  let over = false;
  const paint = async () => {
    for (let i = 0; !over; i++) {
      await it.client.run(`fill root ${i % 300} 20 9 9 ${(i * 0x3_0507 & 0xff_ffff).toString(16)}`);
    }
  };
  const painted = paint().catch(() => {});
  const result = await what.finally(() => (over = true));
  await painted;
  return result;
}

async function wait(it: Stage, ...args: string[]) {
  const options = { env: { ...it.env, MINIAV_SCREEN_BACKEND: "x11" }, clearEnv: true };
  const result = await whilePainting(it, runProgram(PROGRAM, args, options));
  assert.equal(result.code, 0, describeResult(result));
  return JSON.parse(result.stdout);
}

test("it takes the pictures itself: the capture's thread sleeps on", OPTIONS, async () => {
  await using it = await stage();
  // Without, the thread sleeps at least twice a frame. It takes the ticks to which a consumer of a
  // busy machine comes too late.
  for (let sleeps = Infinity, attempt = 1; sleeps >= 180; attempt++) {
    const seen = await wait(it, "frames", "190");
    assert.equal(seen.gaps, 0);
    assert.equal(seen.undamaged, 0);
    assert.ok(seen.seconds > 188 / 60, `190 frames in ${seen.seconds} s`);
    sleeps = seen.threadSleeps;
    assert.ok(attempt < 4 || sleeps < 180, `the thread slept ${sleeps} times in 180 frames`);
  }
});

test("stop and destroy end it, at any time of a tick", OPTIONS, async () => {
  await using it = await stage();
  const { stopped, destroyed } = await wait(it, "ends", "20");
  assert.deepEqual({ stopped, destroyed }, { stopped: 20, destroyed: 20 });
});

test("settings that come while it waits", OPTIONS, async () => {
  await using it = await stage();
  const { slow, fast } = await wait(it, "settings");
  assert.ok(slow >= 1 && slow <= 7, `${slow} in a second at most 5 a second`);
  assert.ok(fast > 7 && fast <= 42, `${fast} in a second at most 40 a second`);
});

test(
  "a server that is killed meanwhile: the program learns of it, and lives",
  OPTIONS,
  async () => {
    await using it = await stage();
    const options = { env: { ...it.env, MINIAV_SCREEN_BACKEND: "x11" }, clearEnv: true };
    const program = startProgram(PROGRAM, ["until-lost"], options);
    const killed = program.waitForLine('"begun"').then(() => it.rig.killServer());
    await whilePainting(it, killed.then(() => program.ended));
    const result = await program.ended;
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stdout, /"ended":"the device went away"/);
  },
);
