// A consumer that takes its time: the source never waits for it, and every frame is accounted for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera, enableTestDevices } from "../../src/mod.ts";
import type { CaptureStats } from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, startScript } from "../support/process.ts";
import { delay } from "../support/wait.ts";
import { KINDS } from "./kinds.ts";
import type { AnyCapture } from "./kinds.ts";

useOnlyTestDevices();

const SLEEP_MS = 100;
const FRAMES = 25;
/** Looks at the counters all the time, and not in step with anything. */
const LOOK_MS = 7;

enableTestDevices();

function assertAddsUp(stats: CaptureStats, when: string): void {
  const text = `${when}: ${JSON.stringify(stats)}`;
  const { queueFull, buffersHeld, stopped, invalid, late, failed } = stats.droppedBy;
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued, text);
  assert.equal(stats.delivered, stats.released + stats.outstanding, text);
  assert.equal(stats.dropped, queueFull + buffersHeld + stopped + invalid + late + failed, text);
}

/** Looks until told to end; returns how often. */
function watch(capture: AnyCapture): { end(): number; readonly failure: Promise<never> } {
  let looks = 0;
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const timer = setInterval(() => {
    try {
      assertAddsUp(capture.stats(), `look ${looks++}`);
    } catch (error) {
      reject(error);
    }
  }, LOOK_MS);
  return {
    end() {
      clearInterval(timer);
      return looks;
    },
    failure: promise,
  };
}

async function consumeSlowly(capture: AnyCapture): Promise<number[]> {
  const sequences: number[] = [];
  for await (using frame of capture) {
    sequences.push(frame.sequence);
    assertAddsUp(capture.stats(), `frame ${sequences.length}`);
    await delay(SLEEP_MS);
    if (sequences.length === FRAMES) break;
  }
  return sequences;
}

for (const kind of KINDS) {
  test(`${kind.name}: a consumer that sleeps ${SLEEP_MS} ms per frame stalls nothing`, async () => {
    await using capture = await kind.open(kind.device, { queue: 4 });
    const started = performance.now();
    const watching = watch(capture);
    const sequences = await Promise.race([consumeSlowly(capture), watching.failure]);
    const stats = capture.stats();
    const elapsedMs = performance.now() - started;
    const looks = watching.end();
    await Promise.race([watching.failure, Promise.resolve()]);
    assert.ok(looks > FRAMES, `${looks} looks`);
    assert.equal(stats.delivered, FRAMES);
    assert.equal(stats.released, FRAMES);
    assert.equal(stats.stalls, 0);
    // A source that waited for its consumer would produce a tenth of this, or be late for the rest.
    const due = elapsedMs / kind.intervalMs;
    const text = `${due.toFixed(0)} due: ${JSON.stringify(stats)}`;
    assert.ok(stats.produced > 0.9 * due && stats.produced < 1.1 * due + 2, text);
    assert.ok(stats.droppedBy.late < 0.2 * due, text);
    assert.ok(stats.droppedBy.queueFull > 0.6 * due, text);
    // What came is in order, and what is missing was dropped.
    const last = sequences.at(-1) ?? 0;
    assert.deepEqual(sequences, [...sequences].sort((a, b) => a - b));
    assert.equal(new Set(sequences).size, FRAMES);
    assert.ok(last >= FRAMES && last < stats.produced, text);
    await capture.stop();
    const ended = capture.stats();
    assertAddsUp(ended, "at the end");
    assert.equal(ended.queued, 0);
    assert.equal(ended.outstanding, 0);
  });
}

test("as fast as both sides can, every frame is accounted for", async () => {
  const capture = await Camera.open({
    deviceId: "test:flood",
    width: 64,
    height: 64,
    format: "GRAY8",
    queue: 8,
  });
  const watching = watch(capture as AnyCapture);
  let seen = 0;
  let previous = -1;
  const ended = performance.now() + 1500;
  for await (using frame of capture) {
    assert.ok(frame.sequence > previous, `${frame.sequence} after ${previous}`);
    previous = frame.sequence;
    const [plane] = frame.planes;
    assert.equal(plane?.data.length, (plane?.stride ?? 0) * 64);
    seen++;
    if (performance.now() > ended) break;
  }
  const stats = capture.stats();
  watching.end();
  await Promise.race([watching.failure, Promise.resolve()]);
  assertAddsUp(stats, "at the end of the loop");
  assert.equal(stats.delivered, seen);
  assert.ok(seen > 1000, `${seen} frames`);
  await capture.stop();
  assertAddsUp(capture.stats(), "after stop");
  assert.equal(capture.stats().outstanding, 0);
});

test("a thread that is busy for long loses frames and nothing else", async () => {
  const captures = await Promise.all(KINDS.map((kind) => kind.open(kind.device)));
  const told: string[] = [];
  const loops = captures.map((capture) => {
    for (const type of ["stalled", "resumed", "lost"] as const) {
      capture.on(type, () => told.push(type));
    }
    return capture.start((frame) => frame.close());
  });
  await delay(100);
  const before = captures.map((capture) => capture.stats());
  // Longer than silence may last before a source counts as stalled.
  const end = performance.now() + 1500;
  while (performance.now() < end);
  const after = captures.map((capture) => capture.stats());
  await delay(100);
  await Promise.all(captures.map((capture) => capture.stop()));
  await Promise.all(loops);
  assert.deepEqual(told, []);
  for (const [index, capture] of captures.entries()) {
    const stats = capture.stats();
    const text = JSON.stringify([before[index], after[index], stats]);
    assertAddsUp(stats, "after stop");
    assert.ok((after[index]?.produced ?? 0) > (before[index]?.produced ?? 0) + 100, text);
    assert.ok(stats.delivered > (after[index]?.delivered ?? 0) + 5, text);
    assert.ok(stats.droppedBy.queueFull > 50, text);
  }
});

test("a process that is paused goes on where it was", async () => {
  const script = startScript(new URL("./fixtures/paused.ts", import.meta.url));
  await script.waitForLine("running");
  script.kill("SIGSTOP");
  await delay(2000);
  script.kill("SIGCONT");
  const result = await script.ended;
  assert.equal(result.code, 0, describeResult(result));
  const reports = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as {
    kind: string;
    told: string[];
    stats: CaptureStats;
  }[];
  for (const { kind, told, stats } of reports) {
    assertAddsUp(stats, kind);
    // Nobody can tell a pause of the whole process from a source that was silent.
    assert.ok(["", "stalled,resumed"].includes(told.join()), `${kind}: ${told.join()}`);
    assert.ok(stats.droppedBy.late > 50, JSON.stringify(stats));
    assert.ok(stats.delivered > 100, JSON.stringify(stats));
  }
});
