// Screens of a real X server: what arrives is what was painted, pixel for pixel.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Picture, type ScreenCapture, startScreenUser } from "../support/screen_capture.ts";
import { delay, waitUntil } from "../support/wait.ts";
import { x11SkipReason } from "../support/x11.ts";
import { HEIGHT, list, refused, stage, WIDTH } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };

/** What differs between a frame and the one before lies in its damage. */
function assertDamageCovers(capture: ScreenCapture, count: number, width: number): void {
  let before: Uint32Array | undefined;
  for (const frame of capture.frames().slice(0, count)) {
    const words = capture.words(frame);
    const damage = frame.damage;
    assert.ok(damage !== null);
    words.forEach((word, i) => {
      if (before === undefined || word === before[i]) return;
      const x = i % width;
      const y = Math.floor(i / width);
      const covered = damage.some((rectangle) =>
        x >= rectangle.x && y >= rectangle.y &&
        x < rectangle.x + rectangle.width && y < rectangle.y + rectangle.height
      );
      assert.ok(covered, `pixel ${x}, ${y} of frame ${frame.frame}: ${JSON.stringify(damage)}`);
    });
    before = words;
  }
}

test("displays and windows are listed", OPTIONS, async () => {
  await using it = await stage();
  const low = await it.client.window("low", { x: 5, y: 6, width: 70, height: 50, seed: 1 });
  const high = await it.client.window("high", { x: 25, y: 16, width: 71, height: 51, seed: 2 });
  await it.client.run("title high Gr\u00fc\u00dfe \u{1f600} \u0007!");
  await it.client.run("monitor left 0 0 160 203");
  await it.client.run("monitor right 160 0 161 203");
  const { displays, windows, formats } = await list(it.env);
  const byName = new Map(displays.map((display) => [display.name, display]));
  assert.deepEqual(byName.get("left")?.rectangle, { x: 0, y: 0, width: 160, height: 203 });
  assert.deepEqual(byName.get("right")?.rectangle, { x: 160, y: 0, width: 161, height: 203 });
  assert.equal(byName.get("right")?.id, "x11:display/right");
  assert.equal(displays.filter(({ isDefault }) => isDefault).length, 1);
  assert.deepEqual(
    windows.map(({ id, name, processId, rectangle }) => ({ id, name, processId, rectangle })),
    [
      {
        id: `x11:window/${high}`,
        name: "Gr\u00fc\u00dfe \u{1f600}  !",
        processId: it.client.pid,
        rectangle: { x: 25, y: 16, width: 71, height: 51 },
      },
      {
        id: `x11:window/${low}`,
        name: "low",
        processId: it.client.pid,
        rectangle: { x: 5, y: 6, width: 70, height: 50 },
      },
    ],
  );
  assert.equal(formats[0]?.format, "BGRX");
  await it.client.run("raise low");
  assert.equal((await list(it.env)).windows[0]?.id, `x11:window/${low}`);
});

for (
  const [what, bits, without] of [
    ["shared memory, 24 bits", 8, []],
    ["shared memory, 30 bits", 10, []],
    ["no shared memory, 24 bits", 8, ["MIT-SHM"]],
    ["no shared memory, 30 bits", 10, ["MIT-SHM"]],
  ] as const
) {
  test(`a display pixel for pixel, at an odd size: ${what}`, OPTIONS, async () => {
    await using it = await stage({ without }, bits);
    await it.client.window("one", { x: 33, y: 21, width: 101, height: 77, seed: 1 });
    it.picture.pattern(33, 21, 101, 77, 1);
    await using capture = it.capture();
    const first = await capture.frameOf(it.picture);
    assert.equal(first.format, bits === 8 ? "BGRX" : "X2RGB10");
    assert.equal(first.copied, without.length > 0, "a lease where it can be one");
    const area = { x: 300, y: 190, width: 40, height: 40 };
    const value = bits === 8 ? 0x12_3456 : 0x2bcd_ef01;
    await it.client.run(`fill root 300 190 40 40 ${value.toString(16)}`);
    it.picture.fill(area, value);
    const second = await capture.frameOf(it.picture, first.frame);
    assert.ok(second.timestamp > first.timestamp);
  });
}

