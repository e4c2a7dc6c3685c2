// Screens of X servers and programs that do not behave: what a capture makes of it.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { cProgram } from "../support/c_program.ts";
import { describeResult, runScript, startProgram } from "../support/process.ts";
import { Picture } from "../support/screen_capture.ts";
import { delay } from "../support/wait.ts";
import { x11SkipReason } from "../support/x11.ts";
import { stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };

test("a window whose frame is mapped again, and one that is said to be gone", OPTIONS, async () => {
  await using it = await stage();
  // As a window manager does: it takes the frame away, and the window in it stays mapped.
  await it.client.window("frame", { x: 10, y: 10, width: 150, height: 120, seed: 2 });
  const id = await it.client.window("inner", { x: 0, y: 0, width: 101, height: 77, seed: 1 });
  await it.client.run("into inner frame");
  await it.client.run("unmap frame");
  await using capture = it.capture({ windowId: `x11:window/${id}` });
  await capture.script.waitForLine('"opened"');
  await delay(200); // it has seen that there is nothing to see, or not yet: both are well
  assert.deepEqual(capture.frames(), []);
  await it.client.run("map frame");
  const picture = new Picture(101, 77).pattern(0, 0, 101, 77, 1);
  const first = await capture.frameOf(picture);
  // Any program may send that event; the window is there all the same.
  await it.client.run("lie inner");
  await it.client.run("fill inner 3 4 10 10 abcdef");
  const filled = picture.fill({ x: 3, y: 4, width: 10, height: 10 }, 0xab_cdef);
  const second = await capture.frameOf(filled, first.frame);
  await it.client.run("destroy inner");
  const lost = (await capture.ended()).find((line) => line.lost === true);
  assert.equal(lost?.code, "DEVICE_LOST", `after frame ${second.frame}`);
  assert.match(String(lost?.error), /closed/);
});

test("settings that come while others are carried out", OPTIONS, async () => {
  await using it = await stage();
  const user = new URL("fixtures/screen_settings_user.ts", import.meta.url);
  const options = { args: ["200"], env: it.env, clearEnv: true, timeoutMs: 90_000 };
  const result = await runScript(user, options);
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /"rounds":200/);
});

test("a server that hangs leaves one thread behind, however much is asked", OPTIONS, async () => {
  await using it = await stage();
  const user = new URL("fixtures/screen_hang_user.ts", import.meta.url);
  const args = [String(it.rig.serverPid)];
  const result = await runScript(user, { args, env: it.env, clearEnv: true, timeoutMs: 90_000 });
  assert.equal(result.code, 0, describeResult(result));
  assert.deepEqual(JSON.parse(result.stdout), {
    before: "1 displays",
    outcomes: ["TIMEOUT"],
    left: 1,
    after: "1 displays",
  });
});

/** An X server's reply is 32 bytes, then so many words as it says. X11 protocol, appendix B. */
const REPLY_BYTES = 32;
const REPLY_LENGTH_AT = 4;
const SETUP_BYTES = 8;
const SETUP_LENGTH_AT = 6;

/** Hands on what a server sends, up to its first reply: of that only the beginning comes. */
function stallInFirstReply(server: Socket, client: Socket): void {
  let held = Buffer.alloc(0);
  let sent = 0;
  let isStalled = false;
  server.on("data", (bytes: Buffer) => {
    if (isStalled) return;
    held = Buffer.concat([held, bytes]);
    if (held.length < SETUP_BYTES) return;
    const setup = SETUP_BYTES + 4 * held.readUInt16LE(SETUP_LENGTH_AT);
    if (held.length >= setup + REPLY_BYTES) {
      isStalled = true;
      held.writeUInt32LE(1000, setup + REPLY_LENGTH_AT);
    }
    client.write(held.subarray(sent));
    sent = held.length;
  });
}

test("a server that stops in the middle of a reply", OPTIONS, async () => {
  await using it = await stage();
  const path = `/tmp/.X11-unix/X${it.env.DISPLAY?.slice(1)}`;
  const sockets: Socket[] = [];
  const between = createServer((client) => {
    const server = connect(path);
    sockets.push(client, server);
    for (const socket of [client, server]) socket.on("error", () => socket.destroy());
    client.pipe(server);
    stallInFirstReply(server, client);
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  const { port } = between.address() as AddressInfo;
  const env = { ...it.env, DISPLAY: `127.0.0.1:${port - 6000}` };
  const user = new URL("fixtures/screen_outcomes_user.ts", import.meta.url);
  const result = await runScript(user, { env, clearEnv: true, timeoutMs: 60_000 });
  for (const socket of sockets) socket.destroy();
  between.close();
  assert.equal(result.code, 0, describeResult(result));
  const outcomes = JSON.parse(result.stdout);
  assert.deepEqual(outcomes, { list: "TIMEOUT", open: "TimeoutError", windows: "TIMEOUT" });
});

test("a wait for a picture ends in time while the server hangs", OPTIONS, async () => {
  await using it = await stage();
  const options = { env: it.env, clearEnv: true, timeoutMs: 60_000 };
  const program = startProgram(cProgram("screen_hang"), [String(it.rig.serverPid)], options);
  let isOver = false;
  const ended = program.ended.finally(() => isOver = true);
  for (let i = 0; !isOver; i = (i + 1) % 200) await it.client.run(`fill root ${i} 0 9 9 ff${i}`);
  const result = await ended;
  assert.equal(result.code, 0, describeResult(result));
  const { longestMs } = JSON.parse(result.stdout) as { longestMs: number };
  // It asks for 100 ms; the server hangs for 3000.
  assert.ok(longestMs < 2000, `${longestMs} ms`);
});
