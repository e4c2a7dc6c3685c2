// Screens through portals that are not the one that is installed: other versions, other abilities,
// dialogs that stay open. The portal is scripts/rig/portal/fake_frontend.py, what it shows is
// lib/miniav_c/test/os/screen_source.c on a real PipeWire.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { errorCodeName, ResultCode } from "../../src/ffi/mod.ts";
import { type CameraSource, dumpGraph, startCameraSource } from "../../scripts/rig/camera_rig.ts";
import { type PortalRig, startPortalRig } from "../../scripts/rig/portal_rig.ts";
import { cProgram, cProgramBuilds } from "../support/c_program.ts";
import { describeResult } from "../support/process.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import {
  type Frame,
  maskOf,
  Picture,
  ScreenCapture,
  startScreenUser,
} from "../support/screen_capture.ts";
import { delay, waitUntil } from "../support/wait.ts";
import { startProgram } from "./support/cameras.ts";

const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };
const SIZE = { width: 320, height: 200 };
const DISPLAY = "portal:display/ask";
const VIRTUAL = "portal:display/virtual";
const WINDOW = "portal:window/ask";

let made: Promise<PipeWireRig> | undefined;

/** One PipeWire for all of them: its rig's guard ends it with this process. */
const pipewire = () => made ??= startPipeWireRig();

/** A screen that plays on PipeWire. */
class Source implements AsyncDisposable {
  readonly #camera: CameraSource;
  readonly #format: string;

  private constructor(camera: CameraSource, format: string, readonly words: string) {
    this.#camera = camera;
    this.#format = format;
  }

  static async start(format = "BGRX", options: readonly string[] = []): Promise<Source> {
    const { env } = await pipewire();
    const name = `screen-${crypto.randomUUID()}`;
    const size = `${SIZE.width}x${SIZE.height}`;
    const program = cProgram("screen_source");
    const camera = await startCameraSource(program, env, name, [format], size, 100, options);
    const node = (await dumpGraph(env)).find(({ info }) => info?.props?.["node.name"] === name);
    const serial = node?.info?.props?.["object.serial"];
    return new Source(camera, format, `${node?.id} ${SIZE.width} ${SIZE.height} ${serial}`);
  }

  /**
   * What it shows from now on, until a capture has it: rectangles of one byte each, the first of them
   * everything. PipeWire may lose what is sent before both ends of a link have started.
   */
  async shownTo(capture: ScreenCapture, picture: Grey, part?: Rectangle): Promise<Frame> {
    let isOver = false;
    const whole = picture.in(this.#format);
    const found = capture.frameOf(part === undefined ? whole : whole.cut(part))
      .finally(() => isOver = true);
    while (!isOver) {
      for (const { x, y, width, height, byte } of picture.rectangles) {
        await this.#camera.tell(`paint ${x} ${y} ${width} ${height} ${byte}`);
      }
      await Promise.race([found, delay(300)]);
    }
    return await found;
  }

  tell(line: string): Promise<void> {
    return this.#camera.tell(line);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#camera.stop();
  }
}

type Rectangle = { x: number; y: number; width: number; height: number };

/** A picture of rectangles whose pixels have four equal bytes. */
class Grey {
  readonly rectangles: (Rectangle & { byte: number })[] = [];

  constructor(readonly width = SIZE.width, readonly height = SIZE.height) {
    this.fill({ x: 0, y: 0, width, height }, 17);
    for (let i = 0; i < 12; i++) {
      const [x, y] = [(i * 53) % (width - 40), (i * 37) % (height - 30)];
      this.fill({ x, y, width: 31 - i, height: 19 + (i % 5) }, 30 + i * 17);
    }
  }

  fill(area: Rectangle, byte: number): this {
    this.rectangles.push({ ...area, byte });
    return this;
  }

