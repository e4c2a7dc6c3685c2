// Properties under friendly names.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Camera,
  enableTestDevices,
  Microphone,
  MiniAVError,
  PROPERTY_NAMES,
  Screen,
} from "../../src/mod.ts";
import { PropertyKey } from "../../src/ffi/mod.ts";

enableTestDevices();

const isCode = (code: string) => (error: unknown): boolean =>
  error instanceof MiniAVError && error.code === code;

test("every key of C has a name here", () => {
  assert.equal(PROPERTY_NAMES.length, Object.keys(PropertyKey).length);
  assert.ok(PROPERTY_NAMES.includes("whiteBalance"));
  assert.ok(PROPERTY_NAMES.includes("chunkDuration"));
});

test("a camera's controls are described, read, written and left to the device", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars" });
  const info = await camera.getPropertyInfo("brightness");
  assert.ok(info !== null);
  assert.ok(info.readable && info.writable && info.minimum < info.maximum);
  const value = info.minimum + info.step;
  await camera.setProperty("brightness", value);
  assert.equal(await camera.getProperty("brightness"), value);

  assert.equal((await camera.getPropertyInfo("whiteBalance"))?.hasAuto, true);
  await camera.setProperty("whiteBalance", 5000);
  assert.equal(await camera.getProperty("whiteBalance"), 5000);
  assert.equal((await camera.getPropertyInfo("whiteBalance"))?.isAuto, false);
  await camera.setProperty("whiteBalance", "auto");
  assert.equal((await camera.getPropertyInfo("whiteBalance"))?.isAuto, true);

  await camera.setProperty("powerLineFrequency", "60Hz");
  assert.equal(await camera.getProperty("powerLineFrequency"), "60Hz");
});

test("what a device does not have is NOT_SUPPORTED, and null where one asks", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars" });
  assert.equal(await camera.getPropertyInfo("audioGain"), null);
  await assert.rejects(camera.getProperty("audioGain"), isCode("NOT_SUPPORTED"));
  await assert.rejects(camera.setProperty("audioGain", 1), isCode("NOT_SUPPORTED"));
  const names = (await camera.properties()).map(({ name }) => name);
  assert.ok(names.includes("brightness") && names.includes("backendName"));
  assert.ok(!names.includes("audioGain"));
});

test("values of a wrong type or out of range are refused", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars" });
  const info = await camera.getPropertyInfo("contrast");
  assert.ok(info !== null);
  const beyond = camera.setProperty("contrast", info.maximum + 1);
  await assert.rejects(beyond, isCode("INVALID_ARG"));
  await assert.rejects(camera.setProperty("contrast", 1.5), isCode("INVALID_ARG"));
  const text = "high" as unknown as number;
  await assert.rejects(camera.setProperty("contrast", text), /contrast takes a whole number/);
  const hertz = "70Hz" as unknown as "60Hz";
  await assert.rejects(camera.setProperty("powerLineFrequency", hertz), /"50Hz"/);
  const name = "shininess" as unknown as "contrast";
  await assert.rejects(camera.getProperty(name), /"shininess" is no property/);
});

test("what is fixed from the start can only be given to open", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", queue: 5, latest: true });
  assert.equal(await camera.getProperty("queueCapacity"), 5);
  assert.equal(await camera.getProperty("queueLatest"), true);
  await assert.rejects(camera.setProperty("queueCapacity", 8), isCode("ALREADY_RUNNING"));
  await assert.rejects(
    Camera.open({ deviceId: "test:bars", queue: 1000 }),
    isCode("INVALID_ARG"),
  );
});

test("intrinsics that are set ride on the frames", async () => {
  const intrinsics = {
    width: 1280,
    height: 720,
    focalX: 900,
    focalY: 901,
    centreX: 640,
    centreY: 360,
    distortion: [0.01, -0.02, 0, 0, 0.03, 0, 0, 0],
  };
  for (const access of ["lease", "fill"] as const) {
    await using camera = await Camera.open({ deviceId: "test:bars", intrinsics, access });
    for await (using frame of camera) {
      assert.deepEqual(frame.intrinsics, intrinsics);
      assert.deepEqual(frame.clone().intrinsics, intrinsics);
      break;
    }
    assert.deepEqual(await camera.getProperty("intrinsics"), intrinsics);
    const misspelt = { ...intrinsics, focalX: undefined as unknown as number, fx: 900 };
    await assert.rejects(camera.setProperty("intrinsics", misspelt), isCode("INVALID_ARG"));
    assert.deepEqual(await camera.getProperty("intrinsics"), intrinsics);
  }
});

test("gain and mute change what is heard, of this capture only", async () => {
  const peak = async (microphone: Microphone): Promise<number> => {
    let highest = 0;
    let samples = 0;
    for await (using audio of microphone) {
      // The first pieces were made before the change.
      if (samples > 9600) { for (const sample of audio.data) highest = Math.max(highest, sample); }
      samples += audio.data.length;
      if (samples > 19_200) break;
    }
    return highest;
  };
  await using microphone = await Microphone.open({ deviceId: "test:tone", format: "f32" });
  await using other = await Microphone.open({ deviceId: "test:tone", format: "f32" });
  const normal = await peak(microphone);
  assert.ok(normal > 0.2 && normal < 0.3);
  await microphone.setProperty("audioGain", 2);
  assert.ok(Math.abs((await peak(microphone)) / normal - 2) < 0.05);
  await microphone.setProperty("audioMute", true);
  assert.equal(await peak(microphone), 0);
  assert.ok(Math.abs((await peak(other)) / normal - 1) < 0.05);
});

test("a screen's region, pointer and sound", async () => {
  await using screen = await Screen.open({
    displayId: "test:display",
    region: { x: 100, y: 50, width: 320, height: 200 },
    cursor: "metadata",
  });
  assert.deepEqual(await screen.getProperty("region"), { x: 100, y: 50, width: 320, height: 200 });
  assert.equal(screen.format.video.width, 320);
  assert.equal(screen.format.audio, null);
  for await (using frame of screen) {
    assert.equal(frame.codedWidth, 320);
    assert.ok(Array.isArray(frame.damage));
    const { cursor } = frame;
    assert.ok(cursor !== null && typeof cursor.x === "number");
    if (cursor.image === null) continue;
    assert.equal(cursor.image.data.length, cursor.image.stride * cursor.image.height);
    break;
  }
});
