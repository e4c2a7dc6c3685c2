// `snapshot`: the PNG holds the picture that the test device painted.

import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { decode } from "fast-png";
import { readFrameStrip } from "../support/frame_counter.ts";
import { describeResult, runProgram, runtime } from "../support/process.ts";
import { miniav, miniavBytes, temporaryFolder } from "./support/cli.ts";

const cwd = temporaryFolder();

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

function decodePng(bytes: Uint8Array): Picture {
  const { width, height, channels, data, depth } = decode(bytes);
  assert.equal(depth, 8);
  assert.ok(data instanceof Uint8Array);
  return { width, height, channels, data };
}

function counterOf({ width, height, channels, data }: Picture): number {
  const format = channels === 4 ? "RGBA" : "RGB24";
  const planes = [{ data, stride: width * channels }];
  return readFrameStrip({ format, codedWidth: width, codedHeight: height, planes }).counter;
}

/** Bars of the test picture, in the upper part, left to right: red, green, blue present or not. */
const BARS = ["111", "110", "011", "010", "101", "100", "001", "000"];

function assertBars(picture: Picture): void {
  const { width, height, channels, data } = picture;
  const barWidth = width / 8;
  for (const [index, bar] of BARS.entries()) {
    // Clear of the strip above and of the box, which begins at the left.
    const x = Math.floor((index + 0.5) * barWidth);
    const at = (Math.floor(height * 0.6) * width + x) * channels;
    const expected = [...bar].map((part) => (part === "1" ? 191 : 0));
    for (const [part, value] of expected.entries()) {
      const found = data[at + part] ?? -1;
      assert.ok(Math.abs(found - value) <= 3, `bar ${index}, part ${part}: ${found}, not ${value}`);
    }
  }
}

test("a picture of the default camera", async () => {
  const result = await miniav(["snapshot", "-d", "test:bars", "-o", "camera.png"], { cwd });
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stderr, /^camera\.png: 1280x720 NV12, \d/m);
  assert.equal(result.stdout, "");
  const picture = decodePng(readFileSync(join(cwd, "camera.png")));
  assert.deepEqual([picture.width, picture.height], [1280, 720]);
  assert.equal(counterOf(picture), 0);
  assertBars(picture);
});

test("size, format and pictures to pass over", async () => {
  const args = ["snapshot", "-d", "test:bars", "--size", "640x360", "--format", "UYVY"];
  const result = await miniav([...args, "--skip", "5", "-o", "later.png"], { cwd });
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stderr, /^later\.png: 640x360 UYVY/m);
  const picture = decodePng(readFileSync(join(cwd, "later.png")));
  assert.deepEqual([picture.width, picture.height], [640, 360]);
  assert.ok(counterOf(picture) >= 5);
  assertBars(picture);
});

test("a screen and a window, to standard output", async () => {
  const screen = await miniavBytes(["snapshot", "-k", "screen", "-d", "test:display", "-o", "-"], {
    cwd,
  });
  assert.equal(screen.code, 0, screen.stderr);
  const display = decodePng(screen.stdout);
  assert.deepEqual([display.width, display.height], [1920, 1080]);
  counterOf(display);
  const window = await miniavBytes(["snapshot", "-k", "screen", "-d", "test:window", "-o", "-"], {
    cwd,
  });
  assert.equal(window.code, 0, window.stderr);
  const picture = decodePng(window.stdout);
  assert.deepEqual([picture.width, picture.height], [640, 480]);
  counterOf(picture);
});

test("without --output the file has a name with kind and time", async () => {
  const result = await miniav(["snapshot", "-d", "test:bars"], { cwd });
  assert.equal(result.code, 0, describeResult(result));
  const names = readdirSync(cwd).filter((name) => /^camera-\d{4}-\d\d-\d\d-\d{6}\.png$/.test(name));
  assert.equal(names.length, 1);
  counterOf(decodePng(readFileSync(join(cwd, names[0] ?? ""))));
});

test("a file that exists stays as it is, unless it may be replaced", async () => {
  const path = join(cwd, "kept.png");
  writeFileSync(path, "mine");
  const refused = await miniav(["snapshot", "-d", "test:bars", "-o", path]);
  assert.equal(refused.code, 1, describeResult(refused));
  assert.match(refused.stderr, /^miniav: EEXIST: .*kept\.png exists already\n.*--force\.\n$/m);
  assert.equal(readFileSync(path, "utf8"), "mine");
  const forced = await miniav(["snapshot", "-d", "test:bars", "-o", path, "--force"]);
  assert.equal(forced.code, 0, describeResult(forced));
  counterOf(decodePng(readFileSync(path)));
});

test("a capture that fails leaves an existing file as it is, and no new one", async () => {
  const path = join(cwd, "precious.png");
  writeFileSync(path, "mine");
  const args = ["snapshot", "-k", "camera", "-d", "test:nothing", "-y", "-o"];
  assert.equal((await miniav([...args, path])).code, 1);
  assert.equal(readFileSync(path, "utf8"), "mine");
  const fresh = join(cwd, "fresh.png");
  const result = await miniav([...args, fresh]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /^miniav: DEVICE_NOT_FOUND: Camera\.[a-z]+: /m);
  assert.equal(existsSync(fresh), false);
});

test("a task puts the file where it is called, not where the task runs", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const folder = mkdtempSync(join(root, "build", "called in-"));
  const programs = mkdtempSync(join(folder, "programs-"));
  symlinkSync(process.execPath, join(programs, runtime));
  try {
    const task = runtime === "deno" ? "task" : "run";
    const words = [task, "miniav", "snapshot", "-d", "test:bars", "-o", "here.png"];
    // Through the shell: Deno's node:child_process changes the flags of a Deno that it starts. A task
    // keeps the INIT_CWD of what started it, npx for one; a person's shell has none.
    const result = await runProgram("/bin/sh", [
      "-c",
      'unset INIT_CWD; exec "$0" "$@"',
      runtime,
      ...words,
    ], {
      cwd: folder,
      env: { MINIAV_TEST_DEVICES: "1", PATH: `${programs}${delimiter}${process.env.PATH}` },
    });
    assert.equal(result.code, 0, describeResult(result));
    assert.ok(existsSync(join(folder, "here.png")));
    assert.ok(!existsSync(join(root, "here.png")));
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(join(root, "here.png"), { force: true });
  }
});
