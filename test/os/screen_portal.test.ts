// Screens through the real desktop portal, of a headless mutter: what arrives is what is on them.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { type PortalRig, startPortalRig } from "../../scripts/rig/portal_rig.ts";
import { describeResult } from "../support/process.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { Picture, ScreenCapture, startScreenUser } from "../support/screen_capture.ts";
import { delay, waitUntil } from "../support/wait.ts";
import { CURSOR, Pointer, WaylandClient } from "../support/wayland.ts";

const NEEDED = ["/usr/libexec/xdg-desktop-portal", "/usr/bin/mutter"];
const missing = !process.env.CI && NEEDED.find((path) => !existsSync(path));
const OPTIONS = {
  timeout: 180_000,
  skip: rigSkipReason() || (missing ? `not installed: ${missing}` : false),
};
const [WIDE, ODD] = [{ width: 640, height: 360 }, { width: 401, height: 303 }];

/** A desktop of two monitors, each of which a program fills with a picture that is known. */
interface Desktop {
  readonly pipewire: PipeWireRig;
  readonly rig: PortalRig;
  readonly env: Record<string, string>;
  readonly client: WaylandClient;
  readonly pointer: Pointer;
  /** What the monitors show. */
  readonly wide: Picture;
  readonly odd: Picture;
}

let made: Promise<Desktop> | undefined;

async function make(): Promise<Desktop> {
  const pipewire = await startPipeWireRig();
  const monitors = [WIDE, ODD].map(({ width, height }) => `${width}x${height}`);
  const rig = await startPortalRig(
    { frontend: "real" },
    { pipewire: pipewire.env, mutter: { monitors } },
  );
  const client = await WaylandClient.start(rig.env, rig.group.directory);
  const wide = new Picture(WIDE.width, WIDE.height).pattern(0, 0, WIDE.width, WIDE.height, 1);
  const odd = new Picture(ODD.width, ODD.height).pattern(0, 0, ODD.width, ODD.height, 2);
  await client.window("wide", wide, 0);
  await client.window("odd", odd, 1);
  const pointer = await Pointer.start(rig.env);
  await pointer.move(WIDE.width + 300, 290);
  return { pipewire, rig, env: rig.env, client, pointer, wide, odd };
}

/** A test on the one desktop of this file: the rigs' guards end it with this process. */
function testDesktop(name: string, body: (desktop: Desktop) => Promise<void>): void {
  void test(name, OPTIONS, async () => {
    const desktop = await (made ??= make());
    desktop.rig.answer("cast monitor Meta-0");
    await body(desktop);
  });
}

function capture({ env, rig }: Desktop, options: object = {}): ScreenCapture {
  return new ScreenCapture(env, rig.group.directory, { cursor: "hidden", ...options });
}

/** What opening with these options ends in. */
async function refused(
  { env }: Pick<Desktop, "env">,
  options: object,
  command = "capture",
): Promise<{ code: string; error: string }> {
  const result = await startScreenUser(env, [command, JSON.stringify(options)]).ended;
  const line = result.stdout.split("\n").find((line) => line.includes('"failed":true'));
  assert.ok(line !== undefined, describeResult(result));
  return JSON.parse(line);
}

async function list(env: Record<string, string>): Promise<Record<string, DeviceInfo[]>> {
  const result = await startScreenUser(env, ["list"]).ended;
  assert.equal(result.code, 0, describeResult(result));
  return JSON.parse(result.stdout);
}

async function lostOf(running: ScreenCapture): Promise<{ code: string; error: string }> {
  const lines = await running.ended();
  const lost = lines.find((line) => line.lost === true);
  assert.ok(lost !== undefined, JSON.stringify(lines));
  return lost as unknown as { code: string; error: string };
}

let color = 0;

/** Changes a part of the wide monitor. */
async function change({ client, wide }: Desktop, x = 10, y = 20): Promise<void> {
  const area = { x, y, width: 30, height: 21 };
  color += 0x010305;
  await client.fill("wide", area, color);
  wide.fill(area, color);
}

