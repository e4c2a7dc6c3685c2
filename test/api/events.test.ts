// What a capture tells besides its frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Camera,
  enableTestDevices,
  Microphone,
  MiniAVError,
  Screen,
  setLogHandler,
  setTestFault,
  writeTestLog,
} from "../../src/mod.ts";
import type {
  AudioFormat,
  CaptureEvents,
  DeviceChange,
  Emitter,
  LogLine,
  VideoFormat,
} from "../../src/mod.ts";
import { delay, waitUntil, within } from "../support/wait.ts";

enableTestDevices();

const open = (options = {}) => Camera.open({ deviceId: "test:bars", frameRate: 60, ...options });

type Events = CaptureEvents<VideoFormat>;

/** The next event of a type. */
function next<Type extends keyof Events>(
  capture: Emitter<Events>,
  type: Type,
): Promise<Events[Type]> {
  const { promise, resolve } = Promise.withResolvers<Events[Type]>();
  const off = capture.on(type, (event) => {
    off();
    resolve(event);
  });
  return within(promise, 10_000, `the event "${String(type)}"`);
}

const isLost = (error: unknown): boolean =>
  error instanceof MiniAVError && error.code === "DEVICE_LOST";

test("the event of a format comes before its first frame, also when that waits already", async () => {
  await using camera = await open({ width: 640, height: 480 });
  const order: string[] = [];
  camera.on("format", ({ format }) => order.push(`event ${format.width}`));
  for await (using frame of camera) {
    if (frame.sequence === 0) {
      setTestFault("test:bars", { type: "change-format", width: 320, height: 240 });
      // Nothing of this thread runs meanwhile: frames of the new format are queued behind its back.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    }
    if (frame.codedWidth === 320) {
      order.push("frame 320");
      break;
    }
  }
  assert.deepEqual(order, ["event 320", "frame 320"]);
});

test("a format that changes is told, and its first frame is flagged", async () => {
  await using camera = await open({ width: 640, height: 480 });
  const told = next(camera, "format");
  let flagged = 0;
  for await (using frame of camera) {
    if (frame.sequence < 5 && frame.codedWidth === 640) {
      setTestFault("test:bars", { type: "change-format", width: 320, height: 240 });
    }
    if (frame.formatChanged && frame.codedWidth === 320) {
      flagged++;
      assert.equal(frame.codedHeight, 240);
    }
    if (frame.codedWidth === 320) break;
  }
  setTestFault("test:bars", { type: "none" });
  assert.equal(flagged, 1);
  assert.equal((await told).format.width, 320);
  assert.equal(camera.format.height, 240);
  assert.ok(camera.stats().formatChanges >= 1);
});

test("silence is told, and its end", async () => {
  await using camera = await open();
  const running = camera.start((frame) => frame.close());
  const stalled = next(camera, "stalled");
  const resumed = next(camera, "resumed");
  setTestFault("test:bars", { type: "stall", stalled: true });
  await stalled;
  setTestFault("test:bars", { type: "stall", stalled: false });
  await resumed;
  assert.equal(camera.stats().stalls, 1);
  await camera.stop();
  await running;
});

test("a lost device ends the loop with an error after the last frame, and resolves lost", async () => {
  const camera = await open();
  const event = next(camera, "lost");
  let frames = 0;
  await assert.rejects(async () => {
    for await (using _frame of camera) {
      if (++frames === 3) setTestFault("test:bars", { type: "lose" });
    }
  }, isLost);
  assert.ok(frames >= 3);
  const { error } = await within(camera.lost, 1000, "lost");
  assert.ok(isLost(error) && (await event).error === error);
  assert.equal(camera.running, false);
  await assert.rejects(camera[Symbol.asyncIterator]().next(), isLost);
  await camera.stop();
  assert.equal(camera.stats().outstanding, 0);
  await assert.rejects(open(), (failure) => {
    return failure instanceof MiniAVError && failure.code === "DEVICE_NOT_FOUND" &&
      failure.backend === "test" && failure.hint.includes("Camera.enumerateDevices()");
  });
  setTestFault("test:bars", { type: "none" });
});

test("lost is told without any consumer, and rejects a handler's promise", async () => {
  await using idle = await open();
  setTestFault("test:bars", { type: "lose" });
  await within(idle.lost, 5000, "lost");
  setTestFault("test:bars", { type: "none" });
  const camera = await open();
  const handled = camera.start((frame) => frame.close());
  setTestFault("test:bars", { type: "lose" });
  await assert.rejects(within(handled, 5000, "the handler's promise"), isLost);
  setTestFault("test:bars", { type: "none" });
  await camera.stop();
});

test("with reconnect a capture survives its device; counters go on", async () => {
  await using camera = await open({ reconnect: { delay: 20, maximumDelay: 50 } });
  const reconnecting: number[] = [];
  camera.on("reconnecting", ({ attempt, error }) => {
    assert.ok(error instanceof MiniAVError);
    reconnecting.push(attempt);
    if (attempt === 3) setTestFault("test:bars", { type: "none" });
  });
  const reconnected = next(camera, "reconnected");
  let frames = 0;
  let after = 0;
  let last = -1;
  for await (using frame of camera) {
    assert.ok(frame.sequence > last, "the numbering goes on");
    last = frame.sequence;
    if (++frames === 5) setTestFault("test:bars", { type: "lose" });
    if (camera.stats().reconnects === 1 && ++after === 1) {
      assert.ok(frame.discontinuity, "what is missing is told");
    }
    if (after > 0 && frame.sequence > 8) break;
  }
  assert.equal((await reconnected).format.width, camera.format.width);
  assert.ok(reconnecting.length >= 3);
  const stats = camera.stats();
  assert.equal(stats.reconnects, 1);
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued);
  assert.ok(stats.delivered >= frames);
  await camera.stop();
  assert.equal(camera.stats().outstanding, 0);
});

