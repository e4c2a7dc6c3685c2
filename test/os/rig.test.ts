// The rig itself, judged by the recorders that come with the sound servers: what is played into a
// virtual microphone comes out sample by sample. What our own capture is tested against later is
// thereby known to be right.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { describeResult, runProgram, startProgram, startScript } from "../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason, startRig } from "../support/rig.ts";
import {
  byChannel,
  decodePosition,
  findBreaks,
  findPositionBreaks,
  firstAudible,
  measureTone,
  position,
  POSITION_PERIOD,
  sine,
} from "../support/tone.ts";
import { waitUntil, within } from "../support/wait.ts";
import { channelOf, readWavFile, type WavData } from "../support/wav.ts";

const SERVERS = ["pipewire", "pulse"] as const;
const FREQUENCY = 997;
const LEVEL = -12.3;
const SOUND = byChannel(sine(FREQUENCY, LEVEL, RIG_SAMPLE_RATE), position());

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 120_000, skip: rigSkipReason() };

type Recorder = "parecord" | "pw-record";

/** Records a source until the file holds `seconds`, and returns what it holds. */
async function record(
  rig: AudioRig,
  recorder: Recorder,
  source: string,
  seconds: number,
): Promise<WavData> {
  const path = join(rig.directory, `${recorder}-${source}.wav`);
  // Without a latency parecord's first data come after two seconds.
  const args = recorder === "parecord"
    ? [`--device=${source}`, "--latency-msec=20", "--file-format=wav", "--rate=48000"]
      .concat(["--channels=2", "--format=float32le", path])
    : ["--target", source, "--rate", "48000", "--channels", "2", "--format", "f32", path];
  const script = startProgram(recorder, args, { env: rig.env, clearEnv: true, timeoutMs: 60_000 });
  const bytes = seconds * RIG_SAMPLE_RATE * 8;
  const hasAll = () => existsSync(path) && statSync(path).size > bytes;
  await waitUntil(hasAll, 50_000, () => `${recorder} wrote too little: ${script.stderr()}`);
  script.kill("SIGINT");
  const result = await script.ended;
  assert.equal(result.timedOut, false, describeResult(result));
  return readWavFile(path);
}

/** Asserts that `wav` holds `seconds` of SOUND, every sample of it. */
function assertExact(wav: WavData, seconds: number, what: string): void {
  assert.equal(wav.sampleRate, RIG_SAMPLE_RATE, what);
  assert.equal(wav.channelCount, 2, what);
  const frames = seconds * RIG_SAMPLE_RATE;
  const start = firstAudible(channelOf(wav, 1));
  assert.ok(start >= 0, `${what}: silence`);
  const tone = channelOf(wav, 0).subarray(start, start + frames);
  const positions = channelOf(wav, 1).subarray(start, start + frames);
  assert.equal(tone.length, frames, `${what}: audible from frame ${start}, and too short`);
  const measured = measureTone(tone, RIG_SAMPLE_RATE);
  const told = `${what}: ${JSON.stringify(measured)}`;
  assert.ok(Math.abs(measured.frequency - FREQUENCY) < 0.001, told);
  assert.ok(Math.abs(measured.level - LEVEL) < 0.001, told);
  assert.ok(measured.signalToNoise > 120, told);
  assert.deepEqual(findBreaks(tone, RIG_SAMPLE_RATE, FREQUENCY, 1e-5).slice(0, 3), [], what);
  assert.deepEqual(findPositionBreaks(positions).slice(0, 3), [], what);
  // A position tells the frame but for whole periods of the ramp; the tone tells which one it is.
  const first = decodePosition(positions[0]!);
  const periods = Array.from({ length: 64 }, (_, i) => first + i * POSITION_PERIOD);
  const isHeard = (from: number) =>
    tone.subarray(0, 100).every((x: number, i: number) => Math.abs(x - SOUND(from + i, 0)) < 1e-6);
  assert.equal(periods.filter(isHeard).length, 1, `${what}: the samples played, at their place`);
}

/** On a busy machine a daemon misses a cycle, and the tone breaks: it is played again, on a new rig. */
const ATTEMPTS = 3;

