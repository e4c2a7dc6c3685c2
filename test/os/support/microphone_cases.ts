// Real microphones of real sound servers: what is played into one is what comes out, in time and in
// order; and what happens when one is unplugged, replaced, or its server dies or hangs. Each server
// and backend has a test file of its own.
//
// The microphones are used by a process in the rig's environment, ../fixtures/microphone_user.ts.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import type { AudioFormat, CaptureStats, DeviceInfo } from "../../../src/mod.ts";
import { describeResult, type RunningScript, startScript } from "../../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason, startRig } from "../../support/rig.ts";
import { sine, type ToneMeasurement } from "../../support/tone.ts";
import { delay, waitUntil } from "../../support/wait.ts";

/** PipeWire serves microphones itself, and PulseAudio's clients. */
type Backend = "pipewire" | "pulse";
const FREQUENCY = 1000;
const LEVEL = -12;
/** How often a tone may be spoilt on its way by a machine that is too busy. */
const ATTEMPTS = 8;
/** What `levels` says where nothing is heard, and where the tone is. */
const SILENT = -200;
const TONE_RMS = Math.round(LEVEL - 3.01);

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

/** The last line of a capture. */
interface Heard {
  format: AudioFormat;
  buffers: number;
  frames: number;
  backwards: number;
  missing: number;
  discontinuities: number;
  worstDriftUs: number;
  converted: number;
  estimated: number;
  levels: number[];
  measured: ToneMeasurement | null;
  breaks: unknown[];
  stats: CaptureStats;
}

function user(
  rig: AudioRig,
  args: readonly string[],
  env: Record<string, string> = {},
): RunningScript {
  const script = new URL("../fixtures/microphone_user.ts", import.meta.url);
  return startScript(script, {
    args,
    env: { ...rig.env, ...env },
    clearEnv: true,
    timeoutMs: 90_000,
  });
}

function listen(rig: AudioRig, options: object, env: Record<string, string> = {}): RunningScript {
  return user(rig, ["capture", JSON.stringify(options)], env);
}

/** The line that a script printed with this text in it. */
async function line<Line>(script: RunningScript, text: string): Promise<Line> {
  return JSON.parse(await script.waitForLine(text)) as Line;
}

async function heard(script: RunningScript): Promise<Heard> {
  const result = await script.ended;
  const last = result.stdout.split("\n").find((line) => line.includes('"end":true'));
  assert.ok(last !== undefined && result.code === 0, describeResult(result));
  return JSON.parse(last) as Heard;
}

/** A microphone that hears the tone, and a silent one; the first is the default. */
async function withMicrophones(
  server: AudioRig["server"],
  backend: Backend,
): Promise<AudioRig> {
  const rig = await startRig(server);
  rig.env.MINIAV_AUDIO_BACKEND = backend;
  await setUp(rig);
  return rig;
}

async function setUp(rig: AudioRig): Promise<void> {
  await rig.createVirtualMicrophone({ name: "loud", channels: 1, description: "Loud one" });
  await rig.createVirtualMicrophone({ name: "silent", channels: 2, description: "Silent one" });
  await rig.setDefaultSource("loud");
  const sample = sine(FREQUENCY, LEVEL, RIG_SAMPLE_RATE);
  await rig.playInto("loud", { seconds: 170, sample });
}

function assertInOrder(what: Heard, backend: Backend | "alsa"): void {
  const told = JSON.stringify(what.stats);
  assert.equal(what.backwards, 0, "time stamps rise");
  assert.equal(what.missing, 0, told);
  assert.equal(what.stats.droppedBy.late, 0, told);
  const estimated = backend === "pipewire" ? 0 : what.buffers;
  assert.equal(what.estimated, estimated, "only PipeWire's graph tells the time of capture");
  assert.ok(what.worstDriftUs < 1000, `time stamps and samples differ by ${what.worstDriftUs} us`);
}

function assertTone(what: Heard): void {
  assert.ok(what.measured !== null);
  const told = JSON.stringify(what.measured);
  assert.ok(Math.abs(what.measured.frequency - FREQUENCY) < 1, told);
  assert.ok(Math.abs(what.measured.level - LEVEL) < 0.1, told);
}

/**
 * Listens until the tone came whole. On a machine that is busier than its processors the player or
 * the server itself misses a period now and then and plays silence for it: that is no fault of the
 * capture, whose own order must hold every time.
 */
async function listenForTone(
  rig: AudioRig,
  backend: Backend | "alsa",
  options: object,
  signalToNoise = 60,
): Promise<Heard> {
  for (let attempt = 1;; attempt++) {
    const what = await heard(listen(rig, { tone: FREQUENCY, ...options }));
    const isWhole = what.measured !== null && what.measured.signalToNoise > signalToNoise;
    const isFlowing = what.discontinuities === 0 && what.stats.droppedBy.late === 0;
    if ((isWhole && isFlowing) || attempt === ATTEMPTS) {
      assertInOrder(what, backend);
      assert.equal(what.discontinuities, 0, JSON.stringify(what.stats));
      assert.deepEqual(what.breaks, []);
      return what;
    }
  }
}

