// Reads what the test devices write into their pictures: a strip of 40 × 4 black and white cells in
// the top left corner that says which frame this is and when it was captured. What it looks like is
// specified in lib/miniav_c/src/test_device/pattern.h; nothing of it is shared with what paints it.

import { readLumaBlocks } from "./jpeg_luma.ts";

/** As much of a `CapturedVideoFrame` as is read. MJPEG has one plane, the file. */
export interface StripPicture {
  readonly format: string;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly planes: readonly { readonly data: Uint8Array; readonly stride: number }[];
}

/** What a strip says. */
export interface FrameStrip {
  /** 0 for the first frame after start, dropped frames counted. */
  readonly counter: number;
  /** Capture time in microseconds: the frame's timestamp. */
  readonly timestamp: number;
}

const COLUMNS = 40;
const ROWS = 4;
const MARKER = 0xa53c;

/** Brightness, 0 to 255, of a pixel. */
type Luma = (x: number, y: number) => number;

/** Bytes a pixel, and which of them is the luma, or green. */
const LUMA_BYTES: Readonly<Record<string, readonly [step: number, offset: number]>> = {
  GRAY8: [1, 0],
  I420: [1, 0],
  NV12: [1, 0],
  NV21: [1, 0],
  YUY2: [2, 0],
  UYVY: [2, 1],
  // The upper byte of a little-endian word.
  P010: [2, 1],
  RGB24: [3, 1],
  BGR24: [3, 1],
  RGBA: [4, 1],
  BGRA: [4, 1],
  RGBX: [4, 1],
  BGRX: [4, 1],
  ARGB: [4, 2],
  ABGR: [4, 2],
  XRGB: [4, 2],
  XBGR: [4, 2],
};

/** The side of a cell in pixels; 0 for a picture that is too small for a strip. */
export function stripCell(width: number, height: number): number {
  for (const side of [16, 8, 4, 2, 1]) {
    if (COLUMNS * side <= width && 2 * ROWS * side <= height) return side;
  }
  return 0;
}

/** What the strip of a picture says. Throws, saying why, when there is none or it is damaged. */
export function readFrameStrip(picture: StripPicture): FrameStrip {
  const strip = findFrameStrip(picture);
  if (typeof strip === "string") throw new Error(`no frame strip: ${strip}`);
  return strip;
}

/** The same for pictures that may have no strip. */
export function hasFrameStrip(picture: StripPicture): boolean {
  return typeof findFrameStrip(picture) !== "string";
}

/** The strip, or why there is none. */
function findFrameStrip(picture: StripPicture): FrameStrip | string {
  const { codedWidth, codedHeight, format } = picture;
  const size = `${codedWidth} × ${codedHeight} ${format}`;
  const cell = stripCell(codedWidth, codedHeight);
  if (cell === 0) return `${size} is too small`;
  if (format === "MJPEG" && cell < 8) return `cells of ${cell} pixels do not survive ${format}`;
  const luma = lumaOf(picture);
  if (luma === null) return `${format} has no pixels that can be read`;
  const bytes = new Uint8Array((COLUMNS * ROWS) / 8);
  for (let bit = 0; bit < COLUMNS * ROWS; bit++) {
    const x = (bit % COLUMNS) * cell + (cell >> 1);
    const y = Math.floor(bit / COLUMNS) * cell + (cell >> 1);
    const byte = bit >> 3;
    if (luma(x, y) >= 128) bytes[byte] = (bytes[byte] ?? 0) | (128 >> (bit & 7));
  }
  const view = new DataView(bytes.buffer);
  if (view.getUint16(0) !== MARKER) return `${size} does not begin with the marker`;
  if (view.getUint16(18) !== crc16(bytes.subarray(2, 18))) return "its checksum is wrong";
  return {
    counter: Number(view.getBigUint64(2)),
    timestamp: Number(view.getBigInt64(10)),
  };
}

function lumaOf(picture: StripPicture): Luma | null {
  const plane = picture.planes[0];
  if (plane === undefined || plane.data.length === 0) return null;
  const { data, stride } = plane;
  if (picture.format === "MJPEG") {
    const { means, blocksAcross } = readLumaBlocks(data);
    return (x, y) => means[(y >> 3) * blocksAcross + (x >> 3)] ?? 0;
  }
  if (picture.format === "X2RGB10" || picture.format === "X2BGR10") {
    // Bits 10 to 19 of a little-endian word are green; the upper eight of them.
    return (x, y) => {
      const at = y * stride + 4 * x;
      return ((data[at + 1] ?? 0) >> 4) | (((data[at + 2] ?? 0) & 15) << 4);
    };
  }
  const bytes = LUMA_BYTES[picture.format.replace(/32$/, "")];
  if (bytes === undefined) return null;
  const [step, offset] = bytes;
  return (x, y) => data[y * stride + step * x + offset] ?? 0;
}

/** CRC-16/CCITT-FALSE. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
