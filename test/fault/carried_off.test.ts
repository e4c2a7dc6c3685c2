// Memory of frames that somebody else still has when the frame is closed.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { CaptureStats } from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runProgram, runScript, runtime } from "../support/process.ts";
import type { ScriptResult } from "../support/process.ts";

useOnlyTestDevices();

const CARRY_OFF = new URL("./fixtures/carry_off.ts", import.meta.url);
const PENDING_READ = new URL("./fixtures/pending_read.ts", import.meta.url);

interface CarriedOff {
  readonly wrong: readonly string[];
  readonly atOnce: CaptureStats;
  readonly later: CaptureStats;
  readonly atEnd: CaptureStats;
  readonly second: CaptureStats;
}

interface PendingRead {
  readonly end: string;
  readonly atClose: CaptureStats & { readonly length: number };
  readonly between: CaptureStats;
  readonly atEnd: CaptureStats;
}

function resultOf<T>(result: ScriptResult): T {
  assert.equal(result.code, 0, describeResult(result));
  return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as T;
}

function assertAddsUp(stats: CaptureStats): void {
  const text = JSON.stringify(stats);
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued, text);
  assert.equal(stats.delivered, stats.released + stats.outstanding, text);
}

const warnings = (result: ScriptResult): string[] =>
  result.stderr.split("\n").filter((line) => line.startsWith("miniav:"));

const NAMES = { camera: 'Camera "test:bars"', microphone: 'Microphone "test:tone"' } as const;

for (const kind of ["camera", "microphone"] as const) {
  for (const how of ["transfer", "structuredClone", "stream", "worker"] as const) {
    test(`${kind}: a buffer carried off by ${how} stays the thief's`, async () => {
      const result = await runScript(CARRY_OFF, { args: [kind, how] });
      const { wrong, atOnce, later, atEnd, second } = resultOf<CarriedOff>(result);
      assert.deepEqual(wrong, []);
      for (const stats of [atOnce, later, atEnd]) {
        assert.equal(stats.stolen, 2);
        assert.equal(stats.outstanding, 2);
        assertAddsUp(stats);
      }
      assert.ok(later.released >= 250, JSON.stringify(later));
      assert.equal(second.stolen, 0);
      assert.equal(second.outstanding, 0);
      const lines = warnings(result);
      assert.equal(lines.length, 1, describeResult(result));
      assert.match(lines[0] ?? "", /carried off/);
      assert.ok(lines[0]?.includes(NAMES[kind]), lines.join("\n"));
    });
  }
}

/** Runs with a pipe in a folder of its own. */
async function pendingRead(how: string, stopFirst: boolean): Promise<PendingRead> {
  const folder = mkdtempSync(join(tmpdir(), "miniav-fault-"));
  try {
    const made = await runProgram("mkfifo", [join(folder, "fifo")]);
    assert.equal(made.code, 0, describeResult(made));
    const args = [how, folder, ...(stopFirst ? ["stop"] : [])];
    const result = await runScript(PENDING_READ, { args });
    const read = resultOf<PendingRead>(result);
    assert.deepEqual(warnings(result), []);
    for (const stats of [read.atClose, read.between, read.atEnd]) assertAddsUp(stats);
    assert.equal(read.atEnd.stolen, 0);
    assert.equal(read.atEnd.pinned, 0);
    assert.equal(read.atEnd.outstanding, 0);
    return read;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const how of ["file", "zlib"] as const) {
  for (const stopFirst of [false, true]) {
    const across = stopFirst ? "close() and stop()" : "close() and later frames";
    test(`${how === "file" ? "a file write" : "a compression"} across ${across}`, async () => {
      const { end, atClose, between } = await pendingRead(how, stopFirst);
      if (runtime === "bun") {
        // Bun holds the buffer until the operation is over: it is given back only then.
        assert.equal(end, "intact");
        assert.equal(atClose.pinned, 1);
        assert.equal(atClose.outstanding, 1);
        assert.ok(atClose.length > 0);
        if (how === "file") assert.equal(between.pinned, 1);
      } else {
        // Deno detaches under the operation, which may read what comes later; no more than that.
        assert.equal(atClose.length, 0);
        assert.equal(atClose.pinned, 0);
        assert.equal(atClose.outstanding, 0);
        assert.match(end, how === "file" ? /^(intact|changed)$/ : /./);
      }
    });
  }
}

for (const how of ["fetch", "digest"] as const) {
  test(`${how} took a copy before close()`, async () => {
    const { end, atClose } = await pendingRead(how, false);
    assert.equal(end, "intact");
    assert.equal(atClose.length, 0);
    assert.equal(atClose.outstanding, 0);
  });
}
