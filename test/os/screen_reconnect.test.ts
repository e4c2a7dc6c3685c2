// What `reconnect` opens again on a real X server, and what it never does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Picture } from "../support/screen_capture.ts";
import { waitUntil } from "../support/wait.ts";
import { X11Client, x11SkipReason } from "../support/x11.ts";
import { stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };
const AGAIN = { delay: 20, maximumDelay: 100 };

/**
 * A window of another program that has that number: the server hands the places of clients that
 * have ended to the next ones, the lowest first.
 */
async function takeNumber(
  env: Record<string, string>,
  id: number,
  place: { x: number; y: number; width: number; height: number },
): Promise<AsyncDisposable> {
  const others = new AsyncDisposableStack();
  for (let attempt = 1;; attempt++) {
    const other = await X11Client.start(env);
    const next = await other.window("passwords", { ...place, seed: 2 });
    if (next > id) await other[Symbol.asyncDispose](); // its place is not free yet
    else others.use(other);
    if (next === id) break;
    assert.ok(attempt < 20, `window ${next}, and never ${id}`);
  }
  return others;
}

test(
  "a window that closes is not opened again: another program gets its number",
  OPTIONS,
  async () => {
    await using it = await stage();
    const place = { x: 20, y: 20, width: 101, height: 77 };
    const editor = await X11Client.start(it.env);
    const id = await editor.window("editor", { ...place, seed: 1 });
    await using capture = it.capture({ windowId: `x11:window/${id}`, reconnect: AGAIN });
    await capture.frameOf(new Picture(101, 77).pattern(0, 0, 101, 77, 1));
    await editor[Symbol.asyncDispose]();
    await using _others = await takeNumber(it.env, id, place);
    const lines = await capture.ended();
    const lost = lines.find((line) => line.lost === true);
    assert.equal(lost?.code, "DEVICE_LOST", JSON.stringify(lines));
    assert.match(String(lost?.error), /closed/);
    assert.deepEqual(lines.filter(({ event }) => event === "reconnecting"), []);
  },
);

test("a window goes with its server, and is not looked for in the next", OPTIONS, async () => {
  await using it = await stage();
  const id = await it.client.window("one", { x: 20, y: 20, width: 101, height: 77, seed: 1 });
  await using capture = it.capture({ windowId: `x11:window/${id}`, reconnect: AGAIN });
  await capture.frameWhere("the first", () => true);
  await it.rig.killServer();
  const lines = await capture.ended();
  assert.equal(lines.find((line) => line.lost === true)?.code, "DEVICE_LOST");
  assert.deepEqual(lines.filter(({ event }) => event === "reconnecting"), []);
});

test("a display that comes back is opened again; another size is told", OPTIONS, async () => {
  await using it = await stage();
  await it.client.run("monitor right 160 0 161 203");
  await using capture = it.capture({ displayId: "x11:display/right", reconnect: AGAIN });
  const events = (name: string) => capture.lines().filter(({ event }) => event === name);
  const comesBack = async (width: number, height: number) => {
    const seen = capture.frames().length;
    const times = events("reconnected").length;
    await it.client.run("monitor right");
    await waitUntil(
      () => events("reconnecting").filter(({ attempt }) => attempt === 2).length > times,
      30_000,
      "the loss",
    );
    await it.client.run(`monitor right 160 0 ${width} ${height}`);
    const picture = it.picture.cut({ x: 160, y: 0, width, height });
    const frame = await capture.frameOf(picture, seen);
    assert.equal(events("reconnected").length, times + 1);
    assert.equal(frame.frame, seen + 1, "the first since then");
    return frame;
  };
  const first = await capture.frameOf(it.picture.cut({ x: 160, y: 0, width: 161, height: 203 }));
  assert.equal(first.formatChanged, false);
  assert.equal((await comesBack(100, 90)).formatChanged, true);
  assert.deepEqual(events("format").map(({ width, height }) => [width, height]), [[100, 90]]);
  assert.equal((await comesBack(100, 90)).formatChanged, false);
  assert.equal(events("format").length, 1);
});
