// Handles of GPU memory from a screen through the real desktop portal. What the person shows is a
// producer of our own, which calls memfds dma-bufs: no compositor here has any.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { dumpGraph } from "../../scripts/rig/camera_rig.ts";
import { type PortalRig, startPortalRig } from "../../scripts/rig/portal_rig.ts";
import { runtimeCommand } from "../support/process.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { type CameraUser, type Line, startCamera, startProgram } from "./support/cameras.ts";

const PORTAL = "/usr/libexec/xdg-desktop-portal";
const missing = !process.env.CI && !existsSync(PORTAL) && `not installed: ${PORTAL}`;
const OPTIONS = { timeout: 120_000, skip: rigSkipReason() || missing };
const SCRIPT = new URL("./fixtures/camera_gpu_user.ts", import.meta.url);
const LINEAR = "0";

async function startDesktop(rig: PipeWireRig): Promise<PortalRig> {
  const portal = await startPortalRig({ frontend: "real" }, { pipewire: rig.env, sharesBus: true });
  const shown = (await dumpGraph(rig.env))
    .find(({ info }) => info?.props?.["node.name"] === "shown");
  assert.ok(shown !== undefined);
  portal.answer(`cast node ${shown.id} 640 480`);
  return portal;
}

function startUser(rig: PipeWireRig, options: Record<string, unknown>): CameraUser {
  const request = JSON.stringify({ screen: true, output: "gpu", ...options });
  const { command, args } = runtimeCommand(SCRIPT, { args: [request, "4", "0"] });
  return startProgram(rig, command, args, { MINIAV_SCREEN_BACKEND: "portal" });
}

const framesOf = (user: CameraUser) => user.lines().filter(({ frame }) => frame === true);

test("a screen's GPU memory is handed on, a region of it as its crop", OPTIONS, async () => {
  await using rig = await startPipeWireRig({ services: false });
  await using source = await startCamera(rig, "shown", ["BGRX"], [`modifier=${LINEAR}`]);
  await using _portal = await startDesktop(rig);
  const region = { x: 32, y: 16, width: 200, height: 100 };
  for (const [wish, crop] of [[{}, undefined], [{ region }, region]] as const) {
    await using user = startUser(rig, wish);
    await user.line("end");
    const frames = framesOf(user);
    assert.equal(frames.length, 4, source.output());
    for (const { gpu, copied, counter, data, crop: visible } of frames) {
      assert.deepEqual([gpu.type, gpu.fourcc, gpu.modifier], ["dmabuf", "XR24", LINEAR]);
      assert.deepEqual(gpu.planes.map(({ offset, stride }: Line) => [offset, stride]), [[0, 2560]]);
      assert.ok(counter >= 0 && copied === false);
      assert.equal(data.code, "NOT_SUPPORTED");
      assert.deepEqual(visible, crop ?? { x: 0, y: 0, width: 640, height: 480 });
    }
    await user.ended();
  }
});

test("a screen without GPU memory gives bytes", OPTIONS, async () => {
  await using rig = await startPipeWireRig({ services: false });
  await using _source = await startCamera(rig, "shown", ["BGRX"]);
  await using _portal = await startDesktop(rig);
  await using user = startUser(rig, {});
  await user.line("end");
  for (const frame of framesOf(user)) {
    assert.equal(frame.gpu, null);
    assert.ok(frame.counter >= 0);
  }
});
