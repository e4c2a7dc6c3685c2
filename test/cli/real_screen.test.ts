// The command line with a real X server and a real PipeWire: pictures of the screen, of a part, of a
// window, and a recording with the sound of the window's program.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { decode } from "fast-png";
import { isExactly, levels, play, setUp, stop, toneFile } from "../support/loopback_rig.ts";
import { describeResult } from "../support/process.ts";
import { RIG_SAMPLE_RATE, rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { Picture } from "../support/screen_capture.ts";
import { delay, waitUntil } from "../support/wait.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { startX11Rig, X11Client, x11SkipReason } from "../support/x11.ts";
import { miniav, startMiniav, temporaryFolder } from "./support/cli.ts";
import { lumaPicture, readY4mFile, type Y4mFile } from "./support/y4m.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() || x11SkipReason() };
const WIDTH = 321;
const HEIGHT = 203;
const RED = 0xff_0000;
const WHITE = 235;
const BLACK = 16;

/** A player that a busy machine starves breaks its tone: then it is recorded again. */
const ATTEMPTS = 4;

const cwd = temporaryFolder();

/** What a PNG shows, as words of red, green and blue. */
function wordsOf(name: string, { width, height }: Picture): Uint32Array {
  const png = decode(readFileSync(join(cwd, name)));
  assert.deepEqual([png.width, png.height, png.channels], [width, height, 3], name);
  return Uint32Array.from({ length: width * height }, (_, i) => {
    const [red = 0, green = 0, blue = 0] = png.data.subarray(3 * i, 3 * i + 3);
    return (red << 16) | (green << 8) | blue;
  });
}

function assertShows(name: string, picture: Picture): void {
  assert.equal(picture.differences(wordsOf(name, picture)).length, 0, name);
}

test("pictures of a screen, a part of it and windows", OPTIONS, async () => {
  await using display = await startX11Rig({ screen: `${WIDTH}x${HEIGHT}x24` });
  const base = { PATH: process.env.PATH ?? "", ...display.env };
  await using client = await X11Client.start(base);
  await client.run(`paint root ${WIDTH} ${HEIGHT} 3`);
  const low = await client.window("low", { x: 20, y: 30, width: 101, height: 77, seed: 1 });
  await client.window("high", { x: 60, y: 50, width: 90, height: 61, seed: 2 });
  await client.run("title low Accounts 2025");
  await client.run("title high Accounts 2026");
  await client.run("cursor root 9 7 2 3");
  await client.run("pointer 200 150");
  const whole = new Picture(WIDTH, HEIGHT).pattern(0, 0, WIDTH, HEIGHT, 3)
    .pattern(20, 30, 101, 77, 1).pattern(60, 50, 90, 61, 2);
  const everything = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  const withPointer = whole.cut(everything).fill({ x: 198, y: 147, width: 9, height: 7 }, RED);
  const env = { ...display.env, MINIAV_TEST_DEVICES: undefined };
  const run = async (code: number, ...args: string[]) => {
    const result = await miniav(args, { cwd, env });
    assert.equal(result.code, code, describeResult(result));
    return result.stderr;
  };
  const snapshot = (name: string, ...args: string[]) => run(0, "snapshot", ...args, "-o", name);

  await snapshot("screen.png", "--screen");
  assertShows("screen.png", withPointer);
  await snapshot("hidden.png", "--screen", "--cursor", "hidden");
  assertShows("hidden.png", whole);
  await snapshot("part.png", "--region", "191,141,71,43");
  assertShows("part.png", withPointer.cut({ x: 191, y: 141, width: 71, height: 43 }));
  await snapshot("window.png", "--window", "accounts 2025");
  assertShows("window.png", new Picture(101, 77).pattern(0, 0, 101, 77, 1));
  await snapshot("id.png", "--window", `x11:window/${low}`);
  assertShows("id.png", new Picture(101, 77).pattern(0, 0, 101, 77, 1));

  const many = await run(1, "snapshot", "--window", "accounts", "-o", "none.png");
  assert.match(many, /^miniav: DEVICE_NOT_FOUND: "accounts" is 2 windows$/m);
  assert.match(many, /^ +x11:window\/\d+ +"Accounts 2026", 90x61, process \d+$/m);
  assert.match(many, new RegExp(`^ +x11:window/${low} +"Accounts 2025", 101x77, `, "m"));
  const none = await run(1, "snapshot", "--window", "Acounts 2025", "-o", "none.png");
  assert.match(none, /there is no window "Acounts 2025"\n.*Did you mean "Accounts 2025"\?/);
  const outside = await run(1, "snapshot", "--region", "300,0,64,48", "-o", "none.png");
  assert.match(outside, /INVALID_ARG: .*321 x 203/);
  assert.ok(!existsSync(join(cwd, "none.png")));

  const hex = `0x${low.toString(16)}`;
  await snapshot("hex.png", "--window", hex);
  assertShows("hex.png", new Picture(101, 77).pattern(0, 0, 101, 77, 1));
  const nowhere = await run(1, "snapshot", "--screen", "-o", "/proc/none.png");
  assert.match(nowhere, /its folder takes no files\nChoose another folder/);

  // A still window that closes: its time is in the file, and why it ended is said.
  const still = ["record", "--window", "accounts 2025", "--fps", "10", "-o", "still.y4m"];
  const recording = startMiniav(still, { cwd, env });
  const path = join(cwd, "still.y4m");
  const hasPicture = () => existsSync(path) && statSync(path).size > 0;
  await waitUntil(hasPicture, 30_000, () => recording.stderr());
  await delay(1500); // of the recording: what is asserted is how long that is
  await client.run("destroy low");
  const closed = await recording.ended;
  assert.equal(closed.code, 1, describeResult(closed));
  assert.match(closed.stderr, /DEVICE_LOST: .*the window was closed/);
  assert.doesNotMatch(closed.stderr, /unplugged or switched off/);
  assert.match(closed.stderr, /still\.y4m: what came before is there/);
  const file = readY4mFile(path);
  assert.deepEqual([file.width, file.height, file.rest], [101, 77, 0]);
  assert.ok(file.frames.length >= 15, `${file.frames.length} pictures of a second and a half`);

  // No sound server: said, with what helps, and no file is left.
  const sound = ["--audio", "none.wav", "-o", "none.y4m"];
  const silent = { ...env, XDG_RUNTIME_DIR: display.directory, PULSE_SERVER: "/nowhere" };
  const result = await miniav(["record", "--screen", ...sound], { cwd, env: silent });
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stderr, /Screen\.open: sound: .*\n.*without --audio/);
  assert.ok(!existsSync(join(cwd, "none.wav")) && !existsSync(join(cwd, "none.y4m")));
});

