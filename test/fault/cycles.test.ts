// Starting and stopping, a thousand times, leaves nothing behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessUsage } from "../support/memory.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";
import { GARBAGE_FLAGS } from "../support/garbage_flags.ts";

useOnlyTestDevices();

const CYCLES = 1000;
const STEP = 50;
/** Until the heap has its size and the compiler has seen it all. */
const WARM_UP = 400;
/** Heaps breathe; a leak of 8 KB a cycle, less than any part of a capture, would be more. */
const GROWTH_BYTES = 6e6;
/** What the runtime starts for itself now and then. */
const RUNTIME_THREADS = 4;

interface Report {
  readonly before: ProcessUsage;
  readonly after: ProcessUsage;
  /** Every STEP cycles. */
  readonly anonymous: readonly number[];
  readonly threads: readonly string[];
  readonly descriptors: readonly string[];
}

for (const kind of ["camera", "microphone"] as const) {
  test(`${kind}: ${CYCLES} starts and stops leave nothing behind`, async (t) => {
    const result = await runScript(new URL("./fixtures/cycles.ts", import.meta.url), {
      args: [kind, WARM_UP, CYCLES, STEP].map(String),
      runtimeArgs: GARBAGE_FLAGS,
      timeoutMs: 120_000,
    });
    assert.equal(result.code, 0, describeResult(result));
    const { before, after, anonymous, threads, descriptors } = JSON.parse(
      result.stdout.trim().split("\n").at(-1) ?? "",
    ) as Report;
    // None of the library's own is left, or the script would have said so.
    const threadText = `threads: ${threads.join(", ")}`;
    assert.ok(after.threads <= before.threads + RUNTIME_THREADS, threadText);
    assert.ok(after.descriptors <= before.descriptors, `descriptors: ${descriptors.join(", ")}`);
    const megabytes = anonymous.map((bytes) => (bytes / 1e6).toFixed(1)).join(", ");
    const quarter = Math.floor(anonymous.length / 4);
    const growth = median(anonymous.slice(-quarter)) - median(anonymous.slice(0, quarter));
    assert.ok(growth < GROWTH_BYTES, `memory in MB: ${megabytes}`);
    t.diagnostic(`${after.threads} threads, ${after.descriptors} descriptors; MB: ${megabytes}`);
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
