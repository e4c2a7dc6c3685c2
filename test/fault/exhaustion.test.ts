// When something has run out: an error that says so, and everything works again afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runProgram, runtime, runtimeCommand } from "../support/process.ts";

useOnlyTestDevices();

async function exhaust(what: string): Promise<{ during: string[]; after: string }> {
  const { command, args } = runtimeCommand(new URL("./fixtures/exhaust.ts", import.meta.url), {
    args: [what],
  });
  const limited = ["-c", 'ulimit -n 200; exec "$0" "$@"', command, ...args];
  const result = await runProgram("sh", limited, { timeoutMs: 60_000 });
  assert.equal(result.code, 0, describeResult(result));
  return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
}

test("no descriptor is left", async () => {
  const { during, after } = await exhaust("descriptors");
  // Bun is woken through a descriptor, Deno is not.
  assert.deepEqual(during, runtime === "bun" ? ["OUT_OF_MEMORY"] : ["a frame"]);
  assert.equal(after, "a frame");
});

test("no context is left", async () => {
  const { during, after } = await exhaust("contexts");
  assert.deepEqual(during, ["DEVICE_BUSY", "DEVICE_BUSY"]);
  assert.equal(after, "a frame");
});
