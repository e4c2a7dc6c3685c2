// Cameras through the real desktop portal, outside a sandbox and in one: who is asked and when, what
// comes of each answer, pictures, what becomes of a camera that runs.
//
// The person is scripts/rig/portal/backend.py; cameras are used by processes that reach PipeWire by
// the portal alone.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { type PortalRig, startPortalRig } from "../../scripts/rig/portal_rig.ts";
import { runChecked } from "../../scripts/rig/processes.ts";
import type { CameraSource } from "../../scripts/rig/camera_rig.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import { assertHealthy, type CameraUser, type Line, startCamera } from "./support/cameras.ts";
import { startTalk, startUser, type UserSetting } from "./support/cameras.ts";
import { SANDBOXED_APPLICATION, sandboxWrapper } from "./support/sandbox.ts";

const PORTAL = "/usr/libexec/xdg-desktop-portal";
const missing = !process.env.CI && !existsSync(PORTAL) && `not installed: ${PORTAL}`;
const OPTIONS = { timeout: 120_000, skip: rigSkipReason() || missing };
/** Nobody gets by the portal to the daemon's own socket. */
const NOWHERE = { PIPEWIRE_RUNTIME_DIR: "/nowhere" };
const NAMED: UserSetting = { env: { ...NOWHERE, MINIAV_CAMERA_BACKEND: "portal" } };

let rig: PipeWireRig;
let portal: PortalRig;
let second: CameraSource;
let sandboxed: UserSetting;

/** A test on one desktop with two cameras: its guard ends it with this process. */
function testPortal(name: string, body: () => Promise<void>): void {
  void test(name, OPTIONS, async () => {
    if (portal === undefined) {
      rig = await startPipeWireRig({ services: false });
      portal = await startPortalRig({ frontend: "real" }, { pipewire: rig.env, sharesBus: true });
      await startCamera(rig, "first", ["NV12"]);
      second = await startCamera(rig, "second", ["NV12"], ["bars2"]);
      sandboxed = { env: NOWHERE, wrapper: sandboxWrapper(rig.directory) };
    }
    await body();
  });
}

/** How often a person was asked. */
const asked = () => portal.log().split("access ").length - 1;
const takenAway = () => portal.log().split("dialog closed").length - 1;

const ids = (line: Line): string[] => line.is?.map(({ id }: { id: string }) => id).toSorted();
const BOTH = ["portal:first", "portal:second"];

/** A capture that has begun to give frames. */
async function startCapture(setting: UserSetting, name: string): Promise<CameraUser> {
  const user = startUser(rig, "capture", { deviceId: `portal:${name}` }, setting);
  await user.line("thirty", "thirty frames");
  return user;
}

testPortal("lists and the permission's state ask nobody", async () => {
  await using talk = startTalk(rig, NAMED);
  assert.equal((await talk.ask({ permission: {} })).is, "undetermined");
  const listed = await talk.ask({ devices: {} });
  assert.deepEqual(ids(listed), ["portal:ask"]);
  assert.equal(listed.is[0].isDefault, true);
  assert.equal(asked(), 0);
});

testPortal("who is refused is told so, and nobody is asked again", async () => {
  await using talk = startTalk(rig, NAMED);
  portal.answer("camera deny");
  const before = asked();
  const refused = await talk.ask({ grab: {} });
  assert.equal(refused.code, "PERMISSION_DENIED", JSON.stringify(refused));
  assert.equal(refused.backend, "portal");
  assert.match(refused.hint, /settings/);
  assert.equal((await talk.ask({ permission: {} })).is, "denied");
  assert.deepEqual(ids(await talk.ask({ devices: {} })), ["portal:ask"]);
  portal.answer("camera allow");
  assert.equal((await talk.ask({ formats: "portal:ask" })).code, "PERMISSION_DENIED");
  assert.equal((await talk.ask({ request: {} })).is, "denied");
  assert.equal(asked(), before + 1);
});

testPortal("a dialog that is closed is a cancel, and asks again", async () => {
  await using talk = startTalk(rig, NAMED);
  await portal.storeCameraPermission("ask");
  portal.answer("camera dismiss");
  const before = asked();
  assert.equal((await talk.ask({ grab: {} })).code, "USER_CANCELLED");
  assert.equal((await talk.ask({ request: {} })).is, "undetermined");
  assert.equal(asked(), before + 2);
});

