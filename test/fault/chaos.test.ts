// Everything at once, at random: nothing crashes, hangs, is left behind or goes uncounted.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { GARBAGE_FLAGS } from "../support/garbage_flags.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";

useOnlyTestDevices();

/** By hand, for longer: MINIAV_FAULT_SECONDS, and MINIAV_FAULT_SEED for other dice. */
const SECONDS = Number(process.env.MINIAV_FAULT_SECONDS ?? "6");
const SEED = process.env.MINIAV_FAULT_SEED ?? "1";

test(`captures and faults at random for ${SECONDS} s, seed ${SEED}`, async (t) => {
  const result = await runScript(new URL("./fixtures/chaos.ts", import.meta.url), {
    args: [SEED, String(SECONDS)],
    runtimeArgs: GARBAGE_FLAGS,
    timeoutMs: (SECONDS + 60) * 1000,
  });
  assert.equal(result.code, 0, describeResult(result));
  const { wrong, did } = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as {
    wrong: [string, number][];
    did: Record<string, number>;
  };
  assert.deepEqual(wrong, []);
  assert.ok((did["opened"] ?? 0) > 10 * SECONDS, JSON.stringify(did));
  t.diagnostic(JSON.stringify(did));
});
