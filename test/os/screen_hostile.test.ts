// Screens of X servers and programs that do not behave: what a capture makes of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeResult, runScript } from "../support/process.ts";
import { Picture } from "../support/screen_capture.ts";
import { delay } from "../support/wait.ts";
import { x11SkipReason } from "../support/x11.ts";
import { stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };

test("a window whose frame is mapped again, and one that is said to be gone", OPTIONS, async () => {
  await using it = await stage();
  // As a window manager does: it takes the frame away, and the window in it stays mapped.
  await it.client.window("frame", { x: 10, y: 10, width: 150, height: 120, seed: 2 });
  const id = await it.client.window("inner", { x: 0, y: 0, width: 101, height: 77, seed: 1 });
  await it.client.run("into inner frame");
  await it.client.run("unmap frame");
  await using capture = it.capture({ windowId: `x11:window/${id}` });
  await capture.script.waitForLine('"opened"');
  await delay(200); // it has seen that there is nothing to see, or not yet: both are well
  assert.deepEqual(capture.frames(), []);
  await it.client.run("map frame");
  const picture = new Picture(101, 77).pattern(0, 0, 101, 77, 1);
  const first = await capture.frameOf(picture);
  // Any program may send that event; the window is there all the same.
  await it.client.run("lie inner");
  await it.client.run("fill inner 3 4 10 10 abcdef");
  const filled = picture.fill({ x: 3, y: 4, width: 10, height: 10 }, 0xab_cdef);
  const second = await capture.frameOf(filled, first.frame);
  await it.client.run("destroy inner");
  const lost = (await capture.ended()).find((line) => line.lost === true);
  assert.equal(lost?.code, "DEVICE_LOST", `after frame ${second.frame}`);
  assert.match(String(lost?.error), /closed/);
});

test("settings that come while others are carried out", OPTIONS, async () => {
  await using it = await stage();
  const user = new URL("fixtures/screen_settings_user.ts", import.meta.url);
  const options = { args: ["200"], env: it.env, clearEnv: true, timeoutMs: 90_000 };
  const result = await runScript(user, options);
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /"rounds":200/);
});

test("a server that hangs leaves one thread behind, however much is asked", OPTIONS, async () => {
  await using it = await stage();
  const user = new URL("fixtures/screen_hang_user.ts", import.meta.url);
  const args = [String(it.rig.serverPid)];
  const result = await runScript(user, { args, env: it.env, clearEnv: true, timeoutMs: 90_000 });
  assert.equal(result.code, 0, describeResult(result));
  assert.deepEqual(JSON.parse(result.stdout), {
    before: "1 displays",
    outcomes: ["TIMEOUT"],
    left: 1,
    after: "1 displays",
  });
});
