/** `miniav snapshot` */

import { Camera, encodePng, Screen } from "../../mod.ts";
import type { CapturedVideoFrame, VideoCaptureOptions } from "../../mod.ts";
import { choice, flag, number, text } from "../args.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../failure.ts";
import { watchInterrupts } from "../interrupt.ts";
import { deviceOption, pixelFormatOption, VIDEO_OPTIONS, videoOptions } from "../options.ts";
import { checkExtension, defaultFileName, openOutput, STANDARD_OUTPUT } from "../output.ts";
import { findScreen, namesScreen, SCREEN_OPTIONS } from "../screens.ts";
import { findTarget, placeOf, rawPictures, VIDEO_KINDS } from "../sources.ts";
import type { ScreenTarget, Target, VideoKind } from "../sources.ts";
import { formatBytes, printable, printError } from "../terminal.ts";

/** A camera that shows nothing for so long will not. A dialog of the desktop may take longer. */
const CAMERA_TIMEOUT_MS = 15_000;

/** How many pictures of a camera may be broken, one after the other. */
const ATTEMPTS = 5;

export const snapshot = defineCommand({
  name: "snapshot",
  summary: "one picture of a camera, a screen or a window, as PNG",
  details: [
    "Takes the default camera, unless told otherwise: its light goes on. A screen may bring up " +
    "the desktop's own dialog. Without --output the file gets a name with kind and time, in the " +
    "current folder. A file that exists is never replaced without --force.",
  ],
  options: {
    device: deviceOption,
    kind: choice("KIND", VIDEO_KINDS, { short: "k", help: "camera (default) or screen" }),
    ...SCREEN_OPTIONS,
    output: text("FILE", { short: "o", help: "the file; - is standard output" }),
    force: flag({ short: "y", help: "replace a file that exists" }),
    ...VIDEO_OPTIONS,
    format: pixelFormatOption,
    skip: number("N", { min: 0, max: 1000, integer: true }, {
      help: "pictures to pass over first, while a camera finds its exposure; default 0",
    }),
  },
  examples: [
    ["miniav snapshot -o me.png --skip 10", "the default camera"],
    ["miniav snapshot --screen -o - | display", "the screen, to a program"],
    ["miniav snapshot --window Firefox --cursor hidden", "a window, also when others cover it"],
    ["miniav snapshot --region 0,0,640,480 -o corner.png", "a part of the screen"],
  ],
  async run(options) {
    if (options.output !== undefined) checkExtension(options.output, "a picture", ["png"], CONVERT);
    const target = namesScreen(options, options)
      ? await findScreen(options)
      : await findTarget(options.device, kindsToSearch(options));
    const path = options.output ?? defaultFileName(target.kind, "png");
    const output = await openOutput(path, { force: options.force });
    using interrupt = watchInterrupts();
    try {
      const wishes = { ...videoOptions(options), signal: interrupt.signal };
      const { png, codedWidth, codedHeight, format } = await takePicture(
        () => grab(target, wishes, options.skip ?? 0),
      );
      await output.write(png);
      if (path !== STANDARD_OUTPUT) {
        const size = `${codedWidth}x${codedHeight} ${format}`;
        printError(`${printable(path)}: ${size}, ${formatBytes(png.byteLength)}\n`);
      }
      return EXIT.ok;
    } catch (error) {
      // Half a picture is none.
      if (output.written > 0) await output.truncate(0).catch(() => {});
      if (!interrupt.signal.aborted) throw error;
      return EXIT.interrupted;
    } finally {
      await output.close();
    }
  },
});

interface Picture {
  readonly png: Uint8Array<ArrayBuffer>;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly format: string;
}

/** A camera may send a broken JPEG now and then: the next one is tried. */
async function takePicture(grab: () => Promise<CapturedVideoFrame>): Promise<Picture> {
  for (let attempt = 1;; attempt++) {
    using frame = await grab();
    const { codedWidth, codedHeight, format } = frame;
    try {
      return { png: await encodePng(frame), codedWidth, codedHeight, format };
    } catch (error) {
      if (format !== "MJPEG" || attempt === ATTEMPTS) throw error;
    }
  }
}

function kindsToSearch(
  { kind, device }: { readonly kind: VideoKind | undefined; readonly device: string | undefined },
): readonly VideoKind[] {
  if (kind !== undefined) return [kind];
  return device === undefined ? ["camera"] : VIDEO_KINDS;
}

const CONVERT = "for another kind, convert it: miniav snapshot -o - | ffmpeg -i - FILE";

async function grab(
  target: Target<VideoKind> | ScreenTarget,
  wishes: VideoCaptureOptions,
  skip: number,
): Promise<CapturedVideoFrame> {
  if (wishes.format === "H264") {
    throw new UsageError("a PNG is made of single pictures, and H264 is a stream of changes");
  }
  if (target.kind === "camera") {
    const raw = await rawPictures(target, wishes);
    return await Camera.grab({ ...raw, deviceId: target.id, skip, timeout: CAMERA_TIMEOUT_MS });
  }
  if (skip > 0) throw new UsageError("--skip is for cameras");
  return await Screen.grab({ ...wishes, ...placeOf(target) });
}
