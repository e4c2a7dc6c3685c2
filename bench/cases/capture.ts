/** 1080p60 BGRA from the test camera, leased or filled: `capture.ts lease|fill SECONDS`. */

import process from "node:process";
import { Camera, enableTestDevices } from "../../src/mod.ts";
import { PICTURE, startMeasuring, touch } from "../measure.ts";

const access = process.argv[2] === "fill" ? "fill" : "lease";
const frames = Number(process.argv[3]) * PICTURE.frameRate;
await enableTestDevices();
await using camera = await Camera.open({
  deviceId: "test:bars",
  width: PICTURE.width,
  height: PICTURE.height,
  frameRate: PICTURE.frameRate,
  format: "BGRA",
  access,
});
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
for await (using frame of camera) {
  // The first second fills pools and compiles.
  if (seen++ === PICTURE.frameRate) finish = startMeasuring();
  sum += touch(frame.planes[0]?.data ?? new Uint8Array());
  if (seen === frames + PICTURE.frameRate) break;
}
if (finish === undefined || sum === 0) throw new Error("no frames");
console.log(JSON.stringify(finish(frames)));
