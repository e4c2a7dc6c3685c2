// The examples, as the README prints them: each runs to its end and makes what it promises.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode } from "fast-png";
import { describeResult, runScript } from "../support/process.ts";
import { measureTone } from "../support/tone.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { temporaryFolder } from "./support/cli.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

/** Only the test devices, whatever this machine has. */
const ENVIRONMENT = {
  MINIAV_TEST_DEVICES: "1",
  MINIAV_CAMERA_BACKEND: "test",
  MINIAV_SCREEN_BACKEND: "test",
  MINIAV_AUDIO_BACKEND: "test",
  MINIAV_LOOPBACK_BACKEND: "test",
};

async function run(name: string, ...args: string[]): Promise<{ folder: string; stdout: string }> {
  const folder = temporaryFolder();
  const result = await runScript(new URL(name, EXAMPLES), { cwd: folder, env: ENVIRONMENT, args });
  assert.equal(result.code, 0, describeResult(result));
  return { folder, stdout: result.stdout };
}

test("microphone to WAV", async () => {
  const { folder, stdout } = await run("microphone_to_wav.ts");
  assert.equal(stdout, "microphone.wav: 3 s, 48000 Hz, 2 channels, 0 gaps\n");
  const wav = readWavFile(join(folder, "microphone.wav"));
  assert.equal(channelOf(wav, 0).length, 3 * 48_000);
  assert.ok(Math.abs(measureTone(channelOf(wav, 0), 48_000).frequency - 1000) < 1);
});

test("camera to PNG", async () => {
  const { folder, stdout } = await run("camera_to_png.ts");
  assert.equal(stdout, "camera.png: 1280 x 720, NV12\n");
  const { width, height } = decode(readFileSync(join(folder, "camera.png")));
  assert.deepEqual([width, height], [1280, 720]);
});

test("screen to PNG", async () => {
  const { folder, stdout } = await run("screen_to_png.ts");
  assert.equal(stdout, "screen.png: 1920 x 1080, BGRX\n");
  const { width, height, data } = decode(readFileSync(join(folder, "screen.png")));
  assert.deepEqual([width, height], [1920, 1080]);
  // Eight bars, of which the second is red at the bottom, the fourth green and the last blue.
  const channels = data.length / (width * height);
  const colours = [360, 840, 1800].map((x) => {
    const at = (900 * width + x) * channels;
    return Array.from(data.subarray(at, at + 3));
  });
  assert.deepEqual(colours, [[191, 0, 0], [0, 191, 0], [0, 0, 191]]);
});

test("a loop over frames", async () => {
  const { folder, stdout } = await run("loop_over_frames.ts");
  const lines = stdout.trim().split("\n");
  assert.equal(lines.length, 61);
  for (const line of lines.slice(0, 60)) {
    const brightness = Number(/^frame \d+: brightness ([\d.]+), [\d.]+ ms old$/.exec(line)?.[1]);
    // Eight bars, of which each colour is there once in each direction.
    assert.ok(brightness > 60 && brightness < 130, line);
  }
  assert.match(lines[60] ?? "", /^60 frames looked at, \d+ produced, \d+ dropped$/);
  assert.deepEqual(readdirSync(folder), []);
});

test("an application to WAV", async () => {
  const { folder, stdout } = await run("record_application.ts", "test-player");
  assert.equal(stdout, "application.wav: 3 s of test-player, peak -12.0 dB\n");
  const wav = readWavFile(join(folder, "application.wav"));
  assert.equal(channelOf(wav, 0).length, 3 * 48_000);
  assert.ok(Math.abs(measureTone(channelOf(wav, 0), 48_000).frequency - 880) < 1);
});

test("no example is left out", () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts")).sort();
  assert.deepEqual(names, [
    "camera_to_png.ts",
    "loop_over_frames.ts",
    "microphone_to_wav.ts",
    "record_application.ts",
    "screen_to_png.ts",
  ]);
});
