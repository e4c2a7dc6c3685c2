// Devices that misbehave, of every kind: the right events, errors that help, and a clean end.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { enableTestDevices, MiniAVError, now, setTestFault } from "../../src/mod.ts";
import type {
  AnyFrame,
  CaptureEvents,
  CaptureStats,
  DeviceChange,
  MiniAVErrorCode,
  TestDeviceFault,
} from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { delay, waitUntil, within } from "../support/wait.ts";
import { hashBytes } from "./fixtures/hash.ts";
import { KINDS } from "./kinds.ts";
import type { AnyCapture, Kind } from "./kinds.ts";

useOnlyTestDevices();

const PATIENCE_MS = 10_000;

enableTestDevices();

afterEach(() => {
  for (const { device, other } of KINDS) {
    setTestFault(device, { type: "none" });
    if (other !== null) setTestFault(other, { type: "none" });
  }
});

/** One test for each kind. */
function forEachKind(name: string, body: (kind: Kind) => Promise<void>): void {
  for (const kind of KINDS) test(`${kind.name}: ${name}`, () => body(kind));
}

type Events = CaptureEvents<unknown>;

/** All events of some types from now on. */
function collect<Type extends keyof Events>(capture: AnyCapture, ...types: Type[]) {
  const events: Events[Type][] = [];
  for (const type of types) capture.on(type, (event) => events.push(event));
  return events;
}

async function take(capture: AnyCapture, count: number): Promise<void> {
  let seen = 0;
  for await (using _ of capture) if (++seen === count) return;
  throw new Error(`ended after ${seen} of ${count} frames`);
}

/** The first frame for which `wanted` is true. */
async function find(
  capture: AnyCapture,
  wanted: (frame: AnyFrame) => boolean,
  what: string,
): Promise<void> {
  const search = async () => {
    for await (using frame of capture) if (wanted(frame)) return;
    throw new Error(`ended without ${what}`);
  };
  await within(search(), PATIENCE_MS, what);
}

async function errorOf(promise: Promise<unknown>): Promise<MiniAVError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof MiniAVError, String(error));
    return error;
  }
  throw new Error("no error");
}

