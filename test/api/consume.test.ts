// The three ways to consume a capture, and that there is one at a time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera, CapturedVideoFrame, enableTestDevices, MiniAVError } from "../../src/mod.ts";
import { within } from "../support/wait.ts";

enableTestDevices();

const open = (options = {}) => Camera.open({ deviceId: "test:bars", frameRate: 60, ...options });

const isCode = (code: string) => (error: unknown): boolean =>
  error instanceof MiniAVError && error.code === code;

test("for await gives frames in order and ends when the capture stops", async () => {
  await using camera = await open();
  const sequences: number[] = [];
  const times: number[] = [];
  for await (using frame of camera) {
    assert.ok(frame instanceof CapturedVideoFrame);
    sequences.push(frame.sequence);
    times.push(frame.timestamp);
    if (sequences.length === 10) void camera.stop();
  }
  assert.ok(sequences.length >= 10);
  assert.deepEqual(sequences, [...sequences].sort((a, b) => a - b));
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  assert.equal(new Set(sequences).size, sequences.length);
  assert.equal(camera.running, false);
});

test("leaving a loop leaves the capture running, and another loop goes on", async () => {
  await using camera = await open();
  let last = -1;
  for (let round = 0; round < 3; round++) {
    for await (using frame of camera) {
      assert.ok(frame.sequence > last);
      last = frame.sequence;
      break;
    }
  }
  assert.equal(camera.running, true);
});

test("steps asked for together are answered in order", async () => {
  await using camera = await open();
  const frames = camera[Symbol.asyncIterator]();
  const results = await Promise.all([frames.next(), frames.next(), frames.next()]);
  const sequences = results.map(({ value }) => {
    using frame = value as CapturedVideoFrame;
    return frame.sequence;
  });
  assert.deepEqual(sequences, [...sequences].sort((a, b) => a - b));
  await frames.return?.();
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
});

test("returning while a step waits ends the step", async () => {
  await using camera = await open({ frameRate: 1 });
  const frames = camera[Symbol.asyncIterator]();
  const first = await frames.next();
  first.value?.close();
  const pending = frames.next();
  await frames.return?.();
  assert.deepEqual(await within(pending, 500, "the end"), { done: true, value: undefined });
});

test("a stream asks for a frame when somebody reads, and not before", async () => {
  await using camera = await open();
  const reader = camera.readable.getReader();
  const { value: first } = await reader.read();
  assert.ok(first !== undefined);
  first.close();
  const delivered = camera.stats().delivered;
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(camera.stats().delivered, delivered, "nothing was taken meanwhile");
  const { value: second } = await reader.read();
  assert.ok(second !== undefined && second.sequence > first.sequence);
  second.close();
  await reader.cancel();
  for await (using frame of camera) {
    assert.ok(frame.sequence > second.sequence, "cancelling made room for another consumer");
    break;
  }
});

test("a stream closes when the capture stops", async () => {
  const camera = await open();
  let frames = 0;
  for await (using _frame of camera.readable) {
    if (++frames === 5) await camera.stop();
  }
  assert.ok(frames >= 5);
  await camera.stop();
});

test("a handler runs for one frame at a time; its promise resolves at stop", async () => {
  await using camera = await open();
  let running = 0;
  let most = 0;
  let frames = 0;
  const done = camera.start(async (frame) => {
    using _closed = frame;
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 25));
    running--;
    frames++;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await camera.stop();
  assert.equal(running, 0, "no handler runs after stop");
  assert.equal(most, 1);
  assert.ok(frames >= 3);
  await within(done, 1000, "the handler's promise");
});

test("a handler that throws stops its capture and rejects its promise", async () => {
  const camera = await open();
  const failure = new Error("of the handler");
  await assert.rejects(
    camera.start((frame) => {
      frame.close();
      throw failure;
    }),
    failure,
  );
  assert.equal(camera.running, false);
  await camera.stop();

  const other = await open();
  let kept: CapturedVideoFrame | undefined;
  await assert.rejects(
    other.start((frame) => {
      kept = frame;
      return Promise.reject(failure);
    }),
    failure,
  );
  assert.equal(kept?.closed, true, "the frame of a handler that failed is closed");
});

test("there is one consumer at a time", async () => {
  await using camera = await open();
  const frames = camera[Symbol.asyncIterator]();
  (await frames.next()).value?.close();
  assert.throws(() => camera.start((frame) => frame.close()), isCode("ALREADY_RUNNING"));
  await assert.rejects(camera.readable.getReader().read(), isCode("ALREADY_RUNNING"));
  await assert.rejects(async () => {
    for await (using _frame of camera) break;
  }, isCode("ALREADY_RUNNING"));
  await frames.return?.();
  for await (using _frame of camera) break;
});

test("filled frames are the same as leased ones, without their padding", async () => {
  const pictures: Uint8Array[] = [];
  for (const access of ["lease", "fill"] as const) {
    await using camera = await open({ access, width: 320, height: 240, format: "I420" });
    for await (using frame of camera) {
      if (frame.sequence !== 0) continue;
      // The strip with the clock differs; the bars below it do not.
      const rows = frame.planes.map(({ data, stride, width, height }) => {
        const packed = new Uint8Array(width * height);
        for (let row = 0; row < height; row++) {
          packed.set(data.subarray(row * stride, row * stride + width), row * width);
        }
        return packed.subarray(width * (height >> 1));
      });
      if (access === "fill") assert.equal(frame.planes[0]?.stride, 320);
      const bytes = new Uint8Array(rows.reduce((sum, plane) => sum + plane.length, 0));
      rows.reduce((at, plane) => (bytes.set(plane, at), at + plane.length), 0);
      pictures.push(bytes);
      break;
    }
  }
  assert.equal(pictures.length, 2);
  assert.deepEqual(pictures[0], pictures[1]);
});

test("back-to-back frames leave room for timers", async () => {
  await using camera = await Camera.open({ deviceId: "test:flood", width: 64, height: 48 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const started = performance.now();
  let frames = 0;
  for await (using _frame of camera) {
    frames++;
    if (performance.now() - started > 400) break;
  }
  clearInterval(timer);
  assert.ok(frames > 100, `${frames} frames`);
  assert.ok(ticks >= 5, `${ticks} ticks`);
});
