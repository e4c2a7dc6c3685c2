// One picture of the default camera, as camera.png in the current folder.
//
//     deno run -A examples/camera_to_png.ts
//     bun examples/camera_to_png.ts

import { writeFile } from "node:fs/promises";
import { Camera, encodePng } from "miniav";

// The first pictures of many cameras are dark: they still look for their exposure.
using frame = await Camera.grab({ skip: 10 });
await writeFile("camera.png", await encodePng(frame));
console.log(`camera.png: ${frame.codedWidth} x ${frame.codedHeight}, ${frame.format}`);