  in(format: string): Picture {
    const picture = new Picture(this.width, this.height);
    for (const { byte, ...area } of this.rectangles) {
      picture.fill(area, (byte * 0x0101_0101 & maskOf(format)) >>> 0);
    }
    return picture;
  }
}

const picture = new Grey();

async function startFake(habit: string, answer = ""): Promise<PortalRig> {
  const { env } = await pipewire();
  const choice = { frontend: "fake", habit: habit.split(" ") } as const;
  const rig = await startPortalRig(choice, { pipewire: env });
  rig.answer(`cast ${answer}`);
  return rig;
}

/** The options of each call of a method, without the tokens, which are random. */
function callsOf(rig: PortalRig, method: string): Record<string, unknown>[] {
  const lines = rig.log().split("\n").filter((line) => line.startsWith(`${method} `));
  return lines.map((line) => {
    const { handle_token, session_handle_token, ...options } = JSON.parse(
      line.slice(method.length),
    );
    assert.match(handle_token, /^\w+$/);
    assert.equal(typeof session_handle_token, method === "CreateSession" ? "string" : "undefined");
    return options;
  });
}

function capture(rig: PortalRig, options: object = {}): ScreenCapture {
  return new ScreenCapture(rig.env, rig.group.directory, { cursor: "hidden", ...options });
}

async function refused(rig: PortalRig, options: object): Promise<{ code: string; error: string }> {
  const before = rig.log();
  const result = await startScreenUser(rig.env, ["capture", JSON.stringify(options)]).ended;
  const line = result.stdout.split("\n").find((line) => line.includes('"failed":true'));
  assert.ok(line !== undefined, describeResult(result));
  assert.equal(rig.log(), before, "before anybody is asked");
  return JSON.parse(line);
}

async function list(rig: PortalRig): Promise<Record<string, string[]>> {
  const result = await startScreenUser(rig.env, ["list"]).ended;
  assert.equal(result.code, 0, describeResult(result));
  const { displays, windows } = JSON.parse(result.stdout) as Record<string, DeviceInfo[]>;
  return { displays: displays!.map(({ id }) => id), windows: windows!.map(({ id }) => id) };
}

test("each version is asked what it knows, and its screen arrives", OPTIONS, async () => {
  await using source = await Source.start();
  const first = { multiple: false, types: 1 };
  const second = { ...first, cursor_mode: 1 };
  const fourth = { ...second, persist_mode: 2, restore_token: "mine" };
  for (const version of [1, 2, 3, 4, 5, 6]) {
    await using rig = await startFake(`version ${version}`, `node ${source.words}`);
    // A token of a newer portal's, which an older one would not know.
    const consent = version < 4 ? {} : { persist: "revoked" };
    await using running = capture(rig, { restoreToken: "mine", ...consent });
    const frame = await source.shownTo(running, picture);
    assert.equal(frame.copied, false);
    const { opened, restoreToken } = running.lines()[0] as Record<string, unknown>;
    assert.partialDeepStrictEqual(opened, { ...SIZE, format: "BGRX" });
    assert.equal(restoreToken, version < 4 ? "" : "again", `version ${version}`);
    assert.deepEqual(callsOf(rig, "CreateSession"), [{}]);
    const options = version < 2 ? first : version < 4 ? second : fourth;
    assert.deepEqual(callsOf(rig, "SelectSources"), [options], `version ${version}`);
    assert.deepEqual(callsOf(rig, "Start"), [{}]);
  }
});

test("what a version lacks is told before anybody is asked", OPTIONS, async () => {
  const lacks = {
    "version 1": [
      [{ cursor: "embedded" }, /that mode of the pointer, but: hidden \(NOT_SUPPORTED/],
      [{ cursor: "hidden", persist: "revoked" }, /version 1\) keeps no consent/],
      [{}, /pointer/],
    ],
    "version 3": [
      [{ cursor: "metadata" }, /pointer, but: hidden embedded \(NOT_SUPPORTED/],
      [{ persist: "application" }, /version 3\) keeps no consent/],
      [{ displayId: VIRTUAL }, /kind of source/],
    ],
    "version 5 types 2 cursors 6": [
      [{}, /kind of source/],
      [{ windowId: WINDOW, cursor: "hidden" }, /pointer, but: embedded metadata \(NOT_SUPPORTED/],
    ],
  } as const;
  for (const [habit, cases] of Object.entries(lacks)) {
    await using rig = await startFake(habit);
    for (const [options, reason] of cases) {
      const { code, error } = await refused(rig, options);
      assert.equal(code, "NOT_SUPPORTED", `${habit}: ${error}`);
      assert.match(error, reason, habit);
    }
  }
});

test("what there is to ask for follows what the portal shows", OPTIONS, async () => {
  const lists = {
    "version 1 types 1": { displays: [DISPLAY], windows: [] },
    "version 3 types 2": { displays: [], windows: [WINDOW] },
    // A new display is made, not found.
    "version 5 types 7": { displays: [DISPLAY], windows: [WINDOW] },
    "version 5 types 4": { displays: [], windows: [] },
  };
  for (const [habit, expected] of Object.entries(lists)) {
    await using rig = await startFake(habit);
    assert.deepEqual(await list(rig), expected, habit);
  }
});

test("a virtual display, of the size that is asked for", OPTIONS, async () => {
  await using source = await Source.start("BGRX", ["any"]);
  await using rig = await startFake("version 4 types 7 cursors 7", `node ${source.words}`);
  const size = { width: 411, height: 233 };
  const region = { x: 3, y: 5, width: 101, height: 77 };
  for (
    const [wish, shown, part] of [[{}, SIZE], [size, size], [{ region }, SIZE, region]] as const
  ) {
    await using running = capture(rig, { displayId: VIRTUAL, ...wish });
    await source.shownTo(running, new Grey(shown.width, shown.height), part);
    const { opened, deviceId } = running.lines()[0] as Record<string, unknown>;
    assert.partialDeepStrictEqual(opened, part === undefined ? shown : { width: 101, height: 77 });
    assert.equal(deviceId, VIRTUAL);
  }
  const types = callsOf(rig, "SelectSources").map(({ types }) => types);
  assert.deepEqual(types, [4, 4, 4]);
});

test("a serial number tells a node from a later one of its number", OPTIONS, async () => {
  await using source = await Source.start();
  const words = source.words.replace(/\d+$/, (serial) => String(Number(serial) + 1));
  await using rig = await startFake("version 6", `node ${words}`);
  const running = capture(rig);
  const lines = await running.ended();
  assert.partialDeepStrictEqual(lines[0], { failed: true, code: "PORTAL_FAILED" });
});

test("damage that a source tells covers every pixel that changed", OPTIONS, async () => {
  await using source = await Source.start();
  await using rig = await startFake("version 4", `node ${source.words}`);
  const [whole, region] = [{ x: 0, y: 0, ...SIZE }, { x: 33, y: 17, width: 101, height: 51 }];
  for (const wish of [{}, { region }]) {
    const part = "region" in wish ? region : whole;
    await using running = capture(rig, wish);
    const shown = new Grey();
    const first = await source.shownTo(running, shown, part);
    let last = first;
    for (let i = 0; i < 6; i++) {
      const area = { x: 20 + 13 * i, y: 10 + 9 * i, width: 25, height: 15 };
      const { x, y, width, height } = area;
      await source.tell(`paint ${x} ${y} ${width} ${height} ${200 - i} 50 40 3 3`);
      const picture = shown.fill(area, 200 - i).in("BGRX").cut(part);
      last = await running.frameOf(picture, last.frame);
    }
    let before = first;
    for (const after of running.frames().slice(first.frame, last.frame)) {
      assert.ok(after.damage !== null && after.damage.length > 0, JSON.stringify(after));
      assert.ok(running.isCovered(before, after), JSON.stringify([before, after]));
      before = after;
    }
    await source.tell("quiet 40 20 30 30 99");
    const quiet = shown.fill({ x: 40, y: 20, width: 30, height: 30 }, 99).in("BGRX").cut(part);
    // Not told: all may have changed. It is said of all when a picture before it was dropped.
    const { damage } = await running.frameOf(quiet, last.frame);
    const { width, height } = part;
    if (damage !== null) assert.deepEqual(damage, [{ x: 0, y: 0, width, height }]);
  }
});

test("a region at odd places is cut by offsets and strides alone", OPTIONS, async () => {
  const region = { x: 33, y: 17, width: 101, height: 51 };
  for (const format of ["RGBA", "BGRA", "ARGB", "XBGR"]) {
    await using source = await Source.start(format);
    await using rig = await startFake("version 4", `node ${source.words}`);
    await using running = capture(rig, { region });
    const frame = await source.shownTo(running, picture, region);
    const { copied, stride } = frame;
    assert.deepEqual([frame.format, copied, stride], [format, false, SIZE.width * 4]);
  }
});

/** How often dialogs were opened, and what the portal was told to close. */
function countsOf(rig: PortalRig) {
  const count = (what: string) => rig.log().split(what).length - 1;
  return {
    opened: count("dialog open"),
    requests: count("Request closed"),
    sessions: count("Session closed"),
  };
}

/** A cancel is seen within 250 ms, where nobody else wants the machine. */
const SOON_MS = 5_000;

const ENDINGS = ["start stop", "start-async stop", "start destroy", "start-async destroy"];
ENDINGS.push("start both", "start-async both", "start dispose");

/** Opens dialogs and ends them, in one process of a C program, and looks what is left. */
async function endDialogs(rig: PortalRig, program: string, endings: readonly string[]) {
  await using user = startProgram(rig, program, [DISPLAY]);
  const told = () => user.lines().filter((line) => "ended" in line);
  for (const [i, ending] of endings.entries()) {
    const about = () => `${program}, ${ending}: ${JSON.stringify(user.lines())}\n${rig.log()}`;
    const before = countsOf(rig);
    const [start = "", how = ""] = ending.split(" ");
    user.send(start);
    await waitUntil(() => countsOf(rig).opened > before.opened, 30_000, about);
    user.send(how);
    const line = await waitUntil(() => told()[i], 30_000, about);
    assert.ok(line !== undefined);
    const names = [line.start, line.result].map((code) =>
      code === ResultCode.SUCCESS ? "SUCCESS" : errorCodeName(code)
    );
    assert.deepEqual(names, ["USER_CANCELLED", "SUCCESS"], about());
    assert.ok(line.ms < SOON_MS && line.startMs < SOON_MS, about());
    await waitUntil(
      () => {
        const { requests, sessions } = countsOf(rig);
        return requests === before.requests + 1 && sessions === before.sessions + 1;
      },
      10_000,
      about,
    );
  }
  assert.deepEqual(told().map(({ threads }) => threads), endings.map(() => 0));
  const descriptors = new Set(told().map(({ descriptors }) => descriptors));
  assert.equal(descriptors.size, 1, JSON.stringify(told()));
  user.send("quit");
  await user.ended(); // a sanitizer that found something fails here
}

test("an open dialog ends with its capture, and nothing is left of it", OPTIONS, async () => {
  await using rig = await startFake("version 4", "hang");
  for (const program of cProgramBuilds("screen_dialog")) await endDialogs(rig, program, ENDINGS);
  await using late = await startFake("late", "hang");
  await endDialogs(late, cProgram("screen_dialog"), ["start stop", "start-async destroy"]);
});

test("an open dialog ends with the signal that opening was given", OPTIONS, async () => {
  await using rig = await startFake("version 4", "hang");
  const abortFile = join(rig.group.directory, "abort");
  const user = startScreenUser(rig.env, [
    "capture",
    JSON.stringify({ cursor: "hidden", abortFile }),
  ]);
  await waitUntil(() => countsOf(rig).opened === 1, 30_000, () => rig.log());
  writeFileSync(abortFile, "");
  const result = await user.ended;
  assert.match(result.stdout, /"aborting":true.*\n.*"failed":true.*Abort/, describeResult(result));
  await waitUntil(
    () => {
      const { requests, sessions } = countsOf(rig);
      return requests === 1 && sessions === 1;
    },
    10_000,
    () => rig.log(),
  );
});

test("captures come and go on several threads while the screen changes", OPTIONS, async () => {
  await using source = await Source.start();
  await using rig = await startFake("version 5 cursors 7", `node ${source.words}`);
  // Not under ThreadSanitizer, to which the unloading of PipeWire's modules looks like a race: it does
  // not see the locks of ld.so.
  for (const program of cProgramBuilds("screen_stress", ["gcc-address"])) {
    await using user = startProgram(rig, program, ["2", DISPLAY, DISPLAY, DISPLAY]);
    let isOver = false;
    const ended = user.ended().finally(() => isOver = true);
    for (let i = 0; !isOver; i++) {
      await source.tell(`paint ${i % 200} ${i % 100} 90 90 ${i % 256}`);
      await source.tell(`point ${i % 300} ${i % 150}`);
      await Promise.race([ended, delay(20)]);
    }
    await ended;
  }
});
