/** `miniav meter` */

import type { AudioFormat } from "../../mod.ts";
import { choice, duration, number } from "../args.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { watchInterrupts } from "../interrupt.ts";
import { decibels, formatLevel, LevelMeter } from "../levels.ts";
import type { ChannelLevel } from "../levels.ts";
import { AUDIO_OPTIONS, audioOptions, deviceOption } from "../options.ts";
import { namedPrograms, PROGRAM_OPTIONS } from "../programs.ts";
import type { Programs } from "../programs.ts";
import { AUDIO_KINDS, findTarget, openAudio } from "../sources.ts";
import { formatTime, outputIsTerminal, print, terminalWidth } from "../terminal.ts";
import { Watchdog } from "../watchdog.ts";

const TERMINAL_INTERVAL = 0.1;
const LOG_INTERVAL = 1;

export const meter = defineCommand({
  name: "meter",
  summary: "show the levels of a microphone or of what plays",
  details: [
    "Peak and RMS of each channel in dB below full scale (0 is the loudest there is; a sine that " +
    "reaches it has an RMS of -3). On a terminal bars that move; elsewhere a line for each " +
    "interval, with the time since the beginning. Ends with --seconds or Ctrl-C.",
  ],
  options: {
    kind: choice("KIND", AUDIO_KINDS, { short: "k", help: "microphone (default) or loopback" }),
    device: deviceOption,
    ...PROGRAM_OPTIONS,
    seconds: duration("TIME", { short: "t", help: "how long; without it until Ctrl-C" }),
    interval: number("SECONDS", { min: 0.02, max: 3600 }, {
      help: "time that each level covers: 0.1 on a terminal, 1 elsewhere",
    }),
    ...AUDIO_OPTIONS,
  },
  examples: [
    ["miniav meter", "is the microphone on?"],
    ["miniav meter --kind loopback -t 10", "what the system plays, for ten seconds"],
    ["miniav meter --app firefox --wait", "what one program plays, as soon as it does"],
  ],
  async run(options) {
    const programs = namedPrograms(options, options);
    const target = await findTarget(options.device, kindsFor(options, programs));
    using interrupt = watchInterrupts();
    const onTerminal = outputIsTerminal();
    const interval = options.interval ?? (onTerminal ? TERMINAL_INTERVAL : LOG_INTERVAL);
    await using capture = await openAudio(
      target,
      { ...audioOptions({ ...options, format: undefined }), signal: interrupt.signal },
      programs,
    ).catch((error: unknown) => {
      if (interrupt.signal.aborted) return null;
      throw error;
    });
    if (capture === null) return EXIT.interrupted;
    const { format } = capture;
    const show = onTerminal ? barPrinter(format) : printLine;
    const levels = new LevelMeter(format.channelCount);
    const frames = capture[Symbol.asyncIterator]();
    const watchdog = new Watchdog(interrupt.signal);
    watchdog.signal.addEventListener("abort", () => void frames.return?.());
    let measured = 0;
    const wanted = (options.seconds ?? Infinity) * format.sampleRate;
    try {
      while (measured < wanted) {
        const { done, value } = await frames.next();
        if (done) break;
        watchdog.feed();
        using audio = value;
        levels.add(audio.data, audio.format);
        measured += audio.numberOfFrames;
        const isLast = measured >= wanted;
        if (levels.frames >= interval * format.sampleRate || isLast) {
          show(measured / format.sampleRate, levels.take());
        }
      }
    } finally {
      watchdog.stop();
    }
    watchdog.throwIfStarved();
    return EXIT.ok;
  },
});

function kindsFor(
  { kind }: { readonly kind: (typeof AUDIO_KINDS)[number] | undefined },
  programs: Programs | null,
) {
  if (programs !== null) return ["loopback"] as const;
  return kind === undefined ? AUDIO_KINDS : [kind];
}

/** "0:01.0  1: peak -12.0 rms -15.0  2: peak -12.0 rms -15.0 dBFS" */
function printLine(seconds: number, levels: readonly ChannelLevel[]): void {
  const channels = levels.map(({ peak, rms }, index) =>
    `${index + 1}: peak ${formatLevel(peak)} rms ${formatLevel(rms)}`
  );
  print(`${formatTime(seconds)}  ${channels.join("  ")} dBFS\n`);
}

/** What the left end of a bar means. */
const FLOOR_DBFS = -60;

/** Bars that are drawn over themselves, a line a channel. */
function barPrinter(format: AudioFormat) {
  let drawn = false;
  const held = new Array<number>(format.channelCount).fill(FLOOR_DBFS);
  return (seconds: number, levels: readonly ChannelLevel[]): void => {
    const text = "  peak -99.9  rms -99.9 dBFS";
    const width = Math.max(10, Math.min(60, terminalWidth() - text.length - 6));
    const lines = levels.map(({ peak, rms }, index) => {
      const level = decibels(peak);
      // The peak falls by and by, so that the eye can follow it.
      held[index] = Math.max(level, (held[index] ?? FLOOR_DBFS) - 2);
      const bar = drawBar(decibels(rms), held[index] ?? FLOOR_DBFS, width);
      const peakText = formatLevel(peak).padStart(5);
      return `${String(index + 1).padStart(2)} ${bar}  peak ${peakText}  rms ${
        formatLevel(rms).padStart(5)
      } dBFS`;
    });
    const up = drawn ? `\x1b[${lines.length + 1}A` : "";
    drawn = true;
    const title = `${formatTime(seconds)}  ${format.sampleRate} Hz, ${format.format}  Ctrl-C ends`;
    print(up + [title, ...lines].map((line) => `\x1b[K${line}\n`).join(""));
  };
}

function drawBar(rms: number, peak: number, width: number): string {
  const cells = (level: number) =>
    Math.round(Math.min(1, Math.max(0, 1 - level / FLOOR_DBFS)) * width);
  const filled = cells(rms);
  const mark = Math.min(cells(peak), width - 1);
  return Array.from(
    { length: width },
    (_, cell) => cell < filled ? "█" : cell === mark ? "│" : "·",
  ).join("");
}
