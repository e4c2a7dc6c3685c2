// The demo, as a person starts it, on test devices.

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode } from "fast-png";
import { describeResult } from "../support/process.ts";
import { measureTone } from "../support/tone.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { miniav, temporaryFolder } from "./support/cli.ts";

/** Only the test devices, whatever this machine has. */
const ONLY_TEST = {
  MINIAV_CAMERA_BACKEND: "test",
  MINIAV_SCREEN_BACKEND: "test",
  MINIAV_AUDIO_BACKEND: "test",
  MINIAV_LOOPBACK_BACKEND: "test",
};

const FILES = ["camera.png", "screen.png", "microphone.wav", "loopback.wav"];

test("a row and a file for each kind", async () => {
  const cwd = temporaryFolder();
  const env = { ...ONLY_TEST, MINIAV_TEST_DEVICES: undefined };
  const result = await miniav(["demo"], { cwd, env });
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /^camera +test:bars +MiniAV test camera +test$/m);
  assert.match(result.stdout, /^camera: nothing real here, a test device stands in/m);
  const row = (kind: string, frames: RegExp) =>
    new RegExp(
      `^${kind} +test:\\w+ +test +.+ ${frames.source} +\\d+\\.\\d +\\d+ +\\d+\\.\\d +\\d+\\.\\d +demo-output.${kind}\\.\\w+$`,
      "m",
    );
  assert.match(result.stdout, row("camera", /[56]\d/));
  assert.match(result.stdout, row("screen", /1[012]\d/));
  assert.match(result.stdout, row("microphone", /\d+/));
  assert.match(result.stdout, row("loopback", /\d+/));

  const folder = join(cwd, "demo-output");
  for (const [name, width] of [["camera.png", 1280], ["screen.png", 1920]] as const) {
    assert.equal(decode(readFileSync(join(folder, name))).width, width);
  }
  for (const [name, frequency] of [["microphone.wav", 1000], ["loopback.wav", 440]] as const) {
    const wav = readWavFile(join(folder, name));
    const samples = channelOf(wav, 0);
    assert.equal(samples.length, 2 * wav.sampleRate);
    assert.ok(Math.abs(measureTone(samples, wav.sampleRate).frequency - frequency) < 1);
  }
});

test("it replaces its own files, and takes as long as it is told", async () => {
  const cwd = temporaryFolder();
  const args = ["demo", "-t", "0.3", "-o", "here"];
  assert.equal((await miniav(args, { cwd, env: ONLY_TEST })).code, 0);
  const again = await miniav(args, { cwd, env: ONLY_TEST });
  assert.equal(again.code, 0, describeResult(again));
  for (const name of FILES) assert.ok(statSync(join(cwd, "here", name)).size > 1000, name);
  const wav = readWavFile(join(cwd, "here", "microphone.wav"));
  assert.equal(channelOf(wav, 0).length, 0.3 * wav.sampleRate);
});

test("a real camera that was asked for and is not there is a failure", async () => {
  const cwd = temporaryFolder();
  const args = ["demo", "--camera", "-t", "0.2"];
  const result = await miniav(args, { cwd, env: ONLY_TEST });
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stdout, /^camera +none +FAILED/m);
  assert.match(result.stdout, /^miniav: DEVICE_NOT_FOUND: there is no real camera here$/m);
  assert.match(result.stdout, /^microphone +test:tone +test +48000 Hz/m);
});
