/** The sound of the default output from Loopback: `sound.ts SECONDS`, in a rig's environment. */

import process from "node:process";
import { Loopback } from "../../src/mod.ts";
import { SOUND, startMeasuring } from "../measure.ts";

const seconds = Number(process.argv[2]);
await using loopback = await Loopback.open({ system: true, format: "f32", channelCount: 2 });
const total = (seconds + 1) * SOUND.sampleRate;
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
for await (using audio of loopback) {
  seen += audio.numberOfFrames;
  // The first second fills pools and compiles.
  if (seen >= SOUND.sampleRate) finish ??= startMeasuring();
  for (const sample of audio.data) sum += Math.abs(sample);
  if (seen >= total) break;
}
if (finish === undefined || sum === 0) throw new Error("no sound");
console.log(JSON.stringify(finish(seconds)));
