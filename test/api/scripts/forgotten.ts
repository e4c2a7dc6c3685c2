// Never closes a frame; the collector has to. Prints one JSON line.

import process from "node:process";
import { Camera, enableTestDevices, setLogHandler } from "../../../src/mod.ts";

const collect: () => void = "Bun" in globalThis
  ? () => (globalThis as unknown as { Bun: { gc(full: boolean): void } }).Bun.gc(true)
  : (globalThis as unknown as { gc: () => void }).gc;

enableTestDevices();
const warnings: string[] = [];
setLogHandler(({ source, message }) => {
  if (source === "miniav") warnings.push(message);
});
await using camera = await Camera.open({ deviceId: "test:bars", frameRate: 60, queue: 8 });
let frames = 0;
let bytes = 0;
// A view that is kept keeps its frame.
let kept: Uint8Array | undefined;
for await (const frame of camera) {
  const data = frame.planes[0]?.data;
  bytes += data?.length ?? 0;
  kept ??= data;
  if (++frames % 4 === 0) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (frames === 80) break;
}
const { forgotten, outstanding } = camera.stats();
console.log(
  JSON.stringify({ frames, bytes, forgotten, outstanding, kept: kept?.length, warnings }),
);
process.exit(0);