function bytesOf(frame: AnyFrame): Uint8Array<ArrayBuffer> {
  const view = frame.type === "video" ? frame.planes[0]?.data : frame.data;
  assert.ok(view !== undefined && view.length > 0);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function assertCleanEnd(stats: CaptureStats): void {
  const text = JSON.stringify(stats);
  assert.equal(stats.produced, stats.delivered + stats.dropped, text);
  assert.equal(stats.delivered, stats.released, text);
  assert.equal(stats.queued, 0, text);
  assert.equal(stats.outstanding, 0, text);
}

/** Stops, twice, and looks at what is left. */
async function end(capture: AnyCapture): Promise<void> {
  await within(Promise.all([capture.stop(), capture.stop()]), 2000, "stop");
  assertCleanEnd(capture.stats());
}

/** The device can be opened and gives frames. */
async function assertHealthy(kind: Kind): Promise<void> {
  await using capture = await kind.open(kind.device);
  await take(capture, 3);
  await end(capture);
}

forEachKind("a device that is lost", async (kind) => {
  await using capture = await kind.open(kind.device);
  const events = collect(capture, "lost");
  await take(capture, 3);
  setTestFault(kind.device, { type: "lose" });
  const consumed = (async () => {
    for await (using _ of capture);
  })();
  const error = await errorOf(within(consumed, PATIENCE_MS, "the loss"));
  assert.equal(error.code, "DEVICE_LOST");
  assert.equal(error.backend, "test");
  assert.match(error.message, /taken away/);
  assert.equal((await capture.lost).error, error);
  assert.deepEqual(events.map(({ type }) => type), ["lost"]);
  assert.equal(capture.running, false);
  assert.equal((await errorOf(take(capture, 1))).code, "DEVICE_LOST");
  await end(capture);
  const gone = await errorOf(kind.open(kind.device));
  assert.equal(gone.code, "DEVICE_NOT_FOUND");
  assert.match(gone.hint, /enumerate/);
  setTestFault(kind.device, { type: "plug" });
  await assertHealthy(kind);
});

test("all kinds: a device that stalls and resumes, again and again", async () => {
  await Promise.all(KINDS.map(async (kind) => {
    await using capture = await kind.open(kind.device);
    const events = collect(capture, "stalled", "resumed", "lost");
    const loop = capture.start((frame) => frame.close());
    for (let round = 1; round <= 2; round++) {
      setTestFault(kind.device, { type: "stall", stalled: true });
      const told = () => events.length === 2 * round - 1;
      await waitUntil(told, PATIENCE_MS, `${kind.name}: stalled`);
      const produced = capture.stats().produced;
      await delay(100);
      assert.equal(capture.stats().produced, produced);
      setTestFault(kind.device, { type: "stall", stalled: false });
      await waitUntil(() => events.length === 2 * round, PATIENCE_MS, `${kind.name}: resumed`);
      await waitUntil(() => capture.stats().delivered > produced, PATIENCE_MS, "frames");
    }
    const types = events.map(({ type }) => type);
    assert.deepEqual(types, ["stalled", "resumed", "stalled", "resumed"], kind.name);
    assert.equal(capture.stats().stalls, 2);
    await end(capture);
    await loop;
  }));
});

forEachKind("a format that changes under way", async (kind) => {
  await using capture = await kind.open(kind.device);
  const events = collect(capture, "format");
  await take(capture, 3);
  const isPicture = kind.name === "camera" || kind.name === "screen";
  setTestFault(
    kind.device,
    isPicture
      ? { type: "change-format", width: 96, height: 64 }
      : { type: "change-format", sampleRate: 16000 },
  );
  const isNew = (frame: AnyFrame) =>
    frame.type === "video" ? frame.codedWidth === 96 : frame.sampleRate === 16000;
  let flagged = false;
  await find(capture, (frame) => {
    if (!isNew(frame)) return false;
    flagged = frame.formatChanged;
    if (frame.type === "video") {
      assert.equal(frame.codedHeight, 64);
      const [plane] = frame.planes;
      assert.equal(plane?.data.length, (plane?.stride ?? 0) * 64);
    } else assert.equal(frame.data.length, frame.numberOfFrames * frame.numberOfChannels);
    return true;
  }, "the new format");
  assert.ok(flagged, "its first frame says so");
  await waitUntil(() => events.length === 1, PATIENCE_MS, "the event");
  const format = capture.format as { video?: object; width?: number; sampleRate?: number };
  const { width, sampleRate } = { ...format, ...format.video };
  assert.equal(isPicture ? width : sampleRate, isPicture ? 96 : 16000);
  assert.equal(capture.stats().formatChanges, 1);
  await end(capture);
});

forEachKind("strides that cannot be true", async (kind) => {
  await using capture = await kind.open(kind.device);
  const lies: TestDeviceFault = { type: "bad-stride", frames: 12 };
  if (kind.name === "microphone" || kind.name === "loopback") {
    const refused = (error: unknown) =>
      error instanceof MiniAVError && error.code === "NOT_SUPPORTED";
    assert.throws(() => setTestFault(kind.device, lies), refused);
  } else {
    await take(capture, 3);
    setTestFault(kind.device, lies);
    await find(
      capture,
      (frame) => {
        assert.ok(frame.type === "video");
        for (const { data, stride, width, height } of frame.planes) {
          assert.ok(stride >= width && data.length >= (height - 1) * stride + width);
        }
        return capture.stats().droppedBy.invalid === 12;
      },
      "12 invalid frames",
    );
    await take(capture, 3);
    assert.equal(capture.stats().droppedBy.invalid, 12);
  }
  await end(capture);
});

forEachKind("frames that are corrupt, lost on the way, or late", async (kind) => {
  await using capture = await kind.open(kind.device);
  await take(capture, 2);
  setTestFault(kind.device, { type: "corrupt", frames: 4 });
  let corrupt = 0;
  let previous = 0;
  await find(capture, (frame) => {
    previous = frame.sequence;
    if (frame.corrupted) corrupt++;
    return corrupt > 0 && !frame.corrupted;
  }, "corrupt frames and a good one");
  assert.equal(corrupt, 4);
  const { late } = capture.stats().droppedBy;
  setTestFault(kind.device, { type: "skip", frames: 4 });
  let gap = 0;
  await find(capture, (frame) => {
    gap += frame.sequence - previous - 1;
    previous = frame.sequence;
    return gap >= 4;
  }, "a gap of four");
  assert.ok(capture.stats().droppedBy.late >= late + 4);
  setTestFault(kind.device, { type: "deliver-late", microseconds: 60_000 });
  await find(capture, (frame) => now() - frame.timestamp >= 60_000, "a late frame");
  await end(capture);
});

forEachKind("frames that are held through everything stay as they are", async (kind) => {
  const frames: AnyFrame[] = [];
  const hashes: number[] = [];
  const hold = async (capture: AnyCapture) => {
    for await (const frame of capture) {
      const bytes = bytesOf(frame);
      frames.push(frame);
      hashes.push(hashBytes(bytes));
      if (frames.length % 2 === 0) return;
    }
  };
  const assertSame = (when: string) => {
    const seen = frames.map((frame) => hashBytes(bytesOf(frame)));
    assert.deepEqual(seen, hashes, when);
  };
  await using capture = await kind.open(kind.device, { reconnect: { delay: 5, attempts: 1000 } });
  await hold(capture);
  await take(capture, 40);
  assertSame("later");
  const isPicture = kind.name === "camera" || kind.name === "screen";
  setTestFault(
    kind.device,
    isPicture
      ? { type: "change-format", width: 320, height: 240 }
      : { type: "change-format", sampleRate: 96000 },
  );
  await find(capture, (frame) => frame.formatChanged, "the new format");
  await hold(capture);
  await take(capture, 40);
  assertSame("after a change of format");
  const reconnected = new Promise((resolve) => capture.on("reconnected", resolve));
  setTestFault(kind.device, { type: "unplug" });
  setTestFault(kind.device, { type: "plug" });
  await Promise.all([
    take(capture, 40),
    within(reconnected, PATIENCE_MS, "reconnected"),
  ]);
  await hold(capture);
  await take(capture, 40);
  assertSame("after the device came back");
  await capture.stop();
  assertSame("after stop");
  assert.equal(capture.stats().outstanding, frames.length);
  await assertHealthy(kind);
  assertSame("after another capture");
  for (const frame of frames) frame.close();
  assertCleanEnd(capture.stats());
});

const CODES: readonly MiniAVErrorCode[] = [
  "DEVICE_BUSY",
  "SYSTEM_CALL_FAILED",
  "PERMISSION_DENIED",
  "NOT_SUPPORTED",
  "TIMEOUT",
  "OUT_OF_MEMORY",
];

for (const type of ["fail-open", "fail-start"] as const) {
  forEachKind(`a device that answers ${type} with any error`, async (kind) => {
    for (const code of CODES) {
      setTestFault(kind.device, { type, code });
      const error = await errorOf(kind.open(kind.device));
      assert.equal(error.code, code);
      assert.equal(error.operation.toLowerCase(), `${kind.name}.open`);
      assert.equal(error.backend, "test");
      assert.notEqual(error.hint, "", code);
      assert.ok(error.message.includes(code) && error.message.includes(error.hint), error.message);
    }
    setTestFault(kind.device, { type: "none" });
    await assertHealthy(kind);
  });
}

forEachKind("permission that is refused, then given", async (kind) => {
  setTestFault(kind.device, { type: "permission", state: "denied" });
  assert.equal(await kind.permission(), "denied");
  assert.equal(await kind.requestPermission(), "denied");
  const error = await errorOf(kind.open(kind.device));
  assert.equal(error.code, "PERMISSION_DENIED");
  assert.notEqual(error.hint, "");
  setTestFault(kind.device, { type: "permission", state: "undetermined" });
  assert.equal(await kind.permission(), "undetermined");
  assert.equal(await kind.requestPermission(), "granted");
  assert.equal(await kind.permission(), "granted");
  await assertHealthy(kind);
});

/** Watches a kind, and knows that the watch has begun. */
async function watch(kind: Kind) {
  const changes: DeviceChange[] = [];
  const subscription = kind.watch((change) => changes.push(change));
  // The library begins to listen on a thread of its own; what happens before is not told.
  await waitUntil(
    () => {
      setTestFault(kind.device, { type: "permission", state: "undetermined" });
      setTestFault(kind.device, { type: "permission", state: "granted" });
      return changes.length > 0;
    },
    PATIENCE_MS,
    `${kind.name}: a change of permission`,
  );
  await delay(20);
  changes.length = 0;
  return { changes, subscription };
}

forEachKind("a device that is unplugged and plugged in again", async (kind) => {
  const { changes, subscription } = await watch(kind);
  const ids = async () => (await kind.enumerate()).map(({ id }) => id);
  try {
    assert.ok((await ids()).includes(kind.device));
    setTestFault(kind.device, { type: "unplug" });
    const told = () => changes.some(({ type }) => type === "devices");
    await waitUntil(told, PATIENCE_MS, "unplugged");
    assert.ok(!(await ids()).includes(kind.device));
    changes.length = 0;
    setTestFault(kind.device, { type: "plug" });
    await waitUntil(told, PATIENCE_MS, "plugged in");
    assert.ok((await ids()).includes(kind.device));
    assert.ok(changes.every((change) => change.kind === kind.name), JSON.stringify(changes));
  } finally {
    subscription.close();
  }
});

for (const kind of KINDS.filter(({ other }) => other !== null)) {
  const other = kind.other ?? "";
  test(`${kind.name}: the default moves, and a capture of it follows`, async () => {
    const { changes, subscription } = await watch(kind);
    await using follower = await kind.open(undefined);
    await using fixed = await kind.open(kind.device);
    try {
      const moves = collect(follower, "default");
      const strays = collect(fixed, "default");
      await take(follower, 3);
      setTestFault(other, { type: "make-default" });
      await find(follower, (frame) => frame.discontinuity, "the gap at the move");
      await waitUntil(() => moves.length > 0, PATIENCE_MS, "the capture's event");
      assert.deepEqual(moves, [{ type: "default", deviceId: other }]);
      const told = () => changes.some((change) => change.type === "default");
      await waitUntil(told, PATIENCE_MS, "the subscription's event");
      assert.deepEqual(changes, [{ type: "default", kind: kind.name, deviceId: other }]);
      assert.equal((await kind.enumerate())[0]?.id, other);
      // The new default goes: the capture is lost with it, and the other one goes on.
      setTestFault(other, { type: "unplug" });
      assert.equal((await within(follower.lost, PATIENCE_MS, "lost")).error.code, "DEVICE_LOST");
      await take(fixed, 3);
      assert.deepEqual(strays, []);
    } finally {
      subscription.close();
      await end(follower);
      await end(fixed);
    }
  });
}

forEachKind("a device that comes and goes while a capture reconnects", async (kind) => {
  await using capture = await kind.open(kind.device, { reconnect: { delay: 5, attempts: 1000 } });
  const events = collect(capture, "reconnected", "lost");
  const sequences: number[] = [];
  const loop = capture.start((frame) => {
    sequences.push(frame.sequence);
    frame.close();
  });
  for (let round = 1; round <= 5; round++) {
    const before = sequences.length;
    await waitUntil(() => sequences.length > before + 2, PATIENCE_MS, `frames, round ${round}`);
    setTestFault(kind.device, { type: "unplug" });
    await delay(10);
    setTestFault(kind.device, { type: "plug" });
    await waitUntil(() => events.length === round, PATIENCE_MS, `reconnected, round ${round}`);
  }
  const before = sequences.length;
  await waitUntil(() => sequences.length > before, PATIENCE_MS, "frames at the end");
  await end(capture);
  await loop;
  assert.ok(events.every(({ type }) => type === "reconnected"));
  assert.equal(capture.stats().reconnects, 5);
  assert.equal(capture.stats().delivered, sequences.length);
});