test("a display larger than a strip, without shared memory", OPTIONS, async () => {
  await using it = await stage({ without: ["MIT-SHM"], screen: "1403x1001x24" });
  await it.client.run("paint root 1403 1001 5");
  const picture = new Picture(1403, 1001).pattern(0, 0, 1403, 1001, 5);
  await using capture = it.capture();
  await capture.frameOf(picture);
});

test("damage covers every pixel that changed, and not all", OPTIONS, async () => {
  await using it = await stage();
  await using capture = it.capture();
  await capture.frameOf(it.picture);
  // Deterministic, with rectangles that cross each other and the edges.
  for (let i = 1; i <= 60; i++) {
    const area = {
      x: (i * 97) % WIDTH,
      y: (i * 61) % HEIGHT,
      width: 1 + (i * 13) % 40,
      height: 1 + (i * 7) % 30,
    };
    const value = (i * 0x01_0307) & 0xff_ffff;
    const { x, y, width, height } = area;
    await it.client.run(`fill root ${x} ${y} ${width} ${height} ${value.toString(16)}`);
    it.picture.fill(area, value);
  }
  const many = await capture.frameOf(it.picture);
  await it.client.run("fill root 7 8 3 2 987654");
  it.picture.fill({ x: 7, y: 8, width: 3, height: 2 }, 0x98_7654);
  const last = await capture.frameOf(it.picture, many.frame);
  assert.deepEqual(last.damage, [{ x: 7, y: 8, width: 3, height: 2 }], "and nothing else");
  assertDamageCovers(capture, last.frame, WIDTH);
});

test("damage covers what is painted while the picture is taken", OPTIONS, async () => {
  await using it = await stage();
  const region = { x: 20, y: 10, width: 211, height: 131 };
  await using capture = it.capture({ region });
  let { frame } = await capture.frameOf(it.picture.cut(region));
  // Of a part of a display damage is asked for first, and the picture when there is some inside.
  for (let i = 1; i <= 2500; i++) {
    const area = { x: 20 + (i * 97) % 200, y: 10 + (i * 61) % 120, width: 6, height: 5 };
    const value = (i * 0x03_0507) & 0xff_ffff;
    const { x, y, width, height } = area;
    await it.client.run(`fill root ${x} ${y} ${width} ${height} ${value.toString(16)}`);
    it.picture.fill(area, value);
  }
  ({ frame } = await capture.frameOf(it.picture.cut(region), frame));
  assert.ok(frame > 5, `${frame} frames`);
  assertDamageCovers(capture, frame, region.width);
});

test("a part of a display, which may move; what lies outside is nothing new", OPTIONS, async () => {
  await using it = await stage();
  const region = { x: 31, y: 17, width: 101, height: 57 };
  const moved = { x: 200, y: 100, width: 101, height: 57 };
  await using capture = it.capture({ region, set: [{ after: 2, name: "region", value: moved }] });
  const first = await capture.frameOf(it.picture.cut(region));
  await it.client.run("fill root 0 0 20 10 ff0000");
  it.picture.fill({ x: 0, y: 0, width: 20, height: 10 }, 0xff_0000);
  await it.client.run("fill root 35 20 3 3 00ff00");
  it.picture.fill({ x: 35, y: 20, width: 3, height: 3 }, 0x00_ff00);
  const second = await capture.frameOf(it.picture.cut(region), first.frame);
  assert.equal(second.frame, first.frame + 1, "nothing came for what lies outside");
  assert.deepEqual(second.damage, [{ x: 4, y: 3, width: 3, height: 3 }]);
  await capture.frameOf(it.picture.cut(moved), second.frame);
  for (
    const wrong of [
      { x: 300, y: 0, width: 22, height: 10 },
      { x: 0, y: 200, width: 10, height: 4 },
      { x: 0, y: 0, width: 322, height: 10 },
    ]
  ) {
    const { code, error } = await refused(it.env, { region: wrong });
    assert.equal(code, "INVALID_ARG");
    assert.match(error, /321 x 203/);
  }
});

