// Conversion to RGBA: against the known colours of the test picture, and against numbers worked out
// by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "fast-png";
import {
  Camera,
  convertToRgba,
  enableTestDevices,
  encodePng,
  encodePngPicture,
  isRawFormat,
  MiniAVError,
  PIXEL_FORMATS,
  toRgbaPicture,
} from "../../src/mod.ts";
import type { PixelFormat, PixelSource } from "../../src/mod.ts";
import { BARS, type Rgb } from "../support/bars.ts";

enableTestDevices();

const WIDTH = 320;
const HEIGHT = 240;

function pixelAt(rgba: Uint8Array, width: number, x: number, y: number): Rgb {
  const at = (y * width + x) * 4;
  return [rgba[at] ?? -1, rgba[at + 1] ?? -1, rgba[at + 2] ?? -1];
}

function assertNear(found: Rgb, wanted: Rgb, tolerance: number, message: string): void {
  const near = found.every((value, index) => Math.abs(value - (wanted[index] ?? 0)) <= tolerance);
  assert.ok(near, `${message}: ${found.join(" ")}, wanted ${wanted.join(" ")}`);
}

const luma = ([red, green, blue]: Rgb): number =>
  Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);

for (const format of PIXEL_FORMATS.filter(isRawFormat)) {
  test(`${format} becomes the colours that were painted`, async () => {
    const options = { width: WIDTH, height: HEIGHT, format, frameRate: 60 };
    await using camera = await Camera.open({ deviceId: "test:bars", ...options });
    for await (using frame of camera) {
      const rgba = new Uint8Array(frame.allocationSize({ format: "RGBA" }));
      await frame.copyTo(rgba, { format: "RGBA" });
      BARS.forEach((colour, index) => {
        // Four places of each bar, so that the moving box covers not all of them; the best counts.
        const x = Math.round((index + 0.5) * (WIDTH / BARS.length));
        const wanted: Rgb = format === "GRAY8"
          ? [luma(colour), luma(colour), luma(colour)]
          : colour;
        const places = [60, 90, 120, 150, 170].map((y) => pixelAt(rgba, WIDTH, x, y));
        const best = places.toSorted((left, right) =>
          distance(left, wanted) - distance(right, wanted)
        )[2];
        assertNear(best ?? [-1, -1, -1], wanted, 3, `${format}, bar ${index}`);
      });
      assert.ok(rgba.every((value, index) => index % 4 !== 3 || value === 255), "it is opaque");
      break;
    }
  });
}

function distance(left: Rgb, right: Rgb): number {
  return left.reduce((sum, value, index) => sum + Math.abs(value - (right[index] ?? 0)), 0);
}

function source(
  format: PixelFormat,
  planes: readonly (readonly number[])[],
  colorSpace: PixelSource["colorSpace"] = { matrix: null, fullRange: null },
): PixelSource {
  return {
    format,
    codedWidth: 2,
    codedHeight: 2,
    colorSpace,
    planes: planes.map((bytes) => ({
      data: new Uint8Array(bytes),
      stride: bytes.length / (planes.length > 1 && bytes.length < 4 ? 1 : 2),
    })),
  };
}

function convert(from: PixelSource): Rgb {
  const rgba = new Uint8Array(16);
  convertToRgba(from, rgba, 8);
  return pixelAt(rgba, 2, 0, 0);
}

test("matrix and range are the frame's own", () => {
  const yuv = (matrix: string | null, fullRange: boolean | null) =>
    convert(source("NV12", [[81, 81, 81, 81], [90, 240]], { matrix, fullRange }));
  // Red of BT.601 limited: Y 81, U 90, V 240.
  assertNear(yuv("smpte170m", false), [255, 0, 0], 2, "BT.601");
  assertNear(yuv(null, null), [255, 0, 0], 2, "small pictures are BT.601, limited");
  assertNear(yuv("bt709", false), [255, 24, 0], 2, "the same numbers under BT.709");
  assertNear(
    convert(
      source("NV12", [[255, 255, 255, 255], [128, 128]], { matrix: "bt709", fullRange: true }),
    ),
    [255, 255, 255],
    0,
    "full range white",
  );
  assertNear(
    convert(source("GRAY8", [[16, 235, 0, 0]], { matrix: null, fullRange: false })),
    [0, 0, 0],
    0,
    "limited gray black",
  );
});

