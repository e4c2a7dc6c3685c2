// The command line with a camera on a real PipeWire, and on a real desktop portal: its picture as PNG.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode } from "fast-png";
import { startCameraSource } from "../../scripts/rig/camera_rig.ts";
import { startPortalRig } from "../../scripts/rig/portal_rig.ts";
import type { DeviceInfo } from "../../src/mod.ts";
import { cProgram } from "../support/c_program.ts";
import { describeResult } from "../support/process.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { miniav, temporaryFolder } from "./support/cli.ts";

const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

/** Of the second theme of the test picture, left to right. */
const BARS = [
  [0, 0, 0],
  [0, 0, 191],
  [191, 0, 0],
  [191, 0, 191],
  [0, 191, 0],
  [0, 191, 191],
  [191, 191, 0],
  [191, 191, 191],
] as const;

/** The second theme of the test picture. */
function checkPicture(path: string): void {
  const picture = decode(readFileSync(path));
  assert.deepEqual([picture.width, picture.height], [640, 480]);
  const { channels } = picture;
  BARS.forEach((colour, index) => {
    // The box that moves covers not all of these rows.
    const near = [0.3, 0.45, 0.6, 0.7].some((row) => {
      const at = (Math.floor(row * 480) * 640 + index * 80 + 40) * channels;
      return colour.every((value, i) => Math.abs((picture.data[at + i] ?? -99) - value) <= 4);
    });
    assert.ok(near, `bar ${index} is ${colour.join()}`);
  });
}

/** Runs the command line and gives what it prints. */
function runner(cwd: string, env: Record<string, string | undefined>) {
  return async (...args: string[]): Promise<string> => {
    const result = await miniav(args, { cwd, env });
    assert.equal(result.code, 0, describeResult(result));
    return result.stdout;
  };
}

test("devices, formats and snapshot with a camera", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  const program = cProgram("camera_source");
  await using _camera = await startCameraSource(program, rig.env, "cam", ["YUY2"], "640x480", 30, [
    "bars2",
  ]);
  const cwd = temporaryFolder();
  const env = { ...rig.env, MINIAV_TEST_DEVICES: undefined };
  const run = runner(cwd, env);
  const list = JSON.parse(await run("devices", "--kind", "camera", "--json")) as DeviceInfo[];
  assert.deepEqual(list.map(({ id }) => id), ["pipewire:cam"]);
  assert.match(await run("formats", "pipewire:cam"), /640x480 +YUY2 +30/);
  await run("snapshot", "-o", "picture.png");
  checkPicture(join(cwd, "picture.png"));
});

test("devices and snapshot through the desktop portal", OPTIONS, async () => {
  await using rig = await startPipeWireRig({ services: false });
  const options = { pipewire: rig.env, sharesBus: true };
  await using portal = await startPortalRig({ frontend: "real" }, options);
  const program = cProgram("camera_source");
  await using _camera = await startCameraSource(program, rig.env, "cam", ["YUY2"], "640x480", 30, [
    "bars2",
  ]);
  const cwd = temporaryFolder();
  const env = {
    ...rig.env,
    PIPEWIRE_RUNTIME_DIR: "/nowhere",
    MINIAV_CAMERA_BACKEND: "portal",
    MINIAV_TEST_DEVICES: undefined,
  };
  const run = runner(cwd, env);
  const devices = async () => {
    const list = await run("devices", "--kind", "camera", "--json");
    return (JSON.parse(list) as DeviceInfo[]).map(({ id }) => id);
  };
  assert.deepEqual(await devices(), ["portal:ask"]);
  assert.equal(portal.log().includes("access"), false, "a list asks nobody");
  portal.answer("camera allow");
  await run("snapshot", "-o", "picture.png");
  checkPicture(join(cwd, "picture.png"));
  assert.deepEqual(await devices(), ["portal:cam"]);
});
