// `meter`: the levels of known tones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLevel, LevelMeter } from "../../src/cli/levels.ts";
import { describeResult } from "../support/process.ts";
import { miniav, miniavBytes, startMiniav, temporaryFolder } from "./support/cli.ts";

test("a line for each interval, with peak and RMS of each channel", async () => {
  const args = ["meter", "-d", "test:tone", "-t", "0.5", "--interval", "0.1", "--channels", "2"];
  const result = await miniav(args);
  assert.equal(result.code, 0, describeResult(result));
  const lines = result.stdout.trim().split("\n");
  assert.equal(lines.length, 5);
  for (const [index, line] of lines.entries()) {
    // A sine of amplitude −12 dBFS has an RMS 3.01 dB below.
    assert.equal(
      line,
      `0:00.${index + 1}  1: peak -12.0 rms -15.0  2: peak -12.0 rms -15.0 dBFS`,
    );
  }
});

test("the level of programs, by name and by process", async () => {
  for (const args of [["--app", "test-player"], ["--pid", "4242", "--tree"]]) {
    const result = await miniav(["meter", ...args, "-t", "0.2", "--interval", "0.2"]);
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stdout, /^0:00\.2 {2}1: peak -12\.0 rms -15\.0 /);
  }
});

test("Ctrl-C ends it, and so does a reader that goes away", async () => {
  const running = startMiniav(["meter", "-d", "test:tone", "--interval", "0.1"]);
  await running.waitForLine("dBFS");
  running.kill("SIGINT");
  const result = await running.ended;
  assert.equal(result.code, 0, describeResult(result));
  const args = ["meter", "-d", "test:system", "--interval", "0.05"];
  const piped = await miniavBytes(args, { cwd: temporaryFolder(), limit: 100 });
  assert.equal(piped.code, 0, piped.stderr);
});

const READINGS = [
  ["u8", Uint8Array.of(128, 0, 128, 192), [0, 1]],
  ["s16", Int16Array.of(0, 16_384, 0, -32_768), [0, 1]],
  ["s24", Uint8Array.of(0, 0, 0x80, 0, 0, 0x40, 0, 0, 0, 0, 0, 0xc0), [1, 0.5]],
  ["s32", Int32Array.of(1 << 30, 0, -(2 ** 31), 0), [1, 0]],
  ["f32", Float32Array.of(0.25, -0.5, -0.125, 0.5), [0.25, 0.5]],
] as const;

test("peaks in every sample format", () => {
  for (const [format, samples, peaks] of READINGS) {
    const meter = new LevelMeter(2);
    meter.add(samples, format);
    assert.equal(meter.frames, 2, format);
    assert.deepEqual(meter.take().map(({ peak }) => peak), peaks, format);
    assert.equal(meter.frames, 0);
  }
});

test("the RMS goes over everything since the last look", () => {
  const meter = new LevelMeter(1);
  meter.add(Float32Array.of(1, -1), "f32");
  meter.add(Float32Array.of(0, 0), "f32");
  assert.equal(meter.take()[0]?.rms, Math.SQRT1_2);
  assert.deepEqual(meter.take(), [{ peak: 0, rms: 0 }]);
});

test("levels in words", () => {
  assert.equal(formatLevel(1), "0.0");
  assert.equal(formatLevel(0.5), "-6.0");
  assert.equal(formatLevel(0), "-inf");
  assert.equal(formatLevel(1e-9), "-inf");
});
