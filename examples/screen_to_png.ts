// One picture of the default display, as screen.png in the current folder.
//
//     deno run -A examples/screen_to_png.ts
//     bun examples/screen_to_png.ts

import { writeFile } from "node:fs/promises";
import { encodePng, Screen } from "miniav";

// With region: { x: 0, y: 0, width: 640, height: 480 } it is a part of the display.
using frame = await Screen.grab();
await writeFile("screen.png", await encodePng(frame));
console.log(`screen.png: ${frame.codedWidth} x ${frame.codedHeight}, ${frame.format}`);
