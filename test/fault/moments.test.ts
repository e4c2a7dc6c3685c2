// Things that happen between two turns of the event loop: none of them may be missed or doubled.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera, enableTestDevices, Microphone, setTestFault } from "../../src/mod.ts";
import type { DeviceChangeSubscription } from "../../src/mod.ts";
import { delay, waitUntil, within } from "../support/wait.ts";

enableTestDevices();

const TONE = "test:tone";
const LIMIT_MS = 5000;

/** Holds the JavaScript thread, so that everything that comes meanwhile comes in one turn. */
function hold(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Ends a start that hangs and loses the device before JavaScript has heard of either. */
function startAndLose(): void {
  setTestFault(TONE, { type: "none" });
  hold(150);
  setTestFault(TONE, { type: "lose" });
  hold(50);
}

test("a device that is lost while it is opened is not left unnoticed", async (t) => {
  t.after(() => setTestFault(TONE, { type: "plug" }));
  setTestFault(TONE, { type: "hang", operations: ["start"] });
  const opening = Microphone.open({ deviceId: TONE });
  await delay(200);
  startAndLose();
  await using microphone = await opening;
  let heard = 0;
  microphone.on("lost", () => heard++);
  const { error } = await within(microphone.lost, LIMIT_MS, "lost");
  assert.equal(error.code, "DEVICE_LOST");
  assert.equal(heard, 1);
});

test("a device that is lost while it is opened again is reconnected once more", async (t) => {
  t.after(() => setTestFault(TONE, { type: "plug" }));
  await using microphone = await Microphone.open({ deviceId: TONE, reconnect: { delay: 20 } });
  setTestFault(TONE, { type: "hang", operations: ["start"] });
  setTestFault(TONE, { type: "lose" });
  setTestFault(TONE, { type: "plug" });
  await delay(500);
  startAndLose();
  setTestFault(TONE, { type: "plug" });
  const twice = () => microphone.stats().reconnects === 2;
  await waitUntil(twice, LIMIT_MS, () => `${microphone.stats().reconnects} reconnects`);
  const before = microphone.stats().produced;
  await waitUntil(() => microphone.stats().produced > before, LIMIT_MS, "sound");
});

test("a handler that subscribes anew is told once", async (t) => {
  t.after(() => setTestFault("test:bars2", { type: "plug" }));
  let calls = 0;
  let subscription: DeviceChangeSubscription;
  const handler = () => {
    subscription.close();
    // An endless loop would not let the test end by itself.
    if (++calls < 100) subscription = Camera.onDeviceChange(handler);
  };
  subscription = Camera.onDeviceChange(handler);
  // Watching begins on a thread of the library: a change before that is nobody's.
  const heard = () => {
    if (calls > 0) return true;
    setTestFault("test:bars2", { type: "plug" });
    setTestFault("test:bars2", { type: "unplug" });
    return false;
  };
  await waitUntil(heard, LIMIT_MS, "an event");
  subscription.close();
  assert.ok(calls < 5, `${calls} calls`);
});

test("a stream that is cancelled or refused makes room for a new one", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars" });
  const first = camera.readable;
  assert.equal(camera.readable, first);
  const reader = first.getReader();
  (await reader.read()).value?.close();
  await reader.cancel();
  const second = camera.readable;
  assert.notEqual(second, first);
  const consumer = camera[Symbol.asyncIterator]();
  (await consumer.next()).value?.close();
  await assert.rejects(second.getReader().read(), { code: "ALREADY_RUNNING" });
  await consumer.return?.();
  const third = camera.readable.getReader();
  (await third.read()).value?.close();
  await third.cancel();
});

test("a frame on its way into a stream that is cancelled is closed", async () => {
  await using camera = await Camera.open({ deviceId: "test:flood" });
  for (let round = 0; round < 20; round++) {
    await waitUntil(() => camera.stats().queued > 0, LIMIT_MS, "a frame");
    const reader = camera.readable.getReader();
    const reading = reader.read();
    await reader.cancel();
    assert.equal((await reading).value, undefined);
  }
  await waitUntil(() => camera.stats().outstanding === 0, LIMIT_MS, "every frame given back");
  assert.equal(camera.stats().forgotten, 0);
});