test("ten bits are read from where they lie", () => {
  const word = (red: number, green: number, blue: number): number[] => {
    const value = (red << 20) | (green << 10) | blue;
    return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
  };
  const one = word(1023, 512, 0);
  assertNear(
    convert(source("X2RGB10", [[...one, ...one, ...one, ...one]])),
    [255, 128, 0],
    1,
    "RGB",
  );
  assertNear(
    convert(source("X2BGR10", [[...one, ...one, ...one, ...one]])),
    [0, 128, 255],
    1,
    "BGR",
  );
});

test("compressed pictures and small memory are refused", () => {
  const isCode = (code: string) => (error: unknown): boolean =>
    error instanceof MiniAVError && error.code === code;
  const mjpeg = { ...source("GRAY8", [[0, 0, 0, 0]]), format: "MJPEG" } as const;
  assert.throws(() => convertToRgba(mjpeg, new Uint8Array(16), 8), isCode("NOT_SUPPORTED"));
  const gray = source("GRAY8", [[0, 0, 0, 0]]);
  assert.throws(() => convertToRgba(gray, new Uint8Array(15), 8), isCode("BUFFER_TOO_SMALL"));
  assert.throws(() => convertToRgba(gray, new Uint8Array(16), 4), isCode("BUFFER_TOO_SMALL"));
});

test("a picture is cropped, turned and flipped to what a person sees", () => {
  // 3 × 2:  1 2 3
  //         4 5 6
  const data = new Uint8Array([1, 2, 3, 4, 5, 6]);
  const frame = {
    format: "GRAY8",
    codedWidth: 3,
    codedHeight: 2,
    colorSpace: { matrix: null, fullRange: null },
    planes: [{ data, stride: 3 }],
    visibleRect: { x: 0, y: 0, width: 3, height: 2 },
    rotation: 0,
    flip: false,
  } as const;
  const shown = (change: object) => {
    const { width, data } = toRgbaPicture({ ...frame, ...change });
    const levels = [...data].filter((_, index) => index % 4 === 0);
    return Array.from(
      { length: levels.length / width },
      (_, row) => levels.slice(row * width, (row + 1) * width).join(" "),
    );
  };
  assert.deepEqual(shown({}), ["1 2 3", "4 5 6"]);
  assert.deepEqual(shown({ rotation: 90 }), ["4 1", "5 2", "6 3"]);
  assert.deepEqual(shown({ rotation: 180 }), ["6 5 4", "3 2 1"]);
  assert.deepEqual(shown({ rotation: 270 }), ["3 6", "2 5", "1 4"]);
  assert.deepEqual(shown({ flip: true }), ["3 2 1", "6 5 4"]);
  assert.deepEqual(shown({ rotation: 90, flip: true }), ["1 4", "2 5", "3 6"]);
  assert.deepEqual(shown({ visibleRect: { x: 1, y: 0, width: 2, height: 2 } }), ["2 3", "5 6"]);
  const part = { visibleRect: { x: 1, y: 0, width: 2, height: 1 }, rotation: 90 };
  assert.deepEqual(shown(part), ["2", "3"]);
});

test("PNG files decode to the picture that was put in", async () => {
  const data = Uint8Array.from({ length: 5 * 3 * 4 }, (_, index) => (index * 37) % 256);
  const encoded = await encodePngPicture({ width: 5, height: 3, data });
  const picture = decode(encoded);
  assert.deepEqual([picture.width, picture.height, picture.channels], [5, 3, 4]);
  assert.deepEqual(new Uint8Array(picture.data), data);
});

test("a frame becomes a PNG file, also when it is closed meanwhile", async () => {
  using frame = await Camera.grab({ deviceId: "test:bars", width: 320, height: 240 });
  const promise = encodePng(frame);
  frame.close();
  const picture = decode(await promise);
  assert.deepEqual([picture.width, picture.height, picture.channels], [320, 240, 3]);
  assert.equal(picture.data.length, 320 * 240 * 3);
  const compressed = Camera.grab({ deviceId: "test:bars", width: 320, format: "MJPEG" });
  using mjpeg = await compressed;
  const encoded = encodePng(mjpeg);
  mjpeg.close();
  const decoded = decode(await encoded);
  assert.deepEqual([decoded.width, decoded.height], [320, 240]);
});
