// MiniAV_Dispose under everything: what waits ends, what is held stays readable, nothing spins.

import assert from "node:assert/strict";
import { test } from "node:test";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";

useOnlyTestDevices();

test("the library is disposed of while everything runs", async () => {
  const result = await runScript(new URL("./fixtures/dispose.ts", import.meta.url));
  assert.equal(result.code, 0, describeResult(result));
  const { busyMs, ...rest } = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
  assert.deepEqual(rest, {
    code: 0,
    loop: "NOT_INITIALIZED",
    operation: "NOT_INITIALIZED",
    unchanged: true,
    detached: true,
    stop: "done",
    later: "NOT_INITIALIZED",
  });
  // Half a second of one processor would be 500.
  assert.ok(busyMs < 250, `busy for ${busyMs} ms of 500`);
});
