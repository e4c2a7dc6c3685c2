// Sound that the library adds to a screen: test devices that bring none of their own.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { enableTestDevices, MiniAVError, Screen, setTestFault } from "../../src/mod.ts";
import type { MiniAVErrorCode, ScreenFormat, ScreenOptions } from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { measureTone } from "../support/tone.ts";
import { waitUntil, within } from "../support/wait.ts";

useOnlyTestDevices();
enableTestDevices();

const DISPLAY = { displayId: "test:display", width: 320, height: 240 } as const;
const WINDOW = { windowId: "test:window", width: 320, height: 240 } as const;
const RATE = 48000;
const audio = { sampleRate: RATE, channelCount: 1, format: "f32" } as const;

const DEVICES = ["test:display", "test:window", "test:system", "test:process"];

const soundless = () => {
  for (const id of DEVICES.slice(0, 2)) setTestFault(id, { type: "soundless", soundless: true });
};

afterEach(() => DEVICES.forEach((id) => setTestFault(id, { type: "none" })));

const isCode = (code: MiniAVErrorCode) => (error: unknown) =>
  error instanceof MiniAVError && error.code === code;

/** A tenth of a second of sound, and how many pictures came meanwhile. */
async function listen(options: ScreenOptions) {
  soundless();
  await using screen = await Screen.open({ ...options, audio });
  assert.equal(screen.format.audio?.sampleRate, RATE);
  assert.equal(screen.format.audioError, null);
  const samples: number[] = [];
  let pictures = 0;
  for await (using frame of screen) {
    if (frame.type === "video") pictures++;
    else if (frame.discontinuity) samples.length = 0;
    if (frame.type === "audio") samples.push(...frame.data);
    if (samples.length >= RATE / 10 && pictures > 2) break;
  }
  return new Float32Array(samples);
}

const CASES: readonly [string, ScreenOptions, number][] = [
  ["a display: the system's", DISPLAY, 440],
  ["a region: the system's", { ...DISPLAY, region: { x: 0, y: 0, width: 320, height: 240 } }, 440],
  ["a window: its process'", WINDOW, 880],
  ["a window, told so: the system's", { ...WINDOW, audioSource: "system" }, 440],
];

for (const [what, options, frequency] of CASES) {
  test(`the sound of ${what}`, async () => {
    const tone = measureTone(await listen(options), RATE);
    assert.ok(Math.abs(tone.frequency - frequency) < 1, `${tone.frequency} Hz`);
    assert.ok(tone.signalToNoise > 60, `${tone.signalToNoise} dB above everything else`);
  });
}

test("pictures and sound come in the order they were captured", async () => {
  soundless();
  await using screen = await Screen.open({ ...DISPLAY, audio: { chunkMs: 20 } });
  await waitUntil(() => screen.stats().queued >= 12, 10_000, "frames in the queues");
  const times: number[] = [];
  for await (using frame of screen) {
    times.push(frame.timestamp);
    if (frame.type === "audio") assert.equal(frame.numberOfFrames, frame.sampleRate / 50);
    if (times.length === 6) break;
  }
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
});

for (const type of ["fail-open", "fail-start"] as const) {
  test(`sound that cannot be had (${type}) fails open, unless it is optional`, async () => {
    soundless();
    setTestFault("test:system", { type, code: "DEVICE_BUSY" });
    await assert.rejects(Screen.open({ ...DISPLAY, audio }), (error: unknown) => {
      assert.ok(error instanceof MiniAVError);
      assert.equal(error.code, "DEVICE_BUSY");
      assert.equal(error.operation, "Screen.open: sound");
      assert.match(error.hint, /optional: true/);
      return true;
    });
    await using screen = await Screen.open({ ...DISPLAY, audio: { ...audio, optional: true } });
    assert.equal(screen.format.audio, null);
    assert.equal(screen.format.audioError, "DEVICE_BUSY");
    let pictures = 0;
    for await (using frame of screen) {
      assert.equal(frame.type, "video");
      if (++pictures === 5) break;
    }
  });
}

test("an open that waits for its sound can be given up", async () => {
  soundless();
  setTestFault("test:system", { type: "hang", operations: ["start"] });
  await assert.rejects(Screen.open({ ...DISPLAY, audio, timeout: 200 }), isCode("TIMEOUT"));
  setTestFault("test:system", { type: "none" });
  assert.ok((await listen(DISPLAY)).length > 0);
});

test("sound that is lost is told, and the pictures go on", async () => {
  soundless();
  await using screen = await Screen.open({ ...DISPLAY, audio });
  const { promise, resolve } = Promise.withResolvers<ScreenFormat>();
  screen.on("format", ({ format }) => resolve(format));
  screen.on("lost", () => assert.fail("the screen is still there"));
  let after = 0;
  let heard = false;
  let told: ScreenFormat | null = null;
  void promise.then((format) => told = format);
  for await (using frame of screen) {
    if (frame.type === "audio" && !heard) {
      heard = true;
      setTestFault("test:system", { type: "lose" });
    }
    if (told !== null && frame.type === "video" && ++after === 10) break;
  }
  const format = await within(promise, 10_000, "the event");
  assert.equal(format.audio, null);
  assert.equal(format.audioError, "DEVICE_LOST");
  assert.equal(format.video.width, DISPLAY.width);
  assert.ok(screen.running);
  assert.equal(screen.format.audioError, "DEVICE_LOST");
});

test("a screen that is lost ends, although its sound goes on", async () => {
  soundless();
  await using screen = await Screen.open({ ...DISPLAY, audio });
  await assert.rejects(async () => {
    for await (using frame of screen) {
      if (frame.type === "audio") setTestFault("test:display", { type: "lose" });
    }
  }, isCode("DEVICE_LOST"));
  const { error } = await within(screen.lost, 10_000, "the loss");
  assert.equal(error.code, "DEVICE_LOST");
});

test("a reconnect brings the sound back too, and is tried again while there is none", async () => {
  soundless();
  await using screen = await Screen.open({ ...DISPLAY, audio, reconnect: { delay: 20 } });
  const failed = Promise.withResolvers<void>();
  screen.on("reconnecting", ({ attempt, error }) => {
    if (attempt > 1 && error.operation === "Screen.open: sound") failed.resolve();
  });
  let again = false;
  screen.on("reconnected", () => again = true);
  setTestFault("test:system", { type: "lose" });
  setTestFault("test:display", { type: "lose" });
  void (async () => {
    setTestFault("test:display", { type: "plug" });
    await failed.promise;
    setTestFault("test:system", { type: "plug" });
  })();
  await within(
    (async () => {
      for await (using frame of screen) if (again && frame.type === "audio") break;
    })(),
    20_000,
    "sound after the reconnect",
  );
  assert.equal(screen.format.audioError, null);
});
