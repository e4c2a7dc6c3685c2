// Screens on the command line: what the options mean, what goes with nothing, and a screen with its
// sound, on the test devices.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode } from "fast-png";
import { CommandError, UsageError } from "../../src/cli/failure.ts";
import { chooseWindow, namesScreen, parseRegion } from "../../src/cli/screens.ts";
import type { DeviceInfo } from "../../src/mod.ts";
import { readFrameStrip } from "../support/frame_counter.ts";
import { describeResult } from "../support/process.ts";
import { measureTone } from "../support/tone.ts";
import { waitUntil } from "../support/wait.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { miniav, startMiniav, temporaryFolder } from "./support/cli.ts";
import { lumaPicture, readY4mFile } from "./support/y4m.ts";

const cwd = temporaryFolder();

function windowOf(id: number, name: string): DeviceInfo {
  return {
    ...{ id: `x11:window/${id}`, name, kind: "screen", backend: "x11", isDefault: false },
    ...{ isPlaying: false, isVirtual: false, isTest: false, processId: 40 + id, scale: 1 },
    ...{ rectangle: { x: 0, y: 0, width: 640, height: 480 }, refreshRate: null, facing: null },
    ...{ model: "", manufacturer: "", icon: "" },
  };
}

test("a region is four numbers", () => {
  const region = { x: 10, y: 0, width: 640, height: 480 };
  assert.deepEqual(parseRegion("10,0,640,480"), region);
  assert.deepEqual(parseRegion("10, 0, 640x480"), region);
  for (
    const wrong of ["", "10,0", "1,2,0,4", "a,b,c,d", "1,2,3,4,5", "1.5,0,9,9"]
  ) {
    assert.throws(() => parseRegion(wrong), /X,Y,WIDTH,HEIGHT/, wrong);
  }
  for (const negative of ["-1,0,640,480", "1,-2,640,480", "1,2,640,-480"]) {
    assert.throws(() => parseRegion(negative), /counted from 0/, negative);
  }
});

test("a window by its id, its title, or a part that no other has", () => {
  const windows = [
    windowOf(1, "Notes"),
    windowOf(2, "Notes - old"),
    windowOf(3, "Mail"),
    windowOf(4, "Twins"),
    windowOf(5, "twins"),
  ];
  const idOf = (wanted: string) => chooseWindow(wanted, windows).id;
  assert.equal(idOf("x11:window/3"), "x11:window/3");
  for (const number of ["3", "0x3", "0X3"]) assert.equal(idOf(number), "x11:window/3");
  assert.equal(idOf("notes"), "x11:window/1");
  assert.equal(idOf("OLD"), "x11:window/2");
  assert.equal(idOf("mai"), "x11:window/3");
  const failure = (wanted: string) => {
    try {
      return assert.fail(idOf(wanted));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return `${error.message}\n${error.hint}`;
    }
  };
  assert.match(
    failure("twins"),
    /^"twins" is 2 windows\n.*\n +x11:window\/4 +"Twins", 640x480, pro/,
  );
  assert.match(failure("twins"), /x11:window\/5 +"twins"/);
  assert.match(failure("otes"), /x11:window\/1 .*\n.*x11:window\/2 /);
  assert.match(failure("Maul"), /no window "Maul"\n.*Did you mean "Mail"\?/);
  assert.throws(() => chooseWindow("any", []), /no window "any"/);
});

test("options that do not go together say what does", () => {
  const none = { screen: false, window: undefined, region: undefined, cursor: undefined };
  const no = { device: undefined, kind: undefined };
  const region = { x: 0, y: 0, width: 9, height: 9 };
  assert.equal(namesScreen(none, no), false);
  assert.equal(namesScreen({ ...none, screen: true }, { device: "x", kind: "screen" }), true);
  assert.equal(namesScreen({ ...none, region, cursor: "hidden" }, no), true);
  assert.equal(namesScreen({ ...none, cursor: "hidden" }, { ...no, kind: "screen" }), true);
  const wrong = [
    [{ screen: true, window: "w" }, {}, /name one/],
    [{ window: "w", region }, {}, /captured whole/],
    [{ window: "w" }, { device: "d" }, /one will do/],
    [{ screen: true }, { kind: "camera" }, /--screen .*not go with --kind camera/],
    [{ region }, { kind: "loopback" }, /--region .*not go with --kind loopback/],
    [{ cursor: "hidden" }, {}, /add --screen/],
  ] as const;
  for (const [options, what, reason] of wrong) {
    assert.throws(
      () => namesScreen({ ...none, ...options }, { ...no, ...what }),
      (error) => error instanceof UsageError && reason.test(error.message),
    );
  }
});

test("wrong usage opens nothing and leaves no file", async () => {
  const along = ["--audio", "x.wav"];
  const wrong = [
    [["snapshot", "--window", "test:window", "--region", "0,0,9,9"], /captured whole/],
    [["snapshot", "--region", "0,0,9"], /X,Y,WIDTH,HEIGHT/],
    [["snapshot", "--cursor", "shown", "--screen"], /one of embedded, hidden/],
    [["snapshot", "--screen", "--skip", "2"], /--skip is for cameras/],
    [["record", "--screen", "--app", "x"], /--audio FILE/],
    [["record", "-k", "camera", ...along], /add --screen/],
    [["record", "-d", "test:bars", "-o", "x.y4m", ...along], /a camera has none/],
    [["record", "--screen", "-o", "x.y4m", "--audio", "x.mp3"], /becomes \.wav/],
    [["record", "--screen", "-o", "x.wav"], /becomes \.y4m/],
    [["record", "--screen", "-o", "-", "--audio", "-"], /two files/],
    [["record", "--screen", "-o", "same", "--audio", "./same"], /two files/],
    [["record", "--screen", "--rate", "48000"], /--rate does not go with a screen/],
    [["record", "--screen", "--format", "s16", ...along], /a format of sound/],
  ] as const;
  await Promise.all(wrong.map(async ([args, reason]) => {
    const result = await miniav(args, { cwd });
    assert.equal(result.code, 2, describeResult(result));
    assert.match(result.stderr, reason);
  }));
  for (const name of ["x.wav", "x.y4m", "x.mp3", "same"]) assert.ok(!existsSync(join(cwd, name)));
});