/** How bright the middle of each picture is. */
function brightness(file: Y4mFile): number[] {
  const at = Math.floor(file.height / 2) * file.width + Math.floor(file.width / 2);
  return file.frames.map((_, i) => lumaPicture(file, i).planes[0]?.data[at] ?? -1);
}

test("a window with its program's sound, until it is resized", OPTIONS, async () => {
  await using rig = await startPipeWireRig();
  await setUp(rig);
  await using display = await startX11Rig({ screen: `${WIDTH}x${HEIGHT}x24` });
  const env = { ...rig.env, ...display.env, MINIAV_TEST_DEVICES: undefined };
  await using client = await X11Client.start(
    { ...rig.env, ...display.env },
    `exec pw-play "${toneFile(rig, "first")}"`,
  );
  await client.window("it", { x: 20, y: 30, width: 101, height: 77, seed: 1 });
  await client.run("fill it 0 0 101 77 ffffff");
  const other = await play(rig, "second");
  const what = ["record", "--cursor", "hidden", "--fps", "25", "--channels", "1", "--force"];
  const window = [...what, "--window", "it", "-o", "it.y4m", "--audio", "it.wav"];

  /** Records until it is exactly these tones for a second. */
  const records = async (tones: readonly ("first" | "second")[], args: readonly string[]) => {
    for (let attempt = 1;; attempt++) {
      const result = await miniav([...args, "-t", "1.6"], { cwd, env });
      assert.equal(result.code, 0, describeResult(result));
      const video = readY4mFile(join(cwd, "it.y4m"));
      const samples = channelOf(readWavFile(join(cwd, "it.wav")), 0);
      assert.deepEqual([video.frames.length, samples.length], [40, 1.6 * RIG_SAMPLE_RATE]);
      const seconds = [0, 0.3, 0.6].map((start) => {
        const from = Math.round(start * RIG_SAMPLE_RATE);
        return samples.subarray(from, from + RIG_SAMPLE_RATE);
      });
      if (seconds.some((second) => isExactly(second, tones))) return video;
      assert.ok(attempt < ATTEMPTS, JSON.stringify(seconds.map(levels)));
    }
  };
  const video = await records(["first"], window);
  assert.deepEqual([video.width, video.height], [101, 77]);
  assert.ok(brightness(video).every((luma) => luma === WHITE));
  const screen = [...what, "--region", "20,30,100,70", "-o", "it.y4m", "--audio", "it.wav"];
  const part = await records(["first", "second"], screen);
  assert.deepEqual([part.width, part.height], [100, 70]);
  assert.ok(brightness(part).every((luma) => luma === WHITE));

  // Nothing changes for a second, then it turns black, then it is resized.
  const running = startMiniav([...window, "--progress"], { cwd, env });
  await waitUntil(() => /^0:0[1-9]/m.test(running.stderr()), 30_000, () => running.stderr());
  await client.run("fill it 0 0 101 77 0");
  const blackSeen = () => existsSync(join(cwd, "it.y4m")) && lastIsBlack(join(cwd, "it.y4m"));
  await waitUntil(blackSeen, 30_000, () => running.stderr());
  await client.run("resize it 60 50 2");
  const ended = await running.ended;
  assert.equal(ended.code, 1, describeResult(ended));
  assert.match(ended.stderr, /FORMAT_NOT_SUPPORTED: .*101x77 BGRX to 60x50/);
  assert.match(ended.stderr, /window was resized/);
  assert.match(ended.stderr, /it\.y4m: what came before is there/);
  const before = readY4mFile(join(cwd, "it.y4m"));
  assert.equal(before.rest, 0);
  const lumas = brightness(before);
  assert.deepEqual([lumas[0], lumas.at(-1)], [WHITE, BLACK]);
  assert.deepEqual(lumas, lumas.toSorted((a, b) => b - a), "white, then black");
  assert.ok(lumas.indexOf(BLACK) >= 20, `${lumas.indexOf(BLACK)} pictures of a still second`);
  const wav = readWavFile(join(cwd, "it.wav"));
  const heard = channelOf(wav, 0).length / wav.sampleRate;
  assert.ok(Math.abs(heard - before.frames.length / 25) <= 0.08, `${heard} s`);
  await stop(other);
});

function lastIsBlack(path: string): boolean {
  const bytes = readFileSync(path);
  if (bytes.length < 100) return false;
  const lumas = brightness(readY4mFile(path));
  return lumas.at(-1) === BLACK;
}
