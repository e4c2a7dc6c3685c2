// Y4M files: planes, colours, header and time, compared with the definitions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MiniAVError, Y4mWriter } from "../../src/mod.ts";
import type { ByteSink, PixelFormat, Y4mFrame, Y4mOptions } from "../../src/mod.ts";
import { Pacing } from "../../src/api/pacing.ts";
import { readY4m } from "../cli/support/y4m.ts";
import type { Y4mFile } from "../cli/support/y4m.ts";

class MemorySink implements ByteSink {
  readonly #chunks: Uint8Array[] = [];

  write(bytes: Uint8Array): Promise<void> {
    // The writer may use its memory again.
    this.#chunks.push(bytes.slice());
    return Promise.resolve();
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#chunks.flatMap((chunk) => [...chunk]));
  }
}

interface PlaneSpec {
  /** Bytes of a row that count. */
  readonly rowBytes: number;
  readonly rows: number;
}

/** Repeatable noise. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
}

/** A plane of noise whose rows have padding, which must not show up in the file. */
function plane({ rowBytes, rows }: PlaneSpec, next: () => number) {
  const stride = rowBytes + 5;
  const data = new Uint8Array(stride * rows).fill(0xa5);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < rowBytes; at++) data[row * stride + at] = next();
  }
  return { data, stride };
}

function frame(
  format: PixelFormat,
  width: number,
  height: number,
  planes: readonly PlaneSpec[],
  more: Partial<Y4mFrame> = {},
): Y4mFrame {
  const next = noise(width * 31 + height);
  return {
    format,
    codedWidth: width,
    codedHeight: height,
    colorSpace: { matrix: null, fullRange: null },
    planes: planes.map((spec) => plane(spec, next)),
    timestamp: 0,
    ...more,
  };
}

async function writeOne(picture: Y4mFrame, options: Y4mOptions = {}): Promise<Y4mFile> {
  const sink = new MemorySink();
  const writer = new Y4mWriter(sink, 30, options);
  await writer.write(picture);
  const file = readY4m(sink.bytes);
  assert.equal(file.frames.length, 1);
  assert.equal(file.rest, 0);
  assert.equal(writer.summary.bytes, sink.bytes.length);
  return file;
}

/** The meaningful bytes of a plane, every `step` from `start`. */
function samples(
  picture: Y4mFrame,
  index: number,
  start: number,
  step: number,
  width: number,
  height: number,
): number[] {
  const { data, stride } = picture.planes[index]!;
  return Array.from(
    { length: width * height },
    (_, i) => data[Math.floor(i / width) * stride + start + (i % width) * step]!,
  );
}

// -- YUV as it is ---------------------------------------------------------------------------

const WIDTH = 7;
const HEIGHT = 5;
const HALF_WIDTH = 4;
const HALF_HEIGHT = 3;

const luma: PlaneSpec = { rowBytes: WIDTH, rows: HEIGHT };
const chroma: PlaneSpec = { rowBytes: HALF_WIDTH, rows: HALF_HEIGHT };
const pairs: PlaneSpec = { rowBytes: 2 * HALF_WIDTH, rows: HALF_HEIGHT };
const packed: PlaneSpec = { rowBytes: 4 * HALF_WIDTH, rows: HEIGHT };

type Part = readonly [plane: number, start: number, step: number, width: number, height: number];

const PLANAR: readonly (readonly [PixelFormat, string, readonly PlaneSpec[], readonly Part[]])[] = [
  ["I420", "420jpeg", [luma, chroma, chroma], [
    [0, 0, 1, WIDTH, HEIGHT],
    [1, 0, 1, HALF_WIDTH, HALF_HEIGHT],
    [2, 0, 1, HALF_WIDTH, HALF_HEIGHT],
  ]],
  ["NV12", "420jpeg", [luma, pairs], [
    [0, 0, 1, WIDTH, HEIGHT],
    [1, 0, 2, HALF_WIDTH, HALF_HEIGHT],
    [1, 1, 2, HALF_WIDTH, HALF_HEIGHT],
  ]],
  ["NV21", "420jpeg", [luma, pairs], [
    [0, 0, 1, WIDTH, HEIGHT],
    [1, 1, 2, HALF_WIDTH, HALF_HEIGHT],
    [1, 0, 2, HALF_WIDTH, HALF_HEIGHT],
  ]],
  ["YUY2", "422", [packed], [
    [0, 0, 2, WIDTH, HEIGHT],
    [0, 1, 4, HALF_WIDTH, HEIGHT],
    [0, 3, 4, HALF_WIDTH, HEIGHT],
  ]],
  ["UYVY", "422", [packed], [
    [0, 1, 2, WIDTH, HEIGHT],
    [0, 0, 4, HALF_WIDTH, HEIGHT],
    [0, 2, 4, HALF_WIDTH, HEIGHT],
  ]],
  ["GRAY8", "mono", [luma], [[0, 0, 1, WIDTH, HEIGHT]]],
];

