// The life of frames and captures, also where it is lived wrongly. None of it may crash or hang.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Camera,
  enableTestDevices,
  MiniAVError,
  setLogHandler,
  setTestFault,
} from "../../src/mod.ts";
import type { CapturedVideoFrame, LogLine } from "../../src/mod.ts";
import { waitUntil, within } from "../support/wait.ts";

enableTestDevices();

const open = (options = {}) => Camera.open({ deviceId: "test:bars", frameRate: 60, ...options });

const isCode = (code: string) => (error: unknown): boolean =>
  error instanceof MiniAVError && error.code === code;

async function oneFrame(camera: Camera): Promise<CapturedVideoFrame> {
  for await (const frame of camera) return frame;
  throw new Error("no frame");
}

/** Warnings that come while `body` runs. */
async function warningsOf(body: () => Promise<void>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  setLogHandler((line) => lines.push(line));
  try {
    await body();
  } finally {
    setLogHandler(null);
  }
  return lines.filter(({ source, level }) => source === "miniav" && level === "warn");
}

for (const access of ["lease", "fill"] as const) {
  test(`${access}: use after release reads nothing and throws`, async () => {
    await using camera = await open({ access });
    const frame = await oneFrame(camera);
    const [plane] = frame.planes;
    assert.ok(plane !== undefined);
    const { data } = plane;
    assert.ok(data.length > 0 && data[0] !== undefined);
    frame.close();
    assert.equal(frame.closed, true);
    assert.equal(data.length, 0);
    assert.equal(data[0], undefined);
    assert.throws(() => plane.data, isCode("INVALID_HANDLE"));
    assert.throws(() => frame.clone(), isCode("INVALID_HANDLE"));
    assert.throws(() => frame.allocationSize(), isCode("INVALID_HANDLE"));
    await assert.rejects(frame.copyTo(new Uint8Array(1 << 24)), isCode("INVALID_HANDLE"));
  });

  test(`${access}: closing twice is closing once`, async () => {
    await using camera = await open({ access });
    const frame = await oneFrame(camera);
    frame.close();
    const { released } = camera.stats();
    frame.close();
    frame[Symbol.dispose]();
    assert.equal(camera.stats().released, released);
  });

  test(`${access}: a frame outlives its capture until it is closed`, async () => {
    const camera = await open({ access });
    const frame = await oneFrame(camera);
    await camera.stop();
    const before = camera.stats();
    assert.equal(before.outstanding, access === "lease" ? 1 : 0);
    const [plane] = frame.planes;
    assert.ok(plane !== undefined && plane.data.length > 0);
    const copy = new Uint8Array(frame.allocationSize());
    await frame.copyTo(copy);
    assert.ok(copy.some((byte) => byte !== 0));
    frame.close();
    const after = camera.stats();
    assert.equal(after.outstanding, 0);
    assert.equal(after.released, after.delivered);
    assert.equal(after.delivered, before.delivered);
  });
}

test("a clone belongs to JavaScript", async () => {
  const camera = await open({ width: 320, height: 240, format: "NV12" });
  const frame = await oneFrame(camera);
  const clone = frame.clone();
  const copy = new Uint8Array(frame.allocationSize());
  await frame.copyTo(copy);
  frame.close();
  await camera.stop();
  assert.equal(camera.stats().outstanding, 0);
  assert.deepEqual(clone.planes.map(({ stride }) => stride), [320, 320]);
  const again = new Uint8Array(clone.allocationSize());
  const layout = await clone.copyTo(again);
  assert.deepEqual(again, copy);
  assert.deepEqual(layout, [{ offset: 0, stride: 320 }, { offset: 76_800, stride: 320 }]);
  assert.equal(clone.timestamp, frame.timestamp);
  clone.close();
  assert.throws(() => clone.clone(), isCode("INVALID_HANDLE"));
});

test("a copy lies where its layout says", async () => {
  await using camera = await open({ width: 320, height: 240, format: "NV12" });
  using frame = await oneFrame(camera);
  using clone = frame.clone();
  const packed = new Uint8Array(clone.allocationSize());
  await clone.copyTo(packed);
  const layout = [{ offset: 16, stride: 512 }, { offset: 200_000, stride: 400 }];
  for (const source of [frame, clone]) {
    const size = source.allocationSize({ layout });
    assert.ok(size >= 200_000 + 119 * 400 + 320 && size <= 200_000 + 120 * 400);
    const padded = new Uint8Array(size);
    assert.deepEqual(await source.copyTo(padded, { layout }), layout);
    assert.deepEqual(padded.subarray(16 + 512, 16 + 512 + 320), packed.subarray(320, 640));
    assert.deepEqual(
      padded.subarray(200_400, 200_720),
      packed.subarray(76_800 + 320, 76_800 + 640),
    );
    const small = new Uint8Array(size - 1000);
    await assert.rejects(source.copyTo(small, { layout }), isCode("BUFFER_TOO_SMALL"));
    const narrow = [{ offset: 0, stride: 100 }, { offset: 100_000, stride: 400 }];
    await assert.rejects(source.copyTo(padded, { layout: narrow }), isCode("INVALID_ARG"));
  }
});

