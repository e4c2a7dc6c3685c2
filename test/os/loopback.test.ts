// What programs play on a real PipeWire, captured apart: three programs, three tones, and what comes
// is measured. A virtual microphone plays a tone of its own all the time: it must never be heard.
//
// Loopback is used by a process in the rig's environment, fixtures/loopback_user.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { cProgram } from "../support/c_program.ts";
import {
  addSpeaker,
  isExactly,
  levels,
  pactl,
  play,
  setUp,
  SILENT,
  stop,
  type Tone,
  toneFile,
  TONES,
  waitForStream,
  withSpeaker,
} from "../support/loopback_rig.ts";
import {
  describeResult,
  type RunningScript,
  runProgram,
  startProgram,
  startScript,
} from "../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason } from "../support/rig.ts";
import { amplitudeOf, levelAt, rmsLevel } from "../support/tone.ts";
import { delay, waitUntil } from "../support/wait.ts";
import { writeWavFile } from "../support/wav.ts";

/** As much of everything is in the edge of a tone that begins or ends within the second. */
const EDGE = -50;

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

interface Heard {
  frames: number;
  silentFrames: number;
  discontinuities: number;
  worstStepUs: number;
  estimated: number;
  firstUs: number;
  endUs: number;
  lost: { code: string; error: string } | null;
  stats: { droppedBy: Record<string, number> };
  samples: Float32Array;
}

function user(rig: AudioRig, args: readonly string[]): RunningScript {
  const script = new URL("./fixtures/loopback_user.ts", import.meta.url);
  return startScript(script, { args, env: rig.env, clearEnv: true, timeoutMs: 90_000 });
}

let captures = 0;

/** A capture; `heard` is what came once it has ended. */
function listen(
  rig: AudioRig,
  options: object,
): { script: RunningScript; heard: () => Promise<Heard> } {
  const file = join(rig.directory, `capture-${++captures}.raw`);
  const script = user(rig, ["capture", JSON.stringify({ file, ...options })]);
  const heard = async () => {
    const result = await script.ended;
    const last = result.stdout.split("\n").find((line) => line.includes('"end":true'));
    assert.ok(last !== undefined && result.code === 0, describeResult(result));
    const bytes = readFileSync(file);
    const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return { ...JSON.parse(last), samples: Float32Array.from(samples) } as Heard;
  };
  return { script, heard };
}

/** The error code of a capture that cannot be. */
async function refused(rig: AudioRig, options: object): Promise<string> {
  const result = await listen(rig, { seconds: 1, ...options }).script.ended;
  const line = result.stdout.split("\n").find((line) => line.includes('"failed":true'));
  assert.ok(line !== undefined, describeResult(result));
  return (JSON.parse(line) as { code: string }).code;
}

/**
 * Captures until a whole second of exactly these tones came. On a machine that is busier than its
 * processors a player misses a period now and then, and a tone with a hole has another level and a
 * wider spectrum: that is no fault of the capture, and passes. A wrong source never does.
 */
async function assertHears(rig: AudioRig, options: object, tones: readonly Tone[]): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const what = await listen(rig, { seconds: 3, ...options }).heard();
    const seconds = [0.4, 1.1, 1.8].map((start) => {
      const from = Math.round(start * RIG_SAMPLE_RATE);
      return what.samples.subarray(from, from + RIG_SAMPLE_RATE);
    });
    assert.equal(what.estimated, 0, "the graph tells the time");
    const isRight = seconds.some((second) => isExactly(second, tones));
    if (isRight || attempt === 4) {
      assert.ok(isRight, JSON.stringify(seconds.map(levels)));
      return;
    }
  }
}

/** Whether a fortieth of a second each is loud. */
function loudness(samples: Float32Array): boolean[] {
  const size = RIG_SAMPLE_RATE / 40;
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) => {
    return rmsLevel(samples.subarray(i * size, (i + 1) * size)) > -60;
  });
}

/** The number of samples is the time that passed. */
function assertInTime(what: Heard): void {
  const elapsedUs = what.endUs - what.firstUs;
  const told = JSON.stringify({ ...what, samples: what.samples.length });
  assert.ok(Math.abs((what.frames / RIG_SAMPLE_RATE) * 1e6 - elapsedUs) < 1000, told);
  assert.ok(what.worstStepUs < 1000, told);
}

