/** The same sound from parec through a pipe, as scripts do it without a library. */

import { spawn } from "node:child_process";
import process from "node:process";
import { SOUND, startMeasuring } from "../measure.ts";

const seconds = Number(process.argv[2]);
const format = ["--format=float32le", `--rate=${SOUND.sampleRate}`, "--channels=2", "--raw"];
const args = ["--device=@DEFAULT_MONITOR@", "--latency-msec=20", ...format];
const child = spawn("parec", args, { stdio: ["ignore", "pipe", "inherit"] });
const total = (seconds + 1) * SOUND.sampleRate * SOUND.frameBytes;
let seen = 0;
let sum = 0;
let finish: ReturnType<typeof startMeasuring> | undefined;
let rest = new Uint8Array();
for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
  seen += chunk.length;
  if (seen >= SOUND.sampleRate * SOUND.frameBytes) finish ??= startMeasuring(child.pid);
  const bytes = new Uint8Array(rest.length + chunk.length);
  bytes.set(rest);
  bytes.set(chunk, rest.length);
  const whole = bytes.length - bytes.length % 4;
  for (const sample of new Float32Array(bytes.buffer, 0, whole / 4)) sum += Math.abs(sample);
  rest = bytes.slice(whole);
  if (seen >= total) break;
}
if (finish === undefined || sum === 0) throw new Error("no sound");
console.log(JSON.stringify(finish(seconds)));
child.kill("SIGKILL");
process.exit(0);