test("memory that was carried off is stolen: counted, told once, never used again", async () => {
  const camera = await open();
  let kept: ArrayBuffer[] = [];
  const warnings = await warningsOf(async () => {
    let frames = 0;
    for await (using frame of camera) {
      const [plane] = frame.planes;
      assert.ok(plane !== undefined);
      kept.push(structuredClone(plane.data.buffer, { transfer: [plane.data.buffer] }));
      if (++frames === 3) break;
    }
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]?.message ?? "", /Camera "test:bars".*carried off/);
  const stats = camera.stats();
  assert.equal(stats.stolen, 3);
  assert.equal(stats.outstanding, 3);
  await camera.stop();
  assert.equal(camera.stats().outstanding, 3);
  assert.ok(kept.every((buffer) => new Uint8Array(buffer).some((byte) => byte !== 0)));
  kept = [];
});

test("stopping twice is stopping once", async () => {
  const camera = await open();
  await Promise.all([camera.stop(), camera.stop()]);
  await camera.stop();
  await camera[Symbol.asyncDispose]();
  assert.equal(camera.running, false);
  assert.equal(camera.stats().queued, 0);
  await assert.rejects(camera.getProperty("deviceId"), isCode("NOT_RUNNING"));
});

test("stopping inside a handler, awaited or not, does not wait for the handler", async () => {
  for (const awaited of [false, true]) {
    const camera = await open();
    let after = false;
    const done = camera.start(async (frame) => {
      frame.close();
      if (awaited) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await camera.stop();
      } else void camera.stop();
      after = true;
    });
    await within(done, 5000, "the handler's end");
    assert.equal(after, true);
    assert.equal(camera.running, false);
    await within(camera.stop(), 1000, "a second stop");
  }
});

test("stopping inside a loop ends the loop", async () => {
  const camera = await open();
  let frames = 0;
  for await (using _frame of camera) {
    frames++;
    await within(camera.stop(), 5000, "stop");
  }
  assert.equal(frames, 1);
});

test("stopping while a consumer waits ends its wait", async () => {
  const camera = await open({ frameRate: 1 });
  (await oneFrame(camera)).close();
  const frames = camera[Symbol.asyncIterator]();
  const pending = frames.next();
  await camera.stop();
  const result = await within(pending, 1000, "the end of the wait");
  if (!result.done) result.value.close();
  assert.equal((await frames.next()).done, true);
});

test("await using stops at the end of the block, also while frames flow", async () => {
  let escaped: Camera | undefined;
  {
    await using camera = await open();
    escaped = camera;
    (await oneFrame(camera)).close();
  }
  assert.equal(escaped.running, false);
});

test("a start that hangs is ended by its timeout or its signal, and the device is free", async () => {
  for (const operation of ["configure", "start"] as const) {
    setTestFault("test:bars", { type: "hang", operations: [operation] });
    try {
      await assert.rejects(open({ timeout: 100 }), isCode("TIMEOUT"));
      const reason = new Error("enough");
      const controller = new AbortController();
      const opening = open({ signal: controller.signal });
      setTimeout(() => controller.abort(reason), 50);
      await assert.rejects(opening, reason);
      await assert.rejects(open({ signal: AbortSignal.abort(reason) }), reason);
    } finally {
      setTestFault("test:bars", { type: "none" });
    }
    await using camera = await open();
    (await oneFrame(camera)).close();
  }
});

test("lists and permissions that hang are ended too", async () => {
  const operations = ["enumerate", "formats", "permission"] as const;
  setTestFault("test:bars", { type: "hang", operations });
  try {
    await assert.rejects(Camera.enumerateDevices({ timeout: 50 }), isCode("TIMEOUT"));
    const formats = Camera.supportedFormats("test:bars", { timeout: 50 });
    await assert.rejects(formats, isCode("TIMEOUT"));
    await assert.rejects(Camera.permission({ timeout: 50 }), isCode("TIMEOUT"));
  } finally {
    setTestFault("test:bars", { type: "none" });
  }
  assert.ok((await Camera.enumerateDevices()).length > 0);
});

test("timers run while an operation hangs", async () => {
  setTestFault("test:bars", { type: "hang", operations: ["start"] });
  try {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    await assert.rejects(open({ timeout: 300 }), isCode("TIMEOUT"));
    clearInterval(timer);
    assert.ok(ticks >= 5, `${ticks} ticks`);
  } finally {
    setTestFault("test:bars", { type: "none" });
  }
});

test("grab gives one picture of its own and closes the camera", async () => {
  using frame = await Camera.grab({ deviceId: "test:bars", width: 640, height: 480, skip: 2 });
  assert.equal(frame.codedWidth, 640);
  assert.ok(frame.sequence >= 2);
  assert.equal(frame.planes[0]?.data.some((byte) => byte !== 0), true);
  setTestFault("test:bars", { type: "stall", stalled: true });
  try {
    const late = Camera.grab({ deviceId: "test:bars", timeout: 200 });
    await assert.rejects(late, isCode("TIMEOUT"));
  } finally {
    setTestFault("test:bars", { type: "none" });
  }
});

test("many captures at once", async () => {
  const cameras = await Promise.all(Array.from({ length: 12 }, () => open()));
  const counts = cameras.map(() => 0);
  const runs = cameras.map((camera, index) =>
    camera.start((frame) => {
      frame.close();
      counts[index] = (counts[index] ?? 0) + 1;
    })
  );
  await waitUntil(() => counts.every((count) => count >= 5), 10_000, () => counts.join(" "));
  await Promise.all(cameras.map((camera) => camera.stop()));
  await Promise.all(runs);
  for (const camera of cameras) {
    const stats = camera.stats();
    assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued);
    assert.equal(stats.outstanding, 0);
  }
});
