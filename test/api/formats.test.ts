// Names, wishes, and what comes of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Camera,
  enableTestDevices,
  isCompressed,
  Loopback,
  Microphone,
  MiniAVError,
  PIXEL_FORMATS,
  SAMPLE_FORMATS,
  Screen,
  setTestFault,
} from "../../src/mod.ts";
import type { PixelFormat, VideoFormat } from "../../src/mod.ts";
import { AudioFormat, PixelFormat as C_PIXEL_FORMAT } from "../../src/ffi/mod.ts";
import {
  audioWishes,
  chooseVideoFormat,
  directVideoRequest,
  formatError,
  unlistedVideoRequest,
} from "../../src/api/constraints.ts";
import {
  frameRateFraction,
  pixelFormatName,
  pixelFormatNumber,
  sampleFormatName,
  sampleFormatNumber,
} from "../../src/api/formats.ts";

enableTestDevices();

const isCode = (code: string) => (error: unknown): boolean =>
  error instanceof MiniAVError && error.code === code;

const format = (
  width: number,
  height: number,
  name: PixelFormat,
  frameRate: number,
): VideoFormat => ({
  width,
  height,
  format: name,
  frameRate,
  frameRateFraction: frameRateFraction(frameRate),
});

const OFFERED = [
  format(1280, 720, "MJPEG", 30),
  format(1280, 720, "NV12", 30),
  format(1280, 720, "NV12", 30000 / 1001),
  format(640, 480, "YUY2", 60),
  format(640, 480, "MJPEG", 120),
];

test("every format of C has one name, there and back", () => {
  assert.equal(PIXEL_FORMATS.length, Object.keys(C_PIXEL_FORMAT).length - 1);
  assert.equal(SAMPLE_FORMATS.length, Object.keys(AudioFormat).length - 1);
  for (const name of PIXEL_FORMATS) {
    assert.equal(pixelFormatName(pixelFormatNumber(name)), name);
  }
  for (const name of SAMPLE_FORMATS) {
    assert.equal(sampleFormatName(sampleFormatNumber(name)), name);
  }
  assert.throws(() => pixelFormatNumber("RGB565" as PixelFormat), /I420, NV12/);
  assert.equal(isCompressed("MJPEG"), true);
  assert.equal(isCompressed("NV12"), false);
});

test("rates are the fractions that standards mean", () => {
  assert.deepEqual(frameRateFraction(30), [30, 1]);
  assert.deepEqual(frameRateFraction(29.97), [30000, 1001]);
  assert.deepEqual(frameRateFraction(23.976), [24000, 1001]);
  assert.deepEqual(frameRateFraction(59.94), [60000, 1001]);
  assert.deepEqual(frameRateFraction(12.5), [12500, 1000]);
  assert.deepEqual(frameRateFraction(0), [0, 0]);
});

test("exact wishes must be met, ideal ones are met nearly", () => {
  const choose = (wishes: Parameters<typeof chooseVideoFormat>[0]) =>
    chooseVideoFormat(wishes, OFFERED, null);
  assert.equal(choose({ width: 1280, format: "NV12" }), OFFERED[1]);
  assert.equal(choose({ width: { ideal: 700 } })?.width, 640);
  assert.equal(choose({ width: { ideal: 700 } })?.format, "YUY2", "raw before compressed");
  assert.equal(choose({ frameRate: { min: 100 } })?.frameRate, 120);
  assert.equal(choose({ height: { max: 500 }, frameRate: { ideal: 50 } })?.frameRate, 60);
  assert.equal(choose({ width: { exact: 1920 } }), null);
  assert.equal(choose({ format: { ideal: "BGRA" }, width: 1280 })?.width, 1280);
  assert.equal(choose({ frameRate: 29.97, width: 1280 })?.frameRate, 30, "30 is 29.97 to a person");
});

test("the device's default decides between equals", () => {
  const preferred = format(640, 480, "YUY2", 60);
  assert.equal(chooseVideoFormat({ frameRate: { min: 1 } }, OFFERED, preferred), OFFERED[3]);
});

test("complete and empty requests need no list", () => {
  assert.deepEqual(directVideoRequest({}), {});
  assert.deepEqual(directVideoRequest({ width: 1, height: 2, format: "NV12", frameRate: 3 }), {
    width: 1,
    height: 2,
    format: "NV12",
    frameRate: 3,
  });
  assert.equal(directVideoRequest({ width: 1280 }), null);
  assert.equal(
    directVideoRequest({ width: { ideal: 1 }, height: 2, format: "NV12", frameRate: 3 }),
    null,
  );
});

test("what is not listed is asked of the device, unless a bound speaks against it", () => {
  const preferred = format(640, 480, "NV12", 30);
  assert.deepEqual(unlistedVideoRequest({ frameRate: 7 }, preferred), {
    width: 640,
    height: 480,
    format: "NV12",
    frameRate: 7,
  });
  assert.equal(unlistedVideoRequest({ width: { min: 5000 } }, preferred), null);
});

test("the error lists what there is, a line a size", () => {
  const { hint, message } = formatError("Camera.open", "v4l2", OFFERED);
  assert.match(hint, /^ {2}1280x720 MJPEG at 30 fps$/m);
  assert.match(hint, /^ {2}1280x720 NV12 at 30, 29\.97 fps$/m);
  assert.match(message, /FORMAT_NOT_SUPPORTED, v4l2/);
});

