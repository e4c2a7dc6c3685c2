// A camera for a long time: memory stays flat, and every picture is delivered or counted. A minute
// here, MINIAV_SOAK_SECONDS in `deno task soak`.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import type { CaptureStats } from "../../src/mod.ts";
import { GARBAGE_FLAGS } from "../support/garbage_flags.ts";
import { trend } from "../support/memory.ts";
import type { ProcessUsage } from "../support/memory.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runtime, startScript } from "../support/process.ts";
import type { RunningScript } from "../support/process.ts";

useOnlyTestDevices();

const ASKED = process.env.MINIAV_SOAK_SECONDS;
const SECONDS = Number(ASKED ?? "60");
const FRAME_RATE = 60;
/** Until pools and heaps have their size. */
const WARM_UP_SECONDS = Math.min(60, SECONDS / 5);
/** From the end of the warm-up, by the trend: less than one picture, for any length of time. */
const GROWTH_BYTES = 8e6;
/** Between the lowest and the highest: no picture more or less is held meanwhile. */
const SPREAD_BYTES = 24e6;
/** Rows of the printed curve. */
const ROWS = 20;

interface Sample {
  readonly elapsedMs: number;
  readonly usage: ProcessUsage;
  /** Pictures that the consumer got, and gaps between them. */
  readonly seen: number;
  readonly missing: number;
  readonly stats: CaptureStats;
  /** The sequence number of the last picture; only at the end. */
  readonly last?: number;
}

function samplesOf(script: RunningScript): Sample[] {
  return script.stdout().trim().split("\n").map((line) => JSON.parse(line) as Sample);
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function row({ elapsedMs, usage, stats }: Sample): string {
  const cells = [
    (elapsedMs / 1000).toFixed(0),
    megabytes(usage.residentBytes),
    megabytes(usage.anonymousBytes),
    usage.threads,
    usage.descriptors,
    stats.produced,
    stats.delivered,
    stats.dropped,
    stats.queued,
  ];
  return cells.map((cell) => String(cell).padStart(10)).join("");
}

function curve(samples: readonly Sample[]): string {
  const names = ["s", "RSS MB", "anon MB", "threads", "fds", "produced", "delivered", "dropped"];
  const heading = [...names, "queued"].map((name) => name.padStart(10)).join("");
  const step = Math.max(1, Math.floor(samples.length / ROWS));
  const rows = samples.filter((_, index) => index % step === 0 || index === samples.length - 1);
  return [heading, ...rows.map(row)].join("\n");
}

function assertCounts({ seen, missing, stats, last }: Sample): void {
  const text = `${seen} seen, ${missing} missing: ${JSON.stringify(stats)}`;
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued, text);
  assert.equal(stats.delivered, stats.released + stats.outstanding, text);
  assert.equal(stats.delivered, seen, text);
  assert.ok(missing <= stats.dropped, text);
  if (last === undefined) return;
  assert.equal(seen + missing, last + 1, text);
  assert.equal(stats.queued, 0, text);
  assert.equal(stats.outstanding, 0, text);
  const { stolen, pinned, forgotten } = stats;
  assert.deepEqual({ stolen, pinned, forgotten }, { stolen: 0, pinned: 0, forgotten: 0 });
}

function assertFlat(samples: readonly Sample[], text: string): void {
  const settled = samples.filter(({ elapsedMs }) => elapsedMs >= WARM_UP_SECONDS * 1000);
  const resident = settled.map(({ usage }) => usage.residentBytes);
  assert.ok(resident.length >= SECONDS / 2, `${resident.length} samples\n${text}`);
  const growth = trend(resident) * (resident.length - 1);
  assert.ok(growth < GROWTH_BYTES, `memory grows by ${megabytes(growth)} MB\n${text}`);
  const spread = Math.max(...resident) - Math.min(...resident);
  assert.ok(spread < SPREAD_BYTES, `memory varies by ${megabytes(spread)} MB\n${text}`);
  const [first, last] = [settled[0], settled.at(-1)];
  assert.ok(first !== undefined && last !== undefined);
  assert.ok(last.usage.descriptors <= first.usage.descriptors, text);
}

async function soak(access: "lease" | "fill"): Promise<void> {
  const script = startScript(new URL("./fixtures/camera.ts", import.meta.url), {
    args: [String(SECONDS), access],
    runtimeArgs: GARBAGE_FLAGS,
    timeoutMs: (SECONDS + 60) * 1000,
  });
  const result = await script.ended;
  assert.equal(result.code, 0, describeResult(result));
  const samples = samplesOf(script);
  const text = curve(samples);
  if (ASKED !== undefined) console.log(`1080p60, access "${access}", ${runtime}\n${text}`);
  for (const sample of samples) assertCounts(sample);
  assertFlat(samples.slice(0, -1), text);
  const { stats } = samples.at(-1) as Sample;
  assert.ok(stats.produced >= 0.99 * SECONDS * FRAME_RATE, text);
}

test(`1080p60 for ${SECONDS} s, leased in one process and filled in another`, async () => {
  await Promise.all([soak("lease"), soak("fill")]);
});
