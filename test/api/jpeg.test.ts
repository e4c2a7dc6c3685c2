// MJPEG frames and JPEG pictures against what libjpeg-turbo makes of them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Camera, decodeJpeg, enableTestDevices, MiniAVError } from "../../src/mod.ts";

enableTestDevices();

const BLOCK = 32;
const COLUMNS = 12;
const ROWS = 8;

function runTool(command: string, args: readonly string[], input: Uint8Array): Uint8Array {
  const { status, stdout, stderr } = spawnSync(command, args, { input, maxBuffer: 1 << 26 });
  assert.equal(status, 0, `${command}: ${stderr}`);
  return new Uint8Array(stdout);
}

/** The pixels of a binary PPM or PGM as RGB. */
function readPnm(file: Uint8Array): { width: number; height: number; rgb: Uint8Array } {
  const header = new TextDecoder("latin1").decode(file.subarray(0, 64));
  const match = /^P([56])\s+(\d+)\s+(\d+)\s+255\s/.exec(header);
  assert.ok(match !== null, header);
  const pixels = file.subarray(match[0].length);
  const [width, height] = [Number(match[2]), Number(match[3])];
  const rgb = match[1] === "6"
    ? pixels
    : Uint8Array.from({ length: pixels.length * 3 }, (_, at) => pixels[Math.floor(at / 3)]!);
  return { width, height, rgb };
}

/** True where nothing within nine pixels has another colour: no other block's chroma reaches. */
function isFlat({ width, height, rgb }: ReturnType<typeof readPnm>, x: number, y: number): boolean {
  if (x < 9 || y < 9 || x >= width - 9 || y >= height - 9) return false;
  const same = (dx: number, dy: number) =>
    [0, 1, 2].every((channel) => {
      const at = rgb[((y + dy) * width + x + dx) * 3 + channel] ?? NaN;
      return Math.abs(at - (rgb[(y * width + x) * 3 + channel] ?? NaN)) <= 2;
    });
  for (let dy = -9; dy <= 9; dy++) {
    for (let dx = -9; dx <= 9; dx++) if (!same(dx, dy)) return false;
  }
  return true;
}

/** The middle of each flat block. */
function assertSame(rgba: Uint8Array, jpeg: Uint8Array, block: number): void {
  const wanted = readPnm(runTool("djpeg", ["-pnm"], jpeg));
  assert.equal(rgba.length, wanted.width * wanted.height * 4);
  let compared = 0;
  for (let y = block >> 1; y < wanted.height; y += block) {
    for (let x = block >> 1; x < wanted.width; x += block) {
      const at = y * wanted.width + x;
      if (!isFlat(wanted, x, y)) continue;
      for (let channel = 0; channel < 3; channel++) {
        const found = rgba[at * 4 + channel] ?? NaN;
        const level = wanted.rgb[at * 3 + channel] ?? NaN;
        assert.ok(Math.abs(found - level) <= 2, `${x}, ${y}: ${found}, not ${level}`);
        compared++;
      }
      assert.equal(rgba[at * 4 + 3], 255);
    }
  }
  assert.ok(compared >= 24);
}

/** Flat blocks of colours all over the cube, in a size that is no multiple of a JPEG's own. */
function colourBlocks(): Uint8Array {
  const width = COLUMNS * BLOCK + 3;
  const height = ROWS * BLOCK + 5;
  const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
  const file = new Uint8Array(header.length + width * height * 3);
  file.set(header);
  for (let y = 0, at = header.length; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const block = Math.floor(y / BLOCK) * COLUMNS + Math.floor(x / BLOCK);
      file[at++] = (block * 53) % 256;
      file[at++] = (block * 101 + 40) % 256;
      file[at++] = (block * 197 + 90) % 256;
    }
  }
  return file;
}

/** As cameras send it: without the tables that everybody has. */
function withoutTables(jpeg: Uint8Array): Uint8Array {
  const parts: number[] = [0xff, 0xd8];
  let at = 2;
  while (jpeg[at + 1] !== 0xda) {
    const length = 2 + (jpeg[at + 2]! << 8) + jpeg[at + 3]!;
    if (jpeg[at + 1] !== 0xc4) parts.push(...jpeg.subarray(at, at + length));
    at += length;
  }
  return Uint8Array.from([...parts, ...jpeg.subarray(at)]);
}

for (const sample of ["1x1", "2x1", "2x2", "gray", "progressive"]) {
  test(`a JPEG picture, ${sample}, is what djpeg makes of it`, async () => {
    const special = sample === "gray"
      ? ["-grayscale"]
      : sample === "progressive"
      ? ["-progressive"]
      : ["-sample", sample];
    const jpeg = runTool("cjpeg", ["-quality", "92", ...special], colourBlocks());
    const { width, height, data } = await decodeJpeg(jpeg);
    assert.deepEqual([width, height], [COLUMNS * BLOCK + 3, ROWS * BLOCK + 5]);
    assertSame(data, jpeg, BLOCK);
  });
}

test("a picture without Huffman tables has the usual ones", async () => {
  const jpeg = runTool("cjpeg", ["-quality", "80"], colourBlocks());
  const bare = withoutTables(jpeg);
  assert.ok(bare.length < jpeg.length - 400);
  assert.deepEqual((await decodeJpeg(bare)).data, (await decodeJpeg(jpeg)).data);
});

test("an MJPEG frame is copied as RGBA, also when it is closed meanwhile", async () => {
  using frame = await Camera.grab({ deviceId: "test:bars", width: 320, format: "MJPEG" });
  const jpeg = new Uint8Array(frame.allocationSize());
  await frame.copyTo(jpeg);
  const rgba = new Uint8Array(frame.allocationSize({ format: "RGBA" }));
  const copied = frame.copyTo(rgba, { format: "RGBA" });
  frame.close();
  assert.deepEqual(await copied, [{ offset: 0, stride: 320 * 4 }]);
  assertSame(rgba, jpeg, 40);
});

test("what is no picture is an error", async () => {
  const isUnknown = (error: unknown) => error instanceof MiniAVError && error.code === "UNKNOWN";
  await assert.rejects(decodeJpeg(new Uint8Array(0)), isUnknown);
  await assert.rejects(decodeJpeg(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)), isUnknown);
  await assert.rejects(decodeJpeg(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), isUnknown);
  using frame = await Camera.grab({ deviceId: "test:bars", width: 320, format: "MJPEG" });
  await assert.rejects(
    frame.copyTo(new Uint8Array(100), { format: "RGBA" }),
    (error) => error instanceof MiniAVError && error.code === "BUFFER_TOO_SMALL",
  );
  frame.close();
  await assert.rejects(
    frame.copyTo(new Uint8Array(320 * 240 * 4), { format: "RGBA" }),
    (error) => error instanceof MiniAVError && error.code === "INVALID_HANDLE",
  );
});
