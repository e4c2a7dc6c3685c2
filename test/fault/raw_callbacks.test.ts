// C callbacks under load, used as `createCallback` says: stopped by an Async call, closed when the
// stop has ended and what was posted has come, and no leaving of the process before.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { NativeStats } from "../../src/ffi/mod.ts";
import { GARBAGE_FLAGS } from "../support/garbage_flags.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";

useOnlyTestDevices();

interface Round {
  readonly calls: number;
  readonly released: number;
  readonly disordered: number;
  readonly wrong: number;
  readonly stats: NativeStats;
  readonly code: number;
}

/** Of some 280 that are due in each round: a busy machine may lose some, and counts them. */
const FEWEST = 100;

test("1,000 callbacks a second from four threads, under forced collection", async (t) => {
  const result = await runScript(new URL("./fixtures/raw_callbacks.ts", import.meta.url), {
    runtimeArgs: GARBAGE_FLAGS,
    timeoutMs: 60_000,
  });
  assert.equal(result.code, 0, describeResult(result));
  const rounds = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as Round[];
  assert.equal(rounds.length, 12);
  for (const { calls, released, disordered, wrong, stats, code } of rounds) {
    const text = JSON.stringify(stats);
    assert.equal(code, 0);
    assert.ok(calls >= FEWEST, `${calls} calls: ${text}`);
    assert.equal(released, calls);
    assert.equal(disordered, 0);
    assert.equal(wrong, 0);
    assert.equal(stats.delivered, calls, text);
    assert.equal(stats.released, calls, text);
    assert.equal(stats.produced, stats.delivered + stats.dropped, text);
  }
  t.diagnostic(`${rounds.reduce((sum, { calls }) => sum + calls, 0)} calls`);
});