test("wishes about sound are values, within their bounds", () => {
  const own = { sampleRate: 44100, channelCount: 2, format: "f32" } as const;
  assert.deepEqual(audioWishes({}, null), {});
  assert.deepEqual(
    audioWishes({ sampleRate: { ideal: 16000 }, channelCount: 1, format: { ideal: "s16" } }, null),
    { sampleRate: 16000, channelCount: 1, format: "s16" },
  );
  assert.deepEqual(audioWishes({ sampleRate: { min: 48000 } }, own), { sampleRate: 48000 });
  assert.deepEqual(audioWishes({ sampleRate: { max: 22050 } }, own), { sampleRate: 22050 });
});

test("a camera gives what was asked", async () => {
  await using exact = await Camera.open({
    deviceId: "test:bars",
    width: 320,
    height: 240,
    format: "YUY2",
    frameRate: 240,
  });
  assert.deepEqual(exact.format, format(320, 240, "YUY2", 240));
  await using ideal = await Camera.open({ deviceId: "test:bars", height: { ideal: 1000 } });
  assert.equal(ideal.format.height, 1080);
  const small = Camera.open({ deviceId: "test:bars", width: { min: 100_000 } });
  await assert.rejects(small, (error) => {
    return error instanceof MiniAVError && error.code === "FORMAT_NOT_SUPPORTED" &&
      /1280x720 NV12/.test(error.hint);
  });
});

test("a device that refuses a format is asked for its list", async () => {
  setTestFault("test:bars", { type: "fail-open", code: "FORMAT_NOT_SUPPORTED" });
  try {
    await assert.rejects(Camera.open({ deviceId: "test:bars" }), (error) => {
      return error instanceof MiniAVError && error.code === "FORMAT_NOT_SUPPORTED" &&
        error.backend === "test" && error.message.includes("1920x1080");
    });
  } finally {
    setTestFault("test:bars", { type: "none" });
  }
});

test("every format that can be made arrives with its planes", async () => {
  for (const name of PIXEL_FORMATS.filter((each) => each !== "H264")) {
    for (const access of ["lease", "fill"] as const) {
      await using camera = await Camera.open({
        deviceId: "test:bars",
        width: 64,
        height: 48,
        format: name,
        frameRate: 60,
        access,
      });
      assert.equal(camera.format.format, name);
      for await (using frame of camera) {
        assert.equal(frame.format, name);
        for (const { data, stride, height } of frame.planes) {
          assert.ok(isCompressed(name) ? data.length > 100 : data.length >= stride * (height - 1));
        }
        break;
      }
    }
  }
});

test("sound comes in every sample format, as its typed array", async () => {
  const arrays = { u8: "Uint8", s16: "Int16", s24: "Uint8", s32: "Int32", f32: "Float32" };
  for (const name of SAMPLE_FORMATS) {
    for (const channelCount of [1, 2, 6]) {
      const options = { deviceId: "test:tone", format: name, channelCount, sampleRate: 44100 };
      await using microphone = await Microphone.open(options);
      assert.deepEqual(microphone.format, { format: name, channelCount, sampleRate: 44100 });
      for await (using audio of microphone) {
        assert.equal(audio.data.constructor.name, `${arrays[name]}Array`);
        const perFrame = name === "s24" ? 3 : 1;
        assert.equal(audio.data.length, audio.numberOfFrames * channelCount * perFrame);
        const owned = audio.clone();
        const copy = new Uint8Array(audio.allocationSize());
        await audio.copyTo(copy);
        assert.deepEqual(new Uint8Array(owned.data.buffer, 0, copy.length), copy);
        break;
      }
    }
  }
  await assert.rejects(
    Microphone.open({ deviceId: "test:tone", sampleRate: 1 }),
    isCode("INVALID_ARG"),
  );
});

test("a screen with sound gives both, told apart by their type", async () => {
  await using screen = await Screen.open({
    displayId: "test:display",
    audio: { sampleRate: 48000, channelCount: 1 },
  });
  assert.equal(screen.format.audio?.channelCount, 1);
  assert.equal(screen.format.audioError, null);
  const seen = new Set<string>();
  for await (using frame of screen) {
    seen.add(frame.type);
    if (frame.type === "audio") assert.equal(frame.numberOfChannels, 1);
    else assert.equal(frame.codedWidth, screen.format.video.width);
    if (seen.size === 2) break;
  }
  await using window = await Screen.open({ windowId: "test:window" });
  for await (using picture of window) {
    assert.equal(picture.type, "video");
    break;
  }
  await assert.rejects(
    Screen.open({ windowId: "test:window", displayId: "test:display" }),
    isCode("INVALID_ARG"),
  );
});

test("loopback targets are exactly one thing each", async () => {
  await using system = await Loopback.open({ deviceId: "test:system" });
  for await (using audio of system) {
    assert.ok(audio.numberOfFrames > 0);
    break;
  }
  await assert.rejects(
    Loopback.open({ processId: 1, name: "x" }),
    isCode("INVALID_ARG"),
  );
  await assert.rejects(Loopback.open({ mode: "exclude" }), isCode("INVALID_ARG"));
  await assert.rejects(Loopback.open({ targets: [{}] }), isCode("INVALID_ARG"));
  const types = await Loopback.enumerateDevices({ type: "process" });
  assert.ok(types.some(({ id, kind }) => id === "test:process" && kind === "loopback"));
});
