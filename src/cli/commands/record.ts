/** `miniav record` */

import { extname, resolve } from "node:path";
import { isCompressed, PIXEL_FORMATS, SAMPLE_FORMATS } from "../../mod.ts";
import type {
  AudioCaptureOptions,
  DeviceKind,
  PixelFormat,
  VideoCaptureOptions,
} from "../../mod.ts";
import { choice, duration, flag, text } from "../args.ts";
import type { OptionValues } from "../args.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../failure.ts";
import { watchInterrupts } from "../interrupt.ts";
import type { Interrupt } from "../interrupt.ts";
import {
  AUDIO_OPTIONS,
  audioOptions,
  deviceOption,
  VIDEO_OPTIONS,
  videoOptions,
} from "../options.ts";
import { checkExtension, defaultFileName, openOutput, STANDARD_OUTPUT } from "../output.ts";
import type { Output } from "../output.ts";
import { namedPrograms, PROGRAM_OPTIONS } from "../programs.ts";
import type { Programs } from "../programs.ts";
import { progressLine } from "../progress.ts";
import type { ProgressLine } from "../progress.ts";
import { pictureText, recordPictures, recordSound, soundText } from "../recording.ts";
import { explainResize, recordScreenWithSound } from "../screen_recording.ts";
import { findScreen, namesScreen, SCREEN_OPTIONS } from "../screens.ts";
import { recordPrograms } from "../separate.ts";
import { AUDIO_KINDS, findTarget, KINDS, openAudio, openVideo, VIDEO_KINDS } from "../sources.ts";
import type { AudioKind, ScreenTarget, Target, VideoKind } from "../sources.ts";
import { formatBytes, printable } from "../terminal.ts";

const OPTIONS = {
  kind: choice("KIND", KINDS, { short: "k", help: `what to record: ${KINDS.join(", ")}` }),
  device: deviceOption,
  output: text("FILE", { short: "o", help: "the file, .wav or .y4m; - is standard output" }),
  force: flag({ short: "y", help: "replace a file that exists" }),
  seconds: duration("TIME", {
    short: "t",
    help: "how long: 10, 2.5s, 90m, 1:30; without it until Ctrl-C",
  }),
  ...SCREEN_OPTIONS,
  audio: text("FILE", { help: "a screen's sound too, as .wav: the system's, or a window's own" }),
  ...AUDIO_OPTIONS,
  ...VIDEO_OPTIONS,
  format: choice("FORMAT", [...SAMPLE_FORMATS, ...PIXEL_FORMATS], {
    help: `${SAMPLE_FORMATS.join(", ")} for sound; for pictures exactly this pixel format`,
  }),
  chroma: choice("N", ["420", "444"], {
    help: "what becomes of RGB pictures: 420 (default) halves their colour, 444 keeps it",
  }),
  ...PROGRAM_OPTIONS,
  separate: flag({ help: "with --app and --pid: a file for each program, all equally long" }),
  progress: flag({ help: "a line of progress each second where there is no terminal" }),
} as const;

type Options = OptionValues<typeof OPTIONS>;

