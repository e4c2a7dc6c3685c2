// How bright the camera's pictures are: sixty frames, looked at where they lie, without a copy.
//
//     deno run -A examples/loop_over_frames.ts
//     bun examples/loop_over_frames.ts

import { Camera, now } from "miniav";

await using camera = await Camera.open({ width: { ideal: 640 }, format: "NV12" });
let count = 0;
for await (using frame of camera) {
  // The first plane of NV12 is brightness, a byte a pixel; its rows are `stride` bytes apart.
  const [luma] = frame.planes;
  if (luma === undefined) continue;
  let sum = 0;
  for (let y = 0; y < luma.height; y++) {
    for (const value of luma.data.subarray(y * luma.stride, y * luma.stride + luma.width)) {
      sum += value;
    }
  }
  const brightness = sum / (luma.width * luma.height);
  const ageMs = (now() - frame.timestamp) / 1000;
  console.log(
    `frame ${frame.sequence}: brightness ${brightness.toFixed(1)}, ${ageMs.toFixed(1)} ms old`,
  );
  if (++count === 60) break;
}
const { produced, dropped } = camera.stats();
console.log(`${count} frames looked at, ${produced} produced, ${dropped} dropped`);
