// Reads Y4M files for tests; written from yuv4mpeg(5), apart from what writes them.

import { readFileSync } from "node:fs";

export interface Y4mFile {
  readonly width: number;
  readonly height: number;
  /** Frames per second, as the header has it. */
  readonly rate: string;
  /** "420jpeg" */
  readonly chroma: string;
  readonly tags: ReadonlyMap<string, string>;
  /** The planes of each frame, one after the other. */
  readonly frames: readonly Uint8Array[];
  /** Bytes after the last whole frame. */
  readonly rest: number;
}

/** Samples of all planes per sample of the first one, and bytes of each. */
const SHAPES: Readonly<Record<string, (width: number, height: number) => number>> = {
  "420jpeg": (w, h) => w * h + 2 * Math.ceil(w / 2) * Math.ceil(h / 2),
  "420p10": (w, h) => 2 * (w * h + 2 * Math.ceil(w / 2) * Math.ceil(h / 2)),
  "422": (w, h) => w * h + 2 * Math.ceil(w / 2) * h,
  "444": (w, h) => 3 * w * h,
  "444p10": (w, h) => 6 * w * h,
  mono: (w, h) => w * h,
};

export function readY4mFile(path: string): Y4mFile {
  return readY4m(readFileSync(path));
}

export function readY4m(bytes: Uint8Array): Y4mFile {
  const headerEnd = bytes.indexOf(10);
  const [magic, ...words] = new TextDecoder().decode(bytes.subarray(0, headerEnd)).split(" ");
  if (magic !== "YUV4MPEG2") throw new Error("not a Y4M file");
  const tags = new Map<string, string>();
  for (const word of words) {
    const [name, value] = word.startsWith("X")
      ? [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]
      : [word.slice(0, 1), word.slice(1)];
    tags.set(name, value);
  }
  const width = Number(tags.get("W"));
  const height = Number(tags.get("H"));
  const chroma = tags.get("C") ?? "";
  const frameBytes = SHAPES[chroma]?.(width, height);
  if (frameBytes === undefined) throw new Error(`unknown chroma "${chroma}"`);
  const frames: Uint8Array[] = [];
  let at = headerEnd + 1;
  while (at + 6 + frameBytes <= bytes.length) {
    const mark = new TextDecoder().decode(bytes.subarray(at, at + 6));
    if (mark !== "FRAME\n") throw new Error(`no FRAME at byte ${at}`);
    frames.push(bytes.subarray(at + 6, at + 6 + frameBytes));
    at += 6 + frameBytes;
  }
  const rate = tags.get("F") ?? "";
  return { width, height, rate, chroma, tags, frames, rest: bytes.length - at };
}

/** The first plane of a frame, as a picture that the reader of the strip takes. */
export function lumaPicture(file: Y4mFile, index: number) {
  const data = file.frames[index];
  if (data === undefined) throw new RangeError(`frame ${index} of ${file.frames.length}`);
  const { width, height } = file;
  return {
    format: "GRAY8",
    codedWidth: width,
    codedHeight: height,
    planes: [{ data, stride: width }],
  };
}
