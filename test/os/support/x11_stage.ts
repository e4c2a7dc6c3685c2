// An X server whose root window shows a pattern, and scripts that look at it.

import assert from "node:assert/strict";
import process from "node:process";
import type { DeviceInfo, VideoFormat } from "../../../src/mod.ts";
import { describeResult } from "../../support/process.ts";
import { Picture, ScreenCapture, startScreenUser } from "../../support/screen_capture.ts";
import { startX11Rig, X11Client, X11Rig, type X11RigOptions } from "../../support/x11.ts";

export const WIDTH = 321;
export const HEIGHT = 203;

export interface Stage extends AsyncDisposable {
  readonly rig: X11Rig;
  readonly env: Record<string, string>;
  readonly client: X11Client;
  readonly picture: Picture;
  capture(options?: object): ScreenCapture;
}

/** An X server whose root window shows a pattern, and a picture of that. */
export async function stage(
  options: X11RigOptions = {},
  bits: 8 | 10 = 8,
  [width, height]: readonly [number, number] = [WIDTH, HEIGHT],
): Promise<Stage> {
  const depth = bits === 10 ? 30 : 24;
  const rig = await startX11Rig({ screen: `${width}x${height}x${depth}`, ...options });
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...rig.env };
  const client = await X11Client.start(env);
  await client.run(`paint root ${width} ${height} 3`);
  return {
    rig,
    env,
    client,
    picture: new Picture(width, height, bits).pattern(0, 0, width, height, 3),
    capture: (wishes = {}) =>
      new ScreenCapture(env, rig.directory, { cursor: "hidden", ...wishes }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await rig.stop();
    },
  };
}

export async function refused(
  env: Record<string, string>,
  options: object,
): Promise<{ code: string; error: string }> {
  const result = await startScreenUser(env, ["capture", JSON.stringify(options)]).ended;
  const line = result.stdout.split("\n").find((line) => line.includes('"failed":true'));
  assert.ok(line !== undefined, describeResult(result));
  return JSON.parse(line);
}

export async function list(env: Record<string, string>) {
  const result = await startScreenUser(env, ["list"]).ended;
  assert.equal(result.code, 0, describeResult(result));
  return JSON.parse(result.stdout) as {
    displays: DeviceInfo[];
    windows: DeviceInfo[];
    formats: VideoFormat[];
  };
}
