// What `devices` and `formats` print about the test devices.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { AudioFormat, DeviceInfo, VideoFormat } from "../../src/mod.ts";
import { describeResult } from "../support/process.ts";
import { miniav } from "./support/cli.ts";

test("devices lists every kind in a table", async () => {
  const result = await miniav(["devices"]);
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /^KIND +ID +NAME$/m);
  for (
    const line of [
      /^camera +test:bars +MiniAV test camera +default, test device$/m,
      /^screen +test:display +\S.*1920x1080\+0\+0 60 Hz$/m,
      /^window +test:window +\S.*640x480.*process 4242$/m,
      /^microphone +test:tone +/m,
      /^loopback +test:process +test-player +test device, playing, process 4242$/m,
    ]
  ) {
    assert.match(result.stdout, line);
  }
});

test("devices --json is an array with everything that is known", async () => {
  const result = await miniav(["devices", "--json"]);
  assert.equal(result.code, 0, describeResult(result));
  const devices = JSON.parse(result.stdout) as (DeviceInfo & { isWindow?: boolean })[];
  const ofTests = devices.filter(({ isTest }) => isTest);
  assert.deepEqual(
    [...new Set(ofTests.map(({ kind }) => kind))],
    ["camera", "screen", "microphone", "loopback"],
  );
  const window = ofTests.find(({ kind, id }) => kind === "screen" && id === "test:window");
  assert.equal(window?.isWindow, true);
  assert.equal(window?.processId, 4242);
  const display = ofTests.find(({ id }) => id === "test:display");
  assert.equal(display?.isWindow, false);
  assert.deepEqual(display?.rectangle, { x: 0, y: 0, width: 1920, height: 1080 });
  const camera = ofTests.find(({ id }) => id === "test:bars");
  assert.equal(camera !== undefined && "isWindow" in camera, false);
});

test("devices --kind lists one kind", async () => {
  const result = await miniav(["devices", "--kind", "microphone", "--json"]);
  const devices = JSON.parse(result.stdout) as DeviceInfo[];
  assert.ok(devices.some(({ id }) => id === "test:tone"));
  assert.ok(devices.every(({ kind }) => kind === "microphone"));
});

test("devices --loopback lists what plays", async () => {
  for (const args of [["--loopback"], ["--loopback", "-k", "loopback"]]) {
    const result = await miniav(["devices", ...args, "--json"]);
    assert.equal(result.code, 0, describeResult(result));
    const devices = JSON.parse(result.stdout) as DeviceInfo[];
    assert.ok(devices.some(({ id, processId }) => id === "test:process" && processId === 4242));
    assert.ok(devices.every(({ kind }) => kind === "loopback"));
  }
});

test("--test-devices does what the environment variable does, and without either there are none", async () => {
  const env = { MINIAV_TEST_DEVICES: undefined };
  const without = await miniav(["devices", "--json"], { env });
  assert.equal(JSON.parse(without.stdout).filter((d: DeviceInfo) => d.isTest).length, 0);
  const unknown = await miniav(["formats", "test:display"], { env });
  assert.match(unknown.stderr, /no .* "test:display"\n--test-devices turns the test devices on/);
  const flag = await miniav(["devices", "--json", "--test-devices"], { env });
  assert.ok(JSON.parse(flag.stdout).some((d: DeviceInfo) => d.id === "test:bars"));
});

test("formats of a camera, with its default", async () => {
  const result = await miniav(["formats", "test:bars"]);
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /^SIZE +FORMAT +FPS$/m);
  assert.match(result.stdout, /^1280x720 +NV12 +30 +default$/m);
  const json = await miniav(["formats", "test:bars", "--json"]);
  const formats = JSON.parse(json.stdout) as (VideoFormat & { isDefault: boolean })[];
  assert.equal(formats.filter(({ isDefault }) => isDefault).length, 1);
  assert.equal(formats.length, result.stdout.trim().split("\n").length - 1);
});

test("formats of a microphone, by its name", async () => {
  const result = await miniav(["formats", "MiniAV test microphone", "--json"]);
  assert.equal(result.code, 0, describeResult(result));
  const formats = JSON.parse(result.stdout) as (AudioFormat & { isDefault: boolean })[];
  const standard = formats.find(({ isDefault }) => isDefault);
  assert.deepEqual(standard, {
    sampleRate: 48000,
    channelCount: 2,
    format: "f32",
    isDefault: true,
  });
});

test("an id of two kinds asks for the kind", async () => {
  const both = await miniav(["formats", "test:window"]);
  assert.equal(both.code, 1, describeResult(both));
  assert.match(both.stderr, /^Say which with --kind screen or --kind loopback\.$/m);
  const screen = await miniav(["formats", "test:window", "--kind", "screen"]);
  assert.match(screen.stdout, /^640x480 /m);
  const sound = await miniav(["formats", "test:window", "--kind", "loopback"]);
  assert.match(sound.stdout, /^48000 Hz +2 +f32/m);
});

test("an unknown device is an error that brings up the nearest one", async () => {
  const result = await miniav(["formats", "test:tons"]);
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stderr, /^miniav: DEVICE_NOT_FOUND: there is no .*"test:tons"$/m);
  assert.match(result.stderr, /^miniav devices lists what there is\. Did you mean test:tone\?$/m);
  assert.doesNotMatch(result.stderr, /^ +at /m);
  assert.equal(result.stdout, "");
});

test("an error's stack is shown when it is asked for", async () => {
  const args = ["formats", "test:nothing", "--kind", "camera"];
  const plain = await miniav(args);
  assert.equal(plain.code, 1, describeResult(plain));
  assert.match(plain.stderr, /^miniav: DEVICE_NOT_FOUND: Camera\./m);
  assert.doesNotMatch(plain.stderr, /^ +at /m);
  const verbose = await miniav([...args, "--verbose"]);
  assert.equal(verbose.code, 1);
  assert.match(verbose.stderr, /^ +at .*\.ts:\d+/m);
});

test("without the library the error says where it was looked for and what to do", async () => {
  const env = { MINIAV_LIBRARY: "/nowhere/libminiav.so" };
  const result = await miniav(["devices"], { env });
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stderr, /^miniav: LOAD_FAILED: /);
  assert.match(result.stderr, /\/nowhere\/libminiav\.so/);
  assert.match(result.stderr, /deno task build/);
});

test("a backend that does not exist is named, with the variable that asks for it", async () => {
  const env = { MINIAV_LOOPBACK_BACKEND: "nonesuch" };
  const result = await miniav(["devices", "--loopback"], { env });
  assert.match(result.stdout + result.stderr, /MINIAV_LOOPBACK_BACKEND says "nonesuch"/);
});
