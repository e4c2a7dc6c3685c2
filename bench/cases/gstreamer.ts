/** The same camera from GStreamer through a pipe: `gstreamer.ts SECONDS`. */

import process from "node:process";
import { CAMERA } from "../measure.ts";
import { measurePipe } from "./piped.ts";

const { name, width, height, frameRate } = CAMERA;
const caps = `video/x-raw,format=NV12,width=${width},height=${height},framerate=${frameRate}/1`;
const args = ["-q", "pipewiresrc", `target-object=${name}`, "!", caps, "!", "fdsink"];
await measurePipe("gst-launch-1.0", args, CAMERA, Number(process.argv[2]));
