// The command line with a camera on a real PipeWire: its picture as PNG, and doctor's word on it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode } from "fast-png";
import { startCameraSource } from "../../scripts/rig/camera_rig.ts";
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

test("devices, formats and snapshot with a camera", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  const program = cProgram("camera_source");
  await using _camera = await startCameraSource(program, rig.env, "cam", ["YUY2"], "640x480", 30, [
    "bars2",
  ]);
  const cwd = temporaryFolder();
  const env = { ...rig.env, MINIAV_TEST_DEVICES: undefined };
  const run = async (...args: string[]) => {
    const result = await miniav(args, { cwd, env });
    assert.equal(result.code, 0, describeResult(result));
    return result.stdout;
  };
  const list = JSON.parse(await run("devices", "--kind", "camera", "--json")) as DeviceInfo[];
  assert.deepEqual(list.map(({ id }) => id), ["pipewire:cam"]);
  assert.match(await run("formats", "pipewire:cam"), /640x480 +YUY2 +30/);
  await run("snapshot", "-o", "picture.png");
  const picture = decode(readFileSync(join(cwd, "picture.png")));
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
});