test("reconnecting gives up after its attempts, and stop ends it at once", async () => {
  const camera = await open({ reconnect: { delay: 10, attempts: 2 } });
  setTestFault("test:bars", { type: "lose" });
  const { error } = await within(camera.lost, 5000, "lost");
  assert.equal(error.code, "DEVICE_NOT_FOUND");
  await camera.stop();
  setTestFault("test:bars", { type: "none" });

  const other = await open({ reconnect: { delay: 60_000 } });
  const trying = next(other, "reconnecting");
  setTestFault("test:bars", { type: "lose" });
  await trying;
  await within(other.stop(), 2000, "stop");
  setTestFault("test:bars", { type: "none" });
});

test("a capture of the default device follows it; one of an id does not", async () => {
  setTestFault("test:tone", { type: "make-default" });
  await using followed = await Microphone.open({ deviceId: "test:" });
  const { promise: moved, resolve } = Promise.withResolvers<
    CaptureEvents<AudioFormat>["default"]
  >();
  followed.on("default", resolve);
  const running = followed.start((audio) => audio.close());
  setTestFault("test:tone2", { type: "make-default" });
  assert.equal((await within(moved, 5000, "the move")).deviceId, "test:tone2");
  assert.equal(await followed.getProperty("deviceId"), "test:tone2");
  await followed.stop();
  await running;
  setTestFault("test:tone", { type: "make-default" });
  await using fixed = await Microphone.open({ deviceId: "test:tone" });
  setTestFault("test:tone2", { type: "make-default" });
  for await (using _audio of fixed) break;
  assert.equal(await fixed.getProperty("deviceId"), "test:tone");
  setTestFault("test:tone", { type: "make-default" });
});

test("a test device's change in the same turn as the subscription is heard", async () => {
  for (let round = 0; round < 20; round++) {
    let heard = false;
    const subscription = Camera.onDeviceChange(() => heard = true);
    setTestFault("test:bars2", { type: round % 2 === 0 ? "unplug" : "plug" });
    await waitUntil(() => heard, 5000, `round ${round}`);
    subscription.close();
  }
});

test("devices that come and go are told until the subscription ends", async () => {
  const changes: DeviceChange[] = [];
  const subscription = Camera.onDeviceChange((change) => changes.push(change));
  try {
    // Watching begins on a thread of the library: a change before that is nobody's.
    const begun = () => {
      setTestFault("test:bars2", { type: "plug" });
      setTestFault("test:bars2", { type: "unplug" });
      return changes.some(({ type }) => type === "devices");
    };
    await waitUntil(begun, 5000, "unplugged");
    const ids = (await Camera.enumerateDevices()).map(({ id }) => id);
    assert.ok(!ids.includes("test:bars2"));
    changes.length = 0;
    setTestFault("test:bars2", { type: "plug" });
    await waitUntil(() => changes.some(({ type }) => type === "devices"), 5000, "plugged");
    assert.ok(changes.every(({ kind }) => kind === "camera"));
  } finally {
    subscription.close();
    setTestFault("test:bars2", { type: "none" });
  }
  changes.length = 0;
  setTestFault("test:bars2", { type: "unplug" });
  setTestFault("test:bars2", { type: "plug" });
  await Screen.enumerateDisplays();
  await delay(50);
  assert.equal(changes.length, 0);
});

test("a listener that throws is reported and keeps nobody else from hearing", async () => {
  await using camera = await open();
  const failure = new Error("of the listener");
  const uncaught: unknown[] = [];
  const onError = (event: Event) => {
    event.preventDefault();
    uncaught.push((event as ErrorEvent).error);
  };
  const original = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (callback) =>
    original(() => {
      try {
        callback();
      } catch (error) {
        uncaught.push(error);
      }
    });
  globalThis.addEventListener("error", onError);
  try {
    camera.on("lost", () => {
      throw failure;
    });
    const heard = next(camera, "lost");
    setTestFault("test:bars", { type: "lose" });
    await heard;
    await waitUntil(() => uncaught.length > 0, 1000, "the report");
    assert.deepEqual(uncaught, [failure]);
  } finally {
    globalThis.queueMicrotask = original;
    globalThis.removeEventListener("error", onError);
    setTestFault("test:bars", { type: "none" });
  }
});

test("log lines come at their level and above, until the handler is taken off", async () => {
  const lines: LogLine[] = [];
  setLogHandler((line) => lines.push(line), { level: "warn" });
  writeTestLog("info", "too low");
  writeTestLog("error", "high enough");
  await waitUntil(() => lines.some(({ message }) => message === "high enough"), 5000, "a line");
  const line = lines.find(({ message }) => message === "high enough");
  assert.equal(line?.level, "error");
  assert.ok((line?.timestamp ?? 0) > 0);
  assert.ok(!lines.some(({ message }) => message === "too low"));
  setLogHandler((another) => lines.push(another), { level: "debug" });
  writeTestLog("debug", "low");
  await waitUntil(() => lines.some(({ message }) => message === "low"), 5000, "a debug line");
  setLogHandler(null);
  const count = lines.length;
  writeTestLog("error", "to nobody");
  await Camera.enumerateDevices();
  assert.equal(lines.length, count);
});
