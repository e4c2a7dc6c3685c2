// How bright the camera's pictures are: sixty frames, looked at where they lie, without a copy.
//
//     deno run -A examples/loop_over_frames.ts
//     bun examples/loop_over_frames.ts

import { Camera, now } from "miniav";

// Where brightness lies in the first plane: in every byte, or in every other one.
const STEPS = new Map([["NV12", 1], ["NV21", 1], ["I420", 1], ["YUY2", 2]]);

await using camera = await Camera.open({ width: { ideal: 640 }, format: { ideal: "NV12" } });
let count = 0;
for await (using frame of camera) {
  const [luma] = frame.planes;
  const step = STEPS.get(frame.format);
  if (luma === undefined || step === undefined) {
    throw new Error(`${frame.format} does not keep brightness apart`);
  }
  const { data, stride, width, height } = luma;
  let sum = 0;
  for (let y = 0; y < height; y++) {
    const start = y * stride; // where a row begins, in bytes
    for (let x = 0; x < width; x++) sum += data[start + x * step]!;
  }
  const brightness = sum / (width * height);
  const ageMs = (now() - frame.timestamp) / 1000;
  console.log(
    `frame ${frame.sequence}: brightness ${brightness.toFixed(1)}, ${ageMs.toFixed(1)} ms old`,
  );
  if (++count === 60) break;
}
const { produced, dropped } = camera.stats();
console.log(`${count} frames looked at, ${produced} produced, ${dropped} dropped`);
