// The sound of screens and windows of a real X server, from a real PipeWire.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isExactly, play, setUp, stop, toneFile } from "../support/loopback_rig.ts";
import type { Tone } from "../support/loopback_rig.ts";
import { describeResult, type RunningScript, startScript } from "../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import { startX11Rig, X11Client, x11SkipReason } from "../support/x11.ts";

const OPTIONS = { timeout: 180_000, skip: rigSkipReason() || x11SkipReason() };
const PLACE = { x: 10, y: 20, width: 160, height: 120, seed: 1 };
const AUDIO = { sampleRate: RIG_SAMPLE_RATE, format: "f32" } as const;

type Environment = Record<string, string>;
type Line = Record<string, unknown>;

function user(env: Environment, options: object): RunningScript {
  const script = new URL("./fixtures/screen_sound_user.ts", import.meta.url);
  const args = [JSON.stringify({ file: "/dev/null", seconds: 0, ...options })];
  return startScript(script, { args, env, clearEnv: true, timeoutMs: 60_000 });
}

function linesOf(text: string): Line[] {
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

async function linesAtEnd(env: Environment, options: object): Promise<Line[]> {
  const result = await user(env, options).ended;
  const lines = linesOf(result.stdout);
  assert.ok(lines.some((line) => "end" in line || "failed" in line), describeResult(result));
  return lines;
}

/** A program with a window, whose child plays a tone: at once, or when the file is there. */
function startPlayer(
  rig: AudioRig,
  env: Environment,
  tone: Tone,
  when?: string,
): Promise<X11Client> {
  const player = `exec pw-play "${toneFile(rig, tone)}"`;
  const wait = when === undefined ? "" : `until [ -e "${when}" ]; do sleep 0.05; done; `;
  return X11Client.start(env, `/bin/sh -c '${wait}${player}'`);
}

let captures = 0;

/** A second of sound that is exactly these tones; a busy machine may break some. */
async function assertHears(
  rig: AudioRig,
  env: Environment,
  options: object,
  tones: readonly Tone[],
): Promise<void> {
  const seen: Line[][] = [];
  for (let attempt = 1; attempt <= 4; attempt++) {
    const file = join(rig.directory, `screen-${++captures}.raw`);
    const lines = await linesAtEnd(env, { ...options, audio: AUDIO, seconds: 3, file });
    seen.push(lines);
    const end = lines.find((line) => "end" in line);
    assert.ok(end !== undefined, JSON.stringify(lines));
    assert.ok((end.pictures as number) > 0, JSON.stringify(lines));
    assert.equal(end.late, 0);
    const samples = new Float32Array(Uint8Array.from(readFileSync(file)).buffer);
    const isRight = [0.4, 1.1, 1.8].some((start) => {
      const from = Math.round(start * RIG_SAMPLE_RATE);
      return isExactly(samples.subarray(from, from + RIG_SAMPLE_RATE), tones);
    });
    if (isRight) return;
  }
  assert.fail(`not ${tones}: ${JSON.stringify(seen)}`);
}

test("a screen's sound is the system's, a window's is its program's", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await setUp(rig);
  await using display = await startX11Rig();
  const env = { ...rig.env, ...display.env };
  await using client = await startPlayer(rig, env, "first");
  const windowId = `x11:window/${await client.window("one", PLACE)}`;
  const other = await play(rig, "second");
  await assertHears(rig, env, {}, ["first", "second"]);
  await assertHears(rig, env, { region: { x: 5, y: 5, width: 64, height: 48 } }, [
    "first",
    "second",
  ]);
  await assertHears(rig, env, { windowId }, ["first"]);
  await assertHears(rig, env, { windowId, audioSource: "system" }, ["first", "second"]);
  await stop(other);
});

test("a window whose program plays later is heard then", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await setUp(rig);
  await using display = await startX11Rig();
  const env = { ...rig.env, ...display.env };
  const signal = join(rig.directory, "play");
  const other = await play(rig, "second");
  await using client = await startPlayer(rig, env, "first", signal);
  const windowId = `x11:window/${await client.window("one", PLACE)}`;
  const file = join(rig.directory, "later.raw");
  const script = user(env, { windowId, audio: AUDIO, seconds: 20, file });
  await waitUntil(() => linesOf(script.stdout()).some((line) => "sound" in line), 30_000, "sound");
  writeFileSync(signal, "");
  const second = RIG_SAMPLE_RATE;
  await waitUntil(
    () => {
      const bytes = Uint8Array.from(readFileSync(file));
      const samples = new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
      return samples.length > second && isExactly(samples.subarray(-second), ["first"]);
    },
    30_000,
    "the tone of the window",
  );
  const bytes = Uint8Array.from(readFileSync(file));
  const start = new Float32Array(bytes.buffer, 0, RIG_SAMPLE_RATE / 100);
  assert.ok(start.every((sample) => sample === 0), "silence first, and nobody else's sound");
  script.kill("SIGKILL");
  await script.ended;
  await stop(other);
});

test("without a sound server the picture comes alone, if that is wanted", OPTIONS, async () => {
  await using display = await startX11Rig();
  const env = { PATH: "/usr/bin:/bin", XDG_RUNTIME_DIR: display.directory, ...display.env };
  const [failed] = await linesAtEnd(env, { audio: true });
  assert.equal(failed?.code, "NOT_SUPPORTED", JSON.stringify(failed));
  assert.equal(failed?.operation, "Screen.open: sound");
  const lines = await linesAtEnd(env, { audio: { optional: true } });
  const { audio, audioError } = lines[0]?.opened as { audio: unknown; audioError: string };
  assert.deepEqual({ audio, audioError }, { audio: null, audioError: "NOT_SUPPORTED" });
  assert.ok(lines.some((line) => "picture" in line), JSON.stringify(lines));
});

test("a sound server that is killed takes only the sound", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await setUp(rig);
  await using display = await startX11Rig();
  const env = { ...rig.env, ...display.env };
  await using client = await X11Client.start(env);
  await client.window("one", PLACE);
  const script = user(env, { audio: true, seconds: 60 });
  const has = (key: string) => () => linesOf(script.stdout()).some((line) => key in line);
  await waitUntil(has("sound"), 30_000, "sound");
  await rig.killServer();
  await waitUntil(has("event"), 30_000, "the event");
  for (let seed = 2; !has("end")() && seed < 1000; seed++) {
    await client.run(`paint one 160 120 ${seed}`);
  }
  const lines = linesOf((await script.ended).stdout);
  const event = lines.find((line) => "event" in line)?.format as Record<string, unknown>;
  assert.equal(event.audio, null);
  assert.equal(event.audioError, "DEVICE_LOST");
  assert.ok(lines.some((line) => "end" in line), JSON.stringify(lines));
});
