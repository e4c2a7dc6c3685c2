// The client of the desktop portal, on the real xdg-desktop-portal and on frontends with other habits.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { errorCodeName, Permission, ResultCode } from "../../src/ffi/mod.ts";
import { type PortalRig, startPortalRig } from "../../scripts/rig/portal_rig.ts";
import { cProgram } from "../support/c_program.ts";
import { runProgram, startProgram } from "../support/process.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";

const PORTAL = "/usr/libexec/xdg-desktop-portal";
const missing = !process.env.CI && !existsSync(PORTAL) && `not installed: ${PORTAL}`;
const OPTIONS = { timeout: 120_000, skip: rigSkipReason() || missing };

interface Answer {
  /** "SUCCESS" or the name of the error. */
  code: string;
  text: string;
  ms: number;
  closeMs: number;
  lines: Record<string, unknown>[];
}

function parse(stdout: string): Answer {
  const lines = stdout.split("\n").filter((line) => line.startsWith("{")).map((line) =>
    JSON.parse(line)
  );
  const end = lines.pop();
  assert.ok(end?.end === true, stdout);
  const code = end.result === ResultCode.SUCCESS ? "SUCCESS" : errorCodeName(end.result);
  return { code, text: end.text, ms: end.ms, closeMs: end.closeMs, lines };
}

function start(rig: PortalRig, ...args: string[]) {
  const options = { env: rig.env, clearEnv: true, timeoutMs: 60_000 };
  return startProgram(cProgram("portal_probe"), args, options);
}

async function probe(rig: PortalRig, ...args: string[]): Promise<Answer> {
  const options = { env: rig.env, clearEnv: true, timeoutMs: 60_000 };
  const { stdout, stderr } = await runProgram(cProgram("portal_probe"), args, options);
  assert.equal(stderr, "");
  return parse(stdout);
}

/** A cancel is seen within 250 ms; the rest is for a busy machine. */
const SOON_MS = 2_000;

let real: PortalRig;

/** A test on the real portal, one for all of them: its rig's guard ends it with this process. */
function testReal(name: string, body: () => Promise<void>): void {
  void test(name, OPTIONS, async () => {
    if (real === undefined) {
      const pipewire = await startPipeWireRig();
      real = await startPortalRig({ frontend: "real" }, { pipewire: pipewire.env });
    }
    await body();
  });
}

testReal("the real portal says what it can", async () => {
  const { code, lines } = await probe(real, "ability");
  assert.equal(code, "SUCCESS");
  assert.deepEqual(lines, [{ version: 4, types: 3, cursors: 7 }]);
});

testReal("a screen that the person allows: stream, place and a connection", async () => {
  real.answer("cast allow");
  const { code, lines, text } = await probe(real, "cast", "cursor", "4");
  assert.equal(code, "SUCCESS", text);
  assert.deepEqual(lines, [{
    token: "",
    socket: true,
    streams: [{ node: 40, serial: 0, type: 1, x: 10, y: 20, width: 640, height: 480 }],
  }]);
  await waitUntil(() => real.log().includes("session closed"), 10_000, "the end of the session");
  assert.match(real.log(), /cast allow asked 4/);
});

testReal("a restore token asks nobody", async () => {
  real.answer("cast allow");
  const first = await probe(real, "cast", "persist", "2");
  const token = first.lines[0]?.token as string;
  assert.match(token, /^[0-9a-f-]{36}$/);
  real.answer("cast deny");
  const second = await probe(real, "cast", "persist", "2", "token", token);
  assert.equal(second.code, "SUCCESS", second.text);
  assert.notEqual(second.lines[0]?.token, "");
  assert.match(real.log(), /cast allow restored/);
});

testReal("no is USER_CANCELLED, a refusal PERMISSION_DENIED", async () => {
  real.answer("cast cancel");
  assert.equal((await probe(real, "cast")).code, "USER_CANCELLED");
  real.answer("cast deny");
  assert.equal((await probe(real, "cast")).code, "PERMISSION_DENIED");
});

