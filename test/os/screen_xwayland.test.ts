// X programs on a Wayland desktop: XWayland has their windows, and no picture of the desktop.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { startPortalRig } from "../../scripts/rig/portal_rig.ts";
import { miniav } from "../cli/support/cli.ts";
import { describeResult } from "../support/process.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { Picture, ScreenCapture, startScreenUser } from "../support/screen_capture.ts";
import { X11Client } from "../support/x11.ts";

const NEEDED = ["/usr/libexec/xdg-desktop-portal", "/usr/bin/mutter", "/usr/bin/Xwayland"];
const missing = !process.env.CI && NEEDED.find((path) => !existsSync(path));
const skip = rigSkipReason() || (missing ? `not installed: ${missing}` : false);

async function windowsOf(env: Record<string, string>): Promise<DeviceInfo[]> {
  const result = await startScreenUser(env, ["windows"]).ended;
  assert.match(result.stdout, /"windows"/, describeResult(result));
  return JSON.parse(result.stdout).windows;
}

test(
  "XWayland's windows are captured, its displays refused",
  { timeout: 120_000, skip },
  async () => {
    await using pipewire = await startPipeWireRig();
    const mutter = { monitors: ["640x360"], xwayland: true };
    const options = { pipewire: pipewire.env, mutter };
    await using rig = await startPortalRig({ frontend: "real" }, options);
    const { env } = rig;
    await using client = await X11Client.start(env);
    const id = await client.window("low", { x: 5, y: 6, width: 71, height: 51, seed: 1 });
    assert.deepEqual((await windowsOf(env)).map(({ id }) => id), ["portal:window/ask"]);
    const inX = { ...env, MINIAV_SCREEN_BACKEND: "x11" };
    const listed = (await windowsOf(inX)).find((window) => window.id === `x11:window/${id}`);
    assert.equal(listed?.name, "low");
    for (const displayId of ["x11:display/XWAYLAND0", undefined]) {
      const wish = JSON.stringify({ displayId });
      const result = await startScreenUser(inX, ["capture", wish]).ended;
      assert.match(result.stdout, /NOT_SUPPORTED/, describeResult(result));
      assert.match(result.stdout, /XWayland has no picture of the desktop/);
    }
    // Without the desktop's part that shows screens these windows are what there is to see.
    await using bus = await startPortalRig({ frontend: "real" }, { showsScreens: false });
    const { DBUS_SESSION_BUS_ADDRESS } = bus.env;
    const withoutCast = { ...env, DBUS_SESSION_BUS_ADDRESS, MINIAV_TEST_DEVICES: undefined };
    for (const kind of [[], ["-k", "screen"]]) {
      const result = await miniav(["devices", ...kind], { env: withoutCast });
      assert.equal(result.code, 0, describeResult(result));
      assert.match(result.stdout, new RegExp(`^window +x11:window/${id} +low +71x51`, "m"));
    }
    const forced = { ...withoutCast, MINIAV_SCREEN_BACKEND: "portal" };
    const portal = await miniav(["snapshot", "--screen", "-o", "-"], { env: forced });
    assert.equal(portal.code, 1, describeResult(portal));
    assert.match(portal.stderr, /NOT_SUPPORTED: .*"portal".*xdg-desktop-portal-gnome/);

    await using running = new ScreenCapture(env, rig.group.directory, {
      windowId: `x11:window/${id}`,
      cursor: "hidden",
    });
    const picture = new Picture(71, 51).pattern(0, 0, 71, 51, 1);
    const first = await running.frameOf(picture);
    await client.run("fill low 3 4 20 10 80ff");
    picture.fill({ x: 3, y: 4, width: 20, height: 10 }, 0x80ff);
    await running.frameOf(picture, first.frame);
  },
);