test("pipewire: outputs and programs are listed", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const native = await play(rig, "first");
  const pulse = await play(rig, "second", "paplay");
  const result = await user(rig, ["list"]).ended;
  const [all, systems] = result.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const targets = all.targets as DeviceInfo[];
  const system = targets.find(({ id }) => id === "pipewire:system/speaker");
  assert.equal(system?.isDefault, true, describeResult(result));
  assert.deepEqual(systems.systems.map(({ id }: DeviceInfo) => id), ["pipewire:system/speaker"]);
  for (const [player, name] of [[native, "pw-play"], [pulse, "paplay"]] as const) {
    const found = targets.find(({ processId }) => processId === player.pid);
    assert.equal(found?.id, `pipewire:process/${player.pid}`, describeResult(result));
    assert.equal(found?.name, name);
    assert.equal(found?.isPlaying, true);
  }
  assert.ok(!targets.some(({ id }) => id.includes("microphone")), "a microphone plays nothing");
  await Promise.all([native, pulse].map(stop));
});

test("pipewire: one, two or all but one of three programs", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const first = await play(rig, "first");
  const second = await play(rig, "second", "paplay");
  const third = await play(rig, "third");
  const [a, b, c] = [first, second, third].map(({ pid }) => ({ processId: pid }));
  await assertHears(rig, { targets: [a, b] }, ["first", "second"]);
  await assertHears(rig, { targets: [c], mode: "exclude" }, ["first", "second"]);
  await assertHears(rig, { targets: [a, b], mode: "exclude" }, ["third"]);
  await assertHears(rig, { ...b }, ["second"]);
  await assertHears(rig, { deviceId: `pipewire:process/${third.pid}` }, ["third"]);
  await assertHears(rig, { name: "PaPlay" }, ["second"]);
  await assertHears(rig, { system: true }, ["first", "second", "third"]);
  await assertHears(rig, { deviceId: "pipewire:system/speaker" }, ["first", "second", "third"]);
  await Promise.all([first, second, third].map(stop));
});

test("pipewire: any format can be had, by conversion", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const player = await play(rig, "first");
  const options = { processId: player.pid, seconds: 1, sampleRate: 16_000, channelCount: 1 };
  const what = await listen(rig, options).heard();
  assert.ok(Math.abs(levelAt(what.samples, 16_000, TONES.first[0]) - TONES.first[1]) < 0.5);
  await stop(player);
});

test("pipewire: a child that starts later belongs to the tree", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const other = await play(rig, "third");
  const [one, two] = [toneFile(rig, "first"), toneFile(rig, "second")];
  // The shell plays nothing itself, and starts its second player when a file is there.
  const go = join(rig.directory, "go");
  const parent = startProgram("sh", [
    "-c",
    `pw-play '${one}' & while ! [ -e '${go}' ]; do sleep 0.1; done; pw-play '${two}' & wait`,
  ], { env: rig.env, clearEnv: true, timeoutMs: 90_000 });
  const { script, heard } = listen(rig, {
    processId: parent.pid,
    tree: true,
    waitForProcess: true,
    seconds: 8,
  });
  await script.waitForLine('"first"');
  await delay(2500);
  writeWavFile(go, { sampleRate: 8000, channels: 1, frames: 0, format: "f32", sample: () => 0 });
  const { samples } = await heard();
  const seconds = Array.from({ length: 8 }, (_, i) => {
    return samples.subarray(i * RIG_SAMPLE_RATE, (i + 1) * RIG_SAMPLE_RATE);
  });
  const told = JSON.stringify(seconds.map(levels));
  assert.ok(seconds.slice(0, 3).some((each) => isExactly(each, ["first"])), told);
  assert.ok(seconds.slice(4).some((each) => isExactly(each, ["first", "second"])), told);
  assert.ok(seconds.every((each) => levels(each).microphone < EDGE), told);
  await runProgram("pkill", ["-KILL", "-P", String(parent.pid)]);
  await stop(parent);
  await stop(other);
});