for (const [format, tag, planes, parts] of PLANAR) {
  test(`${format} keeps every sample`, async () => {
    const picture = frame(format, WIDTH, HEIGHT, planes);
    const file = await writeOne(picture, { chroma: "444" });
    assert.equal(file.chroma, tag);
    const expected = parts.flatMap((part) => samples(picture, ...part));
    assert.deepEqual([...file.frames[0]!], expected);
  });
}

test("P010 keeps its ten bits, at the lower end", async () => {
  const wide = { rowBytes: 2 * WIDTH, rows: HEIGHT };
  const picture = frame("P010", WIDTH, HEIGHT, [wide, {
    rowBytes: 4 * HALF_WIDTH,
    rows: HALF_HEIGHT,
  }]);
  const file = await writeOne(picture);
  assert.equal(file.chroma, "420p10");
  assert.equal(file.tags.get("XYSCSS"), "420P10");
  const words = (index: number, start: number, step: number, width: number, height: number) => {
    const low = samples(picture, index, start, step, width, height);
    const high = samples(picture, index, start + 1, step, width, height);
    return low.map((value, i) => (value | (high[i]! << 8)) >> 6);
  };
  const expected = [
    ...words(0, 0, 2, WIDTH, HEIGHT),
    ...words(1, 0, 4, HALF_WIDTH, HALF_HEIGHT),
    ...words(1, 2, 4, HALF_WIDTH, HALF_HEIGHT),
  ];
  const bytes = file.frames[0]!.slice();
  assert.deepEqual([...new Uint16Array(bytes.buffer)], expected);
});

test("the header tells size, rate, range and matrix", async () => {
  const space = { matrix: "bt2020-ncl", fullRange: true };
  const picture = frame("I420", WIDTH, HEIGHT, [luma, chroma, chroma], { colorSpace: space });
  const sink = new MemorySink();
  await new Y4mWriter(sink, 29.97).write(picture);
  const [header] = new TextDecoder().decode(sink.bytes.subarray(0, 200)).split("\n");
  assert.equal(
    header,
    "YUV4MPEG2 W7 H5 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=FULL XMATRIX=bt2020-ncl",
  );
  const grey = await writeOne(frame("GRAY8", WIDTH, HEIGHT, [luma]));
  assert.equal(grey.tags.get("XCOLORRANGE"), "FULL");
  assert.equal(grey.tags.has("XMATRIX"), false);
});

// -- RGB ------------------------------------------------------------------------------------

