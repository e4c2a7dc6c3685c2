// What `reconnect` opens again on a real X server, and what it never does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Picture } from "../support/screen_capture.ts";
import { X11Client, x11SkipReason } from "../support/x11.ts";
import { stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };
const AGAIN = { delay: 20, maximumDelay: 100 };

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
    // The server hands the place of a client that has ended to the next one: Resources, "dix".
    await using passwords = await X11Client.start(it.env);
    const next = await passwords.window("passwords", { ...place, seed: 2 });
    assert.equal(next, id, "the same number");
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
