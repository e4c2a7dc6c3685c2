// Handles of GPU memory from cameras on a real PipeWire: modifiers agreed on in two steps, planes
// with their offsets and strides, what there is where a camera has none.
//
// The producer, lib/miniav_c/test/os/camera_source.c, calls memfds dma-bufs, so that any kernel can
// run this; real ones are in the guest kernel (lib/miniav_c/test/guest/pipewire_camera.c).

import assert from "node:assert/strict";
import { test } from "node:test";
import { runtimeCommand } from "../support/process.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import {
  type CameraUser,
  LIMIT_MS,
  type Line,
  startCamera,
  startProgram,
} from "./support/cameras.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

const SCRIPT = new URL("./fixtures/camera_gpu_user.ts", import.meta.url);
const LINEAR = "0";
const INVALID = "ffffffffffffff";
/** Intel's tiles along Y: no picture that a reader of bytes could understand. */
const TILED = "100000000000002";

function startGpuUser(
  rig: PipeWireRig,
  { frames = 6, hold = 0, ...options }: Record<string, unknown> = {},
): CameraUser {
  const request = JSON.stringify({ deviceId: "pipewire:camera", output: "gpu", ...options });
  const { command, args } = runtimeCommand(SCRIPT, { args: [request, `${frames}`, `${hold}`] });
  return startProgram(rig, command, args);
}

const framesOf = (user: CameraUser) => user.lines().filter(({ frame }) => frame === true);

for (const [layout, options] of [["in one buffer", []], ["a buffer each", ["each"]]] as const) {
  test(`NV12, its planes ${layout}, is handed on as dma-bufs`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    // Where the planes of one buffer lie is known of a linear layout alone.
    const modifier = options.length > 0 ? INVALID : LINEAR;
    await using camera = await startCamera(rig, "camera", ["NV12"], [
      "align=256",
      `modifier=${modifier}`,
      `modifier=${LINEAR}`,
      ...options,
    ]);
    await using user = startGpuUser(rig);
    await user.line("end");
    assert.match(camera.output(), /"gpu":true/);
    const frames = framesOf(user);
    assert.equal(frames.length, 6);
    for (const { gpu, data, copy, counter, timeIsRight, copied } of frames) {
      assert.deepEqual([gpu.type, gpu.fourcc, gpu.modifier], [
        "dmabuf",
        "NV12",
        modifierNumber(modifier),
      ]);
      assert.deepEqual(gpu.planes.map(({ stride }: Line) => stride), [768, 768]);
      const first = gpu.planes[0];
      const second = gpu.planes[1];
      assert.equal(first.offset, 0);
      assert.equal(second.offset, options.length > 0 ? 0 : 768 * 480);
      assert.equal(first.fd === second.fd, options.length === 0);
      assert.ok(counter >= 0 && timeIsRight === true && copied === false);
      assert.equal(data.code, "NOT_SUPPORTED");
      assert.match(data.error, /memory of the GPU/);
      assert.match(data.hint, /frame\.gpu/);
      assert.equal(copy.code, "NOT_SUPPORTED");
    }
    await user.ended();
  });
}

function modifierNumber(hex: string): string {
  return `${BigInt(`0x${hex}`)}`;
}

test(
  "the rows of a layout that only a GPU reads are passed on as they are told",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await using camera = await startCamera(rig, "camera", ["BGRX"], [
      `modifier=${TILED}`,
      "onlygpu",
    ]);
    await using user = startGpuUser(rig);
    await user.line("end");
    const [frame] = framesOf(user);
    assert.deepEqual([frame?.gpu.fourcc, frame?.gpu.modifier], ["XR24", modifierNumber(TILED)]);
    assert.deepEqual(frame?.gpu.planes.map(({ offset, stride }: Line) => [offset, stride]), [[
      0,
      2560,
    ]]);
    // Who wants bytes cannot have them, and is told so.
    await using reader = startGpuUser(rig, { output: "memory" });
    const failed = await reader.line("failed");
    assert.equal(failed.code, "FORMAT_NOT_SUPPORTED", JSON.stringify(failed));
    assert.doesNotMatch(camera.output(), /"gpu":false/);
  },
);

test("a camera with GPU memory gives bytes to who wants bytes", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"], [`modifier=${LINEAR}`]);
  await using user = startGpuUser(rig, { output: "memory" });
  await user.line("end");
  assert.ok(framesOf(user).every(({ gpu, counter }) => gpu === null && counter >= 0));
  assert.match(camera.output(), /"gpu":false/);
});

test("a camera without GPU memory gives bytes", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12", "MJPEG"]);
  await using user = startGpuUser(rig);
  await user.line("end");
  assert.ok(framesOf(user).every(({ gpu }) => gpu === null));
});

test("another layout, and another size, are followed mid-stream", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  const options = [`modifier=${INVALID}`, `modifier=${LINEAR}`];
  await using camera = await startCamera(rig, "camera", ["NV12"], options);
  await using user = startGpuUser(rig, { frames: 100_000 });
  await user.line((line) => line.gpu?.modifier === modifierNumber(INVALID), "frames");
  await camera.tell(`modifier ${LINEAR}`);
  await user.line((line) => line.gpu?.modifier === LINEAR, "frames of the other layout");
  await camera.tell("format NV12 320x240");
  const small = await user.line((line) => line.size === "320x240", "frames of the other size");
  assert.deepEqual([small.gpu.modifier, small.changed], [LINEAR, true]);
  assert.ok(user.lines().some(({ event }) => event === "format"));
});

test(
  "held GPU frames leave the camera the rest, and what cannot be lent is counted",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await using _camera = await startCamera(rig, "camera", ["NV12"], [
      `modifier=${LINEAR}`,
      "buffers=6",
    ]);
    // Of six buffers two may be out: nothing comes while both are held.
    await using user = startGpuUser(rig, { frames: 100_000, hold: 2 });
    const stats = () => {
      user.send("stats");
      return user.lines().findLast((line) => "stats" in line)?.stats;
    };
    await waitUntil(
      () => stats()?.droppedBy.buffersHeld >= 5,
      LIMIT_MS,
      () => JSON.stringify(user.lines().slice(-3)),
    );
    assert.equal(framesOf(user).length, 2);
    user.send("release");
    await waitUntil(() => framesOf(user).length >= 8, LIMIT_MS, "frames after the release");
    assert.ok(framesOf(user).every(({ gpu }) => gpu !== null));
    assert.equal(stats().droppedBy.failed, 0);
  },
);

for (const memory of ["short", "pipe", "huge", "moved"]) {
  test(`GPU memory that lies (${memory}) is counted`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    await using _camera = await startCamera(rig, "camera", ["NV12"], [
      `modifier=${LINEAR}`,
      "onlygpu",
      memory,
    ]);
    await using user = startGpuUser(rig, { frames: 100_000 });
    await waitUntil(
      () => {
        user.send("stats");
        return user.lines().at(-1)?.stats?.droppedBy.invalid >= 3;
      },
      LIMIT_MS,
      () => JSON.stringify(user.lines().slice(-3)),
    );
    assert.equal(framesOf(user).length, 0);
  });
}
