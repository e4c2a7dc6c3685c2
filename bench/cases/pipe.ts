/** The same picture from ffmpeg through a pipe: `pipe.ts SECONDS`. */

import process from "node:process";
import { PICTURE } from "../measure.ts";
import { measurePipe } from "./piped.ts";

const { width, height, frameRate } = PICTURE;
const source = `color=c=gray:s=${width}x${height}:r=${frameRate},format=bgra`;
const args = ["-v", "error", "-re", "-f", "lavfi", "-i", source, "-f", "rawvideo", "-"];
await measurePipe("ffmpeg", args, PICTURE, Number(process.argv[2]));
