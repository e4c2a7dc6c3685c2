// What keeps a process alive: a consumer that waits, unless its capture is unref'd, and no more.

import assert from "node:assert/strict";
import { test } from "node:test";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript, startScript } from "../support/process.ts";

useOnlyTestDevices();

const ALIVE = new URL("./fixtures/alive.ts", import.meta.url);
const MANY = new URL("./fixtures/many.ts", import.meta.url);
/** From the last line of the script to the end of the process. */
const LIMIT_MS = 1000;

const CASES = [
  { what: "waiting", line: "15 frames", name: "a loop that waits keeps the process alive" },
  { what: "handler", line: "15 frames", name: "a handler keeps the process alive" },
  { what: "unref", line: "unref'd", name: "an unref'd capture does not" },
  { what: "unref-while-waiting", line: "unref'd", name: "unref works while the handler waits" },
  { what: "ref-again", line: "15 frames", name: "ref undoes unref" },
  { what: "one-of-two", line: "20 pieces", name: "one consumer of two is enough" },
  { what: "subscription", line: "unref'd", name: "a device subscription does, until unref" },
  { what: "log", line: "log handler", name: "a log handler does not" },
  { what: "nothing-left", line: "stopped", name: "a stopped capture does not" },
] as const;

for (const { what, line, name } of CASES) {
  test(name, async () => {
    const script = startScript(ALIVE, { args: [what] });
    await script.waitForLine(line);
    const started = performance.now();
    const result = await script.ended;
    const elapsedMs = performance.now() - started;
    assert.equal(result.code, 0, describeResult(result));
    assert.ok(elapsedMs < LIMIT_MS, `${elapsedMs.toFixed(0)} ms until the end`);
  });
}

test("32 captures that wait leave threads for files", async (t) => {
  const result = await runScript(MANY);
  assert.equal(result.code, 0, describeResult(result));
  const line = result.stdout.trim().split("\n").at(-1) ?? "";
  const { before, during, stalled } = JSON.parse(line) as {
    before: number[];
    during: number[];
    stalled: boolean;
  };
  assert.ok(stalled);
  // A pool whose threads all wait answers when a wait of hundreds of milliseconds is over.
  const average = mean(during);
  assert.ok(average < 100, `a file took ${during.map((ms) => ms.toFixed(1)).join(", ")} ms`);
  t.diagnostic(`${average.toFixed(1)} ms, ${mean(before).toFixed(1)} ms without captures`);
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
