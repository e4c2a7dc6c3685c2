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
import {
  assertAccounted,
  assertHealthy,
  LIMIT_MS,
  type Line,
  startCamera,
  startUser,
} from "./support/cameras.ts";

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

test("H.264 comes as the camera sends it, and is not converted", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["H264"]);
  const request = { deviceId: "pipewire:camera", formats: ["H264"], frames: 10 };
  await using user = startUser(rig, "formats", request);
  const line = await user.line((each) => each.format === "H264" || "failed" in each, "frames");
  assert.equal(line.failed, undefined, JSON.stringify(line));
  assertHealthy(line);
  assert.deepEqual([line.opened.format, line.opened.width, line.opened.height], ["H264", 640, 480]);
  assert.deepEqual([line.frames, line.estimated], [10, 0]);
  assert.ok(line.copied < line.frames, `${line.copied} were copied`);
  assert.equal(line.refused.code, "NOT_SUPPORTED");
  assert.match(line.refused.error, /H264/);
});

/**
 * Twenty-five frames of GStreamer's camera. On a starved machine its sink can run out of buffers, and
 * then stands still for good: then it is started anew.
 */
async function watchGstreamer(format: string): Promise<{ opened: Line; seen: Line }> {
  await using rig = await startPipeWireRig();
  for (let attempt = 1;; attempt++) {
    const name = `gst${attempt}`;
    const size = { width: 322, height: 242 };
    await using _camera = await startGstreamerCamera(rig.env, name, format, size, 30);
    const request = { deviceId: `pipewire:${name}`, picture: "gstreamer", frames: 25 };
    await using user = startUser(rig, "capture", request);
    const isOver = (line: Line) => "end" in line || line.event === "stalled" || "failed" in line;
    const seen = await user.line(isOver, "the end");
    if ("end" in seen) {
      await user.ended();
      return { opened: (await user.line("opened")).opened, seen };
    }
    assert.ok(attempt < 5, `stands still again and again: ${JSON.stringify(user.lines())}`);
  }
}

for (const format of ["YUY2", "NV12", "I420", "RGBA", "BGRx", "MJPEG"]) {
  test(`GStreamer's ${format}, without stride, time and sequence`, OPTIONS, async () => {
    const { opened, seen } = await watchGstreamer(format);
    assert.equal(seen.lost, null);
    assert.equal(seen.frames, 25);
    assert.equal(seen.estimated, 25, "it sends no time");
    assert.equal(seen.backwards, 0);
    assert.ok(seen.worstColour <= 4, JSON.stringify(seen));
    assert.equal(opened.format, format.toUpperCase());
    assert.deepEqual([opened.width, opened.height], [322, 242]);
  });
}

test("every raw format at 3840x2160, its rows as long as the camera says", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  const size = "3840x2160";
  await using camera = await startCamera(rig, "camera", RAW, ["buffers=4", "align=100"], size);
  const request = { deviceId: "pipewire:camera", width: 3840, height: 2160, frameRate: 30 };
  await using user = startUser(rig, "formats", { ...request, formats: RAW, frames: 3 });
  for (const format of RAW) {
    const line = await user.line((each) => each.format === format || "failed" in each, format);
    assert.equal(line.failed, undefined, JSON.stringify(line));
    assertHealthy(line);
    assert.equal(line.estimated, 0);
    const { opened, strides } = line;
    assert.deepEqual([opened.width, opened.height, opened.format], [3840, 2160, format]);
    assert.ok(strides[0] >= 3840 && strides[0] % 100 === 0 && strides.length === 1, `${strides}`);
    assert.ok(
      camera.output().includes(
        `"format":"${format}","width":3840,"height":2160,"stride":${strides}`,
      ),
    );
  }
});

test("120 frames a second of 1920x1080 come, or are counted", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"], [], "1920x1080", 120);
  const wish = { deviceId: "pipewire:camera", frameRate: 120, span: 480, colourEvery: 100 };
  await using user = startUser(rig, "capture", wish);
  const { opened } = await user.line("opened");
  assert.deepEqual([opened.width, opened.frameRate], [1920, 120]);
  const seen = await user.line("reached", "four seconds");
  assertHealthy(seen);
  assertAccounted(seen);
  const intervalUs = seen.spanUs / seen.span;
  assert.ok(Math.abs(intervalUs - 1e6 / 120) < 800, `${intervalUs} us between frames`);
  user.send("stop");
  const { stats } = await user.line("end", "the end");
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued);
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