/** Runs `body` with a rig of each server, side by side. */
function withEachServer(body: (rig: AudioRig) => Promise<void>): Promise<unknown> {
  return Promise.all(SERVERS.map(async (server) => {
    for (let attempt = 1;; attempt++) {
      await using rig = await startRig(server);
      try {
        return await body(rig);
      } catch (error) {
        if (attempt < ATTEMPTS && error instanceof assert.AssertionError) continue;
        throw new Error(`${server}: ${JSON.stringify(rig.logs(), null, 2)}`, { cause: error });
      }
    }
  }));
}

/** True when `pid` runs; a zombie does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function pactl(rig: AudioRig, ...args: string[]): Promise<string> {
  const result = await runProgram("pactl", args, { env: rig.env, clearEnv: true });
  assert.equal(result.code, 0, describeResult(result));
  return result.stdout.trim();
}

test("ten seconds of a tone arrive sample by sample", OPTIONS, async () => {
  await withEachServer(async (rig) => {
    await rig.createVirtualMicrophone({ name: "microphone" });
    const playback = await rig.playInto("microphone", { seconds: 20, sample: SOUND });
    const recorders: Recorder[] = ["parecord"];
    if (rig.server === "pipewire") recorders.push("pw-record");
    await Promise.all(recorders.map(async (recorder) => {
      const wav = await record(rig, recorder, "microphone", 11);
      assertExact(wav, 10, `${recorder} on ${rig.server}`);
    }));
    await playback.stop();
  });
});

test("one channel and eight keep their places", OPTIONS, async () => {
  await withEachServer(async (rig) => {
    for (const channels of [1, 8]) {
      const name = `channels_${channels}`;
      await rig.createVirtualMicrophone({ name, channels });
      const sample = (frame: number, channel: number) =>
        sine(500 + 100 * channel, -20, RIG_SAMPLE_RATE)(frame, channel);
      await rig.playInto(name, { seconds: 10, sample });
      const path = join(rig.directory, `${name}.wav`);
      const map = channels === 1
        ? "mono"
        : "front-left,front-right,rear-left,rear-right,front-center,lfe,side-left,side-right";
      const script = startProgram("parecord", [
        `--device=${name}`,
        "--latency-msec=20",
        "--file-format=wav",
        "--format=float32le",
        `--channels=${channels}`,
        `--channel-map=${map}`,
        path,
      ], { env: rig.env, clearEnv: true });
      const bytes = 1.5 * RIG_SAMPLE_RATE * channels * 4;
      await waitUntil(() => existsSync(path) && statSync(path).size > bytes, 20_000, "no data");
      script.kill("SIGINT");
      await script.ended;
      const wav = readWavFile(path);
      assert.equal(wav.channelCount, channels);
      for (const [channel, samples] of wav.channels.entries()) {
        const start = firstAudible(samples);
        const tone = measureTone(samples.subarray(start, start + RIG_SAMPLE_RATE), wav.sampleRate);
        const told = `${rig.server}, channel ${channel} of ${channels}: ${JSON.stringify(tone)}`;
        assert.ok(Math.abs(tone.frequency - 500 - 100 * channel) < 0.01, told);
        assert.ok(Math.abs(tone.level + 20) < 0.01, told);
      }
    }
  });
});

test(
  "a microphone is plugged in and out, with events and description",
  OPTIONS,
  async () => {
    await withEachServer(async (rig) => {
      const events = startProgram("pactl", ["subscribe"], { env: rig.env, clearEnv: true });
      // It does not say when it has subscribed; every client that comes is an event, too.
      const hasSubscribed = async () =>
        await pactl(rig, "info") && events.stdout().includes("client");
      await waitUntil(hasSubscribed, 10_000, "an event of a client");
      const microphone = await rig.createVirtualMicrophone({
        name: "plugged",
        description: "A plugged microphone",
      });
      await within(events.waitForLine("'new' on source"), 10_000, "event of the plugged source");
      assert.match(await pactl(rig, "list", "sources"), /Description: A plugged microphone/);
      await microphone.remove();
      await within(events.waitForLine("'remove' on source"), 10_000, "event of the removed source");
      assert.doesNotMatch(await pactl(rig, "list", "short", "sources"), /plugged/);
      await assert.rejects(microphone.remove(), /no microphone plugged/);
      events.kill("SIGTERM");
      await events.ended;
    });
  },
);

test("the default source is the one that was set", OPTIONS, async () => {
  await withEachServer(async (rig) => {
    for (const name of ["first", "second"]) await rig.createVirtualMicrophone({ name });
    for (const name of ["first", "second", "first"]) {
      await rig.setDefaultSource(name);
      assert.equal(await pactl(rig, "get-default-source"), name);
    }
    // Unplugging the default makes another source the default.
    await rig.removeVirtualMicrophone("first");
    await waitUntil(
      async () => await pactl(rig, "get-default-source") === "second",
      10_000,
      "the remaining microphone as default",
    );
  });
});

test("a killed server ends its clients, and the next one works", OPTIONS, async () => {
  await withEachServer(async (rig) => {
    await rig.createVirtualMicrophone({ name: "microphone" });
    const before = rig.pids();
    const path = join(rig.directory, "cut.wav");
    const recorder = startProgram(
      "parecord",
      ["--device=microphone", "--latency-msec=20", path],
      { env: rig.env, clearEnv: true },
    );
    await waitUntil(() => existsSync(path) && statSync(path).size > 10_000, 10_000, "no data");
    await rig.killServer("SIGKILL");
    const result = await recorder.ended;
    assert.notEqual(result.timedOut, true, describeResult(result));
    const down = await runProgram("pactl", ["info"], { env: rig.env, clearEnv: true });
    assert.notEqual(down.code, 0);
    await rig.startServer();
    const [daemon] = rig.server === "pipewire" ? ["pipewire"] : ["pulseaudio"];
    assert.notEqual(rig.pids()[daemon], before[daemon]);
    await rig.createVirtualMicrophone({ name: "microphone" });
    await rig.playInto("microphone", { seconds: 10, sample: SOUND });
    assertExact(await record(rig, "parecord", "microphone", 2), 1, rig.server);
  });
});

test("two rigs at once know nothing of each other", OPTIONS, async () => {
  await using first = await startRig("pipewire");
  await using second = await startRig("pipewire");
  await first.createVirtualMicrophone({ name: "only_first" });
  assert.match(await pactl(first, "list", "short", "sources"), /only_first/);
  assert.doesNotMatch(await pactl(second, "list", "short", "sources"), /only_first/);
  await first.stop();
  assert.match(await pactl(second, "info"), /Server Name/);
});

test("stop ends every process, also stopped ones, and removes the directory", OPTIONS, async () => {
  await withEachServer(async (rig) => {
    await rig.createVirtualMicrophone({ name: "microphone" });
    const playback = await rig.playInto("microphone", { seconds: 10, sample: SOUND });
    const pids = Object.values(rig.pids());
    assert.ok(pids.includes(playback.pid));
    process.kill(pids[0]!, "SIGSTOP");
    await rig.stop();
    assert.deepEqual(pids.filter(isRunning), []);
    assert.equal(existsSync(rig.directory), false);
    await rig.stop();
  });
});

for (const end of ["SIGKILL", "SIGINT", "SIGTERM", "throw", "exit", "return"] as const) {
  test(`a rig ends with its owner: ${end}`, OPTIONS, async () => {
    await Promise.all(SERVERS.map(async (server) => {
      const owner = startScript(new URL("./fixtures/rig_owner.ts", import.meta.url), {
        args: [server, end],
      });
      const line = await within(owner.waitForLine("pids"), 30_000, "start of the rig");
      const { directory, pids } = JSON.parse(line) as { directory: string; pids: number[] };
      assert.ok(pids.length >= 2, line);
      if (end === "throw" || end === "exit" || end === "return") await owner.ended;
      else {
        // Until now all of it runs.
        assert.deepEqual(pids.filter(isRunning), pids);
        owner.kill(end);
      }
      const result = await owner.ended;
      assert.equal(result.timedOut, false, describeResult(result));
      await waitUntil(
        () => !pids.some(isRunning) && !existsSync(directory),
        10_000,
        () => `left of ${pids}: ${pids.filter(isRunning)}, ${directory}`,
      );
    }));
  });
}