testReal("what the desktop cannot show is NOT_SUPPORTED before anybody is asked", async () => {
  real.answer("cast allow");
  const asked = () => real.log().split(" asked ").length;
  const before = asked();
  const virtual = await probe(real, "cast", "types", "4");
  assert.equal(virtual.code, "NOT_SUPPORTED");
  assert.match(virtual.text, /kind of source/);
  assert.equal(asked(), before);
});

/** How often a dialog was shown that nobody answers, and how often one was taken away. */
const shown = () => real.log().split(" hang").length;
const takenAway = () => real.log().split("dialog closed").length;

testReal("a dialog that nobody answers ends in TIMEOUT, and is taken away", async () => {
  real.answer("cast hang", "camera hang");
  for (const command of ["cast", "camera"]) {
    // On a busy machine the dialog may come later than that.
    for (let attempt = 1, before = takenAway(); takenAway() === before; attempt++) {
      const started = shown();
      const { code, ms } = await probe(real, command, "dialog", "1000");
      assert.equal(code, "TIMEOUT", command);
      assert.ok(ms >= 1000);
      await waitUntil(() => shown() > started, 10_000, `the dialog of ${command}`);
      await waitUntil(() => takenAway() > before, 2_000, "its end").catch((error) => {
        if (attempt === 4) throw error;
      });
    }
  }
});

let cancels = 0;

/** Cancels what the probe does when the condition holds. */
async function cancelWhen(condition: () => boolean, command: string): Promise<Answer> {
  const file = join(real.group.directory, `cancel-${++cancels}`);
  const script = start(real, command, "cancel", file);
  await waitUntil(condition, 20_000, "the moment to cancel");
  writeFileSync(file, "");
  return parse((await script.ended).stdout);
}

testReal("a cancel ends the waiting for a person", async () => {
  real.answer("cast hang", "camera hang");
  for (const command of ["cast", "camera"]) {
    const before = shown();
    const { code, ms, closeMs } = await cancelWhen(() => shown() > before, command);
    assert.equal(code, "USER_CANCELLED", command);
    assert.ok(ms < SOON_MS && closeMs < SOON_MS, `${ms} ms, ${closeMs} ms`);
  }
});

testReal("a session that the person ends is told", async () => {
  real.answer("cast close 0.2");
  const { code, lines } = await probe(real, "cast", "hold");
  assert.equal(code, "SUCCESS");
  assert.deepEqual(lines.at(-1), { closed: "the session was closed on the desktop" });
});

testReal("the camera: refused for good, dismissed, allowed", async () => {
  const permission = async () => (await probe(real, "permission")).lines[0]?.permission;
  assert.equal(await permission(), Permission.UNDETERMINED);
  assert.equal((await probe(real, "present")).code, "SUCCESS");
  real.answer("camera deny");
  assert.equal((await probe(real, "camera")).code, "PERMISSION_DENIED");
  assert.equal(await permission(), Permission.DENIED);
  real.answer("camera allow");
  assert.equal((await probe(real, "camera")).code, "PERMISSION_DENIED", "nobody is asked again");
  await real.storeCameraPermission("ask");
  assert.equal(await permission(), Permission.UNDETERMINED);
  real.answer("camera dismiss");
  assert.equal((await probe(real, "camera")).code, "USER_CANCELLED");
  await real.forgetCameraPermission();
  real.answer("camera allow");
  const allowed = await probe(real, "camera");
  assert.equal(allowed.code, "SUCCESS", allowed.text);
  assert.deepEqual(allowed.lines, [{ socket: true }]);
  assert.equal(await permission(), Permission.GRANTED);
  real.answer("camera deny");
  assert.equal((await probe(real, "camera")).code, "SUCCESS", "nobody is asked");
});

