// Reads what lib/miniav_c/test/os/camera_source/h264_writer.c writes: H.264 whose macroblocks hold their
// samples as they are.

/** The units of a byte stream (ITU-T H.264, Annex B), without their start codes. */
export function annexBUnits(bytes: Uint8Array): Uint8Array[] {
  const begins: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) {
    const isCode = bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 &&
      bytes[at + 3] === 1;
    if (isCode) begins.push(at);
  }
  return begins.map((begin, i) => bytes.subarray(begin + 4, begins[i + 1] ?? bytes.length));
}

/** nal_unit_type: 7 and 8 are parameter sets, 5 a picture that needs no other. */
export function unitTypes(units: readonly Uint8Array[]): number[] {
  return units.map((unit) => (unit[0] ?? 0) & 31);
}

const BLOCK = 16;
/** Type and alignment, the luma, the colours. */
const BLOCK_BYTES = 2 + BLOCK * BLOCK + 2 * (BLOCK / 2) ** 2;

/** The luma of a picture whose blocks all hold samples, as a grey picture. */
export function lumaOfPcm(slice: Uint8Array, codedWidth: number, codedHeight: number) {
  const columns = codedWidth / BLOCK;
  const count = columns * (codedHeight / BLOCK);
  const data = new Uint8Array(codedWidth * codedHeight);
  // Behind the last block is one byte, the end of the slice. The first shares its type's bits with the
  // header.
  const begin = slice.length - 1 - count * BLOCK_BYTES;
  for (let block = 0; block < count; block++) {
    const at = begin + block * BLOCK_BYTES;
    if (block > 0 && (slice[at] !== 0x0d || slice[at + 1] !== 0)) {
      throw new Error(`block ${block} holds no samples`);
    }
    const x = (block % columns) * BLOCK;
    const y = Math.floor(block / columns) * BLOCK;
    for (let row = 0; row < BLOCK; row++) {
      const from = at + 2 + row * BLOCK;
      data.set(slice.subarray(from, from + BLOCK), (y + row) * codedWidth + x);
    }
  }
  return {
    format: "GRAY8",
    codedWidth,
    codedHeight,
    planes: [{ data, stride: codedWidth }],
  } as const;
}
