// The library is disposed of under everything that waits. Prints what each of it ends with.

import {
  Camera,
  enableTestDevices,
  Microphone,
  MiniAVError,
  setTestFault,
} from "../../../src/mod.ts";
import { library } from "../../../src/ffi/mod.ts";

const codeOf = (error: unknown): string =>
  error instanceof MiniAVError ? error.code : String(error);

enableTestDevices();
const camera = await Camera.open({ deviceId: "test:bars" });
let kept: Uint8Array | undefined;
const consuming = (async () => {
  for await (const frame of camera) kept = frame.planes[0]?.data;
})().then(() => "ended", codeOf);
while (kept === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
setTestFault("test:bars2", { type: "hang", operations: ["start"] });
const opening = Camera.open({ deviceId: "test:bars2" }).then(() => "opened", codeOf);
await new Promise((resolve) => setTimeout(resolve, 50));

const code = library().native.MiniAV_Dispose();
console.log(JSON.stringify({
  code,
  consuming: await consuming,
  opening: await opening,
  again: await Microphone.open().then(() => "opened", codeOf),
  stop: await camera.stop().then(() => "stopped", codeOf),
  readable: kept.some((byte) => byte !== 0),
}));