test("pipewire: a pause is silence of its length", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const [frequency, level] = TONES.first;
  const args = [
    "-c",
    'exec 3<"$0"; exec "$1" "$2" "$3" <&3',
    join(rig.directory, "orders"),
    cProgram("tone_player"),
    String(frequency),
    String(amplitudeOf(level)),
  ];
  await runProgram("mkfifo", [join(rig.directory, "orders")]);
  const player = startProgram("sh", args, { env: rig.env, clearEnv: true, timeoutMs: 90_000 });
  const orders = startProgram("sh", [
    "-c",
    'exec >"$0"; sleep 6; echo cork; sleep 3; echo uncork; sleep 60',
    join(rig.directory, "orders"),
  ], { timeoutMs: 90_000 });
  await player.waitForLine('"playing"');
  await waitForStream(rig, "application.process.id", String(player.pid));
  const { heard } = listen(rig, { processId: player.pid, seconds: 11 });
  const told = { cork: 0, uncork: 0 };
  for (const what of ["cork", "uncork"] as const) {
    told[what] = (JSON.parse(await player.waitForLine(`"${what}"`)) as { time: number }).time;
  }
  const what = await heard();
  assertInTime(what);
  const quiet = loudness(what.samples).map((isLoud) => !isLoud);
  const from = quiet.indexOf(true, 8);
  const to = quiet.lastIndexOf(true, quiet.length - 8);
  const timeOf = (index: number) => what.firstUs + index * 25_000;
  const message = JSON.stringify({ told, from: timeOf(from), to: timeOf(to + 1) });
  // What the server has of the stream plays on or is dropped: a tenth of a second, and a quantum.
  assert.ok(Math.abs(timeOf(from) - told.cork) < 150_000, message);
  assert.ok(Math.abs(timeOf(to + 1) - told.uncork) < 150_000, message);
  assert.ok(Math.abs(timeOf(to + 1) - timeOf(from) - (told.uncork - told.cork)) < 200_000, message);
  assert.ok(what.silentFrames > 2.5 * RIG_SAMPLE_RATE, "silence is flagged");
  orders.kill("SIGKILL");
  await stop(player);
});

test("pipewire: samples are the time that passed, for thirty seconds", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const player = await play(rig, "first");
  const byProcess = listen(rig, { processId: player.pid, seconds: 30 });
  const idle = listen(rig, { name: "nobody-at-all", waitForProcess: true, seconds: 30 });
  const system = listen(rig, { system: true, seconds: 30 });
  for (const { heard } of [byProcess, idle, system]) {
    const what = await heard();
    assert.ok(what.frames >= 30 * RIG_SAMPLE_RATE);
    assertInTime(what);
    assert.ok(levels(what.samples).microphone < SILENT);
  }
  const nothing = await idle.heard();
  assert.equal(nothing.silentFrames, nothing.frames);
  assert.ok(nothing.samples.every((sample) => sample === 0));
  await stop(player);
});

test("pipewire: the system's sound follows the default output", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await addSpeaker(rig, "other");
  const here = await play(rig, "first", "pw-play", ["--target", "speaker"]);
  const there = await play(rig, "second", "pw-play", ["--target", "other"]);
  const { script, heard } = listen(rig, { system: true, seconds: 7 });
  await script.waitForLine('"first"');
  await delay(2500);
  await pactl(rig, "set-default-sink", "other");
  const moved = JSON.parse(await script.waitForLine('"event":"default"'));
  assert.equal(moved.deviceId, "pipewire:system/other");
  const what = await heard();
  assertInTime(what);
  const second = (start: number) =>
    what.samples.subarray(start * RIG_SAMPLE_RATE, (start + 1) * RIG_SAMPLE_RATE);
  const told = JSON.stringify([0, 1, 2, 3, 4, 5, 6].map(second).map(levels));
  assert.ok([0, 1].some((start) => isExactly(second(start), ["first"])), told);
  // WirePlumber moves the first program to the new default, too.
  assert.ok([4, 5, 6].some((start) => isExactly(second(start), ["first", "second"])), told);
  await Promise.all([here, there].map(stop));
});

test("pipewire: a program that ends is lost, and never a microphone", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const player = await play(rig, "first");
  const other = await play(rig, "third");
  const { script, heard } = listen(rig, { processId: player.pid, seconds: 60 });
  await script.waitForLine('"first"');
  await delay(1000);
  await stop(player);
  await script.waitForLine('"lost"');
  const what = await heard();
  assert.equal(what.lost?.code, "DEVICE_LOST");
  const found = levels(what.samples);
  assert.ok(found.microphone < SILENT && found.third < SILENT, JSON.stringify(found));
  assert.equal(await refused(rig, { processId: player.pid }), "DEVICE_NOT_FOUND");
  await stop(other);
});

test("pipewire: a name is followed when its program comes back", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const before = await play(rig, "first", "paplay");
  const { script, heard } = listen(rig, { name: "paplay", seconds: 9 });
  await script.waitForLine('"first"');
  await delay(2000);
  await stop(before);
  await delay(1500);
  const after = await play(rig, "second", "paplay");
  const what = await heard();
  assertInTime(what);
  const seconds = Array.from({ length: 9 }, (_, i) => {
    return what.samples.subarray(i * RIG_SAMPLE_RATE, (i + 1) * RIG_SAMPLE_RATE);
  });
  const told = JSON.stringify(seconds.map(levels));
  assert.ok(seconds.some((each) => isExactly(each, ["first"])), told);
  assert.ok(seconds.some((each) => isExactly(each, ["second"])), told);
  assert.ok(seconds.every((each) => levels(each).microphone < EDGE), told);
  assert.ok(loudness(what.samples).includes(false), "there is a silence between");
  await stop(after);
});