test("one of two displays, and its end", OPTIONS, async () => {
  await using it = await stage();
  await it.client.run("monitor left 0 0 160 203");
  await it.client.run("monitor right 160 0 161 203");
  await using capture = it.capture({ displayId: "x11:display/right" });
  const right = { x: 160, y: 0, width: 161, height: 203 };
  await capture.frameOf(it.picture.cut(right));
  await it.client.run("monitor right");
  const lost = await capture.ended().then((lines) => lines.find((line) => line.lost === true));
  assert.equal(lost?.code, "DEVICE_LOST");
  assert.match(String(lost?.error), /unplugged/);
  assert.equal(
    (await refused(it.env, { displayId: "x11:display/right" })).code,
    "DEVICE_NOT_FOUND",
  );
});

test("a window under another, that moves, resizes, goes, comes and closes", OPTIONS, async () => {
  await using it = await stage();
  const id = await it.client.window("low", { x: 20, y: 20, width: 101, height: 77, seed: 1 });
  await it.client.window("high", { x: 40, y: 40, width: 120, height: 90, seed: 2 });
  const small = new Picture(101, 77).pattern(0, 0, 101, 77, 1);
  await using capture = it.capture({ windowId: `x11:window/${id}` });
  await capture.frameOf(small);
  await it.client.run("move low 50 60");
  await it.client.run("fill low 3 4 10 10 abcdef");
  const first = await capture.frameOf(small.fill({ x: 3, y: 4, width: 10, height: 10 }, 0xab_cdef));
  // Larger, then smaller.
  await it.client.run("resize low 133 91 4");
  const large = new Picture(133, 91).pattern(0, 0, 133, 91, 4);
  const second = await capture.frameOf(large, first.frame);
  await it.client.run("resize low 51 33 5");
  const tiny = new Picture(51, 33).pattern(0, 0, 51, 33, 5);
  const third = await capture.frameOf(tiny, second.frame);
  const events = capture.lines().filter(({ event }) => event === "format");
  assert.deepEqual(
    events.map(({ width, height }) => [width, height]).at(-1),
    [51, 33],
    JSON.stringify(events),
  );
  const changes = capture.frames().filter(({ formatChanged }) => formatChanged);
  assert.ok(
    changes.some(({ width }) => width === 133) && changes.some(({ width }) => width === 51),
  );
  const unmapped = await it.client.run("unmap low");
  await delay(200);
  const painted = await it.client.run("paint low 51 33 6");
  await it.client.run("map low");
  await capture.frameOf(new Picture(51, 33).pattern(0, 0, 51, 33, 6), third.frame);
  const between = capture.frames().filter(({ timestamp }) =>
    timestamp > unmapped && timestamp < painted
  );
  assert.deepEqual(between, [], "what is not shown has no picture");
  await it.client.run("destroy low");
  const lost = (await capture.ended()).find((line) => line.lost === true);
  assert.equal(lost?.code, "DEVICE_LOST");
  assert.match(String(lost?.error), /closed/);
  assert.equal((await refused(it.env, { windowId: `x11:window/${id}` })).code, "DEVICE_NOT_FOUND");
});