export const record = defineCommand({
  name: "record",
  summary: "record sound as WAV or pictures as Y4M",
  details: [
    "Records until --seconds have passed or Ctrl-C is pressed; the file is whole in either case. " +
    "What to record is told by --screen, --window or --region, by --kind, by --device, by --app " +
    "and --pid (programs, whose sum is recorded), or by the file's extension (.wav is the " +
    "microphone, .y4m the camera). Without --output the file gets a name with kind and time.",
    "WAV becomes RF64 past 4 GiB. Sound that was lost is silence in the file, so that it keeps " +
    "time. Y4M holds raw pictures at a constant rate: where none came in time the last one is " +
    "repeated, and the summary says how often. For other kinds of file pipe into FFmpeg.",
    "With --audio a screen's pictures and sound are two files that begin at the same moment and " +
    "are equally long. Y4M has one size: a window that is resized ends the recording with an " +
    "error, and what came before is there.",
    "A file that exists is never replaced without --force; what cannot be had as asked is an " +
    "error, not something else.",
  ],
  options: OPTIONS,
  examples: [
    ["miniav record -o talk.wav -t 10", "ten seconds of the microphone"],
    ["miniav record --app spotify -o song.wav", "what one program plays"],
    [
      "miniav record --app discord --pid 4242 --tree --separate -o call.wav",
      "two programs at once, as call-discord.wav and call-process-4242.wav",
    ],
    ["miniav record --app discord --exclude -o game.wav", "everything but one program"],
    ["miniav record --screen -o - -t 5 | ffmpeg -i - screen.mp4", "the screen, as MP4"],
    ["miniav record --screen -o out.y4m --audio out.wav", "the screen and what is heard"],
    [
      "miniav record --window Firefox -o out.y4m --audio out.wav --cursor hidden",
      "a window and its program's sound",
    ],
  ],
  async run(options) {
    const programs = namedPrograms(options, options);
    if (programs !== null && options.separate) return await recordSeparate(programs, options);
    if (options.separate) throw new UsageError("--separate needs --app or --pid");
    const isScreen = namesScreen(options, options);
    if (isScreen && programs !== null) {
      throw new UsageError("--app and --pid go with no screen: --audio FILE records its sound");
    }
    if (isScreen) return await recordVideo(await findScreen(options), options);
    const kinds = programs === null ? whatToRecord(options) : ["loopback"] as const;
    const mayBeScreen = options.device !== undefined || options.kind === "screen";
    if (options.audio !== undefined && !(mayBeScreen && kinds.some((kind) => kind === "screen"))) {
      throw new UsageError("--audio is the sound of a screen: add --screen, --window or --region");
    }
    const target = await findTarget(
      options.device,
      kinds,
      (kind) => isVideoKind(kind) ? PICTURES_INSTEAD : SOUND_INSTEAD,
    );
    if (target.kind === "camera" || target.kind === "screen") {
      return await recordVideo({ ...target, kind: target.kind }, options);
    }
    return await recordAudio({ ...target, kind: target.kind }, programs, options);
  },
});

const AUDIO_EXTENSIONS = ["wav", "wave", "rf64"];
const VIDEO_EXTENSIONS = ["y4m"];
const CONVERT = "for other kinds of file: miniav record -o - … | ffmpeg -i - FILE";

const PICTURES_INSTEAD = "Pictures go into a .y4m file: name one with --output.";
const SOUND_INSTEAD = "Sound goes into a .wav file: name one with --output.";

const isVideoKind = (kind: DeviceKind): boolean => VIDEO_KINDS.some((video) => video === kind);

/** The kinds among which the device is looked for; the first one when no device is named. */
function whatToRecord(options: Options) {
  if (options.kind !== undefined) return [options.kind];
  const extension = extname(options.output ?? "").slice(1).toLowerCase();
  if (AUDIO_EXTENSIONS.includes(extension)) return AUDIO_KINDS;
  if (VIDEO_EXTENSIONS.includes(extension)) return VIDEO_KINDS;
  if (options.device !== undefined) return KINDS;
  throw new UsageError("what to record is missing: --kind, --device, or a file .wav or .y4m");
}

// -- sound ----------------------------------------------------------------------------------

async function recordAudio(
  target: Target<AudioKind>,
  programs: Programs | null,
  options: Options,
): Promise<number> {
  const wishes = soundWishes(target.kind, options);
  return await intoOutput(target.kind, "wav", options, async (output, interrupt, line) => {
    await using capture = await openAudio(
      target,
      { ...wishes, signal: interrupt.signal },
      programs,
    );
    capture.on("stalled", () => line.note("Nothing comes from the device."));
    capture.on("resumed", () => line.note("It comes again."));
    const summary = await recordSound(capture, output, {
      seconds: options.seconds,
      signal: interrupt.signal,
      onProgress: (progress) => line.update(progress),
    });
    return soundText(summary);
  });
}

/** What was asked about the sound; a UsageError for what is about pictures. */
function soundWishes(kind: string, options: Options): AudioCaptureOptions {
  refuse(options, ["size", "fps", "chroma"], kind);
  const format = SAMPLE_FORMATS.find((format) => format === options.format);
  if (options.format !== undefined && format === undefined) {
    throw new UsageError(`--format ${options.format} is a format of pictures, not of sound`);
  }
  checkOutput(options, "sound", AUDIO_EXTENSIONS);
  return audioOptions({ ...options, format });
}

