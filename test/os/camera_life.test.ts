// What becomes of cameras on a real PipeWire while they are used: unplugged, stopped, unlinked,
// turned, told to give something else, and a daemon that ends or hangs.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { dumpGraph } from "../../scripts/rig/camera_rig.ts";
import { runChecked } from "../../scripts/rig/processes.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { delay, waitUntil } from "../support/wait.ts";
import {
  assertHealthy,
  LIMIT_MS,
  type Line,
  startCamera,
  startTalk,
  startUser,
} from "./support/cameras.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

const CAMERA = { deviceId: "pipewire:camera" };

test("what the camera says of a frame is passed on", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"]);
  await camera.tell("crop 16 32 600 400");
  await camera.tell("transform 5");
  await using user = startUser(rig, "capture", CAMERA);
  const first = await user.line("first", "a first frame");
  assert.deepEqual(first.visibleRect, { x: 16, y: 32, width: 600, height: 400 });
  assert.deepEqual([first.rotation, first.flip], [90, true], "flipped, then turned to the left");
  await user.line("thirty", "thirty frames");
  await camera.tell("corrupt 6");
  await camera.tell("skip 7");
  await camera.tell("discont");
  await waitUntil(
    () => {
      user.send("look");
      return user.lines().at(-1)?.stats?.droppedBy.late >= 7;
    },
    LIMIT_MS,
    "frames that the camera itself has lost",
  );
  user.send("stop");
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  assert.ok(seen.corrupted >= 1 && seen.corrupted <= 6, `${seen.corrupted} are corrupted`);
  assert.ok(seen.discontinuities >= 1);
  await user.ended();
});

test("a format that changes is told before its first frame", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"]);
  await using user = startUser(rig, "capture", CAMERA);
  await user.line("thirty", "thirty frames");
  await camera.tell("format YUY2 800x600");
  const event = await user.line(({ event }) => event === "format", "the event");
  assert.deepEqual([event.format.width, event.format.height], [800, 600]);
  assert.equal(event.format.format, "YUY2");
  const next = await user.line((line) => line.changed === true, "the first new frame");
  assert.deepEqual([next.format, next.size], ["YUY2", "800x600"]);
  const lines = user.lines();
  assert.ok(lines.indexOf(event) <= lines.indexOf(next));
  user.send("stop");
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  assert.equal(seen.stats.formatChanges, 1);
});

test("cameras that come and go are told, and so is the default", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using user = startUser(rig, "watch");
  await user.line("watching");
  // What comes before the watch has its first list is part of that list: plug until it is told.
  let probes = 0;
  await waitUntil(
    async () => {
      await using _probe = await startCamera(rig, `probe${++probes}`, ["NV12"]);
      await delay(300);
      return user.lines().some(({ change }) => change !== undefined);
    },
    LIMIT_MS,
    "any change",
  );
  const listed = (...ids: string[]) =>
    waitUntil(
      () => {
        const last = user.lines().findLast(({ change }) => change?.type === "devices");
        return JSON.stringify(last?.ids) === JSON.stringify(ids);
      },
      LIMIT_MS,
      () => `[${ids.join()}]: ${JSON.stringify(user.lines())}`,
    );
  const isDefault = (id: string) => ({ change }: Line) =>
    change?.type === "default" && change.deviceId === id;
  const camera = await startCamera(rig, "camera", ["NV12"]);
  await listed("pipewire:camera");
  await user.line(isDefault("pipewire:camera"), "the default");
  await camera.stop();
  await listed();
  await using _again = await startCamera(rig, "again", ["NV12"]);
  await listed("pipewire:again");
  await user.line(isDefault("pipewire:again"), "the new default");
});

test("a camera that is unplugged is lost, and never becomes another one", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"]);
  await using _other = await startCamera(rig, "other", ["NV12"], ["bars2"]);
  await using user = startUser(rig, "capture", CAMERA);
  await user.line("thirty", "thirty frames");
  camera.send("die");
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  assert.equal(seen.lost.code, "DEVICE_LOST");
  await user.ended();
  // Nor is it another one when it is asked for again.
  await using late = startUser(rig, "capture", CAMERA);
  assert.equal((await late.line("failed")).code, "DEVICE_NOT_FOUND");
  // Plugged in again it has its old id.
  await using _again = await startCamera(rig, "camera", ["NV12"]);
  await using next = startUser(rig, "capture", { ...CAMERA, frames: 5 });
  assertHealthy(await next.line("end", "the end"));
});

