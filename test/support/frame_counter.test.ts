import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc16, hasFrameStrip, readFrameStrip, stripCell } from "./frame_counter.ts";
import type { StripPicture } from "./frame_counter.ts";
import { readLumaBlocks } from "./jpeg_luma.ts";

/** The 160 cells of a strip, white is true. */
function cellsOf(counter: bigint, timestamp: bigint): boolean[] {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xa53c);
  view.setBigUint64(2, counter);
  view.setBigInt64(10, timestamp);
  view.setUint16(18, crc16(bytes.subarray(2, 18)));
  return [...bytes].flatMap((byte) => [...byte.toString(2).padStart(8, "0")].map((b) => b === "1"));
}

type Paint = (data: Uint8Array, at: number, white: boolean) => void;

/** How each format is painted: bytes a pixel, and what a black or white pixel writes. */
const FORMATS: readonly (readonly [format: string, bytes: number, paint: Paint])[] = [
  ["GRAY8", 1, (data, at, white) => data.fill(white ? 255 : 0, at, at + 1)],
  ["NV12", 1, (data, at, white) => data.fill(white ? 235 : 16, at, at + 1)],
  ["I420", 1, (data, at, white) => data.fill(white ? 235 : 16, at, at + 1)],
  ["YUY2", 2, (data, at, white) => data.set([white ? 235 : 16, 128], at)],
  ["UYVY", 2, (data, at, white) => data.set([128, white ? 235 : 16], at)],
  ["P010", 2, (data, at, white) => data.set(white ? [0, 235] : [0, 16], at)],
  ["RGB24", 3, (data, at, white) => data.fill(white ? 255 : 0, at, at + 3)],
  ["BGRX", 4, (data, at, white) => data.set(white ? [255, 255, 255, 0] : [0, 0, 0, 0], at)],
  ["BGRA32", 4, (data, at, white) => data.set(white ? [255, 255, 255, 255] : [0, 0, 0, 255], at)],
  ["XRGB", 4, (data, at, white) => data.set(white ? [0, 255, 255, 255] : [0, 0, 0, 0], at)],
  ["X2RGB10", 4, (data, at, white) => data.set(white ? [255, 255, 255, 63] : [0, 0, 0, 0], at)],
];

function paint(
  format: string,
  bytes: number,
  put: Paint,
  width: number,
  height: number,
  cells: readonly boolean[],
): StripPicture {
  const stride = width * bytes + 13;
  const data = new Uint8Array(stride * height).fill(0x5a);
  const side = stripCell(width, height);
  for (let y = 0; y < 4 * side; y++) {
    for (let x = 0; x < 40 * side; x++) {
      const cell = Math.floor(y / side) * 40 + Math.floor(x / side);
      put(data, y * stride + x * bytes, cells[cell] ?? false);
    }
  }
  return { format, codedWidth: width, codedHeight: height, planes: [{ data, stride }] };
}

test("crc16 is CRC-16/CCITT-FALSE", () => {
  assert.equal(crc16(new TextEncoder().encode("123456789")), 0x29b1);
});

test("the side of a cell", () => {
  assert.equal(stripCell(7680, 4320), 16);
  assert.equal(stripCell(640, 128), 16);
  assert.equal(stripCell(639, 480), 8);
  assert.equal(stripCell(320, 64), 8);
  assert.equal(stripCell(320, 63), 4);
  assert.equal(stripCell(40, 8), 1);
  assert.equal(stripCell(39, 480), 0);
  assert.equal(stripCell(640, 7), 0);
});

for (const [format, bytes, put] of FORMATS) {
  test(`a strip is read from ${format}`, () => {
    for (const [width, height] of [[640, 480], [321, 241], [97, 55], [40, 8]] as const) {
      for (const counter of [0n, 1n, 123456789n, 2n ** 53n - 1n]) {
        const cells = cellsOf(counter, 987654321098n);
        const strip = readFrameStrip(paint(format, bytes, put, width, height, cells));
        assert.deepEqual(strip, { counter: Number(counter), timestamp: 987654321098 });
      }
    }
  });
}

test("every wrong cell is noticed", () => {
  const put: Paint = (data, at, white) => data.fill(white ? 255 : 0, at, at + 1);
  const cells = cellsOf(77n, 1234n);
  for (let wrong = 0; wrong < cells.length; wrong++) {
    const damaged = cells.map((cell, index) => cell !== (index === wrong));
    const picture = paint("GRAY8", 1, put, 320, 240, damaged);
    assert.equal(hasFrameStrip(picture), false);
    assert.throws(() => readFrameStrip(picture), /no frame strip: .*(marker|checksum)/);
  }
});

test("a picture without a strip says why", () => {
  const planes = [{ data: new Uint8Array(64 * 64), stride: 64 }];
  const picture = { format: "GRAY8", codedWidth: 39, codedHeight: 64, planes };
  assert.throws(() => readFrameStrip(picture), /39 × 64 GRAY8 is too small/);
  assert.throws(() => readFrameStrip({ ...picture, codedWidth: 64 }), /marker/);
  assert.throws(() => readFrameStrip({ ...picture, codedWidth: 64, format: "H264" }), /no pixels/);
  const closed = { ...picture, codedWidth: 64, planes: [{ data: new Uint8Array(0), stride: 64 }] };
  assert.throws(() => readFrameStrip(closed), /no pixels/);
});

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
}

// Frame 4660 of 333 × 250 pixels, at 123461449 µs; one as the test camera writes it, the others coded
// again from that by another library: with halved colour, without, and without colour.
for (const name of ["strip_restart.jpg", "strip_420.jpg", "strip_444.jpg", "strip_gray.jpg"]) {
  test(`a strip is read from ${name}`, () => {
    const planes = [{ data: fixture(name), stride: 0 }];
    const picture = { format: "MJPEG", codedWidth: 333, codedHeight: 250, planes };
    assert.deepEqual(readFrameStrip(picture), { counter: 4660, timestamp: 123461449 });
  });
}

test("the luma of a JPEG picture", () => {
  const { width, height, blocksAcross, means } = readLumaBlocks(fixture("strip_restart.jpg"));
  assert.deepEqual([width, height, blocksAcross], [333, 250, 42]);
  // 75% white, then 75% yellow: 191 × (0.299 + 0.587) = 169.2
  assert.equal(means[10 * blocksAcross + 1], 191);
  assert.equal(means[10 * blocksAcross + 6], 169);
});

test("what is no baseline JPEG picture is refused", () => {
  assert.throws(() => readLumaBlocks(new Uint8Array([1, 2, 3])), /not a JPEG picture/);
  assert.throws(() => readLumaBlocks(fixture("progressive.jpg")), /progressive/);
  assert.throws(() => readLumaBlocks(fixture("strip_420.jpg").subarray(0, 3000)), /too early/);
});
