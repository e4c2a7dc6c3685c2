/** The same camera from GStreamer through a pipe, as scripts do it without a library. */

import { spawn } from "node:child_process";
import process from "node:process";
import { CAMERA, startMeasuring, touch } from "../measure.ts";

const frames = Number(process.argv[2]) * CAMERA.frameRate;
const { width, height, frameRate } = CAMERA;
const caps = `video/x-raw,format=NV12,width=${width},height=${height},framerate=${frameRate}/1`;
const args = ["-q", "pipewiresrc", `target-object=${CAMERA.name}`, "!", caps, "!", "fdsink"];
const child = spawn("gst-launch-1.0", args, { stdio: ["ignore", "pipe", "inherit"] });
const picture = new Uint8Array(CAMERA.bytes);
let filled = 0;
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
outer: for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
  for (let at = 0; at < chunk.length;) {
    const part = chunk.subarray(at, at + CAMERA.bytes - filled);
    picture.set(part, filled);
    filled += part.length;
    at += part.length;
    if (filled < CAMERA.bytes) continue;
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