test("the default camera is followed to the next, and that is told", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"], ["bars2"]);
  await using user = startUser(rig, "capture", { picture: "bars2" });
  await user.line("thirty", "thirty frames");
  await using _other = await startCamera(rig, "other", ["YUY2"], ["bars2"], "800x600");
  camera.send("die");
  const event = await user.line(({ event }) => event === "default", "the event");
  assert.equal(event.deviceId, "pipewire:other");
  await user.line(({ changed, size }) => changed && size === "800x600", "frames of the other");
  user.send("stop");
  const seen = await user.line("end", "the end");
  assert.equal(seen.stripErrors, 0);
  assert.equal(seen.lost, null);
  assert.ok(seen.worstColour <= 4, JSON.stringify(seen));
});

test("a camera that hangs is told as stalled, and as resumed", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"]);
  await using user = startUser(rig, "capture", CAMERA);
  await user.line("thirty", "thirty frames");
  camera.kill("SIGSTOP");
  await user.line(({ event }) => event === "stalled", "stalled");
  camera.kill("SIGCONT");
  await user.line(({ event }) => event === "resumed", "resumed");
  // While it hangs, a stop does not.
  camera.kill("SIGSTOP");
  user.send("stop");
  await user.line("end", "the end");
  await user.ended();
  // And an open ends in time.
  await using late = startUser(rig, "capture", CAMERA);
  const failed = await late.line("failed");
  assert.match(failed.code, /TIMEOUT|FORMAT_NOT_SUPPORTED/);
  camera.kill("SIGCONT");
});

/** Takes every link away, as pw-link -d does. */
async function unlinkAll(rig: PipeWireRig): Promise<void> {
  const links = (await dumpGraph(rig.env)).filter(({ type }) => type === "PipeWire:Interface:Link");
  assert.equal(links.length, 1);
  await runChecked("pw-cli", ["destroy", String(links[0]?.id)], { ...rig.env });
}

test("a stream that is unlinked is lost", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"]);
  await using user = startUser(rig, "capture", CAMERA);
  await user.line("thirty", "thirty frames");
  await unlinkAll(rig);
  const seen = await user.line("end", "the end");
  assert.equal(seen.lost.code, "DEVICE_LOST");
  assertHealthy(seen);
});

test("a camera serves two at once, also when one of them goes", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"]);
  await using first = startUser(rig, "capture", CAMERA);
  await first.line("thirty", "thirty frames");
  await using second = startUser(rig, "capture", { ...CAMERA, frames: 20 });
  assertHealthy(await second.line("end", "the end of the second"));
  await second.ended();
  await using third = startUser(rig, "capture", CAMERA);
  await third.line("thirty", "thirty frames of the third");
  first.send("stop");
  assertHealthy(await first.line("end", "the end of the first"));
  third.send("stop");
  assertHealthy(await third.line("end", "the end of the third"));
});

test("a camera goes on for one when many others come, go, and keep frames", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"]);
  await using stays = startUser(rig, "capture", CAMERA);
  await stays.line("thirty", "thirty frames");
  // Frames are waiting, and one is in use, when each of these ends.
  const often = Array.from({ length: 16 }, () => "NV12");
  await using passes = startUser(rig, "formats", { ...CAMERA, formats: often, frames: 2 });
  await passes.ended();
  await using keeps = startUser(rig, "capture", { ...CAMERA, hold: 3, frames: 6 });
  await keeps.line("end", "the end of one that keeps frames");
  let before: number | undefined;
  await waitUntil(
    () => {
      stays.send("look");
      const { frames } = stays.lines().findLast(({ looked }) => looked === 0) ?? {};
      before ??= frames;
      return frames > (before ?? Infinity) + 30;
    },
    LIMIT_MS,
    () => `more frames: ${camera.output()} ${JSON.stringify(stays.lines().at(-1))}`,
  );
  keeps.send("look");
  assert.equal((await keeps.line("looked", "a look")).changed, 0);
  keeps.send("go");
  await keeps.line("released");
  stays.send("stop");
  assertHealthy(await stays.line("end", "the end"));
});

