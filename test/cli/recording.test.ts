// Recordings when the device misbehaves: time is kept, losses are counted, and the file is whole.

import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openOutput } from "../../src/cli/output.ts";
import type { Output } from "../../src/cli/output.ts";
import { recordPictures, recordSound } from "../../src/cli/recording.ts";
import type { PictureOptions, RecordingOptions } from "../../src/cli/recording.ts";
import { openVideo } from "../../src/cli/sources.ts";
import { enableTestDevices, Microphone, setTestFault } from "../../src/mod.ts";
import type { TestDeviceFault } from "../../src/mod.ts";
import { readFrameStrip } from "../support/frame_counter.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { temporaryFolder } from "./support/cli.ts";
import { lumaPicture, readY4mFile } from "./support/y4m.ts";

enableTestDevices();
const folder = temporaryFolder();

const NEVER = new AbortController().signal;

interface Setup<Options> {
  readonly name: string;
  /** What goes wrong, and after how many seconds of the recording. */
  readonly fault: TestDeviceFault;
  readonly after: number;
  readonly options: Partial<Options>;
}

/** Calls for the fault once the recording is so long. */
function trigger(device: string, { fault, after }: Setup<unknown>) {
  let done = false;
  return ({ seconds }: { readonly seconds: number }) => {
    if (done || seconds < after) return;
    done = true;
    setTestFault(device, fault);
  };
}

async function intoFile<T>(name: string, work: (output: Output) => Promise<T>) {
  const path = join(folder, name);
  const output = await openOutput(path, { force: false });
  try {
    const summary = await work(output);
    return { path, summary, error: null };
  } catch (error) {
    return { path, summary: null, error: error as Error & { code?: string } };
  } finally {
    await output.close();
  }
}

async function sound(setup: Setup<RecordingOptions>) {
  const device = "test:tone";
  try {
    await using microphone = await Microphone.open({ deviceId: device, format: "f32", queue: 64 });
    return await intoFile(setup.name, (output) =>
      recordSound(microphone, output, {
        seconds: 1,
        signal: NEVER,
        onProgress: trigger(device, setup),
        ...setup.options,
      }));
  } finally {
    setTestFault(device, { type: "none" });
  }
}

async function pictures(device: string, setup: Setup<PictureOptions>) {
  const isWindow = device === "test:window";
  const kind = isWindow || device === "test:display" ? "screen" : "camera";
  const wishes = { width: 320, height: 240, frameRate: 30 };
  try {
    await using source = await openVideo(
      { kind, id: device, isWindow },
      kind === "camera" ? wishes : {},
    );
    return await intoFile(setup.name, (output) =>
      recordPictures(source, output, {
        seconds: 1,
        signal: NEVER,
        chroma: "420",
        mayRest: kind === "screen",
        onProgress: trigger(device, setup),
        ...setup.options,
      }));
  } finally {
    setTestFault(device, { type: "none" });
  }
}

/** Nothing goes wrong. */
const NOTHING = { fault: { type: "none" }, after: Infinity } as const;

// -- sound ----------------------------------------------------------------------------------

test("lost sound is silence in the file, as long as it was", async () => {
  const { path, summary, error } = await sound({
    name: "gap.wav",
    fault: { type: "skip", frames: 10 },
    after: 0.3,
    options: {},
  });
  assert.equal(error, null);
  assert.equal(summary?.gaps, 1);
  assert.equal(summary?.dropped, 10);
  const samples = channelOf(readWavFile(path), 0);
  assert.equal(samples.length, 48_000);
  // A stretch of nothing, in the place of what the device did not deliver.
  let silent = 0;
  let longest = 0;
  for (const sample of samples) {
    silent = sample === 0 ? silent + 1 : 0;
    longest = Math.max(longest, silent);
  }
  assert.ok(Math.abs(longest - (summary?.silence ?? 0) * 48_000) <= 2, `${longest} samples`);
  assert.ok(longest >= 4800 - 2, `${longest} samples`);
  // What follows it is where it would have been: the tone goes on in step.
  const period = 48;
  for (const at of [9_600, 47_000]) {
    const phase = Math.sin((2 * Math.PI * (at % period)) / period) * 10 ** (-12 / 20);
    assert.ok(Math.abs((samples[at] ?? 1) - phase) < 0.01, `${samples[at]} at ${at}, not ${phase}`);
  }
});

test("a device that is lost ends the recording with what came before", async () => {
  const { path, error } = await sound({
    name: "lost.wav",
    fault: { type: "lose" },
    after: 0.3,
    options: {},
  });
  assert.equal(error?.code, "DEVICE_LOST");
  const length = channelOf(readWavFile(path), 0).length;
  assert.ok(length >= 0.3 * 48_000 && length < 48_000, `${length} samples`);
  assert.equal(statSync(path).size % 2, 0);
});

test("a silent device ends the recording with an error", async () => {
  const { path, error } = await sound({
    name: "starved.wav",
    fault: { type: "stall", stalled: true },
    after: 0.2,
    options: { silenceLimitMs: 300 },
  });
  assert.equal(error?.code, "TIMEOUT");
  assert.match(error?.message ?? "", /nothing came for 0\.3 seconds/);
  assert.ok(channelOf(readWavFile(path), 0).length >= 0.2 * 48_000);
});

