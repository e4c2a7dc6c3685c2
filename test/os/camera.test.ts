// Cameras on a real PipeWire: our own producer's pictures and GStreamer's, in every format, checked
// pixel by pixel; what is not believed; what is held.
//
// Camera is used by a process in the rig's environment, fixtures/camera_user.ts; the producer is
// lib/miniav_c/test/os/camera_source.c.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startGstreamerCamera } from "../../scripts/rig/camera_rig.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import { assertHealthy, LIMIT_MS, type Line, startCamera, startUser } from "./support/cameras.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

const RAW = [
  ...["I420", "NV12", "NV21", "YUY2", "UYVY", "RGB24", "BGR24", "RGBA", "BGRA", "ARGB", "ABGR"],
  ...["BGRX", "RGBX", "XRGB", "XBGR", "GRAY8", "P010", "X2RGB10", "X2BGR10"],
];

test("cameras are listed with what they offer", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _first = await startCamera(rig, "first", ["NV12", "MJPEG"]);
  await using _second = await startCamera(rig, "second", ["YUY2"], ["range"]);
  await using user = startUser(rig, "list");
  assert.equal((await user.line("cameras")).cameras, 2);
  const listed = user.lines().filter(({ device }) => device !== undefined);
  const by = (id: string): Line => listed.find(({ device }) => device.id === id) ?? {};
  assert.equal(listed.filter(({ device }) => device.isDefault).length, 1);
  assert.equal(listed[0]?.device.isDefault, true, "the default comes first");
  const first = by("pipewire:first");
  assert.equal(first.device.name, "A camera for tests");
  assert.equal(first.device.facing, "user");
  assert.equal(first.device.isVirtual, true);
  assert.deepEqual(first.supported, [
    { width: 640, height: 480, format: "NV12", frameRate: 30, frameRateFraction: [30, 1] },
    { width: 640, height: 480, format: "MJPEG", frameRate: 30, frameRateFraction: [30, 1] },
  ]);
  assert.equal(first.preferred.format, "NV12");
  // Ranges become the usual values in them, the default first.
  const sizes = new Set(
    by("pipewire:second").supported.map(({ width, height }: Line) => `${width}x${height}`),
  );
  assert.deepEqual([...sizes].slice(0, 2), ["640x480", "1280x720"]);
  assert.ok(sizes.has("3840x2160") && !sizes.has("7680x4320"), [...sizes].join());
  const rates = new Set(by("pipewire:second").supported.map(({ frameRate }: Line) => frameRate));
  assert.ok([30, 60, 25, 120].every((rate) => rates.has(rate)) && !rates.has(240));
});

for (const [layout, options] of [["in one block", []], ["a block a plane", ["each"]]] as const) {
  test(`every raw format, ${layout}, without a copy`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    await using camera = await startCamera(rig, "camera", [...RAW, "MJPEG"], [
      "align=100",
      ...options,
    ]);
    const request = { deviceId: "pipewire:camera", width: 640, height: 480, frameRate: 30 };
    await using user = startUser(rig, "formats", { ...request, formats: [...RAW, "MJPEG"] });
    const seen: Line[] = [];
    for (const format of [...RAW, "MJPEG"]) {
      const line = await user.line((each) => each.format === format || "failed" in each, format);
      assert.equal(line.failed, undefined, JSON.stringify(line));
      assertHealthy(line);
      assert.equal(line.frames, 6);
      assert.equal(line.estimated, 0, "the camera's own time");
      assert.equal(line.opened.frameRate, 30);
      seen.push(line);
    }
    // The padding that the producer says is what consumers see.
    const told = camera.output().split("\n").filter((line) => line.includes('"stride"'))
      .map((line) => JSON.parse(line) as Line);
    for (const { format, strides, copied, frames } of seen) {
      const stride = told.find((line) => line.format === format)?.stride;
      assert.deepEqual(strides, [stride], format);
      if (format !== "MJPEG") assert.equal(stride % 100, 0);
      assert.ok(copied < frames, `${format}: ${copied} of ${frames} were copied`);
    }
    const colour = (format: string) => seen.find((line) => line.format === format)?.colorSpace;
    assert.deepEqual(colour("NV12"), {
      primaries: null,
      transfer: null,
      matrix: "bt709",
      fullRange: false,
    });
    assert.equal(colour("RGBA").matrix, "rgb");
  });
}

for (const format of ["YUY2", "NV12", "I420", "RGBA", "BGRx", "MJPEG"]) {
  test(`GStreamer's ${format}, without stride, time and sequence`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    const size = { width: 322, height: 242 };
    await using _camera = await startGstreamerCamera(rig.env, "gst", format, size, 30);
    const request = { deviceId: "pipewire:gst", picture: "gstreamer", frames: 25 };
    await using user = startUser(rig, "capture", request);
    const seen = await user.line("end", "the end");
    assert.equal(seen.lost, null);
    assert.equal(seen.frames, 25);
    assert.equal(seen.estimated, 25, "it sends no time");
    assert.equal(seen.backwards, 0);
    assert.ok(seen.worstColour <= 4, JSON.stringify(seen));
    const opened = (await user.line("opened")).opened;
    assert.equal(opened.format, format.toUpperCase());
    assert.deepEqual([opened.width, opened.height], [322, 242]);
    await user.ended();
  });
}