testDesktop("which backend serves, and what it lists", async ({ env }) => {
  const { displays, windows } = await list(env);
  assert.deepEqual(displays?.map(({ id }) => id), ["portal:display/ask"]);
  assert.deepEqual(windows?.map(({ id }) => id), ["portal:window/ask"]);
  const inX: Record<string, string> = { ...env, DISPLAY: ":0" };
  delete inX.WAYLAND_DISPLAY;
  const forced = await list({ ...inX, MINIAV_SCREEN_BACKEND: "portal" });
  assert.deepEqual(forced.displays?.map(({ id }) => id), ["portal:display/ask"]);
  const unforced = await startScreenUser(inX, ["list"]).ended;
  assert.doesNotMatch(unforced.stdout, /portal:\w+\//);
});

testDesktop("two displays at once, pixel for pixel, one of an odd size", async (desktop) => {
  const { rig, wide, odd, client } = desktop;
  await using first = capture(desktop);
  const whole = await first.frameOf(wide);
  assert.deepEqual(whole.damage, [{ x: 0, y: 0, ...WIDE }]);
  rig.answer("cast monitor Meta-1");
  await using second = capture(desktop, { displayId: "portal:display/ask" });
  await second.frameOf(odd);
  const opened = second.lines()[0] as { opened: object; deviceId: string };
  assert.equal(opened.deviceId, "portal:display/ask");
  assert.partialDeepStrictEqual(opened.opened, { ...ODD, format: "BGRX" });
  await change(desktop);
  await first.frameOf(wide, whole.frame);
  odd.pattern(0, 0, ODD.width, ODD.height, 5);
  await client.paint("odd", odd);
  await second.frameOf(odd);
});

// mutter 43 offers buffers with crop, cursor and header alone: on_stream_param_changed in its
// src/backends/meta-screen-cast-stream-src.c.
testDesktop("a compositor that tells no damage: all may have changed", async (desktop) => {
  await using running = capture(desktop);
  const { wide } = desktop;
  const first = await running.frameOf(wide);
  let before = first;
  for (let i = 0; i < 3; i++) {
    await change(desktop, 37 * i, 23 * i);
    before = await running.frameOf(wide, before.frame);
  }
  const later = running.frames().slice(first.frame);
  assert.ok(later.length >= 3);
  assert.deepEqual(later.filter(({ damage }) => damage !== null), []);
});

/**
 * What the pointer looks like, told when it changes. A compositor tells it once, and PipeWire loses the
 * first frame of a stream when the two ends of its link do not start at once: coming to the window anew
 * the pointer gets its picture again.
 */
async function pictureOfPointer(beside: ScreenCapture, pointer: Pointer) {
  const image = () => beside.frames().find(({ cursor }) => cursor?.image)?.cursor?.image;
  for (let attempt = 1; attempt <= 10 && !image(); attempt++) {
    const seen = beside.frames().length;
    await pointer.move(WIDE.width + 300, 290);
    await beside.frameWhere("the way out", ({ cursor }) => cursor?.visible === false, seen);
    await pointer.move(100, 100);
    await beside.frameWhere("the way back", ({ cursor }) => cursor?.visible === true, seen);
  }
  return image();
}

testDesktop("the pointer: hidden, painted, beside the picture", async (desktop) => {
  const { wide, pointer } = desktop;
  await pointer.move(100, 100);
  await using hidden = capture(desktop);
  await using painted = capture(desktop, { cursor: "embedded" });
  await using beside = capture(desktop, { cursor: "metadata" });
  await hidden.frameOf(wide);
  const { hotspotX, hotspotY, color, ...size } = CURSOR;
  const withPointer = (x: number, y: number) =>
    new Picture(WIDE.width, WIDE.height).copy(wide)
      .fill({ x: x - hotspotX, y: y - hotspotY, ...size }, color);
  const painting = await painted.frameOf(withPointer(100, 100));
  const first = await beside.frameWhere("the pointer", ({ cursor }) => {
    return cursor?.x === 100 && cursor.y === 100 && cursor.visible;
  });
  assert.deepEqual(wide.differences(beside.words(first)), []);
  const image = await pictureOfPointer(beside, pointer);
  assert.partialDeepStrictEqual(image, {
    ...size,
    hotspotX,
    hotspotY,
    data: [0x60, 0x40, 0x20, 255],
  });
  await pointer.move(301, 203);
  await painted.frameOf(withPointer(301, 203), painting.frame);
  const moved = await beside.frameWhere("its motion", ({ cursor }) => {
    return cursor?.x === 301 && cursor.y === 203;
  }, first.frame);
  assert.deepEqual(wide.differences(beside.words(moved)), []);
  await pointer.move(WIDE.width + 300, 290);
  await beside.frameWhere("the pointer that left", ({ cursor }) => cursor?.visible === false);
  await painted.frameOf(wide);
  for (const frame of hidden.frames()) {
    assert.deepEqual(wide.differences(hidden.words(frame)), []);
  }
});

testDesktop("a region, also one that is moved while nothing changes", async (desktop) => {
  const { wide } = desktop;
  const region = { x: 33, y: 17, width: 101, height: 51 };
  const other = { x: 3, y: 5, width: 200, height: 100 };
  const set = [{ after: 1, name: "region", value: other }];
  await using running = capture(desktop, { region, set });
  const first = await running.frameOf(wide.cut(region));
  assert.equal(first.copied, false);
  const second = await running.frameOf(wide.cut(other), first.frame);
  assert.deepEqual(second.damage, [{ x: 0, y: 0, width: 200, height: 100 }]);
  assert.equal(second.formatChanged, true);
  await change(desktop, 10, 20);
  await running.frameOf(wide.cut(other), second.frame);
  for (const x of [WIDE.width - 50, WIDE.width + 1]) {
    const { code, error } = await refused(desktop, { region: { ...region, x } });
    assert.equal(code, "INVALID_ARG");
    assert.match(error, /640 x 360/);
  }
  const { code, error } = await refused(desktop, { width: 320, height: 200 });
  assert.equal(code, "FORMAT_NOT_SUPPORTED");
  assert.match(error, /640 x 360/);
});

testDesktop("a limit of frames a second, and the last frame again", async (desktop) => {
  const { wide } = desktop;
  await using limited = capture(desktop, { frameRate: 10 });
  await limited.frameOf(wide);
  for (let i = 0; i < 60; i++) {
    await change(desktop);
    await delay(10);
  }
  await limited.frameOf(wide);
  const times = limited.frames().map(({ timestamp }) => timestamp);
  const seconds = (times.at(-1)! - times[0]!) / 1e6;
  assert.ok(times.length - 1 <= seconds * 10 + 2, `${times.length} in ${seconds} s`);
  await using steady = capture(desktop, { frameRate: 20, repeatLastFrame: true });
  await steady.frameOf(wide);
  const repeats = () => steady.frames().filter(({ repeated }) => repeated);
  await waitUntil(() => repeats().length >= 10, 20_000, "ten repeats");
  for (const frame of repeats()) {
    assert.deepEqual(frame.damage ?? [], []);
    assert.deepEqual(wide.differences(steady.words(frame)), []);
  }
  const stamps = steady.frames().map(({ timestamp }) => timestamp);
  assert.deepEqual(stamps, stamps.toSorted((a, b) => a - b));
});

testDesktop("a window that is resized, and closed", async (desktop) => {
  const { rig, client } = desktop;
  const small = new Picture(123, 77).pattern(0, 0, 123, 77, 3);
  await client.window("small", small);
  rig.answer("cast window");
  await using running = capture(desktop, { windowId: "portal:window/ask" });
  await running.frameOf(small);
  const large = new Picture(201, 151).pattern(0, 0, 201, 151, 4);
  await client.paint("small", large);
  const resized = await running.frameOf(large);
  assert.equal(resized.formatChanged, true);
  const event = running.lines().find((line) => line.event === "format");
  assert.partialDeepStrictEqual(event, { width: 201, height: 151 });
  const { code } = await refused(desktop, { windowId: "portal:window/ask" }, "sound");
  assert.equal(code, "NOT_SUPPORTED");
  await client.close("small");
  const lost = await lostOf(running);
  assert.equal(lost.code, "USER_CANCELLED");
  assert.match(lost.error, /closed on the desktop/);
});

testDesktop("a restore token asks nobody", async (desktop) => {
  const { rig, wide } = desktop;
  await using first = capture(desktop, { persist: "revoked" });
  await first.frameOf(wide);
  const { restoreToken } = first.lines()[0] as { restoreToken: string };
  assert.notEqual(restoreToken, "");
  rig.answer("cast deny");
  await using second = capture(desktop, { persist: "revoked", restoreToken });
  await second.frameOf(wide);
  const next = second.lines()[0] as { restoreToken: string };
  assert.notEqual(next.restoreToken, "");
  await using without = capture(desktop, { restoreToken: next.restoreToken });
  await without.frameOf(wide);
});

testDesktop("consent for as long as the program runs", async ({ rig, env }) => {
  const asked = () => rig.log().split(" asked ").length;
  const before = asked();
  const options = JSON.stringify({ persist: "application", cursor: "hidden" });
  const result = await startScreenUser(env, ["again", options]).ended;
  const line = JSON.parse(result.stdout.split("\n")[0] ?? "{}");
  assert.equal(line.again?.id, "portal:display/granted-1", describeResult(result));
  for (const format of line.formats) assert.partialDeepStrictEqual(format, WIDE);
  assert.equal(asked(), before + 1, rig.log());
});

testDesktop("no, a refusal, and a dialog that nobody answers", async (desktop) => {
  const { rig } = desktop;
  rig.answer("cast cancel");
  assert.equal((await refused(desktop, {})).code, "USER_CANCELLED");
  rig.answer("cast deny");
  assert.equal((await refused(desktop, {})).code, "PERMISSION_DENIED");
  rig.answer("cast hang");
  const shown = () => rig.log().split("cast hang").length;
  const takenAway = () => rig.log().split("dialog closed").length;
  for (const [options, expected] of [[{ timeout: 2000 }, "TIMEOUT"], [{ abortMs: 2000 }, ""]]) {
    // On a busy machine the dialog may come later than that.
    for (let attempt = 1, before = takenAway(); takenAway() === before; attempt++) {
      const seen = shown();
      const { code } = await refused(desktop, options as object);
      assert.equal(code ?? "", expected);
      if (shown() === seen && attempt < 4) continue;
      await waitUntil(() => takenAway() > before, 5_000, "the dialog's end");
    }
  }
});

testDesktop("a still screen costs nothing", async (desktop) => {
  await using running = capture(desktop, { cursor: "metadata" });
  await running.frameOf(desktop.wide);
  const tasks = `/proc/${running.script.child.pid}/task`;
  const switches = () => {
    let sum = 0;
    for (const id of readdirSync(tasks)) {
      const name = readFileSync(`${tasks}/${id}/comm`, "utf8");
      if (!/^(miniav|data-loop|pw-data)/.test(name)) continue;
      const status = readFileSync(`${tasks}/${id}/status`, "utf8");
      sum += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]);
    }
    return sum;
  };
  assert.ok(switches() > 0);
  let before = -1;
  await waitUntil(
    async () => {
      before = switches();
      await delay(3000);
      return switches() === before;
    },
    40_000,
    () => `${before} switches and more`,
  );
});

