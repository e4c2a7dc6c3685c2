// Everything that the least privilege can do: enumerate, formats, open, capture, properties, lost,
// log. Prints one JSON line.

import {
  Camera,
  enableTestDevices,
  Loopback,
  Microphone,
  MiniAVError,
  Screen,
  setLogHandler,
  setTestFault,
  writeTestLog,
} from "../../../src/mod.ts";

enableTestDevices();
const log: string[] = [];
setLogHandler((line) => log.push(line.message), { level: "info" });
writeTestLog("info", "a line for the handler");

const cameras = await Camera.enumerateDevices();
const formats = await Camera.supportedFormats("test:bars");
await using camera = await Camera.open({
  deviceId: "test:bars",
  width: 640,
  height: 480,
  format: "NV12",
  frameRate: 60,
});
await camera.setProperty("brightness", 7).catch((error) => {
  if (!(error instanceof MiniAVError) || error.code !== "NOT_SUPPORTED") throw error;
});
const backend = await camera.getProperty("backendName");
const seen = { frames: 0, bytes: 0, level: 0, late: -1, lost: "" };
let late: Uint8Array | undefined;
for await (using frame of camera) {
  const [luma] = frame.planes;
  if (luma === undefined) throw new Error("no plane");
  seen.bytes = luma.data.length;
  seen.level = Math.max(seen.level, ...luma.data.subarray(0, 10_000));
  late = luma.data;
  if (++seen.frames === 20) break;
}
seen.late = late?.length ?? -1;

const microphone = await Microphone.open({ deviceId: "test:tone", format: "s16" });
let samples = 0;
await using _stopped = microphone;
for await (using audio of microphone) {
  samples += audio.data.length;
  if (samples > 9600) break;
}
await using screen = await Screen.open({ displayId: "test:display" });
for await (using picture of screen) {
  if (picture.damage === null) throw new Error("no damage");
  break;
}
await using loopback = await Loopback.open({ deviceId: "test:system" });
for await (using _audio of loopback) break;

const denied = await Camera.open({ deviceId: "test:bars", access: "lease" }).then(
  async (lease) => {
    await lease.stop();
    return "";
  },
  (error: unknown) => error instanceof MiniAVError ? `${error.code} ${error.hint}` : String(error),
);

const consuming = (async () => {
  for await (using _frame of camera);
})().catch((error: unknown) => {
  seen.lost = error instanceof MiniAVError ? error.code : String(error);
});
setTestFault("test:bars", { type: "lose" });
await consuming;
const stats = camera.stats();
console.log(JSON.stringify({
  cameras: cameras.length,
  formats: formats.length,
  backend,
  seen,
  samples,
  log: log.includes("a line for the handler"),
  denied,
  outstanding: stats.outstanding,
}));
