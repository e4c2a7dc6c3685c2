// A capture of a screen in a process of its own, and pictures to compare its frames with.

import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Rectangle } from "../../src/mod.ts";
import { describeResult, type RunningScript, startScript } from "./process.ts";
import { waitUntil } from "./wait.ts";

/** What fixtures/screen_user.ts tells of a frame. */
export interface Frame {
  readonly frame: number;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly stride: number;
  readonly timestamp: number;
  readonly sequence: number;
  readonly damage: readonly Rectangle[] | null;
  readonly copied: boolean;
  readonly repeated: boolean;
  readonly formatChanged: boolean;
  readonly cursor: {
    readonly x: number;
    readonly y: number;
    readonly visible: boolean;
    readonly image: {
      readonly width: number;
      readonly height: number;
      readonly hotspotX: number;
      readonly hotspotY: number;
      readonly data: readonly number[];
    } | null;
  } | null;
}

/** The bits of a pixel, as a little-endian word, that have a meaning. */
export function maskOf(format: string): number {
  if (format.startsWith("X2")) return 0x3fff_ffff;
  if (format.endsWith("X")) return 0x00ff_ffff;
  return format.startsWith("X") ? 0xffff_ff00 : 0xffff_ffff;
}

const USER = new URL("../os/fixtures/screen_user.ts", import.meta.url);

export function startScreenUser(
  env: Record<string, string>,
  args: readonly string[],
): RunningScript {
  return startScript(USER, { args, env, clearEnv: true, timeoutMs: 90_000 });
}

let captures = 0;

export class ScreenCapture implements AsyncDisposable {
  readonly script: RunningScript;
  readonly #file: string;

  constructor(env: Record<string, string>, directory: string, options: object = {}) {
    this.#file = join(directory, `screen-${++captures}.raw`);
    this.script = startScreenUser(env, [
      "capture",
      JSON.stringify({ file: this.#file, ...options }),
    ]);
  }

  /** Every line it has printed. */
  lines(): Record<string, unknown>[] {
    return this.script.stdout().split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  frames(): Frame[] {
    return this.lines().filter((line) => "frame" in line) as unknown as Frame[];
  }

  /** The pixels of a frame, as little-endian words without the bits that have no meaning. */
  words(frame: Frame): Uint32Array {
    const bytes = new Uint8Array(frame.width * frame.height * 4);
    const file = openSync(this.#file, "r");
    try {
      const count = readSync(file, bytes, 0, bytes.length, frame.offset);
      if (count !== bytes.length) throw new Error(`frame ${frame.frame}: ${count} bytes`);
    } finally {
      closeSync(file);
    }
    const mask = maskOf(frame.format);
    return new Uint32Array(bytes.buffer).map((word) => word & mask);
  }

  /** Waits for a frame after the first `seen` of which that is true. */
  async frameWhere(what: string, is: (frame: Frame) => boolean, seen = 0): Promise<Frame> {
    let looked = seen;
    const found = await waitUntil(
      () => {
        const frames = this.frames();
        while (looked < frames.length) {
          const frame = frames[looked++]!;
          if (is(frame)) return frame;
        }
        this.#failIfEnded();
        return undefined;
      },
      30_000,
      () => `${what}: ${this.script.stdout().slice(-2000)} ${this.script.stderr()}`,
    );
    return found as Frame;
  }

  /** Waits for a frame that shows exactly that. */
  frameOf(picture: Picture, seen = 0): Promise<Frame> {
    return this.frameWhere("the picture", (frame) => {
      return frame.width === picture.width && frame.height === picture.height &&
        picture.differences(this.words(frame)).length === 0;
    }, seen);
  }

  /** Does the damage of a frame cover all that differs from the one before? */
  isCovered(before: Frame, { damage, ...after }: Frame): boolean {
    if (damage === null) return true; // all may have changed
    const [old, next] = [this.words(before), this.words({ damage, ...after })];
    return next.every((word, i) => {
      const [x, y] = [i % after.width, Math.floor(i / after.width)];
      return word === old[i] ||
        damage.some((is) => x >= is.x && y >= is.y && x < is.x + is.width && y < is.y + is.height);
    });
  }

  #failIfEnded(): void {
    if (this.script.child.exitCode !== null) {
      throw new Error(`the capture ended: ${this.script.stdout()} ${this.script.stderr()}`);
    }
  }

  /** Waits for its end. */
  async ended(): Promise<Record<string, unknown>[]> {
    const result = await this.script.ended;
    if (result.code !== 0) throw new Error(describeResult(result));
    return this.lines();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.script.kill("SIGKILL");
    await this.script.ended;
  }
}

/** What a screen shows, as x11_client paints it. */
export class Picture {
  readonly words: Uint32Array;

  constructor(readonly width: number, readonly height: number, readonly bits: 8 | 10 = 8) {
    this.words = new Uint32Array(width * height);
  }

  /** The pattern `seed` of a window at x, y. */
  pattern(x0: number, y0: number, width: number, height: number, seed: number): this {
    const mask = (1 << this.bits) - 1;
    return this.#paint({ x: x0, y: y0, width, height }, (x, y) => {
      const red = ((x - x0) * 7 + seed * 50) & mask;
      const green = ((y - y0) * 5 + seed * 90) & mask;
      const blue = (((x - x0) ^ (y - y0)) + seed * 30) & mask;
      return ((red << (2 * this.bits)) | (green << this.bits) | blue) >>> 0;
    });
  }

  fill(area: Rectangle, value: number): this {
    return this.#paint(area, () => value);
  }

  /** The pixels of another one of its size. */
  copy({ words }: Picture): this {
    this.words.set(words);
    return this;
  }

  /** A part of it. */
  cut({ x, y, width, height }: Rectangle): Picture {
    const part = new Picture(width, height, this.bits);
    for (let row = 0; row < height; row++) {
      const from = (y + row) * this.width + x;
      part.words.set(this.words.subarray(from, from + width), row * width);
    }
    return part;
  }

  /** Indexes of pixels that are not the same. */
  differences(words: Uint32Array): number[] {
    const found: number[] = [];
    this.words.forEach((word, i) => {
      if (word !== words[i]) found.push(i);
    });
    return found;
  }

  #paint(area: Rectangle, value: (x: number, y: number) => number): this {
    const right = Math.min(area.x + area.width, this.width);
    const bottom = Math.min(area.y + area.height, this.height);
    for (let y = Math.max(area.y, 0); y < bottom; y++) {
      for (let x = Math.max(area.x, 0); x < right; x++) {
        this.words[y * this.width + x] = value(x, y);
      }
    }
    return this;
  }
}