testReal("a portal that hangs holds nobody up", async () => {
  real.signalPortal("SIGSTOP");
  try {
    const cancelled = await cancelWhen(() => true, "cast");
    assert.equal(cancelled.code, "USER_CANCELLED");
    assert.ok(cancelled.ms < SOON_MS, `${cancelled.ms} ms`);
    assert.equal((await probe(real, "ability")).code, "TIMEOUT");
  } finally {
    real.signalPortal("SIGCONT");
  }
});

test("other versions and habits of portals", OPTIONS, async () => {
  const outcomes = {
    "version 1": "SUCCESS",
    "version 2": "SUCCESS",
    "version 3": "SUCCESS",
    "version 6": "SUCCESS",
    "early": "SUCCESS",
    "liar": "PORTAL_FAILED",
    "no-streams": "PORTAL_FAILED",
    "no-fd": "PORTAL_FAILED",
    "bad-session": "PORTAL_FAILED",
    "long-session": "PORTAL_FAILED",
    "mute": "TIMEOUT",
  };
  for (const [habit, expected] of Object.entries(outcomes)) {
    await using rig = await startPortalRig({ frontend: "fake", habit: habit.split(" ") });
    const { code, lines, text } = await probe(rig, "cast", "types", "3", "token", "old");
    assert.equal(code, expected, `${habit}: ${text}`);
    const [stream] = (lines[0]?.streams ?? []) as Record<string, unknown>[];
    if (code !== "SUCCESS") continue;
    assert.equal(stream?.node, 77);
    assert.equal(stream?.serial, habit === "version 6" ? 2 ** 33 : 0);
    const selected = /SelectSources (.*)/.exec(rig.log())?.[1] ?? "";
    assert.equal(selected.includes("cursor_mode"), habit !== "version 1", selected);
    assert.equal(selected.includes("restore_token"), !/version [123]/.test(habit), selected);
  }
  await using old = await startPortalRig({ frontend: "fake", habit: ["version", "1"] });
  assert.equal((await probe(old, "cast", "cursor", "2")).code, "NOT_SUPPORTED");
  assert.equal((await probe(old, "cast", "persist", "2")).code, "NOT_SUPPORTED");
  assert.equal((await probe(old, "camera")).code, "NOT_SUPPORTED");
});

test("paths that a portal chooses itself", OPTIONS, async () => {
  await using rig = await startPortalRig({ frontend: "fake", habit: ["old-path"] });
  assert.equal((await probe(rig, "cast")).code, "SUCCESS");
});

test("no portal, no bus, a portal or a bus that goes away", OPTIONS, async () => {
  await using rig = await startPortalRig({ frontend: "none" });
  const none = await probe(rig, "cast");
  assert.equal(none.code, "NOT_SUPPORTED");
  assert.match(none.text, /desktop portal/);
  for (const address of ["unix:path=/nowhere/at/all", "autolaunch:"]) {
    const options = {
      env: { ...rig.env, DBUS_SESSION_BUS_ADDRESS: address },
      clearEnv: true,
      timeoutMs: 60_000,
    };
    const { stdout } = await runProgram(cProgram("portal_probe"), ["cast"], options);
    assert.equal(parse(stdout).code, "NOT_SUPPORTED", address);
  }
  await using dying = await startPortalRig({ frontend: "fake", habit: ["version", "4"] });
  const watching = start(dying, "cast", "hold");
  await watching.waitForLine("streams");
  dying.signalPortal("SIGKILL");
  const ended = parse((await watching.ended).stdout);
  assert.deepEqual(ended.lines.at(-1), { closed: "the desktop portal ended" });
  await using going = await startPortalRig({ frontend: "fake", habit: ["version", "4"] });
  const script = start(going, "cast", "hold");
  await script.waitForLine("streams");
  await going.killBus();
  const { code, lines } = parse((await script.ended).stdout);
  assert.equal(code, "SUCCESS");
  assert.deepEqual(lines.at(-1), { closed: "the session bus is gone" });
});
