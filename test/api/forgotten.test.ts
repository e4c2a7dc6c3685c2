// A consumer that forgets to close gets one warning and its frames, not a stall.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeResult, runScript, runtime } from "../support/process.ts";

test("frames that nobody closes come back through the collector, with one warning", async () => {
  const result = await runScript(new URL("scripts/forgotten.ts", import.meta.url), {
    runtimeArgs: runtime === "deno" ? ["--v8-flags=--expose-gc"] : [],
  });
  assert.equal(result.code, 0, describeResult(result));
  const report = JSON.parse(result.stdout) as {
    frames: number;
    forgotten: number;
    outstanding: number;
    kept: number;
    warnings: string[];
  };
  assert.equal(report.frames, 80);
  assert.ok(report.forgotten >= 60, `${report.forgotten} of 80 were found`);
  assert.ok(report.outstanding <= 16);
  assert.ok(report.kept > 0, "a view that is kept keeps its memory");
  assert.equal(report.warnings.length, 1, report.warnings.join("\n"));
  assert.match(report.warnings[0] ?? "", /Camera "test:bars" was never closed/);
});
