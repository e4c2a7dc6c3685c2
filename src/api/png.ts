/** Pictures as PNG. */

import { decodePicture } from "./jpeg.ts";
import { toRgbaPicture } from "./pixels.ts";
import type { RgbaPicture } from "./pixels.ts";
import type { PixelFormat } from "./types.ts";
import type { CapturedVideoFrame } from "./video_frame.ts";

const WITH_ALPHA: ReadonlySet<PixelFormat> = new Set(["RGBA", "BGRA", "ARGB", "ABGR"]);

/** The visible part of a frame, upright, as the bytes of a PNG file. NOT_SUPPORTED: H264. */
export async function encodePng(frame: CapturedVideoFrame): Promise<Uint8Array<ArrayBuffer>> {
  // Before the first await: the frame may be closed afterwards.
  const { format } = frame;
  const picture = format === "MJPEG" ? await decodedPicture(frame) : toRgbaPicture(frame);
  return await encodePngPicture(picture, WITH_ALPHA.has(format));
}

async function decodedPicture(frame: CapturedVideoFrame): Promise<RgbaPicture> {
  const { codedWidth, codedHeight, visibleRect, rotation, flip } = frame;
  const { data } = await decodePicture(frame);
  // What a decoder gives is RGB in full range, whatever the frame says of its YUV.
  const colorSpace = { matrix: null, fullRange: true };
  const planes = [{ data, stride: codedWidth * 4 }];
  const shown = { codedWidth, codedHeight, visibleRect, rotation, flip };
  return toRgbaPicture({ ...shown, format: "RGBA", colorSpace, planes });
}

/** RGBA bytes as a PNG file; without alpha it is smaller. */
export async function encodePngPicture(
  picture: RgbaPicture,
  alpha = true,
): Promise<Uint8Array<ArrayBuffer>> {
  const { encode } = await import("fast-png");
  const { width, height } = picture;
  const data = alpha ? picture.data : withoutAlpha(picture.data);
  const encoded = encode({ width, height, data, channels: alpha ? 4 : 3, depth: 8 });
  return new Uint8Array(encoded);
}

function withoutAlpha(rgba: Uint8Array): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}
