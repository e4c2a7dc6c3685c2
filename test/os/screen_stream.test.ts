// What screens tell beside their pictures on a real PipeWire: damage, and the pointer as metadata,
// with and without a picture; what is not believed.
//
// The producer is lib/miniav_c/test/os/screen_source.c, which sends a buffer for every line it is
// told; lib/miniav_c/test/os/screen_probe.c prints the frames that the library makes of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type CameraSource, startCameraSource } from "../../scripts/rig/camera_rig.ts";
import { cProgram } from "../support/c_program.ts";
import { type PipeWireRig, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import { type CameraUser, LIMIT_MS, type Line, startProgram } from "./support/cameras.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

interface Screen extends AsyncDisposable {
  readonly source: CameraSource;
  readonly probe: CameraUser;
  /** Has the source send buffers, and waits for as many frames. */
  frames(lines: readonly string[], count?: number): Promise<Line[]>;
  ask(line: string, key: string): Promise<Line>;
}

async function startScreen(
  rig: PipeWireRig,
  options: readonly string[] = ["damage", "cursor"],
  sourceOptions: readonly string[] = [],
): Promise<Screen> {
  const program = cProgram("screen_source");
  const source = await startCameraSource(
    ...[program, rig.env, "screen", ["BGRX"], "320x240", 200, sourceOptions] as const,
  );
  const probe = startProgram(rig, cProgram("screen_probe"), ["screen", ...options]);
  const { started } = await probe.line("started");
  assert.equal(started, 0);
  const frames = () => probe.lines().filter((line) => "frame" in line);
  const sent = () => source.output().split('"sent"').length - 1;
  let seen = 0;
  return {
    source,
    probe,
    async frames(lines, count = lines.length) {
      const before = sent();
      for (const line of lines) await source.tell(line);
      await waitUntil(
        () => sent() >= before + lines.length && frames().length >= seen + count,
        LIMIT_MS,
        () => `${count} frames of ${lines.join("; ")}: ${JSON.stringify(probe.lines())}`,
      );
      const from = seen;
      seen += count;
      return frames().slice(from, seen);
    },
    async ask(line, key) {
      const before = probe.lines().length;
      probe.send(line);
      return await waitUntil(
        () => probe.lines().slice(before).find((each) => key in each),
        LIMIT_MS,
        () => `an answer to ${line}`,
      ) ?? {};
    },
    async [Symbol.asyncDispose]() {
      await probe[Symbol.asyncDispose]();
      await source.stop();
    },
  };
}

test("damage is what the screen says, clipped, or not known", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using screen = await startScreen(rig);
  const [whole, two, quiet, edge, lie, next] = await screen.frames([
    "paint 0 0 320 240 10",
    "paint 8 16 20 30 77 100 100 5 6",
    "quiet 1 1 2 2 5",
    "paint 0 0 1 1 3 310 230 100 100 -5 -5 10 10",
    "lie damage 0 0 4 4 9",
    "paint 3 3 3 3 9",
  ]);
  assert.deepEqual(whole?.damage, [[0, 0, 320, 240]]);
  assert.deepEqual(two?.damage, [[8, 16, 20, 30], [100, 100, 5, 6]]);
  assert.equal(quiet?.damage, null);
  assert.deepEqual(edge?.damage, [[0, 0, 1, 1], [310, 230, 10, 10], [0, 0, 5, 5]]);
  assert.equal(lie?.damage, null, "it lies outside");
  assert.deepEqual(next?.damage, [[3, 3, 3, 3]]);
  assert.ok([whole, two, quiet].every((line) => line?.estimated === false && !line?.repeated));
  const stats = await screen.ask("stats", "produced");
  assert.deepEqual([stats.delivered, stats.dropped], [6, 0]);
});

test("the pointer is told where it is, and its picture when that changes", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using screen = await startScreen(rig);
  const [first] = await screen.frames(["both 0 0 320 240 10 50 60"]);
  const { image, ...place } = first?.cursor;
  assert.deepEqual([place.x, place.y, place.visible, image], [50, 60, true, null]);
  // Its picture comes without a picture of the screen: that is the last one again.
  const [shaped] = await screen.frames(["shape 24 64 32 16 128"]);
  assert.equal(shaped?.repeated, true);
  assert.deepEqual(shaped?.damage, [], "nothing changed");
  assert.deepEqual(shaped?.cursor.image, {
    width: 24,
    height: 24,
    first: [128, 64, 32, 128],
    last: [128, 64, 32, 128],
  });
  assert.deepEqual(shaped?.cursor.hotspot, [2, 2]);
  const moves = await screen.frames(["point 70 80", "point 71 80", "point 400 80", "point 9 9"]);
  for (const line of [shaped, ...moves]) {
    assert.deepEqual([line?.sum, line?.repeated], [first?.sum, true], "the same picture");
    assert.equal(line?.corrupted, false);
    assert.deepEqual(line?.damage, []);
    assert.equal(line?.cursor.serial, shaped?.cursor.serial);
  }
  assert.deepEqual(moves.map(({ cursor }) => [cursor.x, cursor.y, cursor.visible]), [
    [70, 80, true],
    [71, 80, true],
    [400, 80, false],
    [9, 9, true],
  ]);
  assert.ok(moves.every(({ cursor }) => cursor.image === null));
  assert.ok(moves.every(({ time }, at) => time > (at === 0 ? shaped?.time : moves[at - 1]?.time)));
  // Nothing new is no frame; what differs is.
  const [hidden, back, large] = await screen.frames(
    ["empty", "point 9 9", "hide", "hide", "point 11 9", "shape 256 0 0 0 255"],
    3,
  );
  assert.equal(hidden?.cursor.visible, false);
  assert.deepEqual([back?.cursor.visible, back?.cursor.x], [true, 11]);
  assert.equal(large?.cursor.image.width, 256);
  assert.notEqual(large?.cursor.serial, shaped?.cursor.serial);
  const [painted] = await screen.frames(["both 5 5 5 5 200 30 31"]);
  assert.deepEqual([painted?.cursor.x, painted?.cursor.y], [30, 31]);
  assert.deepEqual([painted?.repeated, painted?.damage], [false, [[5, 5, 5, 5]]]);
  assert.notEqual(painted?.sum, first?.sum);
  const stats = await screen.ask("stats", "produced");
  assert.equal(stats.dropped, 0);
});