test("1080p60 comes without a loss that is not counted", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"], [], "1920x1080", 60);
  await using user = startUser(rig, "capture", { deviceId: "pipewire:camera", frames: 200 });
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  const { stats } = seen;
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued);
  assert.equal(stats.droppedBy.invalid + stats.droppedBy.failed, 0);
});

/** Frames are held, more than the camera can spare; then something happens to their source. */
const ENDS: Record<
  string,
  (parts: {
    rig: Awaited<ReturnType<typeof startPipeWireRig>>;
    camera: Awaited<ReturnType<typeof startCamera>>;
    user: ReturnType<typeof startUser>;
  }) => Promise<unknown>
> = {
  "the capture stopped": ({ user }) => {
    user.send("stop");
    return user.line("end");
  },
  "the camera died": ({ camera, user }) => {
    camera.send("die");
    return user.line("end");
  },
  "another format came": async ({ camera, user }) => {
    await camera.tell("format NV12 320x240");
    await user.line((line) => line.changed === true && line.size === "320x240", "new frames");
    user.send("stop");
    return await user.line("end");
  },
  "the daemon was killed": async ({ rig, user }) => {
    await rig.killServer();
    return await user.line("end");
  },
};

for (const [what, happen] of Object.entries(ENDS)) {
  test(`a frame that is held stays as it was when ${what}`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    await using camera = await startCamera(rig, "camera", ["NV12"]);
    await using user = startUser(rig, "capture", { deviceId: "pipewire:camera", hold: 9 });
    await user.line("held", "frames that are held");
    // The camera goes on meanwhile: its buffers are never all held.
    await user.line("thirty", "thirty frames");
    await happen({ rig, camera, user });
    user.send("look");
    const looked = await user.line((line) => line.looked === 9, "a look");
    assert.equal(looked.changed, 0, "what is held has not changed");
    user.send("go");
    const { stats } = await user.line("released");
    assert.equal(stats.outstanding, 0);
    await user.ended();
  });
}

for (const memory of ["unsealed", "readonly"]) {
  test(`${memory} memory is copied`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    await using _camera = await startCamera(rig, "camera", ["I420"], [memory, "align=100"]);
    await using user = startUser(rig, "capture", { deviceId: "pipewire:camera", frames: 20 });
    const seen = await user.line("end", "the end");
    assertHealthy(seen);
    assert.equal(seen.copied, 20);
    await user.ended();
  });
}

/** Asks until so many frames were dropped as lies. */
async function waitForLies(user: ReturnType<typeof startUser>, count: number): Promise<Line> {
  const line = await waitUntil(
    async () => {
      user.send("look");
      const before = user.lines().length;
      await waitUntil(() => user.lines().length > before, LIMIT_MS, "an answer");
      return user.lines().findLast((line) => line.stats?.droppedBy.invalid >= count);
    },
    LIMIT_MS,
    () => `${count} lies: ${JSON.stringify(user.lines().at(-1))}`,
  );
  assert.ok(line !== undefined);
  return line;
}

test("memory that is cut off under the reader does no harm and is counted", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"], ["unsealed"]);
  await using user = startUser(rig, "capture", { deviceId: "pipewire:camera" });
  await user.line("thirty", "thirty frames");
  await camera.tell("truncate");
  await waitForLies(user, 5);
  user.send("stop");
  const seen = await user.line("end", "the end");
  assert.equal(seen.stripErrors, 0, "nothing of it was handed on");
  await user.ended();
});

for (const memory of ["short", "huge", "pipe", "moved"]) {
  test(`memory that lies (${memory}) does no harm and is counted`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    await using _camera = await startCamera(rig, "camera", ["NV12"], [memory]);
    await using user = startUser(rig, "capture", { deviceId: "pipewire:camera" });
    await user.line("opened", "the camera");
    await waitForLies(user, 5);
    user.send("stop");
    const seen = await user.line("end", "the end");
    assert.equal(seen.frames, 0);
    await user.ended();
  });
}

test("numbers that lie are counted, each, and do no harm", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"], ["each"]);
  await using user = startUser(rig, "capture", { deviceId: "pipewire:camera" });
  await user.line("thirty", "thirty frames");
  let counted = 0;
  let told = 0;
  for (const lie of ["stride", "negative", "offset", "size", "zero", "crop"]) {
    // On a busy machine a frame that lies may be lost on its way; it is then counted as late.
    await camera.tell(`lie ${lie} 8`);
    told += 8;
    const { stats } = await waitForLies(user, counted + 1);
    const isDone = ({ droppedBy }: Line) => droppedBy.invalid + droppedBy.late >= told;
    const last = isDone(stats) ? stats : await waitUntil(
      async () => {
        const { stats } = await waitForLies(user, counted + 1);
        return isDone(stats) ? stats : undefined;
      },
      LIMIT_MS,
      `all of ${lie}`,
    );
    counted = last.droppedBy.invalid;
    assert.ok(counted <= told, lie);
  }
  user.send("stop");
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  assert.ok(seen.stats.droppedBy.invalid <= told);
  await user.ended();
});