interface Rgb {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

/** ITU-T H.273, 8.3, in limited range; components from 0 to 1, results in units of 8 bits. */
function definition({ red, green, blue }: Rgb, kr: number, kb: number) {
  const y = kr * red + (1 - kr - kb) * green + kb * blue;
  return {
    y: 16 + 219 * y,
    u: 128 + (224 * (blue - y)) / (2 * (1 - kb)),
    v: 128 + (224 * (red - y)) / (2 * (1 - kr)),
  };
}

const BT601 = [0.299, 0.114] as const;
const BT709 = [0.2126, 0.0722] as const;

function mean(pixels: readonly Rgb[]): Rgb {
  const part = (name: keyof Rgb) =>
    pixels.reduce((sum, pixel) => sum + pixel[name], 0) / pixels.length;
  return { red: part("red"), green: part("green"), blue: part("blue") };
}

type ReadPixel = (x: number, y: number) => Rgb;

/** All samples of a picture by the definition, in the order of the file. */
function expectedPlanes(
  read: ReadPixel,
  width: number,
  height: number,
  halved: boolean,
  [kr, kb]: readonly [number, number],
): number[] {
  const all = (step: number, part: "y" | "u" | "v") => {
    const values: number[] = [];
    for (let y = 0; y < height; y += step) {
      for (let x = 0; x < width; x += step) {
        // Beyond the edge the last pixel counts again.
        const corners = step === 1 ? [[0, 0]] : [[0, 0], [1, 0], [0, 1], [1, 1]];
        const pixels = corners.map(([dx, dy]) =>
          read(Math.min(x + dx!, width - 1), Math.min(y + dy!, height - 1))
        );
        values.push(definition(mean(pixels), kr, kb)[part]);
      }
    }
    return values;
  };
  const step = halved ? 2 : 1;
  return [...all(1, "y"), ...all(step, "u"), ...all(step, "v")];
}

function assertNear(found: ArrayLike<number>, expected: readonly number[], unit: number): void {
  assert.equal(found.length, expected.length);
  for (const [index, value] of expected.entries()) {
    const near = Math.min(Math.max(value * unit, 0), 256 * unit - 1);
    const off = Math.abs(found[index]! - near);
    // Half a step is rounding; the rest is the width of the fixed point.
    assert.ok(off <= 0.52, `sample ${index}: ${found[index]}, not ${value * unit}`);
  }
}

const PACKED: readonly (readonly [PixelFormat, number, readonly [number, number, number]])[] = [
  ["RGB24", 3, [0, 1, 2]],
  ["BGR24", 3, [2, 1, 0]],
  ["RGBA", 4, [0, 1, 2]],
  ["BGRX", 4, [2, 1, 0]],
  ["XRGB", 4, [1, 2, 3]],
  ["ABGR", 4, [3, 2, 1]],
];

/** An odd size, and an even one, which is converted by another way. */
const SIZES = [[WIDTH, HEIGHT], [WIDTH + 1, HEIGHT + 1]] as const;

for (const [format, bytes, [red, green, blue]] of PACKED) {
  test(`${format} becomes YUV by the definition, in 4:4:4 and 4:2:0`, async () => {
    for (const [width, height] of SIZES) {
      for (const fullRange of [null, false]) {
        const picture = frame(format, width, height, [{ rowBytes: bytes * width, rows: height }], {
          colorSpace: { matrix: null, fullRange },
        });
        const { data, stride } = picture.planes[0]!;
        const [black, span] = fullRange === false ? [16, 219] : [0, 255];
        const part = (at: number) => (data[at]! - black) / span;
        const read: ReadPixel = (x, y) => {
          const at = y * stride + x * bytes;
          return { red: part(at + red), green: part(at + green), blue: part(at + blue) };
        };
        const whole = await writeOne(picture, { chroma: "444" });
        assert.equal(whole.chroma, "444");
        assert.equal(whole.tags.get("XMATRIX"), "smpte170m");
        assertNear(whole.frames[0]!, expectedPlanes(read, width, height, false, BT601), 1);
        const halved = await writeOne(picture);
        assert.equal(halved.chroma, "420jpeg");
        assertNear(halved.frames[0]!, expectedPlanes(read, width, height, true, BT601), 1);
      }
    }
  });
}

test("black, white and grey have no colour, exactly", async () => {
  for (const [level, expected] of [[0, 16], [255, 235], [128, 126]] as const) {
    const picture = frame("RGB24", 4, 4, [{ rowBytes: 12, rows: 4 }]);
    picture.planes[0]!.data.fill(level);
    for (const option of ["420", "444"] as const) {
      const bytes = (await writeOne(picture, { chroma: option })).frames[0]!;
      assert.deepEqual([...new Set(bytes.subarray(0, 16))], [expected]);
      assert.deepEqual([...new Set(bytes.subarray(16))], [128]);
    }
  }
});

test("tall pictures are BT.709, like the players take them", async () => {
  const height = 720;
  const picture = frame("RGB24", 2, height, [{ rowBytes: 6, rows: height }]);
  const { data, stride } = picture.planes[0]!;
  const read: ReadPixel = (x, y) => {
    const at = y * stride + x * 3;
    return { red: data[at]! / 255, green: data[at + 1]! / 255, blue: data[at + 2]! / 255 };
  };
  const file = await writeOne(picture, { chroma: "444" });
  assert.equal(file.tags.get("XMATRIX"), "bt709");
  assertNear(file.frames[0]!, expectedPlanes(read, 2, height, false, BT709), 1);
});

for (const [format, redShift, blueShift] of [["X2RGB10", 20, 0], ["X2BGR10", 0, 20]] as const) {
  test(`${format} keeps ten bits`, async () => {
    const picture = frame(format, WIDTH, HEIGHT, [{ rowBytes: 4 * WIDTH, rows: HEIGHT }]);
    const { data, stride } = picture.planes[0]!;
    const view = new DataView(data.buffer);
    const read: ReadPixel = (x, y) => {
      const word = view.getUint32(y * stride + 4 * x, true);
      const part = (shift: number) => ((word >>> shift) & 1023) / 1023;
      return { red: part(redShift), green: part(10), blue: part(blueShift) };
    };
    for (const option of ["444", "420"] as const) {
      const file = await writeOne(picture, { chroma: option });
      assert.equal(file.chroma, `${option}p10`);
      const words = new Uint16Array(file.frames[0]!.slice().buffer);
      assertNear(words, expectedPlanes(read, WIDTH, HEIGHT, option === "420", BT601), 4);
    }
  });
}

test("a turned and cut picture is written upright", async () => {
  const picture = frame("RGB24", 4, 3, [{ rowBytes: 12, rows: 3 }], {
    visibleRect: { x: 1, y: 0, width: 2, height: 3 },
    rotation: 90,
  });
  const { data, stride } = picture.planes[0]!;
  const file = await writeOne(picture, { chroma: "444" });
  assert.deepEqual([file.width, file.height], [3, 2]);
  // Turned by 90 degrees clockwise, the lower left corner is the upper left one.
  const read: ReadPixel = (x, y) => {
    const at = (2 - x) * stride + (1 + y) * 3;
    return { red: data[at]! / 255, green: data[at + 1]! / 255, blue: data[at + 2]! / 255 };
  };
  assertNear(file.frames[0]!, expectedPlanes(read, 3, 2, false, BT601), 1);
});

// -- time -----------------------------------------------------------------------------------

/** A picture that can be told from others by its grey. */
function grey(value: number, timestamp: number): Y4mFrame {
  const picture = frame("GRAY8", 2, 2, [{ rowBytes: 2, rows: 2 }], { timestamp });
  picture.planes[0]!.data.fill(value);
  return picture;
}

async function writeTimes(times: readonly number[], options: Y4mOptions = {}, end?: number) {
  const sink = new MemorySink();
  const writer = new Y4mWriter(sink, 10, options);
  for (const [index, time] of times.entries()) await writer.write(grey(index + 1, time * 1e6));
  if (end !== undefined) await writer.fillUntil(end * 1e6);
  const shown = readY4m(sink.bytes).frames.map((frame) => frame[0]);
  return { shown, summary: writer.summary, full: writer.full };
}

test("a picture that was late by more than one is preceded by the one before", async () => {
  const { shown, summary } = await writeTimes([5, 5.1, 5.5, 5.6]);
  assert.deepEqual(shown, [1, 2, 2, 2, 2, 3, 4]);
  assert.deepEqual([summary.repeated, summary.skipped, summary.seconds], [3, 0, 0.7]);
});

test("pictures that come too often are left out", async () => {
  const times = Array.from({ length: 20 }, (_, index) => index / 20);
  const { shown, summary } = await writeTimes(times);
  assert.equal(shown.length, summary.numberOfFrames);
  assert.ok(Math.abs(shown.length - 10) <= 2, `${shown.length} pictures for one second`);
  assert.equal(summary.skipped, 20 - shown.length);
  assert.equal(summary.repeated, 0);
});

test("jitter of half a frame neither repeats nor leaves out", async () => {
  const next = noise(3);
  const times = Array.from({ length: 200 }, (_, index) => (index + (next() / 255) * 0.5) / 10);
  const { shown, summary } = await writeTimes(times);
  assert.equal(shown.length, 200);
  assert.deepEqual([summary.repeated, summary.skipped], [0, 0]);
});

test("a source that is a little slower than its rate keeps time all the same", async () => {
  const times = Array.from({ length: 1000 }, (_, index) => index / 9.9);
  const { shown, summary } = await writeTimes(times);
  assert.ok(Math.abs(shown.length - 999 / 9.9 * 10) <= 2, `${shown.length} pictures`);
  assert.equal(summary.repeated, shown.length - 1000);
});

test("the end can be filled, and no more than the maximum is written", async () => {
  const filled = await writeTimes([1, 1.1], {}, 2);
  assert.equal(filled.shown.length, 10);
  assert.equal(filled.summary.repeated, 8);
  const limited = await writeTimes([1, 1.1, 3, 3.1], { maximumFrames: 6 }, 9);
  assert.deepEqual(limited.shown, [1, 2, 2, 2, 2, 2]);
  assert.equal(limited.full, true);
  assert.equal((await writeTimes([], {}, 5).catch(String)).toString().includes("not a Y4M"), true);
});

test("pacing starts with the first picture, whatever its time", () => {
  const pacing = new Pacing([30, 1]);
  assert.equal(pacing.fill(1e12), 0);
  assert.deepEqual(pacing.next(1e12), { repeats: 0, write: true });
  assert.equal(pacing.written, 1);
});

// -- what cannot be -------------------------------------------------------------------------

test("another size and compressed pictures are refused; the file keeps what it has", async () => {
  const sink = new MemorySink();
  const writer = new Y4mWriter(sink, 10);
  await writer.write(grey(1, 0));
  const other = frame("GRAY8", 4, 2, [{ rowBytes: 4, rows: 2 }], { timestamp: 1e5 });
  const isRefused = (error: unknown) =>
    error instanceof MiniAVError && error.code === "FORMAT_NOT_SUPPORTED";
  await assert.rejects(writer.write(other), isRefused);
  assert.equal(readY4m(sink.bytes).frames.length, 1);
  const jpeg = frame("MJPEG", 4, 2, [{ rowBytes: 100, rows: 1 }]);
  await assert.rejects(new Y4mWriter(new MemorySink(), 10).write(jpeg), isRefused);
  assert.throws(() => new Y4mWriter(sink, 0), { code: "INVALID_ARG" });
});