testPortal(
  "a dialog that nobody answers ends with the timeout, or when it is given up",
  async () => {
    await using talk = startTalk(rig, NAMED);
    await portal.storeCameraPermission("ask");
    portal.answer("camera hang");
    // On a busy machine the dialog may come later than that.
    for (let attempt = 1, before = takenAway(); takenAway() === before; attempt++) {
      const started = asked();
      assert.equal((await talk.ask({ grab: { timeout: 1500 * attempt } })).code, "TIMEOUT");
      await waitUntil(() => takenAway() > before || asked() === started, 10_000, "its end");
      assert.ok(attempt < 5, "no dialog came");
    }
    const [shown, closed] = [asked(), takenAway()];
    await using user = startUser(rig, "capture", { deviceId: "portal:first" }, NAMED);
    await waitUntil(() => asked() > shown, 20_000, "the dialog");
    user.send("abort");
    const given = await user.line("failed");
    assert.match(JSON.stringify(given), /abort/i);
    await waitUntil(() => takenAway() > closed, 10_000, "the dialog's end");
  },
);

testPortal("what is allowed but not kept is told as that", async () => {
  await using talk = startTalk(rig, NAMED);
  await portal.storeCameraPermission("ask");
  portal.answer("camera allow");
  const refused = await talk.ask({ grab: {} });
  assert.equal(refused.code, "PERMISSION_DENIED");
  assert.match(refused.message, /does not keep/);
});

testPortal("one dialog serves all that one open needs to know", async () => {
  await using talk = startTalk(rig, NAMED);
  await portal.forgetCameraPermission();
  assert.deepEqual(ids(await talk.ask({ devices: {} })), ["portal:ask"]);
  portal.answer("camera allow");
  const before = asked();
  const grabbed = await talk.ask({ grab: { width: { ideal: 1280 }, frameRate: { min: 5 } } });
  assert.deepEqual(grabbed.is, { format: "NV12", width: 640, height: 480 }, grabbed.message);
  assert.equal(asked(), before + 1);
  assert.equal((await talk.ask({ permission: {} })).is, "granted");
});

testPortal("who watches is told that cameras were allowed", async () => {
  // What is so when the watch looks for the first time is no change; nobody tells when that is.
  for (let attempt = 1, told = false; !told; attempt++) {
    await portal.forgetCameraPermission();
    await using watch = startUser(rig, "watch", {}, NAMED);
    await watch.line("watching");
    await new Promise((resolve) => setTimeout(resolve, 300 * attempt ** 2));
    await portal.storeCameraPermission("yes");
    const change = () => watch.lines().find((line) => line.change?.type === "permission")?.change;
    told = await waitUntil(() => change() !== undefined, 6_000, "the change").then(
      () => true,
      (error) => {
        if (attempt === 4) throw error;
        return false;
      },
    );
    if (!told) continue;
    assert.deepEqual(change(), { kind: "camera", type: "permission", state: "granted" });
    await watch.line((line) => line.ids?.join() === BOTH.join(), "both cameras");
  }
});

testPortal("each camera by its own id, with its own picture", async () => {
  await portal.storeCameraPermission("yes");
  const before = asked();
  for (const [name, picture] of [["first", "bars"], ["second", "bars2"]]) {
    const request = { deviceId: `portal:${name}`, picture, frames: 25 };
    await using user = startUser(rig, "capture", request, NAMED);
    const seen = await user.line((line) => "end" in line || "failed" in line, "the end");
    assertHealthy(seen);
    assert.equal(seen.frames, 25);
    assert.equal(seen.lost, null);
    await user.ended();
  }
  assert.equal(asked(), before);
});

testPortal("cameras that come and go are told and listed", async () => {
  await portal.storeCameraPermission("yes");
  await using watch = startUser(rig, "watch", {}, NAMED);
  await watch.line("watching");
  const told = (wanted: string[]) =>
    watch.line((line) => line.ids?.join() === wanted.toSorted().join(), wanted.join());
  await using talk = startTalk(rig, NAMED);
  assert.deepEqual(ids(await talk.ask({ devices: {} })), BOTH);
  // What comes before the watch has looked for the first time is no change.
  for (let attempt = 1, seen = false; !seen; attempt++) {
    const name = `third${attempt}`;
    await using _third = await startCamera(rig, name, ["NV12"]);
    seen = await told([...BOTH, `portal:${name}`]).then(() => true, (error) => {
      if (attempt === 3) throw error;
      return false;
    });
  }
  await told(BOTH);
  assert.deepEqual(ids(await talk.ask({ devices: {} })), BOTH);
});

