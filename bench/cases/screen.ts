/** 1080p60 of an X11 display that changes all the time, leased: `screen.ts SECONDS`. */

import process from "node:process";
import { Screen } from "../../src/mod.ts";
import { PICTURE, startMeasuring, touch } from "../measure.ts";

const frames = Number(process.argv[2]) * PICTURE.frameRate;
await using screen = await Screen.open({ frameRate: PICTURE.frameRate, audio: false });
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
for await (using frame of screen) {
  // The first second fills pools and compiles.
  if (seen++ === PICTURE.frameRate) finish = startMeasuring();
  for (const { data } of frame.planes) sum += touch(data);
  if (seen === frames + PICTURE.frameRate) break;
}
if (finish === undefined || sum === 0) throw new Error("no frames");
console.log(JSON.stringify(finish(frames)));