test("the pointer: hidden, painted, or told beside the picture", OPTIONS, async () => {
  await using it = await stage();
  await it.client.run("cursor root 9 7 2 3");
  await it.client.run("pointer 100 50");
  await using hidden = it.capture({ cursor: "hidden" });
  await using embedded = it.capture({ cursor: "embedded" });
  await using beside = it.capture({ cursor: "metadata" });
  const red = 0xff_0000;
  const at = (x: number, y: number) =>
    it.picture.cut({ x: 0, y: 0, width: WIDTH, height: HEIGHT })
      .fill({ x: x - 2, y: y - 3, width: 9, height: 7 }, red);
  await hidden.frameOf(it.picture);
  const painted = await embedded.frameOf(at(100, 50));
  const told = await beside.frameOf(it.picture);
  assert.deepEqual(told.cursor, {
    x: 100,
    y: 50,
    visible: true,
    image: {
      ...told.cursor?.image,
      width: 9,
      height: 7,
      hotspotX: 2,
      hotspotY: 3,
      format: "BGRA",
      data: [0, 0, 255, 255],
      bytes: 9 * 7 * 4,
    },
  });
  await it.client.run("pointer 120 80");
  const moved = await embedded.frameOf(at(120, 80), painted.frame);
  assert.deepEqual(moved.damage, [
    { x: 98, y: 47, width: 9, height: 7 },
    { x: 118, y: 77, width: 9, height: 7 },
  ]);
  const after = await beside.frameWhere("the move", ({ cursor }) => cursor?.x === 120, told.frame);
  assert.deepEqual([after.cursor?.y, after.cursor?.image, after.damage], [80, null, []]);
  await it.client.run("cursor root 5 5 0 0");
  await it.client.run("pointer 121 81");
  await beside.frameWhere("another picture", ({ cursor }) => cursor?.image?.width === 5);
  assert.equal(hidden.frames().length, 1, "nobody who does not show it is woken");
});

test("a still screen costs nothing", OPTIONS, async () => {
  await using it = await stage();
  const id = await it.client.window("one", { x: 20, y: 20, width: 101, height: 77, seed: 1 });
  await using hidden = it.capture({ cursor: "hidden" });
  await using embedded = it.capture({ cursor: "embedded" });
  await using window = it.capture({ windowId: `x11:window/${id}`, cursor: "metadata" });
  await using region = it.capture({ region: { x: 1, y: 1, width: 99, height: 99 } });
  const captures = [hidden, embedded, window, region];
  for (const capture of captures) await capture.frameWhere("the first", () => true);
  const all = () => captures.map((capture) => switches(capture.script.pid));
  // They have settled when they have slept through half a second.
  let before: string[] = [];
  await waitUntil(
    async () => {
      before = all();
      await delay(500);
      return before.join() === all().join();
    },
    30_000,
    () => `the threads to settle: ${before.join(" ")}`,
  );
  await delay(10_000);
  // Threads of operations that are over have ended.
  for (const [i, line] of all().entries()) {
    const was = before[i]?.split(",") ?? [];
    assert.deepEqual(line.split(",").filter((thread) => !was.includes(thread)), [], was.join());
    assert.match(line, /miniav-x11/);
  }
  for (const capture of captures) assert.equal(capture.frames().length, 1);
  await it.client.run("fill root 1 1 9 9 ff");
  await hidden.frameWhere("the next", () => true, 1);
  assert.notEqual(switches(hidden.script.pid), before[0], "a change wakes it");
});

/** How often each thread of the library slept and was put to sleep. */
function switches(pid: number): string {
  const found = readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    const name = /^Name:\t(miniav.*)$/m.exec(status)?.[1];
    if (name === undefined) return [];
    const counts = status.matchAll(/^\w*voluntary_ctxt_switches:\t(\d+)$/gm);
    return `${task} ${name} ${Array.from(counts, ([, count]) => count).join("+")}`;
  });
  return found.join();
}

test("a steady stream repeats its picture", OPTIONS, async () => {
  await using it = await stage();
  await using steady = it.capture({ repeatLastFrame: true, frameRate: 20, frames: 40 });
  await steady.ended();
  const frames = steady.frames();
  assert.equal(frames.length, 40);
  assert.ok(frames.slice(1).every(({ repeated, damage }) => repeated && damage?.length === 0));
  assert.ok(!frames[0]!.repeated);
  const seconds = (frames.at(-1)!.timestamp - frames[0]!.timestamp) / 1e6;
  assert.ok(seconds > 39 / 20 - 0.06, `${seconds} s for 40 pictures, 20 a second`);
  assert.equal(steady.words(frames.at(-1)!)[5], it.picture.words[5]);
});

