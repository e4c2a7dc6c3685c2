// Several programs recorded at once on a real PipeWire: three programs, three tones, and what stands in
// the files is measured. A virtual microphone plays all the time and must never be heard.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { ProcessRecording } from "../../src/mod.ts";
import {
  isExactly,
  levels,
  pactl,
  play,
  SILENT,
  stop,
  type Tone,
  waitForStream,
  withSpeaker,
} from "../support/loopback_rig.ts";
import { describeResult, type RunningScript, startScript } from "../support/process.ts";
import { type AudioRig, RIG_SAMPLE_RATE, rigSkipReason } from "../support/rig.ts";
import { rmsLevel } from "../support/tone.ts";
import { delay } from "../support/wait.ts";
import { channelOf, readWavFile } from "../support/wav.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

/** A player that a busy machine starves breaks its tone: then it is recorded again. */
const ATTEMPTS = 4;

interface Recording {
  readonly script: RunningScript;
  readonly ended: () => Promise<ProcessRecording>;
}

function record(rig: AudioRig, options: object): Recording {
  const script = startScript(new URL("./fixtures/recorder_user.ts", import.meta.url), {
    args: [JSON.stringify({ overwrite: true, ...options })],
    env: rig.env,
    clearEnv: true,
    timeoutMs: 90_000,
  });
  const ended = async () => {
    const result = await script.ended;
    const line = result.stdout.split("\n").find((line) => line.includes('"ended":true'));
    assert.ok(line !== undefined && result.code === 0, describeResult(result));
    return JSON.parse(line) as ProcessRecording;
  };
  return { script, ended };
}

/** The samples of a file, and whole seconds of it that begin every half second. */
function read(path: string): { samples: Float64Array; seconds: Float64Array[] } {
  const samples = channelOf(readWavFile(path), 0);
  const count = Math.max(0, Math.floor((2 * samples.length) / RIG_SAMPLE_RATE) - 1);
  const seconds = Array.from({ length: count }, (_, i) => {
    return samples.subarray((i * RIG_SAMPLE_RATE) / 2, (i / 2 + 1) * RIG_SAMPLE_RATE);
  });
  return { samples, seconds };
}

/** Records until each file has a whole second of exactly its tones. */
async function assertRecords(
  rig: AudioRig,
  options: object,
  wanted: Readonly<Record<string, readonly Tone[]>>,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const { files, seconds } = await record(rig, { seconds: 2.5, ...options }).ended();
    assert.equal(seconds, 2.5);
    for (const { numberOfFrames, format } of files) {
      assert.ok(Math.abs(numberOfFrames / format.sampleRate - 2.5) < 0.001);
    }
    assert.equal(files.length, Object.keys(wanted).length);
    const heard = Object.entries(wanted).map(([path, tones]) => {
      const { samples, seconds } = read(path);
      assert.equal(samples.length, 2.5 * RIG_SAMPLE_RATE);
      return { path, tones, seconds };
    });
    const isRight = heard.every(({ tones, seconds }) =>
      seconds.some((second) => isExactly(second, tones))
    );
    if (isRight || attempt === ATTEMPTS) {
      const told = heard.map(({ path, seconds }) => [path, seconds.map(levels)]);
      assert.ok(isRight, JSON.stringify(told));
      return;
    }
  }
}

test("pipewire: several programs, mixed, apart, and all but one", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const first = await play(rig, "first");
  const second = await play(rig, "second", "paplay");
  const third = await play(rig, "third");
  const at = (name: string) => join(rig.directory, name);
  const two = [{ processId: first.pid, tree: true }, { name: "paplay" }];
  await assertRecords(rig, { sources: two, file: at("mix.wav") }, {
    [at("mix.wav")]: ["first", "second"],
  });
  const three = [...two, { processId: third.pid, label: "the third: it's me" }];
  await assertRecords(rig, { sources: three, folder: rig.directory }, {
    [at(`process-${first.pid}.wav`)]: ["first"],
    [at("paplay.wav")]: ["second"],
    [at("the-third-it-s-me.wav")]: ["third"],
  });
  await assertRecords(rig, { sources: two, mode: "exclude", file: at("rest.wav") }, {
    [at("rest.wav")]: ["third"],
  });
  await Promise.all([first, second, third].map(stop));
});

test("pipewire: one that ends and one that comes, in files of equal length", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const first = await play(rig, "first");
  const at = (name: string) => join(rig.directory, name);
  const { script, ended } = record(rig, {
    sources: [{ processId: first.pid, label: "goes" }, { name: "paplay", waitForProcess: true }],
    folder: rig.directory,
  });
  await script.waitForLine('"started"');
  await delay(1500);
  await stop(first);
  assert.equal(JSON.parse(await script.waitForLine('"lost":"goes"')).code, "DEVICE_LOST");
  const second = await play(rig, "second", "paplay");
  await delay(2500);
  script.kill("SIGINT");
  const { sources, seconds } = await ended();
  assert.deepEqual(sources.map(({ label, ended }) => [label, ended]), [
    ["goes", "lost"],
    ["paplay", "stopped"],
  ]);
  const [goes, comes] = ["goes.wav", "paplay.wav"].map((name) => read(at(name)));
  assert.ok(goes !== undefined && comes !== undefined);
  assert.equal(goes.samples.length, comes.samples.length);
  assert.ok(Math.abs(goes.samples.length / RIG_SAMPLE_RATE - seconds) < 0.001);
  const told = JSON.stringify([goes, comes].map(({ seconds }) => seconds.map(levels)));
  // The first is there, and then nothing; the second the other way round.
  assert.ok(goes.seconds.some((second) => isExactly(second, ["first"])), told);
  assert.ok(rmsLevel(goes.samples.subarray(-RIG_SAMPLE_RATE)) < SILENT, told);
  assert.ok(rmsLevel(comes.samples.subarray(0, RIG_SAMPLE_RATE)) < SILENT, told);
  assert.ok(comes.seconds.some((second) => isExactly(second, ["second"])), told);
  await stop(second);
});

test("pipewire: volume and mute of each program in a mix are told", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const first = await play(rig, "first");
  const second = await play(rig, "second", "paplay");
  const { script, ended } = record(rig, {
    sources: [{ processId: first.pid, label: "other" }, { processId: second.pid, label: "this" }],
    file: join(rig.directory, "mix.wav"),
  });
  const { sources } = JSON.parse(await script.waitForLine('"started"')) as {
    sources: { volume: number; muted: boolean }[];
  };
  assert.deepEqual(sources.map(({ volume, muted }) => [volume, muted]), [[1, false], [1, false]]);
  const { index } = await waitForStream(rig, "application.process.id", String(second.pid));
  await pactl(rig, "set-sink-input-volume", String(index), "50%");
  const volume = JSON.parse(await script.waitForLine('"volume":0'));
  // PulseAudio's half is a cube's: 0.5 ** 3.
  assert.ok(Math.abs(volume.volume - 0.125) < 0.001, JSON.stringify(volume));
  assert.equal(volume.label, "this");
  await pactl(rig, "set-sink-input-mute", String(index), "1");
  const mute = JSON.parse(await script.waitForLine('"muted":true'));
  assert.equal(mute.label, "this");
  await delay(1000);
  script.kill("SIGINT");
  const result = await ended();
  assert.deepEqual(result.sources.map(({ ended }) => ended), ["stopped", "stopped"]);
  const { samples } = read(join(rig.directory, "mix.wav"));
  const end = samples.subarray(-RIG_SAMPLE_RATE / 2);
  assert.ok(levels(end).second < -60, "what is muted is not in the mix");
  await Promise.all([first, second].map(stop));
});