test("what is held at the end of a capture comes back to the camera", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"]);
  // Its buffers outlive a link: a few rounds of held ones would leave it none.
  for (let round = 0; round < 3; round++) {
    await using holder = startUser(rig, "capture", { ...CAMERA, frames: 12, hold: 6 });
    await holder.line("end", `the end of round ${round}`);
    await using other = startUser(rig, "capture", { ...CAMERA, frames: 12 });
    assertHealthy(await other.line("end", `the other of round ${round}`));
    holder.send("look");
    const { looked, changed } = await holder.line("looked");
    assert.deepEqual([looked, changed], [6, 0], "nobody paints over what is held");
    holder.send("go");
    await holder.ended();
  }
  await using last = startUser(rig, "capture", CAMERA);
  await last.line("thirty", "thirty frames");
  last.send("stop");
  assertHealthy(await last.line("end", "the end of the last"));
});

test("a camera in error is told", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using camera = await startCamera(rig, "camera", ["NV12"]);
  await using user = startUser(rig, "capture", CAMERA);
  await user.line("thirty", "thirty frames");
  await camera.tell("error");
  // PipeWire 0.3.65 passes no error on to consumers: then the silence is what is told.
  const told = await user.line(
    ({ event }) => event === "stalled" || event === "lost",
    "stalled or lost",
  );
  if (told.event === "stalled") user.send("stop");
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  assert.equal(seen.lost?.code, told.event === "lost" ? "DEVICE_LOST" : undefined);
  await user.ended();
});

test(
  "a capture that reconnects has its camera again, after it and the daemon went",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await using user = await (async () => {
      await using camera = await startCamera(rig, "camera", ["NV12"]);
      const user = startUser(rig, "capture", { ...CAMERA, reconnect: true });
      await user.line("thirty", "thirty frames");
      await camera.stop();
      const gone = await user.line(({ event }) => event === "reconnecting", "the loss");
      assert.equal(gone.code, "DEVICE_LOST");
      return user;
    })();
    const count = (event: string) => user.lines().filter((line) => line.event === event).length;
    const comesBack = async (times: number) => {
      await user.line(() => count("reconnected") === times, `reconnect ${times}`);
      await waitUntil(
        () => {
          user.send("look");
          const looks = user.lines().filter((line) => line.stats?.reconnects === times);
          return (looks.at(-1)?.frames ?? 0) > (looks[0]?.frames ?? 0) + 20;
        },
        LIMIT_MS,
        () => `frames of the next camera: ${JSON.stringify(user.lines().slice(-3))}`,
      );
    };
    await using _again = await startCamera(rig, "camera", ["NV12"]);
    await comesBack(1);
    await rig.restartServer();
    await using _next = await startCamera(rig, "camera", ["NV12"]);
    await comesBack(2);
    user.send("stop");
    const seen = await user.line("end", "the end");
    assert.deepEqual([seen.lost, seen.stats.reconnects], [null, 2]);
    assert.deepEqual([seen.stripErrors, seen.timeErrors, seen.backwards], [0, 0, 0]);
  },
);

test("intrinsics are what the user tells, and ride on the frames", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"]);
  await using without = startUser(rig, "capture", { ...CAMERA, frames: 2, askIntrinsics: true });
  assert.equal((await without.line("intrinsics")).intrinsics.code, "NOT_SUPPORTED");
  assert.equal((await without.line("first")).intrinsics, null);
  const intrinsics = {
    width: 640,
    height: 480,
    focalX: 500.5,
    focalY: 501.25,
    centreX: 320,
    centreY: 240,
    distortion: [0.125, -0.5, 0, 0, 0, 0, 0, 0],
  };
  await using told = startUser(rig, "capture", {
    ...CAMERA,
    frames: 2,
    askIntrinsics: true,
    intrinsics,
  });
  assert.deepEqual((await told.line("intrinsics")).intrinsics, intrinsics);
  assert.deepEqual((await told.line("first")).intrinsics, intrinsics);
});