/** Everything that a microphone of this backend on this server must do. */
export function testMicrophones(server: AudioRig["server"], backend: Backend): void {
  test(`microphones are listed, with the true default`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const script = user(rig, ["list"]);
    const result = await script.ended;
    assert.equal(result.code, 0, describeResult(result));
    const lines = result.stdout.trim().split("\n").map((line) => JSON.parse(line));
    const devices = lines[0].devices as DeviceInfo[];
    assert.deepEqual(
      devices.map(({ id, name, isDefault, isVirtual }) => ({ id, name, isDefault, isVirtual })),
      [
        { id: `${backend}:loud`, name: "Loud one", isDefault: true, isVirtual: true },
        { id: `${backend}:silent`, name: "Silent one", isDefault: false, isVirtual: true },
      ],
      "and no monitor of a loudspeaker",
    );
    const format = { sampleRate: RIG_SAMPLE_RATE, format: "f32" };
    assert.deepEqual(lines.slice(1), [
      { id: `${backend}:loud`, formats: [{ ...format, channelCount: 1 }] },
      { id: `${backend}:silent`, formats: [{ ...format, channelCount: 2 }] },
    ]);
  });

  test(`ten seconds of a tone arrive exactly`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const what = await listenForTone(rig, backend, { seconds: 10 });
    assertTone(what);
    assert.ok(what.frames >= 10 * RIG_SAMPLE_RATE);
    assert.equal(what.converted, 0, "this is the microphone's own format");
  });

  test(`any format can be had, by conversion`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    for (
      const format of [
        { sampleRate: 16_000, channelCount: 1, format: "s16" },
        { sampleRate: 44_100, channelCount: 2, format: "s24" },
        { sampleRate: 192_000, channelCount: 8, format: "s32" },
        { sampleRate: 8_000, channelCount: 1, format: "f32" },
      ]
    ) {
      const what = await listenForTone(rig, backend, {
        seconds: 1,
        deviceId: `${backend}:loud`,
        ...format,
      });
      assert.deepEqual(what.format, format);
      assert.equal(what.converted, what.buffers);
      assertTone(what);
    }
    const u8 = { sampleRate: 48_000, channelCount: 1, format: "u8" };
    // 8 bits are 38 dB above their own rounding at this level, which also hides small breaks.
    const coarse = await listenForTone(rig, backend, { seconds: 1, ...u8, tone: undefined }, 30);
    assert.deepEqual(coarse.format, u8);
    assertTone(coarse);
  });

  test(`gain and mute are of this capture`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const louder = await listenForTone(rig, backend, { seconds: 1, gain: 2 });
    assert.ok(Math.abs(louder.measured!.level - (LEVEL + 6.02)) < 0.1);
    const muted = await heard(listen(rig, { seconds: 1, mute: true }));
    assert.deepEqual(new Set(muted.levels.slice(4)), new Set([SILENT]));
    assertTone(await listenForTone(rig, backend, { seconds: 1 }));
  });

  test(`an unplugged microphone is lost, and never another one`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const script = listen(rig, { seconds: 60, deviceId: `${backend}:silent` });
    await script.waitForLine('"first"');
    await rig.removeVirtualMicrophone("silent");
    const lost = await line<{ code: string; backend: string }>(script, '"lost"');
    assert.equal(lost.code, "DEVICE_LOST");
    const what = await heard(script);
    assert.deepEqual(new Set(what.levels), new Set([SILENT]), "the loud one was heard");
    const again = await listen(rig, { seconds: 1, deviceId: `${backend}:silent` }).ended;
    assert.match(again.stdout, /"code":"DEVICE_NOT_FOUND"/, describeResult(again));
  });

  test(`without an id a capture follows the default`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    await rig.setDefaultSource("silent");
    const script = listen(rig, { seconds: 4 });
    const opened = await line<{ deviceId: string }>(script, '"opened"');
    assert.equal(opened.deviceId, `${backend}:silent`, "the microphone that is really used");
    await script.waitForLine('"first"');
    await delay(500);
    await rig.setDefaultSource("loud");
    const moved = await line<{ deviceId: string }>(script, '"event":"default"');
    assert.equal(moved.deviceId, `${backend}:loud`);
    const what = await heard(script);
    assert.equal(what.format.channelCount, 2, "the format stays that of the first");
    assert.equal(what.discontinuities, 1);
    assert.ok(what.levels.slice(1, 8).every((level) => level === SILENT), `${what.levels}`);
    assert.ok(what.levels.slice(-20).some((level) => level === TONE_RMS), `${what.levels}`);
    assert.equal(what.backwards, 0);
  });

  test(`the default microphone is unplugged: the next one`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    await rig.setDefaultSource("silent");
    const script = listen(rig, { seconds: 4 });
    await script.waitForLine('"first"');
    await rig.removeVirtualMicrophone("silent");
    await script.waitForLine(`"deviceId":"${backend}:loud"`);
    assert.equal((await heard(script)).discontinuities, 1);
  });

  test(`microphones that come and go are told`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const script = user(rig, ["watch"]);
    await script.waitForLine('"watching"');
    // What comes before the watch has its first list is part of that list: plug until it is told.
    const plug = async () => {
      await rig.createVirtualMicrophone({ name: "late" });
      await delay(300);
      const isTold = script.stdout().includes('"type":"devices","kind":"microphone"');
      if (!isTold) await rig.removeVirtualMicrophone("late");
      return isTold;
    };
    await waitUntil(plug, 20_000, () => script.stdout());
    // While one client asks for the defaults, PipeWire 0.3.65 may keep a change of them from others,
    // its own PulseAudio server among them: until one is told, the default is changed again.
    for (const [name, other] of [["late", "loud"], ["loud", "late"]] as const) {
      const isTold = async () => {
        await rig.setDefaultSource(other);
        const before = script.stdout().length;
        await rig.setDefaultSource(name);
        await delay(500);
        return script.stdout().slice(before).includes(`"deviceId":"${backend}:${name}"`);
      };
      await waitUntil(isTold, 30_000, () => script.stdout());
    }
    script.kill("SIGTERM");
    await script.ended;
  });

  test(`a sound server that dies loses its microphones`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const explicit = listen(rig, { seconds: 60, deviceId: `${backend}:loud` });
    const follower = listen(rig, { seconds: 60 });
    await explicit.waitForLine('"first"');
    await follower.waitForLine('"first"');
    await rig.killServer();
    for (const script of [explicit, follower]) {
      assert.equal((await line<{ code: string }>(script, '"lost"')).code, "DEVICE_LOST");
      await heard(script);
    }
    const none = await listen(rig, { seconds: 1 }).ended;
    assert.match(none.stdout, /"failed":true/, describeResult(none));
    await rig.startServer();
    await setUp(rig);
    assertTone(await listenForTone(rig, backend, { seconds: 1 }));
  });

  test(`a sound server that hangs holds nobody up`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const daemon = server === "pulse" ? "pulseaudio" : "pipewire";
    const pid = rig.pids()[server === backend ? daemon : "pipewire-pulse"];
    assert.ok(pid !== undefined);
    const running = listen(rig, { seconds: 60, deviceId: `${backend}:loud` });
    await running.waitForLine('"first"');
    process.kill(pid, "SIGSTOP");
    try {
      await running.waitForLine('"event":"stalled"');
      const opening = await listen(rig, { seconds: 1, timeout: 300 }).ended;
      assert.match(opening.stdout, /"code":"TIMEOUT"/, describeResult(opening));
      assert.equal(opening.timedOut, false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await running.waitForLine('"event":"resumed"');
    running.kill("SIGTERM");
    await running.ended;
  });

  test(`a hundred captures leave nothing behind`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const cycles = async (deviceId: string | undefined) => {
      const script = user(rig, ["cycles", JSON.stringify({ deviceId })]);
      const { warm } = await line<{ warm: { descriptors: number } }>(script, '"warm"');
      const end = await line<{ threads: string[]; descriptors: number }>(script, '"end"');
      assert.deepEqual(end.threads, []);
      assert.ok(end.descriptors <= warm.descriptors, JSON.stringify({ warm, end }));
      await script.ended;
    };
    await Promise.all([cycles(undefined), cycles(`${backend}:silent`)]);
  });

  test(`sixteen captures opened at once`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const script = user(rig, ["together", "16"]);
    const what = await line<{ heard: number; errors: unknown[] }>(script, '"together"');
    assert.deepEqual(what.errors, []);
    assert.equal(what.heard, 16);
    await script.ended;
  });
}

