// Leaving while frames come 1,000 times a second: never by a signal of the system's, never late.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runtime, startScript } from "../support/process.ts";
import type { ScriptResult } from "../support/process.ts";

useOnlyTestDevices();

/** Each way is taken this often. */
const ROUNDS = Number(process.env.MINIAV_FAULT_ROUNDS ?? "10");
/** Side by side, so that the processors are never idle and never overrun. */
const AT_ONCE = 2;
/** From the line "leaving" to the end of the process. */
const LIMIT_MS = 1000;
/** How long a wait that a Worker has parked may outlive it, in Deno. */
const PARKED_MS = 500;

const FIXTURE = new URL("./fixtures/leave.ts", import.meta.url);

interface Way {
  readonly name: string;
  readonly argument: string;
  readonly code: number | null;
  readonly signal?: NodeJS.Signals;
  readonly stderr?: RegExp;
}

const WAYS: readonly Way[] = [
  { name: "the script ends, its captures unref'd", argument: "natural", code: 0 },
  { name: "the script ends, its captures forgotten", argument: "forgotten", code: 0 },
  { name: "exit", argument: "exit", code: 7 },
  { name: "exit with frames held", argument: "held", code: 7 },
  { name: "exit while stopping", argument: "stopping", code: 7 },
  { name: "exit while operations hang", argument: "hanging", code: 7 },
  { name: "an uncaught exception", argument: "throw", code: 1, stderr: /thrown on purpose/ },
  { name: "SIGINT", argument: "signal", code: null, signal: "SIGINT" },
  { name: "SIGTERM", argument: "signal", code: null, signal: "SIGTERM" },
  { name: "a Worker is terminated", argument: "worker-terminate", code: 0 },
  { name: "a Worker closes itself", argument: "worker-close", code: 0 },
  { name: "a Worker exits", argument: "worker-exit", code: 0 },
  { name: "a Worker throws", argument: "worker-throw", code: 0 },
  { name: "exit with a capturing Worker", argument: "exit-two", code: 7 },
];

async function leaveOnce(way: Way): Promise<{ result: ScriptResult; leftAfterMs: number }> {
  const script = startScript(FIXTURE, { args: [way.argument] });
  await script.waitForLine("leaving");
  const started = performance.now();
  if (way.signal !== undefined) script.kill(way.signal);
  const result = await script.ended;
  return { result, leftAfterMs: performance.now() - started };
}

function check(way: Way, result: ScriptResult, leftAfterMs: number): void {
  const text = `${way.name} in ${runtime}: ${describeResult(result)}`;
  assert.equal(result.timedOut, false, text);
  assert.equal(result.signal, way.signal ?? null, text);
  assert.equal(result.code, way.code, text);
  assert.doesNotMatch(result.stdout, /did not hang/);
  if (way.stderr !== undefined) assert.match(result.stderr, way.stderr, text);
  const limitMs = LIMIT_MS + (/Worker/.test(way.name) ? PARKED_MS : 0);
  assert.ok(leftAfterMs < limitMs, `${leftAfterMs.toFixed(0)} ms to leave: ${text}`);
}

for (const way of WAYS) {
  test(`${way.name}, ${ROUNDS} times`, async (t) => {
    let left = ROUNDS;
    let longest = 0;
    const lane = async () => {
      while (left-- > 0) {
        const { result, leftAfterMs } = await leaveOnce(way);
        check(way, result, leftAfterMs);
        longest = Math.max(longest, leftAfterMs);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    t.diagnostic(`at most ${longest.toFixed(0)} ms to leave`);
  });
}
