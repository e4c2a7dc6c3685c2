// Frames leave nothing behind, however many: what weeks need, in a few seconds.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CaptureStats } from "../../src/mod.ts";
import { GARBAGE_FLAGS } from "../support/garbage_flags.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";

useOnlyTestDevices();

const FRAMES = 240_000;
const STEP = 20_000;
/** Less than 16 bytes a frame, from the first third to the last. */
const GROWTH_BYTES = 16 * FRAMES * (2 / 3);

for (const access of ["lease", "fill"] as const) {
  test(`${access}: ${FRAMES} frames leave nothing in the heap`, async (t) => {
    const result = await runScript(new URL("./fixtures/many_frames.ts", import.meta.url), {
      args: [access, String(FRAMES), String(STEP)],
      runtimeArgs: GARBAGE_FLAGS,
      timeoutMs: 180_000,
    });
    assert.equal(result.code, 0, describeResult(result));
    const { samples, stats } = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as {
      samples: number[];
      stats: CaptureStats;
    };
    assert.equal(samples.length, FRAMES / STEP);
    const third = Math.floor(samples.length / 3);
    const growth = Math.min(...samples.slice(-third)) - Math.min(...samples.slice(0, third));
    const megabytes = samples.map((bytes) => (bytes / 1e6).toFixed(2)).join(", ");
    assert.ok(growth < GROWTH_BYTES, `heap in MB: ${megabytes}`);
    assert.equal(stats.delivered, FRAMES);
    assert.equal(stats.released, FRAMES);
    assert.equal(stats.produced, stats.delivered + stats.dropped);
    t.diagnostic(`heap in MB: ${megabytes}`);
  });
}