test("pipewire: volume and mute of a program are told", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const player = await play(rig, "first", "paplay");
  const { script, heard } = listen(rig, { processId: player.pid, seconds: 4 });
  await script.waitForLine('"first"');
  const { index } = await waitForStream(rig, "application.process.id", String(player.pid));
  await pactl(rig, "set-sink-input-volume", String(index), "50%");
  const volume = JSON.parse(await script.waitForLine('"name":"streamVolume"'));
  // PulseAudio's half is a cube's: 0.5 ** 3.
  assert.ok(Math.abs(volume.value - 0.125) < 0.001, JSON.stringify(volume));
  await pactl(rig, "set-sink-input-mute", String(index), "1");
  const mute = JSON.parse(await script.waitForLine('"name":"streamMute"'));
  assert.equal(mute.value, true);
  const { samples } = await heard();
  assert.ok(rmsLevel(samples.subarray(-RIG_SAMPLE_RATE / 2)) < SILENT, "muted is silent here too");
  await stop(player);
});

test("pipewire: a daemon that dies is told, and the next one works", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const player = await play(rig, "first");
  const captures = [{ processId: player.pid }, { system: true }, { name: "pw-play" }].map(
    (options) => listen(rig, { ...options, seconds: 60 }),
  );
  for (const { script } of captures) await script.waitForLine('"first"');
  await rig.killServer();
  for (const { heard } of captures) {
    const { lost } = await heard();
    assert.equal(lost?.code, "DEVICE_LOST");
    assert.match(lost.error, /PipeWire ended the connection/);
  }
  await stop(player);
  await rig.startServer();
  await setUp(rig);
  const again = await play(rig, "second");
  await assertHears(rig, { processId: again.pid }, ["second"]);
  await stop(again);
});

test("pipewire: what programs say of themselves is not believed", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const honest = await play(rig, "first");
  // Programs that claim to be the honest one, have no number, or names that break lines.
  const liars = [
    ["--property=application.process.id=" + honest.pid, "--property=application.name=a\u0007b"],
    ["--property=application.process.id=-1"],
    ["--property=application.process.id=99999999999999999999"],
    ["--property=application.process.id=12ab", "--property=application.process.binary=../../x"],
  ].map((args) =>
    startProgram("paplay", [...args, toneFile(rig, "third")], {
      env: rig.env,
      clearEnv: true,
      timeoutMs: 120_000,
    })
  );
  const claim = `{ application.process.id = ${honest.pid} client.api = pipewire-pulse }`;
  liars.push(startProgram("pw-play", ["-P", claim, toneFile(rig, "third")], {
    env: rig.env,
    clearEnv: true,
    timeoutMs: 120_000,
  }));
  await waitUntil(
    async () => (await pactl(rig, "list", "short", "sink-inputs")).split("\n").length >= 6,
    20_000,
    "the streams",
  );
  const result = await user(rig, ["list"]).ended;
  const { targets } = JSON.parse(result.stdout.split("\n")[0]!) as { targets: DeviceInfo[] };
  // deno-lint-ignore no-control-regex
  assert.ok(targets.every(({ id, name }) => !/[\u0000-\u001f]/.test(id + name)), result.stdout);
  await assertHears(rig, { processId: honest.pid }, ["first"]);
  assert.equal(await refused(rig, { processId: 1 }), "DEVICE_NOT_FOUND");
  assert.equal(await refused(rig, { deviceId: "pipewire:process/-1" }), "DEVICE_NOT_FOUND");
  assert.equal(await refused(rig, { deviceId: "pipewire:process/12ab" }), "DEVICE_NOT_FOUND");
  assert.equal(await refused(rig, { deviceId: "pipewire:system/gone" }), "DEVICE_NOT_FOUND");
  assert.equal(await refused(rig, { name: "nobody-at-all" }), "DEVICE_NOT_FOUND");
  assert.equal(await refused(rig, { windowHandle: 7 }), "NOT_SUPPORTED");
  const mixed = [{ system: true }, { processId: honest.pid }];
  assert.equal(await refused(rig, { targets: mixed }), "NOT_SUPPORTED");
  await Promise.all([honest, ...liars].map(stop));
});
