// What a user is told who may not use the cameras, and one whose machine has none.

import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { describeResult, runScript } from "../support/process.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { type Line, startCamera } from "./support/cameras.ts";

const OPTIONS = { timeout: 120_000, skip: rigSkipReason() };
const SCRIPT = new URL("./fixtures/denied_user.ts", import.meta.url);

/** The answers, by question. */
async function ask(
  args: readonly string[],
  env: Record<string, string>,
): Promise<Record<string, Line>> {
  const result = await runScript(SCRIPT, { args, env, clearEnv: true, timeoutMs: 60_000 });
  assert.equal(result.code, 0, describeResult(result));
  const lines = result.stdout.trim().split("\n").map((line) => JSON.parse(line) as Line);
  return Object.fromEntries(lines.map((line) => [line.question, line]));
}

test(
  "a PipeWire of another user's is a permission that is missing, with a way out",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await using _camera = await startCamera(rig, "camera", ["NV12"]);
    const { XDG_RUNTIME_DIR } = rig.env;
    // Who is root becomes nobody; who is not keeps himself out.
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) chmodSync(XDG_RUNTIME_DIR, 0);
    try {
      const answers = await ask(["nobody"], rig.env);
      assert.equal(answers["permission"]?.answer, "denied");
      for (const question of ["list", "open", "open by id"]) {
        const answer = answers[question];
        assert.equal(answer?.code, "PERMISSION_DENIED", JSON.stringify(answer));
        assert.match(answer.hint, /usermod -aG video|who is logged in/);
      }
      const said = `PipeWire does not let this user in: ${XDG_RUNTIME_DIR}/pipewire-0`;
      assert.ok(answers["open"]?.message.includes(said), answers["open"]?.message);
      assert.match(answers["open by id"]?.message, /pipewire does not let this user in/);
    } finally {
      chmodSync(XDG_RUNTIME_DIR, 0o700);
    }
    // The same daemon and script, and nothing denied.
    const allowed = await ask(["root"], rig.env);
    assert.equal(allowed["list"]?.answer.length, 1);
    assert.ok(allowed["open by id"] !== undefined && !("code" in allowed["open by id"]));
  },
);

test("without camera and PipeWire both are said", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await rig.killServer();
  const answers = await ask(["root"], { ...rig.env, MINIAV_CAMERA_BACKEND: "" });
  const { open } = answers;
  if (answers["list"]?.answer.length > 0) {
    assert.equal(open?.code, undefined, "a camera of this machine's own, by V4L2, can be used");
    return;
  }
  assert.equal(open?.code, "DEVICE_NOT_FOUND");
  assert.match(open.message, /no camera is connected; PipeWire is not running: nobody listens at /);
  assert.match(open.hint, /\/dev\/video0.*systemctl --user start pipewire/s);
});