/** ALSA's plugins, which lead to PulseAudio's clients of this server. */
export function testAlsaPlugins(server: AudioRig["server"]): void {
  const backend = "pulse";
  test(`ALSA's plugins are microphones too`, OPTIONS, async () => {
    await using rig = await withMicrophones(server, backend);
    const env = { MINIAV_AUDIO_BACKEND: "alsa" };
    const result = await user(rig, ["list"], env).ended;
    const devices = JSON.parse(result.stdout.split("\n")[0]!).devices as DeviceInfo[];
    const ids = devices.map(({ id }) => id);
    assert.ok(ids.includes("alsa:pulse"), describeResult(result));
    assert.ok(!ids.some((id) => /null|file|rate|mix|speex/.test(id)), `${ids}`);
    assert.equal(result.stderr, "", "the library prints nothing");
    const what = await listenForTone(rig, "alsa", { seconds: 2, deviceId: "alsa:pulse" });
    assertTone(what);
    for (const deviceId of ["alsa:null", "alsa:nonsense"]) {
      const refused = await listen(rig, { seconds: 1, deviceId }).ended;
      assert.match(refused.stdout, /"code":"DEVICE_NOT_FOUND"/, describeResult(refused));
    }
    const unpaced = listen(rig, { seconds: 60, deviceId: "alsa:plug:null" });
    assert.equal((await line<{ code: string }>(unpaced, '"lost"')).code, "DEVICE_LOST");
    await unpaced.ended;
  });
}
