/** `miniav formats` */

import type { AudioFormat, VideoFormat } from "../../mod.ts";
import { choice, flag } from "../args.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { audioFormats, findTarget, KINDS, videoFormats } from "../sources.ts";
import type { OfferedFormats } from "../sources.ts";
import { formatTable, print, printError } from "../terminal.ts";

export const formats = defineCommand({
  name: "formats",
  summary: "list the formats that a device offers",
  details: [
    "Pictures come in exactly these sizes, formats and rates. Sound can be had in any rate from " +
    "8000 to 192000 Hz, 1 to 8 channels and every sample format; what is not in the list is " +
    "converted.",
  ],
  positionals: [{ name: "DEVICE", required: true }],
  options: {
    kind: choice("KIND", KINDS, {
      short: "k",
      help: "the kind of the device, where an id has more than one",
    }),
    json: flag({ help: "a JSON array instead of a table" }),
  },
  examples: [["miniav formats test:bars --test-devices", "what the test camera has"]],
  async run({ kind, json }, [id]) {
    const target = await findTarget(id, kind === undefined ? KINDS : [kind]);
    const isVideo = target.kind === "camera" || target.kind === "screen";
    if (isVideo) show(await videoFormats(target), json, VIDEO_TABLE, sameVideo);
    else show(await audioFormats(target), json, AUDIO_TABLE, sameAudio);
    return EXIT.ok;
  },
});

interface FormatTable<Format> {
  readonly header: readonly string[];
  readonly row: (format: Format) => string[];
}

const VIDEO_TABLE: FormatTable<VideoFormat> = {
  header: ["SIZE", "FORMAT", "FPS"],
  row: ({ width, height, format, frameRate }) => [
    `${width}x${height}`,
    format,
    frameRate === 0 ? "any" : String(Number(frameRate.toFixed(3))),
  ],
};

const AUDIO_TABLE: FormatTable<AudioFormat> = {
  header: ["RATE", "CHANNELS", "FORMAT"],
  row: ({ sampleRate, channelCount, format }) => [
    `${sampleRate} Hz`,
    String(channelCount),
    format,
  ],
};

function sameVideo(left: VideoFormat, right: VideoFormat): boolean {
  return left.width === right.width && left.height === right.height &&
    left.format === right.format && left.frameRate === right.frameRate;
}

function sameAudio(left: AudioFormat, right: AudioFormat): boolean {
  return left.sampleRate === right.sampleRate && left.channelCount === right.channelCount &&
    left.format === right.format;
}

function show<Format>(
  { formats, preferred }: OfferedFormats<Format>,
  json: boolean,
  table: FormatTable<Format>,
  same: (left: Format, right: Format) => boolean,
): void {
  const isDefault = (format: Format) => preferred !== null && same(format, preferred);
  if (json) {
    const list = formats.map((format) => ({ ...format, isDefault: isDefault(format) }));
    print(`${JSON.stringify(list, null, 2)}\n`);
    return;
  }
  if (formats.length === 0) {
    printError("The device does not say what it offers.\n");
    return;
  }
  const rows = formats.map((format) => [
    ...table.row(format),
    isDefault(format) ? "default" : "",
  ]);
  print(formatTable([...table.header, ""], rows));
}
