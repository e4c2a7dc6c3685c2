// For process_recorder.test.ts: records the test player into a file, for so many seconds.

import process from "node:process";
import { enableTestDevices, MiniAVError, ProcessRecorder } from "../../../src/mod.ts";

enableTestDevices();
const [file = "", seconds = "20"] = process.argv.slice(2);
try {
  const recorder = await ProcessRecorder.start({
    sources: [{ name: "test-player" }],
    file,
    seconds: Number(seconds),
  });
  console.log((await recorder.done).seconds);
} catch (error) {
  if (!(error instanceof MiniAVError)) throw error;
  console.log(error.code, error.message);
}