test("the rate is a limit", OPTIONS, async () => {
  await using it = await stage();
  await using capture = it.capture({ frameRate: 10 });
  await capture.frameWhere("the first", () => true);
  const until = performance.now() + 2000;
  let painted = 0;
  for (; performance.now() < until; painted++) {
    await it.client.run(`fill root 1 1 9 9 ${(painted & 0xff).toString(16)}`);
  }
  const frames = capture.frames();
  assert.ok(frames.length < painted, `${painted} changes`);
  const seconds = (frames.at(-1)!.timestamp - frames[0]!.timestamp) / 1e6;
  assert.ok(frames.length - 1 <= seconds * 10 + 1, `${frames.length} in ${seconds} s`);
});

test("a slow consumer gets the newest, in order, and every loss is counted", OPTIONS, async () => {
  await using it = await stage();
  await using capture = it.capture({ frames: 6, slowMs: 200, queue: 4 });
  await capture.frameOf(it.picture);
  const until = performance.now() + 60_000;
  const runs = () => capture.script.child.exitCode === null && performance.now() < until;
  for (let i = 0; runs(); i = (i + 1) % WIDTH) {
    await it.client.run(`fill root ${i} 0 1 203 ${i.toString(16)}`);
  }
  const lines = await capture.ended();
  const end = lines.at(-1) as { stats: Record<string, number> };
  const { produced, delivered, dropped, queued } = end.stats;
  assert.equal(produced, delivered! + dropped! + queued!);
  const times = capture.frames().map(({ timestamp }) => timestamp);
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
});

test("a server that dies, one that hangs, none, and what cannot be", OPTIONS, async () => {
  await using it = await stage();
  const hanging = it.capture();
  await hanging.frameOf(it.picture);
  it.rig.signalServer("SIGSTOP");
  assert.equal((await refused(it.env, {})).code, "TIMEOUT");
  it.rig.signalServer("SIGCONT");
  await it.client.run("fill root 0 0 9 9 ff");
  it.picture.fill({ x: 0, y: 0, width: 9, height: 9 }, 0xff);
  await hanging.frameOf(it.picture);
  const excluding = await refused(it.env, { excludedWindows: [1] });
  assert.equal(excluding.code, "NOT_SUPPORTED");
  assert.match(excluding.error, /leave windows out/);
  assert.equal((await refused(it.env, { format: "NV12" })).code, "FORMAT_NOT_SUPPORTED");
  assert.equal((await refused(it.env, { displayId: "x11:display/none" })).code, "DEVICE_NOT_FOUND");
  assert.equal((await refused(it.env, { windowId: "x11:window/x" })).code, "DEVICE_NOT_FOUND");
  await it.rig.killServer();
  const lines = await hanging.ended();
  const lost = lines.find((line) => line.lost === true);
  assert.equal(lost?.code, "DEVICE_LOST", JSON.stringify(lines));
  assert.match(String(lost?.error), /X server/);
  assert.equal(
    (await refused(it.env, { displayId: "x11:display/screen" })).code,
    "DEVICE_NOT_FOUND",
  );
});

test("a capture stops at once while the server hangs", OPTIONS, async () => {
  await using it = await stage();
  await using capture = it.capture({ frames: 2, slowMs: 400 });
  const first = await capture.frameOf(it.picture);
  await it.client.run("fill root 0 0 9 9 ff");
  await capture.frameWhere("the second", () => true, first.frame);
  it.rig.signalServer("SIGSTOP");
  const end = (await capture.ended()).at(-1) as { stopMs: number };
  assert.ok(end.stopMs < 1000, `${end.stopMs} ms`);
});

test("displays that come and go are told", OPTIONS, async () => {
  await using it = await stage();
  const script = startScreenUser(it.env, ["watch"]);
  await script.waitForLine('"watching"');
  await waitUntil(() => delay(500).then(() => true), 5000, "the watch to begin");
  await it.client.run("monitor other 0 0 100 100");
  await script.waitForLine('"change"');
  script.kill("SIGKILL");
  await script.ended;
});
