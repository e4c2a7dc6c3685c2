// The sound of a window is that of the program that owns it, on a real PipeWire and a real X server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import {
  describeResult,
  type RunningScript,
  runProgram,
  type ScriptResult,
  startScript,
} from "../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { levelAt, sine } from "../support/tone.ts";
import { waitUntil } from "../support/wait.ts";
import { writeWavFile } from "../support/wav.ts";
import { startX11Rig, X11Client, x11SkipReason } from "../support/x11.ts";

const OPTIONS = { timeout: 180_000, skip: rigSkipReason() || x11SkipReason() };

/** Hz and dBFS. */
const TONES = { honest: [997, -12], liar: [1499, -18] } as const;
type Tone = keyof typeof TONES;
const SILENT = -90;
const PLACE = { x: 10, y: 20, width: 160, height: 120, seed: 1 };

type Environment = Record<string, string>;

async function withSpeaker(): Promise<AudioRig> {
  const rig = await startPipeWireRig();
  await rig.createVirtualMicrophone({ name: "microphone" });
  await rig.setDefaultSource("microphone");
  const module = ["load-module", "module-null-sink", "sink_name=speaker", "rate=48000"];
  const result = await runProgram("pactl", module, { env: rig.env, clearEnv: true });
  assert.equal(result.code, 0, describeResult(result));
  return rig;
}

/** A program with a window, whose child plays a tone; returns when the tone plays. */
async function play(rig: AudioRig, env: Environment, tone: Tone): Promise<X11Client> {
  const path = join(rig.directory, `${tone}.wav`);
  const [frequency, level] = TONES[tone];
  writeWavFile(path, {
    sampleRate: RIG_SAMPLE_RATE,
    channels: 2,
    frames: 170 * RIG_SAMPLE_RATE,
    format: "f32",
    sample: sine(frequency, level, RIG_SAMPLE_RATE),
  });
  const client = await X11Client.start(env, `pw-play -P '{ node.name = ${tone} }' '${path}'`);
  await waitUntil(
    async () => {
      const list = await runProgram("pw-link", ["-l"], { env: rig.env, clearEnv: true });
      return list.stdout.includes(`${tone}:output_`);
    },
    20_000,
    `links of ${tone}`,
  );
  return client;
}

function start(env: Environment, args: readonly string[]): RunningScript {
  const script = new URL("./fixtures/loopback_user.ts", import.meta.url);
  return startScript(script, { args, env, clearEnv: true, timeoutMs: 60_000 });
}

function user(env: Environment, args: readonly string[]): Promise<ScriptResult> {
  return start(env, args).ended;
}

let captures = 0;

/** The levels of both tones, of each second that came. */
async function hear(rig: AudioRig, env: Environment, options: object): Promise<number[][]> {
  const file = join(rig.directory, `capture-${++captures}.raw`);
  const result = await user(env, ["capture", JSON.stringify({ seconds: 3, file, ...options })]);
  assert.ok(result.stdout.includes('"end":true'), describeResult(result));
  const bytes = readFileSync(file);
  const samples = new Float32Array(Uint8Array.from(bytes).buffer);
  return [0.4, 1.1, 1.8].map((start) => {
    const from = Math.round(start * RIG_SAMPLE_RATE);
    const second = samples.subarray(from, from + RIG_SAMPLE_RATE);
    return Object.values(TONES).map(([frequency]) => levelAt(second, RIG_SAMPLE_RATE, frequency));
  });
}

/** A busy machine breaks a tone, and the capture may then be tried again; it never adds another. */
async function assertHears(
  rig: AudioRig,
  env: Environment,
  options: object,
  tone: Tone,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const seconds = await hear(rig, env, options);
    const isRight = seconds.some((levels) =>
      (Object.keys(TONES) as Tone[]).every((name, i) =>
        name === tone ? Math.abs(levels[i]! - TONES[name][1]) < 0.1 : levels[i]! < SILENT
      )
    );
    if (isRight || attempt === 4) {
      assert.ok(isRight, JSON.stringify(seconds));
      return;
    }
  }
}

async function refused(
  env: Environment,
  options: object,
): Promise<{ code: string; error: string }> {
  const file = "/dev/null";
  const result = await user(env, ["capture", JSON.stringify({ seconds: 1, file, ...options })]);
  const line = result.stdout.split("\n").find((line) => line.includes('"failed":true'));
  assert.ok(line !== undefined, describeResult(result));
  return JSON.parse(line);
}

