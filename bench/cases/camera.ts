/** 1080p60 NV12 from the camera of a rig, leased or filled: `camera.ts lease|fill SECONDS`. */

import process from "node:process";
import { Camera } from "../../src/mod.ts";
import { CAMERA, startMeasuring, touch } from "../measure.ts";

const access = process.argv[2] === "fill" ? "fill" : "lease";
const frames = Number(process.argv[3]) * CAMERA.frameRate;
await using camera = await Camera.open({ deviceId: `pipewire:${CAMERA.name}`, access });
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
for await (using frame of camera) {
  // The first second fills pools and compiles.
  if (seen++ === CAMERA.frameRate) finish = startMeasuring();
  for (const { data } of frame.planes) sum += touch(data);
  if (seen === frames + CAMERA.frameRate) break;
}
if (finish === undefined || sum === 0) throw new Error("no frames");
console.log(JSON.stringify(finish(frames)));
