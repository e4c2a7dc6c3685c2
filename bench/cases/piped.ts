/** Pictures from a program's standard output, as scripts read them without a library. */

import { spawn } from "node:child_process";
import process from "node:process";
import { startMeasuring, touch } from "../measure.ts";

export interface PipedPicture {
  readonly bytes: number;
  readonly frameRate: number;
}

/** Reads so many seconds of it, prints what that cost, and ends this process. */
export async function measurePipe(
  program: string,
  args: readonly string[],
  { bytes, frameRate }: PipedPicture,
  seconds: number,
): Promise<never> {
  const frames = seconds * frameRate;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const picture = new Uint8Array(bytes);
  let filled = 0;
  let seen = 0;
  let sum = 0;
  let finish: ReturnType<typeof startMeasuring> | undefined;
  outer: for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + bytes - filled);
      picture.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < bytes) continue;
      filled = 0;
      sum += touch(picture);
      if (seen++ === frameRate) finish = startMeasuring(child.pid);
      if (seen === frames + frameRate) break outer;
    }
  }
  if (finish === undefined || sum === 0) throw new Error("no frames");
  console.log(JSON.stringify(finish(frames)));
  child.kill("SIGKILL");
  process.exit(0);
}
