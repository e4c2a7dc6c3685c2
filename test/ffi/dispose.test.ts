// MiniAV_Dispose under everything that waits: nothing hangs, nothing crashes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeResult, runScript } from "../support/process.ts";

test("what waits ends, leased memory stays readable, and nothing works afterwards", async () => {
  const result = await runScript(new URL("scripts/dispose.ts", import.meta.url));
  assert.equal(result.code, 0, describeResult(result));
  const report = JSON.parse(result.stdout) as Record<string, unknown>;
  assert.equal(report.code, 0);
  assert.notEqual(report.consuming, undefined);
  assert.match(String(report.opening), /^(NOT_INITIALIZED|USER_CANCELLED|INVALID_HANDLE)$/);
  assert.equal(report.again, "NOT_INITIALIZED");
  assert.equal(report.readable, true);
  assert.equal(report.stop, "stopped");
});