/** A file for each program. */
async function recordSeparate(programs: Programs, options: Options): Promise<number> {
  if (programs.mode === "exclude") {
    throw new UsageError("--separate does not go with --exclude: everything else is one sound");
  }
  if (options.output === STANDARD_OUTPUT) {
    throw new UsageError("--separate needs files: standard output is one");
  }
  const wishes = soundWishes("loopback", options);
  const path = options.output ?? defaultFileName("loopback", "wav");
  return await recordPrograms(programs.targets, path, { ...options, wishes });
}

// -- pictures -------------------------------------------------------------------------------

async function recordVideo(
  target: Target<VideoKind> | ScreenTarget,
  options: Options,
): Promise<number> {
  const { audio } = options;
  if (audio === undefined) refuse(options, ["rate", "channels"], target.kind);
  const format = PIXEL_FORMATS.find((format) => format === options.format);
  if (options.format !== undefined && format === undefined) {
    throw new UsageError(`--format ${options.format} is a format of sound, not of pictures`);
  }
  if (format !== undefined && isCompressed(format)) {
    throw new UsageError(`--format ${format}: Y4M holds raw pictures`);
  }
  checkOutput(options, "video", VIDEO_EXTENSIONS);
  const wishes = videoOptions({ ...options, format: format as PixelFormat | undefined });
  if (audio !== undefined) return await recordAlong(target, audio, wishes, options);
  return await intoOutput(target.kind, "y4m", options, async (output, interrupt, line) => {
    await using capture = await openVideo(target, { ...wishes, signal: interrupt.signal });
    const mayRest = target.kind === "screen";
    if (!mayRest) {
      capture.onStall((stalled) =>
        line.note(stalled ? "Nothing comes from the device." : "It comes again.")
      );
    }
    const summary = await recordPictures(capture, output, {
      seconds: options.seconds,
      chroma: options.chroma ?? "420",
      mayRest,
      signal: interrupt.signal,
      onProgress: (progress) => line.update(progress),
    }).catch((error) => {
      throw explainResize(error, target.isWindow);
    });
    return pictureText(summary);
  });
}

/** A screen and its sound: a file each. */
async function recordAlong(
  target: Target<VideoKind> | ScreenTarget,
  audio: string,
  wishes: VideoCaptureOptions,
  options: Options,
): Promise<number> {
  if (target.kind !== "screen") {
    throw new UsageError("--audio is the sound of a screen; a camera has none");
  }
  checkExtension(audio, "sound", AUDIO_EXTENSIONS, CONVERT);
  const path = options.output ?? defaultFileName("screen", "y4m");
  if (resolve(path) === resolve(audio)) {
    throw new UsageError("--output and --audio are two files: pictures and sound");
  }
  return await recordScreenWithSound(target, { pictures: path, sound: audio }, {
    force: options.force,
    progress: options.progress,
    seconds: options.seconds,
    chroma: options.chroma ?? "420",
    wishes,
    sound: audioOptions({ ...options, format: undefined }),
  });
}

// -- both -----------------------------------------------------------------------------------

type OptionName = keyof Options;

/** An option that means nothing here was meant for something else. */
function refuse(options: Options, names: readonly OptionName[], kind: string): void {
  for (const name of names) {
    if (options[name] !== undefined) throw new UsageError(`--${name} does not go with a ${kind}`);
  }
}

function checkOutput({ output }: Options, what: string, extensions: readonly string[]): void {
  if (output !== undefined) checkExtension(output, what, extensions, CONVERT);
}

/** Opens the file, records into it and says what became of it. */
async function intoOutput(
  kind: string,
  extension: string,
  options: Options,
  work: (output: Output, interrupt: Interrupt, line: ProgressLine) => Promise<string>,
): Promise<number> {
  const path = options.output ?? defaultFileName(kind, extension);
  const output = await openOutput(path, { force: options.force });
  using interrupt = watchInterrupts();
  const line = progressLine(options.progress);
  try {
    const summary = await work(output, interrupt, line);
    await output.close();
    line.note(`${printable(path === STANDARD_OUTPUT ? output.name : path)}: ${summary}`);
    return EXIT.ok;
  } catch (error) {
    line.end();
    await output.close().catch(() => {});
    // Ended before anything was recorded.
    if (interrupt.signal.aborted && output.written === 0) return EXIT.interrupted;
    if (output.written > 0 && !output.isStream) {
      line.note(`${printable(path)}: what came before is there, ${formatBytes(output.written)}`);
    }
    throw error;
  }
}
