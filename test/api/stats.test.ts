// The counters, which must add up at every moment.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { Camera, enableTestDevices, Microphone, setTestFault } from "../../src/mod.ts";
import type { CaptureStats } from "../../src/mod.ts";
import { delay, waitUntil } from "../support/wait.ts";

enableTestDevices();

function checkSums(stats: CaptureStats): void {
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued);
  assert.equal(stats.delivered, stats.released + stats.outstanding);
  assert.equal(stats.dropped, Object.values(stats.droppedBy).reduce((sum, n) => sum + n, 0));
}

test("a slow consumer loses the oldest frames, and every one of them is counted", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", frameRate: 60, queue: 4 });
  const sequences: number[] = [];
  for await (using frame of camera) {
    sequences.push(frame.sequence);
    checkSums(camera.stats());
    assert.equal(camera.stats().outstanding, 1);
    await delay(100);
    if (sequences.length === 10) break;
  }
  const stats = camera.stats();
  checkSums(stats);
  assert.ok(stats.droppedBy.queueFull > 10, `${stats.droppedBy.queueFull} dropped`);
  assert.ok(stats.produced >= 30, "the producer was never stalled");
  assert.ok(stats.queued <= 4);
  await camera.stop();
  const last = camera.stats();
  checkSums(last);
  assert.equal(last.queued, 0);
  assert.equal(last.outstanding, 0);
  assert.equal(last.delivered, 10);
  assert.ok(last.droppedBy.stopped > 0, "what was queued is dropped by stop");
});

test("gaps in the sequence are the dropped frames", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", frameRate: 60, queue: 2 });
  let first = -1;
  let last = -1;
  let taken = 0;
  for await (using frame of camera) {
    if (first < 0) first = frame.sequence;
    last = frame.sequence;
    taken++;
    await delay(40);
    if (taken === 15) break;
  }
  const { droppedBy } = camera.stats();
  assert.ok(last - first + 1 - taken > 0);
  assert.ok(last - first + 1 - taken <= droppedBy.queueFull);
});

test("latest keeps nothing but the newest frame", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", frameRate: 60, latest: true });
  let frames = 0;
  for await (using frame of camera) {
    if (frames > 0) {
      // Without `latest` the ring of 16 would be full of older ones by now.
      assert.ok(camera.stats().produced - frame.sequence <= 5, "the frame is one of the newest");
    }
    await delay(120);
    if (++frames === 5) break;
  }
  const stats = camera.stats();
  checkSums(stats);
  assert.ok(stats.queued <= 1);
});

test("a consumer that holds every buffer is told so", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", frameRate: 60, queue: 4 });
  const held: Disposable[] = [];
  for await (const frame of camera) {
    held.push(frame);
    if (held.length === 4) break;
  }
  await waitUntil(
    () => camera.stats().droppedBy.buffersHeld > 3,
    5000,
    () => JSON.stringify(camera.stats()),
  );
  checkSums(camera.stats());
  assert.equal(camera.stats().outstanding, 4);
  for (const frame of held) frame[Symbol.dispose]();
  assert.equal(camera.stats().outstanding, 0);
  for await (using frame of camera) {
    assert.ok(frame.sequence >= 4 + camera.stats().droppedBy.buffersHeld);
    break;
  }
});

test("frames with strides that lie, and frames lost on the way, are counted by reason", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", frameRate: 60 });
  setTestFault("test:bars", { type: "bad-stride", frames: 3 });
  setTestFault("test:bars", { type: "skip", frames: 2 });
  try {
    let frames = 0;
    for await (using _frame of camera) {
      const { droppedBy } = camera.stats();
      if (droppedBy.invalid === 3 && droppedBy.late === 2) break;
      assert.ok(++frames < 200, JSON.stringify(droppedBy));
    }
    checkSums(camera.stats());
  } finally {
    setTestFault("test:bars", { type: "none" });
  }
});

test("sound is counted in the same way, and a slow consumer sees the gap", async () => {
  await using microphone = await Microphone.open({
    deviceId: "test:tone",
    chunkMs: 10,
    queue: 4,
  });
  let gaps = 0;
  let chunks = 0;
  for await (using audio of microphone) {
    if (audio.discontinuity && chunks > 0) gaps++;
    await delay(60);
    if (++chunks === 8) break;
  }
  const stats = microphone.stats();
  checkSums(stats);
  assert.ok(stats.droppedBy.queueFull > 5);
  assert.ok(gaps > 0);
});

test("counters can be read while a capture stops, and miss nothing", async () => {
  // Every so often a look falls between the end of the context and the news of it.
  for (let round = 0; round < 20; round++) {
    const camera = await Camera.open({
      deviceId: "test:bars",
      width: 1920,
      height: 1080,
      queue: 4,
    });
    const frames = camera[Symbol.asyncIterator]();
    const { value: held } = await frames.next();
    let stopped = false;
    const stopping = camera.stop().then(() => void (stopped = true));
    let looks = 0;
    while (!stopped) {
      if (++looks === 2) held?.close();
      const stats = camera.stats();
      checkSums(stats);
      assert.equal(stats.delivered, 1);
      assert.equal(stats.outstanding, looks < 2 ? 1 : 0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stopping;
    held?.close();
    assert.equal(camera.stats().outstanding, 0);
  }
});