test("a format that is not offered is refused with what there is", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12", "YUY2"]);
  const wish = { ...CAMERA, format: "RGBA", width: 640, height: 480, frameRate: 30 };
  await using user = startUser(rig, "capture", wish);
  const failed = await user.line("failed");
  assert.equal(failed.code, "FORMAT_NOT_SUPPORTED");
  assert.match(failed.hint, /640x480 NV12 YUY2 at 30 fps/);
});

test("a daemon that ends loses the camera; a new one serves a new open", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using user = await (async () => {
    await using _camera = await startCamera(rig, "camera", ["NV12"]);
    const user = startUser(rig, "capture", CAMERA);
    await user.line("thirty", "thirty frames");
    await rig.restartServer();
    return user;
  })();
  const seen = await user.line("end", "the end");
  assert.equal(seen.lost.code, "DEVICE_LOST");
  assert.match(seen.lost.error, /PipeWire/);
  await user.ended();
  await using _camera = await startCamera(rig, "camera", ["NV12"]);
  await using next = startUser(rig, "capture", { ...CAMERA, frames: 5 });
  assertHealthy(await next.line("end", "the end"));
});

test("a daemon that hangs does not hang a stop", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12"]);
  await using user = startUser(rig, "capture", CAMERA);
  await user.line("thirty", "thirty frames");
  const daemon = rig.pids().pipewire;
  assert.ok(daemon !== undefined);
  process.kill(daemon, "SIGSTOP");
  try {
    user.send("stop");
    await user.line("end", "the end");
    await user.ended();
  } finally {
    process.kill(daemon, "SIGCONT");
  }
});

test("wishes choose from what a camera offers", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using _camera = await startCamera(rig, "camera", ["NV12", "MJPEG"], ["range"]);
  const wishes: [Line, Line][] = [
    [{ width: { ideal: 1000 }, height: { ideal: 700 } }, { width: 1280, height: 720 }],
    [{ width: { min: 1500, max: 2000 }, frameRate: { max: 26, ideal: 25 } }, {
      width: 1920,
      height: 1080,
      frameRate: 25,
    }],
    // In the range, and in no list.
    [{ format: "NV12", width: 642, height: 402, frameRate: 17 }, {
      format: "NV12",
      width: 642,
      height: 402,
      frameRate: 17,
    }],
    [{ format: { exact: "MJPEG" }, width: 640 }, { format: "MJPEG", width: 640 }],
  ];
  for (const [wish, wanted] of wishes) {
    await using user = startUser(rig, "capture", { ...CAMERA, ...wish, frames: 3 });
    const { opened } = await user.line("opened");
    for (const [key, value] of Object.entries(wanted)) {
      assert.equal(opened[key], value, `${key} of ${JSON.stringify(opened)}`);
    }
    assertHealthy(await user.line("end", "the end"));
  }
  await using user = startUser(rig, "capture", { ...CAMERA, width: { min: 5000 } });
  const failed = await user.line("failed");
  assert.equal(failed.code, "FORMAT_NOT_SUPPORTED");
  assert.match(failed.hint, /640x480.*NV12.*MJPEG/s);
});

test(
  "controls belong to cameras with a V4L2 device; a path that is none is not opened",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await using _plain = await startCamera(rig, "plain", ["NV12"]);
    await using _null = await startCamera(rig, "null", ["NV12"], ["device=/dev/null"]);
    await using _long = await startCamera(rig, "long", ["NV12"], [`device=/dev/${"v".repeat(99)}`]);
    await using talk = startTalk(rig);
    for (const name of ["plain", "null", "long"]) {
      const { code, hint } = await talk.ask({ control: { deviceId: `pipewire:${name}` } });
      assert.equal(code, "NOT_SUPPORTED", name);
      assert.match(hint, /no such property/);
    }
  },
);
