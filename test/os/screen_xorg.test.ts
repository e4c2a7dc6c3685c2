// Screens of a real Xorg with its dummy driver: outputs that are plugged in and out, modes that change,
// and pointers that change without being moved, which Xvfb does not tell.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Picture, startScreenUser } from "../support/screen_capture.ts";
import { waitUntil } from "../support/wait.ts";
import { xorgSkipReason } from "../support/x11.ts";
import { list, refused, stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: xorgSkipReason() };
const LEFT = [800, 600] as const;
const RIGHT = [640, 480] as const;
const FIRST = "x11:display/DUMMY0";
const SECOND = "x11:display/DUMMY1";

test("outputs that come, change their mode and go", OPTIONS, async () => {
  await using it = await stage({ server: "Xorg" }, 8, LEFT);
  const watch = startScreenUser(it.env, ["watch"]);
  await watch.waitForLine('"watching"');
  const changes = () =>
    watch.stdout().split("\n").filter((line) => line.includes('"change"')).length;
  const before = await list(it.env);
  assert.deepEqual(before.displays.map(({ id, isDefault }) => [id, isDefault]), [[FIRST, true]]);
  const rate = before.displays[0]?.refreshRate ?? 0;
  assert.ok(rate > 50 && rate < 90, `${rate} Hz`);

  await it.rig.xrandr("--addmode", "DUMMY1", "640x480");
  await it.rig.xrandr("--output", "DUMMY1", "--mode", "640x480", "--right-of", "DUMMY0");
  await waitUntil(() => changes() > 0, 20_000, "word of the second display");
  const { displays } = await list(it.env);
  assert.deepEqual(displays.map(({ id, rectangle }) => [id, rectangle]), [
    [FIRST, { x: 0, y: 0, width: 800, height: 600 }],
    [SECOND, { x: 800, y: 0, width: 640, height: 480 }],
  ]);

  await it.client.run("paint root 1440 600 5");
  const all = new Picture(1440, 600).pattern(0, 0, 1440, 600, 5);
  await using first = it.capture({ displayId: FIRST });
  await using second = it.capture({ displayId: SECOND });
  const left = { x: 0, y: 0, width: LEFT[0], height: LEFT[1] };
  await first.frameOf(all.cut(left));
  const seen = await second.frameOf(all.cut({ x: 800, y: 0, width: RIGHT[0], height: RIGHT[1] }));

  // Another mode: the event, then pictures of the new size.
  const told = changes();
  await it.rig.xrandr("--addmode", "DUMMY1", "800x600");
  await it.rig.xrandr("--output", "DUMMY1", "--mode", "800x600");
  await waitUntil(() => changes() > told, 20_000, "word of the mode");
  await it.client.run("paint root 1600 600 6");
  const wide = new Picture(1600, 600).pattern(0, 0, 1600, 600, 6);
  await second.frameOf(wide.cut({ x: 800, y: 0, width: 800, height: 600 }), seen.frame);
  const lines = second.lines();
  const event = lines.findIndex((line) => line.event === "format" && line.width === 800);
  const changed = lines.findIndex((line) => line.formatChanged === true);
  assert.ok(event >= 0 && changed > event, "the event comes before the frame");
  assert.equal(lines[changed]?.width, 800);

  // Out: its capture is lost, the other one goes on.
  await it.rig.xrandr("--output", "DUMMY1", "--off");
  const lost = (await second.ended()).find((line) => line.lost === true);
  assert.equal(lost?.code, "DEVICE_LOST");
  assert.match(String(lost?.error), /unplugged/);
  assert.equal((await refused(it.env, { displayId: SECOND })).code, "DEVICE_NOT_FOUND");
  await it.client.run("paint root 800 600 7");
  await first.frameOf(new Picture(...LEFT).pattern(0, 0, ...LEFT, 7));
  await waitUntil(() => changes() > told + 1, 20_000, "word of its end");
  watch.kill("SIGKILL");
  await watch.ended;
});

test("a pointer whose picture changes while it rests", OPTIONS, async () => {
  await using it = await stage({ server: "Xorg" }, 8, LEFT);
  const everything = { x: 0, y: 0, width: LEFT[0], height: LEFT[1] };
  const under = (x: number, y: number, width: number, height: number) =>
    it.picture.cut(everything).fill({ x, y, width, height }, 0xff_0000);
  await it.client.run("cursor root 9 7 2 3");
  await it.client.run("pointer 100 50");
  await using beside = it.capture({ cursor: "metadata" });
  await using painted = it.capture({ cursor: "embedded" });
  await using hidden = it.capture({ cursor: "hidden" });
  const is = (width: number, height: number) => ({ cursor }: { cursor: Cursor }) =>
    cursor?.image?.width === width && cursor.image.height === height;
  const told = await beside.frameWhere("the pointer", is(9, 7));
  const shown = await painted.frameOf(under(98, 47, 9, 7));
  await hidden.frameOf(it.picture);

  await it.client.run("cursor root 12 5 6 1");
  const after = await beside.frameWhere("another picture", is(12, 5), told.frame);
  const { x, y, visible, image } = after.cursor!;
  assert.deepEqual([x, y, visible, image?.hotspotX, image?.hotspotY], [100, 50, true, 6, 1]);
  assert.deepEqual(after.damage, [], "the picture below is the same");
  const redrawn = await painted.frameOf(under(94, 49, 12, 5), shown.frame);
  assert.deepEqual(redrawn.damage, [
    { x: 98, y: 47, width: 9, height: 7 },
    { x: 94, y: 49, width: 12, height: 5 },
  ]);
  assert.equal(hidden.frames().length, 1, "nobody who does not show it is woken");
});

type Cursor = { image: { width: number; height: number } | null } | null;

for (const without of [[], ["MIT-SHM"]]) {
  test(
    `30 bits a pixel${without.length > 0 ? " without shared memory" : ""}`,
    OPTIONS,
    async () => {
      await using it = await stage({ server: "Xorg", without }, 10, RIGHT);
      await using capture = it.capture();
      const frame = await capture.frameOf(it.picture);
      assert.equal(frame.format, "X2RGB10");
    },
  );
}
