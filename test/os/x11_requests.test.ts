// How requests reach an X server: errors, numbers that wrap, XIDs that run out, a server that hangs.

import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cProgramBuilds } from "../support/c_program.ts";
import { describeResult, runProgram } from "../support/process.ts";
import { startX11Rig, X11Rig, x11SkipReason } from "../support/x11.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };

function start(program: string, rig: X11Rig, ...args: string[]) {
  const env = { PATH: process.env.PATH ?? "", ...rig.env };
  return runProgram(program, args, { env, clearEnv: true });
}

function check(result: Awaited<ReturnType<typeof start>>): void {
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /x11_requests: \d+ passed, 0 failed/);
}

for (const program of cProgramBuilds("x11_requests")) {
  const build = basename(dirname(program));
  test(`requests to a real server, ${build}`, OPTIONS, async () => {
    await using rig = await startX11Rig();
    check(await start(program, rig, `${rig.serverPid}`));
  });
  test(`a server that begins anew when its last client goes, ${build}`, OPTIONS, async () => {
    await using rig = await startX11Rig({ resets: true });
    // On a busy machine that may take longer than anybody waits for.
    let result = await start(program, rig, "again", "20");
    for (let more = 2; more > 0 && result.code !== 0; more--) {
      result = await start(program, rig, "again", "20");
    }
    check(result);
  });
}