test("a signal ends it, and the file is as long as what came", async () => {
  const controller = new AbortController();
  const ended = await sound({
    ...NOTHING,
    name: "ended.wav",
    options: {
      seconds: undefined,
      signal: controller.signal,
      onProgress: ({ seconds }) => {
        if (seconds > 0.2) controller.abort();
      },
    },
  });
  assert.equal(ended.error, null);
  const length = channelOf(readWavFile(ended.path), 0).length;
  assert.equal(length, Math.round((ended.summary?.seconds ?? 0) * 48_000));
  assert.ok(length > 0.2 * 48_000 && length < 48_000);
});

// -- pictures -------------------------------------------------------------------------------

test("pictures that were lost are filled with the ones before", async () => {
  const { path, summary, error } = await pictures("test:bars", {
    name: "skipped.y4m",
    fault: { type: "skip", frames: 5 },
    after: 0.3,
    options: {},
  });
  assert.equal(error, null);
  assert.equal(summary?.frames, 30);
  assert.equal(summary?.repeated, 5);
  const video = readY4mFile(path);
  assert.equal(video.frames.length, 30);
  const counters = video.frames.map((_, i) => readFrameStrip(lumaPicture(video, i)).counter);
  // Apart from those that were repeated, each picture is in its own place.
  const inPlace = counters.filter((counter, index) => counter === index + (counters[0] ?? 0));
  assert.equal(inPlace.length, 25, counters.join(" "));
});

test("a screen that does not change is recorded for as long as it was to be", async () => {
  const { path, summary, error } = await pictures("test:display", {
    name: "resting.y4m",
    fault: { type: "stall", stalled: true },
    after: 0.2,
    options: { silenceLimitMs: 400 },
  });
  assert.equal(error, null);
  assert.equal(summary?.frames, 60);
  assert.ok((summary?.repeated ?? 0) >= 10, `${summary?.repeated} repeated`);
  assert.equal(readY4mFile(path).frames.length, 60);
});

for (
  const fault of [{ type: "lose" }, { type: "change-format", width: 160, height: 120 }] as const
) {
  test(`a still screen keeps its time until its end: ${fault.type}`, async () => {
    const start = performance.now();
    let isStill = false;
    const end = () => {
      setTestFault("test:window", fault);
      setTestFault("test:window", { type: "stall", stalled: false });
    };
    const { path, error } = await pictures("test:window", {
      ...NOTHING,
      name: `still-${fault.type}.y4m`,
      options: {
        seconds: 60,
        onProgress: ({ seconds }) => {
          if (isStill || seconds < 0.2) return;
          isStill = true;
          setTestFault("test:window", { type: "stall", stalled: true });
          setTimeout(end, 800);
        },
      },
    });
    const elapsed = (performance.now() - start) / 1000;
    assert.match(error?.code ?? "", /^(DEVICE_LOST|FORMAT_NOT_SUPPORTED)$/);
    const video = readY4mFile(path);
    assert.deepEqual([video.width, video.height, video.rest], [640, 480, 0]);
    const seconds = video.frames.length / 60;
    assert.ok(seconds >= 0.9 && seconds <= elapsed + 0.05, `${seconds} s of ${elapsed} s`);
  });
}

test("a camera that does not send any more is an error", async () => {
  const { path, error } = await pictures("test:bars", {
    name: "starved.y4m",
    fault: { type: "stall", stalled: true },
    after: 0.2,
    options: { seconds: undefined, silenceLimitMs: 300 },
  });
  assert.equal(error?.code, "TIMEOUT");
  const video = readY4mFile(path);
  assert.ok(video.frames.length >= 6);
  assert.equal(video.rest, 0);
});

test("another size ends the file where it began", async () => {
  const { path, error } = await pictures("test:bars", {
    name: "changed.y4m",
    fault: { type: "change-format", width: 160, height: 120 },
    after: 0.2,
    options: {},
  });
  assert.equal(error?.code, "FORMAT_NOT_SUPPORTED");
  assert.match(error?.message ?? "", /changed from 320x240 NV12 to 160x120 NV12/);
  const video = readY4mFile(path);
  assert.deepEqual([video.width, video.height, video.rest], [320, 240, 0]);
  assert.ok(video.frames.length >= 6 && video.frames.length < 30);
});

test("a camera that is lost leaves whole pictures", async () => {
  const { path, error } = await pictures("test:bars", {
    name: "lost.y4m",
    fault: { type: "lose" },
    after: 0.2,
    options: {},
  });
  assert.equal(error?.code, "DEVICE_LOST");
  const video = readY4mFile(path);
  assert.equal(video.rest, 0);
  assert.ok(video.frames.length >= 6);
});

test("an output that nothing was written to leaves no file", async () => {
  const { path } = await intoFile("empty.wav", () => Promise.resolve());
  assert.equal(existsSync(path), false);
});