testPortal("a camera that is unplugged is lost, and never becomes another one", async () => {
  await portal.storeCameraPermission("yes");
  await using user = await startCapture(NAMED, "second");
  second.kill("SIGKILL");
  const { lost, backwards, stripErrors } = await user.line("end", "the end");
  assert.equal(lost.code, "DEVICE_LOST");
  assert.deepEqual([backwards, stripErrors], [0, 0]);
  second = await startCamera(rig, "second", ["NV12"], ["bars2"]);
});

testPortal(
  "in a sandbox the portal serves by itself; permission is the program's own",
  async () => {
    await using talk = startTalk(rig, sandboxed);
    assert.equal((await talk.ask({ permission: {} })).is, "undetermined", "not that of the others");
    portal.answer("camera deny");
    assert.equal((await talk.ask({ grab: {} })).code, "PERMISSION_DENIED");
    assert.equal((await talk.ask({ permission: {} })).is, "denied");
    await portal.forgetCameraPermission(SANDBOXED_APPLICATION);
    portal.answer("camera allow");
    assert.equal((await talk.ask({ request: {} })).is, "granted");
    assert.deepEqual(ids(await talk.ask({ devices: {} })), BOTH);
    const grabbed = await talk.ask({ grab: { deviceId: "portal:second" } });
    assert.equal(grabbed.is?.format, "NV12", JSON.stringify(grabbed));
  },
);

// WirePlumber 0.4.13 looks again only when a camera comes (access-portal.lua: its listener asks for a
// property that clients show nobody). Outside a sandbox it never does.
testPortal("a permission that is taken back ends a sandbox's camera", async () => {
  await portal.storeCameraPermission("yes", SANDBOXED_APPLICATION);
  await using user = await startCapture(sandboxed, "first");
  await portal.storeCameraPermission("no", SANDBOXED_APPLICATION);
  await using _third = await startCamera(rig, "third", ["NV12"]);
  const { lost, stripErrors } = await user.line("end", "the end");
  assert.equal(lost.code, "DEVICE_LOST");
  assert.match(lost.error, /allowed no more/);
  assert.equal(stripErrors, 0);
});

testPortal(
  "a stream that is linked to another camera is lost, though no link is seen",
  async () => {
    await portal.storeCameraPermission("yes");
    await using user = await startCapture(NAMED, "first");
    const link = (...args: string[]) =>
      runChecked("pw-link", [...args, "MiniAV camera:in_0"], rig.env);
    await link("-d", "first:out_0");
    await link("second:out_0");
    const { lost, worstColour, stripErrors } = await user.line("end", "the end");
    assert.equal(lost.code, "DEVICE_LOST");
    assert.match(lost.error, /something else/);
    assert.ok(worstColour <= 4 && stripErrors === 0, "nothing of the other camera came");
  },
);

testPortal("a portal that hangs holds nobody up", async () => {
  await using talk = startTalk(rig, NAMED);
  await talk.ask({ devices: {} });
  portal.signalPortal("SIGSTOP");
  try {
    const listed = await talk.ask({ devices: {} });
    assert.equal(listed.code, "TIMEOUT");
    assert.match(listed.message, /portal/);
  } finally {
    portal.signalPortal("SIGCONT");
  }
});

testPortal("a camera outlives the portal; without one there is a hint", async () => {
  await portal.storeCameraPermission("yes");
  await using user = await startCapture(NAMED, "first");
  portal.signalPortal("SIGKILL");
  await using talk = startTalk(rig, NAMED);
  await waitUntil(
    async () => (await talk.ask({ devices: {} })).code === "NOT_SUPPORTED",
    10_000,
    "the portal's end",
  );
  const { message, hint } = await talk.ask({ grab: {} });
  assert.match(message, /portal/);
  assert.match(hint, /xdg-desktop-portal/);
  user.send("look");
  const { frames } = await user.line("looked");
  await waitUntil(
    () => {
      user.send("look");
      return user.lines().some((line) => line.frames > frames + 30);
    },
    20_000,
    "frames after it",
  );
  user.send("stop");
  const seen = await user.line("end", "the end");
  assertHealthy(seen);
  assert.equal(seen.lost, null);
});
