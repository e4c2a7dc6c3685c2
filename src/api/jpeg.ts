/** JPEG pictures, as cameras send them, to RGBA. */

import { MiniAVError } from "../ffi/mod.ts";
import type { PixelSource, RgbaPicture } from "./pixels.ts";

/** ITU-T T.81, tables K.3 to K.6, as segments: cameras leave them out of every picture of a stream
 * ("AVI1"), because everybody has them. */
const USUAL_TABLES = fromHex(
  "ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b51000020103030204" +
    "03050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f024336272" +
    "82090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a" +
    "737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3" +
    "c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffc4001f0100030101" +
    "010101010101010000000000000102030405060708090a0bffc400b51100020102040403040705040400010277" +
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718" +
    "191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a" +
    "82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9ca" +
    "d2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa",
);

const START_OF_SCAN = 0xda;
const HUFFMAN_TABLES = 0xc4;

/** 8K in true colour; a header that says more is not believed. */
const MAX_MEGAPIXELS = 70;
const MAX_MEGABYTES = 1500;

/** The bytes of a JPEG picture as RGBA. They are not read after the first await. UNKNOWN: no JPEG. */
export async function decodeJpeg(bytes: Uint8Array): Promise<RgbaPicture> {
  const complete = withTables(bytes);
  // Loaded by those who need it only.
  const { decode } = (await import("jpeg-js")).default;
  try {
    const { width, height, data } = decode(complete, {
      useTArray: true,
      formatAsRGBA: true,
      maxResolutionInMP: MAX_MEGAPIXELS,
      maxMemoryUsageInMB: MAX_MEGABYTES,
    });
    return { width, height, data: new Uint8Array(data) };
  } catch (error) {
    throw new MiniAVError("UNKNOWN", {
      operation: "decoding a JPEG picture",
      detail: `the picture is broken: ${error instanceof Error ? error.message : String(error)}`,
      hint: "The camera sent a broken picture; the next one may be whole.",
    });
  }
}

/** The picture of an MJPEG frame, which may be closed after the first await. */
export async function decodePicture(
  { codedWidth, codedHeight, planes }: PixelSource,
): Promise<RgbaPicture> {
  const bytes = planes[0]?.data ?? new Uint8Array(0);
  if (bytes.length === 0) {
    throw new MiniAVError("INVALID_HANDLE", { operation: "decoding a JPEG picture" });
  }
  const picture = await decodeJpeg(bytes);
  if (picture.width !== codedWidth || picture.height !== codedHeight) {
    throw new MiniAVError("UNKNOWN", {
      operation: "decoding a JPEG picture",
      detail: `it is ${picture.width}x${picture.height} in a frame of ${codedWidth}x${codedHeight}`,
    });
  }
  return picture;
}

/** A copy, with Huffman tables before its scan. */
function withTables(bytes: Uint8Array): Uint8Array {
  const scan = findScan(bytes);
  if (scan === null) return bytes.slice();
  const complete = new Uint8Array(bytes.length + USUAL_TABLES.length);
  complete.set(bytes.subarray(0, scan));
  complete.set(USUAL_TABLES, scan);
  complete.set(bytes.subarray(scan), scan + USUAL_TABLES.length);
  return complete;
}

/** Where the scan begins in a picture without tables; null when it has some, or is none. */
function findScan(bytes: Uint8Array): number | null {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === START_OF_SCAN) return at;
    if (marker === HUFFMAN_TABLES) return null;
    at += 2 + (bytes[at + 2]! << 8) + bytes[at + 3]!;
  }
  return null;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(
    { length: text.length / 2 },
    (_, index) => parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}
