/** The same picture from ffmpeg through a pipe, as scripts do it without a library. */

import { spawn } from "node:child_process";
import process from "node:process";
import { PICTURE, startMeasuring, touch } from "../measure.ts";

const frames = Number(process.argv[2]) * PICTURE.frameRate;
const { width, height, frameRate } = PICTURE;
const source = `color=c=gray:s=${width}x${height}:r=${frameRate},format=bgra`;
const args = ["-v", "error", "-re", "-f", "lavfi", "-i", source, "-f", "rawvideo", "-"];
const child = spawn("ffmpeg", args, { stdio: ["ignore", "pipe", "inherit"] });
const picture = new Uint8Array(PICTURE.bytes);
let filled = 0;
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
outer: for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
  for (let at = 0; at < chunk.length;) {
    const part = chunk.subarray(at, at + PICTURE.bytes - filled);
    picture.set(part, filled);
    filled += part.length;
    at += part.length;
    if (filled < PICTURE.bytes) continue;
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
