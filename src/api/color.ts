/** Colour in the words of WebCodecs, from the code points of ITU-T H.273. */

import { ColorRange } from "../ffi/mod.ts";
import type { NativeColor } from "../ffi/mod.ts";

/** How numbers of a frame mean colours; null: the source does not say. */
export interface ColorSpace {
  readonly primaries: string | null;
  readonly transfer: string | null;
  readonly matrix: string | null;
  readonly fullRange: boolean | null;
}

// ITU-T H.273, tables 2, 3 and 4; names of the WebCodecs registry where it has one.
const PRIMARIES: Readonly<Record<number, string>> = {
  1: "bt709",
  4: "bt470m",
  5: "bt470bg",
  6: "smpte170m",
  7: "smpte240m",
  8: "film",
  9: "bt2020",
  10: "smpte428",
  11: "smpte431",
  12: "smpte432",
};

const TRANSFERS: Readonly<Record<number, string>> = {
  1: "bt709",
  4: "gamma22",
  5: "gamma28",
  6: "smpte170m",
  7: "smpte240m",
  8: "linear",
  11: "iec61966-2-4",
  13: "iec61966-2-1",
  14: "bt2020-10",
  15: "bt2020-12",
  16: "pq",
  17: "smpte428",
  18: "hlg",
};

const MATRICES: Readonly<Record<number, string>> = {
  0: "rgb",
  1: "bt709",
  4: "fcc",
  5: "bt470bg",
  6: "smpte170m",
  7: "smpte240m",
  8: "ycgco",
  9: "bt2020-ncl",
  10: "bt2020-cl",
};

export function colorSpaceFrom(color: NativeColor): ColorSpace {
  return {
    primaries: PRIMARIES[color.primaries] ?? null,
    transfer: TRANSFERS[color.transfer] ?? null,
    matrix: MATRICES[color.matrix] ?? null,
    fullRange: color.range === ColorRange.UNKNOWN ? null : color.range === ColorRange.FULL,
  };
}

/** The two luma weights of a matrix; the third is what is missing to 1. */
export interface LumaWeights {
  readonly red: number;
  readonly blue: number;
}

const BT601: LumaWeights = { red: 0.299, blue: 0.114 };
const BT709: LumaWeights = { red: 0.2126, blue: 0.0722 };
const BT2020: LumaWeights = { red: 0.2627, blue: 0.0593 };
const SMPTE240M: LumaWeights = { red: 0.212, blue: 0.087 };
const FCC: LumaWeights = { red: 0.3, blue: 0.11 };

/** What a frame's matrix is, or, when it does not say, what its size makes likely. */
export function lumaWeights(matrix: string | null, height: number): LumaWeights {
  switch (matrix) {
    case "bt709":
      return BT709;
    case "bt470bg":
    case "smpte170m":
      return BT601;
    case "bt2020-ncl":
    case "bt2020-cl":
      return BT2020;
    case "smpte240m":
      return SMPTE240M;
    case "fcc":
      return FCC;
    default:
      return height >= 720 ? BT709 : BT601;
  }
}
