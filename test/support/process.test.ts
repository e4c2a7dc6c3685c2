import assert from "node:assert/strict";
import { test } from "node:test";
import { signalIfThere } from "../../scripts/rig/signals.ts";
import {
  describeResult,
  runProgram,
  runScript,
  runtime,
  startProgram,
  startScript,
} from "./process.ts";

const CHILD = new URL("./fixtures/child.ts", import.meta.url);

test("a script runs in this runtime, with arguments and environment", async () => {
  const env = { MINIAV_TEST_VARIABLE: "set" };
  const result = await runScript(CHILD, { args: ["print", "a b"], env });
  assert.equal(result.code, 0, describeResult(result));
  assert.equal(result.stdout, "out a b set\n");
  assert.equal(result.stderr, "err a b\n");
  const version = await runScript(new URL("./fixtures/runtime.ts", import.meta.url));
  assert.equal(version.stdout.trim(), runtime);
});

test("exit codes and uncaught errors are told", async () => {
  assert.equal((await runScript(CHILD, { args: ["exit", "7"] })).code, 7);
  const result = await runScript(CHILD, { args: ["throw", "what happened"] });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /what happened/);
});

test("a signal is told, and a line can be waited for", async () => {
  const script = startScript(CHILD, { args: ["hang"] });
  assert.equal(await script.waitForLine("hanging"), "hanging");
  script.kill("SIGTERM");
  const result = await script.ended;
  assert.equal(result.signal, "SIGTERM", describeResult(result));
  assert.equal(result.timedOut, false);
});

test("a child that answers a signal with an exit code is not ended by the signal", async () => {
  const script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
  const shell = startProgram("/bin/sh", ["-c", script]);
  await shell.waitForLine("ready");
  shell.kill("SIGTERM");
  const result = await shell.ended;
  assert.deepEqual([result.code, result.signal], [5, null], describeResult(result));
});

test("a signal to a process that is not there is nothing; a wrong one is an error", async () => {
  const { pid, ended } = startProgram("/bin/true", []);
  await ended;
  signalIfThere(pid, "SIGKILL");
  signalIfThere(undefined, "SIGKILL");
  assert.throws(() => signalIfThere(pid, "SIGNONE" as NodeJS.Signals));
});

test("a script that takes too long is killed", async () => {
  const result = await runScript(CHILD, { args: ["hang"], timeoutMs: 1500 });
  assert.equal(result.timedOut, true);
  assert.equal(result.signal, "SIGKILL", describeResult(result));
});

test("waiting for a line that never comes ends with the script", async () => {
  const script = startScript(CHILD, { args: ["exit", "3"] });
  await assert.rejects(script.waitForLine("never"), /exit code 3/);
});

test("a variable can be removed, a program that does not exist is an error", async () => {
  const result = await runProgram("/bin/sh", ["-c", "echo ${MINIAV_TEST_VARIABLE-unset}"], {
    env: { MINIAV_TEST_VARIABLE: undefined },
  });
  assert.equal(result.stdout, "unset\n");
  await assert.rejects(runProgram("/nonexistent/program", []), /ENOENT/);
});