testDesktop("a virtual display is made, of the size that is asked for", async (desktop) => {
  const { rig, env } = desktop;
  rig.answer("cast virtual");
  const size = { width: 411, height: 233 };
  const shown = new Picture(size.width, size.height).pattern(0, 0, size.width, size.height, 6);
  await using running = capture(desktop, { displayId: "portal:display/virtual", ...size });
  await running.script.waitForLine("opened");
  const { opened, deviceId } = running.lines()[0] as Record<string, unknown>;
  assert.partialDeepStrictEqual(opened, { ...size, format: "BGRX" });
  assert.equal(deviceId, "portal:display/virtual");
  await using client = await WaylandClient.start(env, rig.group.directory);
  await client.window("virtual", shown, 2);
  await running.frameOf(shown);
  assert.match(rig.log(), /cast virtual asked 1 of 4$/m);
});

testDesktop("a session that the person ends, a portal that ends", async (desktop) => {
  const { rig, wide } = desktop;
  await using closed = capture(desktop, { reconnect: true });
  await closed.frameOf(wide);
  rig.closeSessions();
  const { code, error } = await lostOf(closed);
  assert.equal(code, "USER_CANCELLED");
  assert.match(error, /closed on the desktop/);
  await using orphan = capture(desktop);
  await orphan.frameOf(wide);
  rig.signalPortal("SIGKILL");
  const lost = await lostOf(orphan);
  assert.equal(lost.code, "DEVICE_LOST");
  assert.match(lost.error, /portal ended/);
  await rig.startFrontend();
});

testDesktop("sound along a display is the system's", async ({ env, pipewire }) => {
  const { XDG_RUNTIME_DIR: PIPEWIRE_RUNTIME_DIR } = pipewire.env;
  const result = await startScreenUser({ ...env, PIPEWIRE_RUNTIME_DIR }, ["sound", "{}"]).ended;
  assert.match(result.stdout, /"sampleRate":48000/, describeResult(result));
});

testDesktop("a compositor that ends, and a PipeWire", async (desktop) => {
  await using orphan = capture(desktop);
  await orphan.frameOf(desktop.wide);
  await desktop.rig.killMutter();
  assert.equal((await lostOf(orphan)).code, "DEVICE_LOST");
  made = undefined;
  const next = await make();
  await using other = capture(next);
  await other.frameOf(next.wide);
  await next.pipewire.killServer();
  const lost = await lostOf(other);
  assert.equal(lost.code, "DEVICE_LOST");
  await next.rig.stop();
});
