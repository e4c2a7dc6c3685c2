// Options that lie about their types are refused; none of them becomes another wish in silence.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Camera,
  enableTestDevices,
  Loopback,
  Microphone,
  MiniAVError,
  recordWav,
} from "../../src/mod.ts";
import type { CameraOptions, LoopbackOptions, MicrophoneOptions } from "../../src/mod.ts";
import { describeResult, runScript } from "../support/process.ts";

enableTestDevices();

const REFUSED = new URL("./scripts/refused.ts", import.meta.url);

/** What no program of ours would refuse by accident: a fault of the caller. */
const isRefusal = (error: unknown): boolean =>
  error instanceof RangeError || error instanceof TypeError ||
  (error instanceof MiniAVError && ["INVALID_ARG", "FORMAT_NOT_SUPPORTED"].includes(error.code));

const CAMERA: Readonly<Record<string, unknown>> = {
  "an id with a zero character": { deviceId: "test:bars\0else" },
  "an id of 10 kB": { deviceId: "x".repeat(10_000) },
  "a width that is no number": { width: NaN },
  "a negative width": { width: -1 },
  "a broken width": { width: 640.5 },
  "a width beyond 32 bits": { width: 2 ** 32 + 640, height: 480, format: "NV12", frameRate: 30 },
  "a frame rate that is no number": { frameRate: NaN },
  "an endless frame rate": { frameRate: Infinity },
  "a format that every object has": { format: "constructor" },
  "a timeout that is no number": { timeout: NaN },
  "a negative timeout": { timeout: -1 },
  "a signal that is none": { signal: {} },
  "a queue beyond 64 bits": { queue: 1e300 },
  "a reconnect that never pauses": { reconnect: { delay: NaN } },
  "tries that cannot be counted": { reconnect: { attempts: NaN } },
};

for (const [what, options] of Object.entries(CAMERA)) {
  test(`a camera refuses ${what}`, async () => {
    const open = Camera.open({ deviceId: "test:bars", ...options as CameraOptions });
    await assert.rejects(open, isRefusal);
  });
}

const MICROPHONE: Readonly<Record<string, unknown>> = {
  "a rate that is no number": { sampleRate: NaN },
  "a rate beyond 32 bits": { sampleRate: 2 ** 32 + 48_000 },
  "channels that are no number": { channelCount: NaN },
  "half a channel": { channelCount: 1.5 },
  "a format that every object has": { format: "toString" },
  "pieces beyond 64 bits": { chunkMs: 1e300 },
  "pieces of no number": { chunkMs: NaN },
};

for (const [what, options] of Object.entries(MICROPHONE)) {
  test(`a microphone refuses ${what}`, async () => {
    const open = Microphone.open({ deviceId: "test:tone", ...options as MicrophoneOptions });
    await assert.rejects(open, isRefusal);
  });
}

const LOOPBACK: Readonly<Record<string, unknown>> = {
  "a name that C would read as nothing": { name: "\0music" },
  "a process beyond 32 bits": { processId: 2 ** 32 },
  "a process that is no number": { processId: NaN },
};

for (const [what, options] of Object.entries(LOOPBACK)) {
  test(`loopback refuses ${what}: nothing is widened`, async () => {
    await assert.rejects(Loopback.open(options as LoopbackOptions), isRefusal);
  });
}

test("a timeout that no timer can count is no limit", async () => {
  for (const timeout of [Infinity, 2 ** 40]) {
    await using camera = await Camera.open({ deviceId: "test:bars", timeout });
    assert.equal(camera.running, true);
    (await Camera.grab({ deviceId: "test:bars2", timeout })).close();
  }
});

test("a recording of no length at all is refused", async () => {
  await using microphone = await Microphone.open({ deviceId: "test:tone" });
  await assert.rejects(recordWav(microphone, "/dev/null", { seconds: NaN }), RangeError);
});

test("what is refused does not keep the process alive", async () => {
  const result = await runScript(REFUSED, { timeoutMs: 10_000 });
  assert.equal(result.code, 0, describeResult(result));
  assert.equal(result.stdout.trim(), "RangeError");
});
