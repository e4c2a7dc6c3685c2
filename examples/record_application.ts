// Three seconds of what one application plays, as application.wav in the current folder; it is waited
// for when it does not play yet.
//
//     deno run -A examples/record_application.ts firefox
//     bun examples/record_application.ts firefox

import process from "node:process";
import { ProcessRecorder } from "miniav";

const [name = "firefox"] = process.argv.slice(2);
const recorder = await ProcessRecorder.start({
  sources: [{ name, waitForProcess: true }],
  file: "application.wav",
  seconds: 3,
});
recorder.on("mute", ({ muted }) => console.log(muted ? "it is muted" : "it is heard again"));
const { seconds, sources } = await recorder.done;
const peak = 20 * Math.log10(sources[0]?.peak || 1e-9);
console.log(`application.wav: ${seconds} s of ${name}, peak ${peak.toFixed(1)} dB`);