test(
  "a picture shown again is copied once, and stays as it was while it is held",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await using screen = await startScreen(rig);
    await screen.frames(["both 0 0 320 240 20 5 5"]);
    await screen.ask("hold", "holds");
    const points = Array.from({ length: 6 }, (_, at) => `point ${at + 10} 5`);
    const again = await screen.frames(["paint 0 0 8 8 21", ...points]);
    assert.equal(new Set(again.slice(1).map(({ at }) => at)).size, 1, "one place in memory");
    assert.deepEqual(again.map(({ copied }) => copied), [false, ...points.map(() => true)]);
    assert.equal(new Set(again.map(({ sum }) => sum)).size, 1);
    // Every buffer of the source goes round meanwhile.
    await screen.ask("pass", "passes");
    for (let at = 0; at < 30; at++) await screen.frames([`paint 0 0 320 240 ${at + 30}`]);
    const looked = await screen.ask("look", "held");
    assert.deepEqual([looked.held, looked.changed], [again.length, 0]);
    await screen.source.tell("size 160x120");
    const [small] = await screen.frames(["both 0 0 160 120 99 7 7"]);
    assert.equal(small?.size, "160x120");
    const [moved] = await screen.frames(["point 8 7"]);
    assert.deepEqual([moved?.size, moved?.sum], ["160x120", small?.sum]);
    await screen.ask("stop", "stopped");
    assert.equal((await screen.ask("look", "held")).changed, 0);
    await screen.ask("release", "released");
    assert.equal((await screen.ask("stats", "produced")).outstanding, 0);
  },
);

test("a pointer before the first picture waits for it", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using screen = await startScreen(rig);
  const [first] = await screen.frames(["shape 16 9 9 9 255", "point 3 4", "both 0 0 9 9 1 5 6"], 1);
  assert.deepEqual([first?.cursor.x, first?.cursor.image.width], [5, 16]);
  assert.equal(first?.repeated, false);
});

test("a pointer that lies does no harm, and the picture comes", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using screen = await startScreen(rig);
  const [good] = await screen.frames(["both 0 0 320 240 20 5 5"]);
  const kinds = ["offset", "stride", "size", "format"];
  const lines = await screen.frames(kinds.map((kind) => `lie ${kind} 0 0 10 10 9`));
  for (const line of lines) {
    assert.equal(line.cursor.image, null, JSON.stringify(line));
    assert.deepEqual([line.cursor.x, line.cursor.serial], [5, good?.cursor.serial]);
    assert.deepEqual(line.damage, [[0, 0, 10, 10]]);
  }
});

test("the newest picture is shown again when it is asked for", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using screen = await startScreen(rig, ["damage", "keep"]);
  assert.equal((await screen.ask("repeat", "shown")).shown, false);
  const [first] = await screen.frames(["paint 0 0 320 240 20"]);
  assert.equal(first?.cursor, null, "nobody asked for it");
  assert.equal((await screen.ask("repeat", "shown")).shown, true);
  const [again] = await screen.frames([], 1);
  assert.deepEqual([again?.repeated, again?.sum, again?.damage], [true, first?.sum, []]);
  assert.ok(again?.time > first?.time);
});

test("who does not ask gets no metadata", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await using screen = await startScreen(rig, []);
  const [frame] = await screen.frames(["both 0 0 320 240 20 5 5"]);
  assert.equal(frame?.metadata, false);
  await screen.frames(["point 6 6"], 0);
  // For a camera a buffer without a picture is a lie.
  await waitUntil(
    async () => (await screen.ask("stats", "produced")).invalid === 1,
    LIMIT_MS,
    "the empty buffer is counted",
  );
});

for (const buffers of [2, 3, 4]) {
  test(`${buffers} buffers are enough for pictures and pointer`, OPTIONS, async () => {
    await using rig = await startPipeWireRig();
    await using screen = await startScreen(rig, ["damage", "cursor"], [`buffers=${buffers}`]);
    for (let at = 0; at < 12; at++) {
      const [picture] = await screen.frames([`both ${at} 0 8 8 ${at + 50} ${at} 3`]);
      const [moved] = await screen.frames([`point ${at} 9`]);
      assert.deepEqual([moved?.sum, moved?.cursor.y], [picture?.sum, 9]);
      assert.equal(picture?.copied, buffers < 4, "of so few none can be spared");
    }
  });
}
