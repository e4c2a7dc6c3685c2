// How requests reach an X server: errors, numbers that wrap, XIDs that run out, a server that hangs.

import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cProgramBuilds } from "../support/c_program.ts";
import { describeResult, runProgram } from "../support/process.ts";
import { startX11Rig, x11SkipReason } from "../support/x11.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };

for (const program of cProgramBuilds("x11_requests")) {
  test(`requests to a real server, ${basename(dirname(program))}`, OPTIONS, async () => {
    await using rig = await startX11Rig();
    const env = { PATH: process.env.PATH ?? "", ...rig.env };
    const result = await runProgram(program, [`${rig.serverPid}`], { env, clearEnv: true });
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stdout, /x11_requests: \d+ passed, 0 failed/);
  });
}