test("targets that are none of their kind", async () => {
  const env = { MINIAV_SCREEN_BACKEND: "test" };
  const region = ["--region", "0,0,64,48"];
  const isWindow = await miniav(["snapshot", "-d", "test:window", ...region], { cwd, env });
  assert.equal(isWindow.code, 2, describeResult(isWindow));
  assert.match(isWindow.stderr, /test:window is a window/);
  for (const args of [["--screen"], ["--screen", ...region]]) {
    const display = await miniav(["snapshot", "-d", "test:window", ...args], { cwd, env });
    assert.equal(display.code, 2, describeResult(display));
    assert.match(display.stderr, /--screen is a display, and test:window is a window/);
  }
  const nowhere = await miniav(["snapshot", "--region", "1900,0,64,48"], { cwd, env });
  assert.equal(nowhere.code, 1, describeResult(nowhere));
  assert.match(nowhere.stderr, /INVALID_ARG: .*1920 x 1080/);
  const none = await miniav(["snapshot", "--window", "nothing"], { cwd, env });
  assert.equal(none.code, 1, describeResult(none));
  assert.match(none.stderr, /DEVICE_NOT_FOUND: there is no window "nothing"/);
});

test("a part of a display is that part", async () => {
  const env = { MINIAV_SCREEN_BACKEND: "test" };
  const args = ["snapshot", "--screen", "--cursor", "hidden", "-o"];
  const whole = await miniav([...args, "whole.png"], { cwd, env });
  assert.equal(whole.code, 0, describeResult(whole));
  const part = await miniav([...args, "part.png", "--region", "240,600,720,300"], { cwd, env });
  assert.equal(part.code, 0, describeResult(part));
  assert.match(part.stderr, /^part\.png: 720x300 BGRX/m);
  const [large, small] = ["whole.png", "part.png"].map((name) =>
    decode(readFileSync(join(cwd, name)))
  );
  const pixel = (picture: typeof large, x: number, y: number) => {
    const { width = 0, channels = 0, data = [] } = picture ?? {};
    const at = (y * width + x) * channels;
    return [data[at], data[at + 1], data[at + 2]].join();
  };
  // Bars do not move; the box, which does, covers not all of these rows.
  for (const x of [120, 360, 600]) {
    const rows = [10, 150, 290];
    const isSame = rows.some((y) => pixel(small, x, y) === pixel(large, x + 240, y + 600));
    assert.ok(isSame, `at ${x}`);
  }
  assert.notEqual(pixel(small, 120, 10), pixel(small, 360, 10));
});

for (const where of [["--screen"], ["--window", "test window"]]) {
  test(`pictures and sound, equally long: ${where[0]}`, async () => {
    const name = where[0]!.slice(2);
    const files = ["-o", `${name}.y4m`, "--audio", `${name}.wav`];
    const wishes = ["-t", "1", "--fps", "10", "--rate", "44100", "--channels", "1"];
    const env = { MINIAV_SCREEN_BACKEND: "test" };
    const result = await miniav(["record", ...where, ...files, ...wishes], { cwd, env });
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stderr, new RegExp(`^${name}\\.y4m: 0:01\\.0, 10 pictures at 10 fps`, "m"));
    assert.match(result.stderr, new RegExp(`^${name}\\.wav: 0:01\\.0, 44100 Hz, 1 channel`, "m"));
    const video = readY4mFile(join(cwd, `${name}.y4m`));
    assert.deepEqual([video.frames.length, video.rest], [10, 0]);
    const counters = video.frames.map((_, i) => readFrameStrip(lumaPicture(video, i)).counter);
    assert.deepEqual(counters, counters.toSorted((a, b) => a - b));
    const wav = readWavFile(join(cwd, `${name}.wav`));
    const samples = channelOf(wav, 0);
    assert.equal(samples.length, 44_100);
    // The system's tone for a display, its program's for a window.
    const { level } = measureTone(samples, 44_100);
    assert.ok(level > -13, `${level} dB`);
  });
}

test("Ctrl-C leaves two whole files of one length", async () => {
  const args = ["record", "--window", "test:window", "-o", "c.y4m", "--audio", "c.wav"];
  const env = { MINIAV_SCREEN_BACKEND: "test" };
  const running = startMiniav([...args, "--fps", "20", "--progress"], { cwd, env });
  await waitUntil(() => /^0:0[1-9]/m.test(running.stderr()), 30_000, () => running.stderr());
  running.kill("SIGINT");
  const result = await running.ended;
  assert.equal(result.code, 0, describeResult(result));
  const video = readY4mFile(join(cwd, "c.y4m"));
  const wav = readWavFile(join(cwd, "c.wav"));
  const heard = channelOf(wav, 0).length / wav.sampleRate;
  assert.equal(video.rest, 0);
  assert.ok(heard >= 1, `${heard} s`);
  assert.ok(
    Math.abs(video.frames.length / 20 - heard) <= 0.1,
    `${video.frames.length} and ${heard}`,
  );
});