test("a window's sound is its program's, whatever the window says", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using display = await startX11Rig();
  const env = { ...rig.env, ...display.env };
  await using honest = await play(rig, env, "honest");
  await using liar = await play(rig, env, "liar");
  const window = await honest.window("honest", PLACE);
  const lying = await liar.window("liar", { ...PLACE, x: 200 });
  await honest.run(`pid honest ${honest.pid}`);
  for (const claim of [`pid liar ${honest.pid}`, `machine liar ${hostname()}`]) {
    await liar.run(claim);
  }
  const listed = await user(env, ["list"]);
  const { targets } = JSON.parse(listed.stdout.split("\n")[0]!) as { targets: DeviceInfo[] };
  const windows = targets.filter(({ id }) => id.includes("window/"));
  assert.deepEqual(
    windows.map(({ id, name, processId }) => ({ id, name, processId })),
    [
      { id: `x11:window/${lying}`, name: "liar", processId: liar.pid },
      { id: `x11:window/${window}`, name: "honest", processId: honest.pid },
    ],
    describeResult(listed),
  );
  await assertHears(rig, env, { windowId: `x11:window/${window}` }, "honest");
  await assertHears(rig, env, { deviceId: `x11:window/${window}` }, "honest");
  await assertHears(rig, env, { windowHandle: lying }, "liar");
  await assertHears(rig, env, { windowId: `x11:window/${lying}` }, "liar");
  const gone = await refused(env, { windowId: `x11:window/${window + 5}` });
  assert.equal(gone.code, "DEVICE_NOT_FOUND");
});

test("sound of a window that is lost is not opened again", OPTIONS, async () => {
  const captured: Promise<ScriptResult>[] = [];
  await using rig = await withSpeaker();
  await using display = await startX11Rig();
  const env = { ...rig.env, ...display.env };
  const program = await play(rig, env, "honest");
  const window = await program.window("honest", PLACE);
  const wishes = { seconds: 60, file: "/dev/null", reconnect: { delay: 20 } };
  for (const target of [{ windowId: `x11:window/${window}` }, { windowHandle: window }]) {
    const capture = start(env, ["capture", JSON.stringify({ ...wishes, ...target })]);
    await capture.waitForLine('"first"');
    captured.push(capture.ended);
  }
  await program[Symbol.asyncDispose]();
  for (const result of await Promise.all(captured)) {
    assert.match(result.stdout, /"code":"DEVICE_LOST"/, describeResult(result));
    assert.doesNotMatch(result.stdout, /reconnecting/);
  }
});

test("a server that does not tell: the window's own word, or none", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using display = await startX11Rig({ without: ["X-Resource"] });
  const env = { ...rig.env, ...display.env };
  await using honest = await play(rig, env, "honest");
  const windowId = `x11:window/${await honest.window("honest", PLACE)}`;
  const silent = await refused(env, { windowId });
  assert.equal(silent.code, "NOT_SUPPORTED");
  assert.match(silent.error, /_NET_WM_PID/);
  await honest.run(`pid honest ${honest.pid}`);
  const unplaced = await refused(env, { windowId });
  assert.equal(unplaced.code, "NOT_SUPPORTED");
  assert.match(unplaced.error, /WM_CLIENT_MACHINE/);
  await honest.run("machine honest another-machine");
  assert.equal((await refused(env, { windowId })).code, "NOT_SUPPORTED");
  await honest.run(`machine honest ${hostname()}`);
  await assertHears(rig, env, { windowId }, "honest");
  await honest.run("pid honest 4194305");
  assert.equal((await refused(env, { windowId })).code, "NOT_SUPPORTED");
});

test("without an X server a window is NOT_SUPPORTED, and says why", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const windowId = "x11:window/4194305";
  const missing = await refused(rig.env, { windowId });
  assert.equal(missing.code, "NOT_SUPPORTED");
  assert.match(missing.error, /DISPLAY is not set/);
  const dead = await refused({ ...rig.env, DISPLAY: ":65432" }, { windowId });
  assert.equal(dead.code, "NOT_SUPPORTED");
  assert.match(dead.error, /DISPLAY=:65432/);
});

test("an X server that hangs ends in TIMEOUT", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using display = await startX11Rig();
  display.signalServer("SIGSTOP");
  const env = { ...rig.env, ...display.env };
  assert.equal((await refused(env, { windowId: "x11:window/4194305" })).code, "TIMEOUT");
});
