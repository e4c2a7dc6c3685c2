/** `miniav demo` */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { enableTestDevices, encodePng, now } from "../../mod.ts";
import type { AnyFrame, CapturedAudio, CapturedVideoFrame, DeviceKind } from "../../mod.ts";
import { duration, flag, text } from "../args.ts";
import { defineCommand } from "../command.ts";
import { CommandError, EXIT } from "../failure.ts";
import { watchInterrupts } from "../interrupt.ts";
import { LevelMeter } from "../levels.ts";
import { openOutput } from "../output.ts";
import type { Output } from "../output.ts";
import { recordSound } from "../recording.ts";
import { describeError } from "../report.ts";
import { KINDS, list, openAudio, openVideo } from "../sources.ts";
import type { AudioKind, Listed, Listing, Target, VideoKind } from "../sources.ts";
import { formatTable, print, printable } from "../terminal.ts";
import { Watchdog } from "../watchdog.ts";

const OPTIONS = {
  camera: flag({ help: "use a real camera: its light goes on" }),
  screen: flag({ help: "use the real screen: the desktop may ask for your consent" }),
  seconds: duration("TIME", { short: "t", help: "how long to capture from each; default 2" }),
  output: text("FOLDER", { short: "o", help: "where the files go; default demo-output" }),
} as const;

export const demo = defineCommand({
  name: "demo",
  summary: "capture from each kind of source for two seconds and show how it went",
  details: [
    "Real microphones and loopbacks are used where there are any; cameras and screens only with " +
    "--camera and --screen, because a light goes on or a dialog appears. Built-in test devices " +
    "stand in for the rest, and the table says so. Pictures are written as PNG and sound as WAV; " +
    "files of an earlier demo in the same folder are replaced. Nothing is opened on the desktop.",
    "Latency is the time from the capture (its time stamp) to the arrival in JavaScript; a piece " +
    "of sound carries the time of its first sample, so that its own length is in it.",
  ],
  options: OPTIONS,
  examples: [["miniav demo --camera --screen", "everything real that there is"]],
  async run(options) {
    const folder = options.output ?? "demo-output";
    const seconds = options.seconds ?? 2;
    enableTestDevices();
    await mkdir(folder, { recursive: true });
    const listings = await Promise.all(KINDS.map((kind) => list(kind)));
    print(`${deviceTable(listings)}\n`);

    using interrupt = watchInterrupts();
    const rows: Row[] = [];
    for (const listing of listings) {
      if (interrupt.signal.aborted) break;
      const choice = choose(listing, options);
      for (const note of choice.notes) print(`${note}\n`);
      const job = { folder, seconds, signal: interrupt.signal };
      rows.push(await tryOut(choice, job));
    }
    print(`\n${resultTable(rows)}`);
    for (const { error } of rows) if (error !== null) print(`\n${describeError(error)}`);
    if (interrupt.signal.aborted) return EXIT.interrupted;
    return rows.some(({ error }) => error !== null) ? EXIT.failed : EXIT.ok;
  },
});

// -- what to capture ------------------------------------------------------------------------

interface Choice {
  readonly kind: DeviceKind;
  /** Null: what was asked for is not there. */
  readonly listed: Listed | null;
  readonly problem: unknown;
  readonly notes: readonly string[];
}

interface Wishes {
  readonly camera: boolean;
  readonly screen: boolean;
}

/** A real device where that disturbs nobody or was asked for; a test device otherwise. */
function choose({ kind, devices, error }: Listing, wishes: Wishes): Choice {
  const real = devices.filter(({ device }) => !device.isTest);
  const best = real.find(({ device }) => device.isDefault) ?? real[0] ?? null;
  const test = devices.find(({ device }) => device.isTest) ?? null;
  const disturbs = kind === "camera" || kind === "screen";
  const asked = disturbs && wishes[kind];
  if (asked && best === null) {
    const problem = error ?? new CommandError(`there is no real ${kind} here`, {
      code: "DEVICE_NOT_FOUND",
      hint: "miniav doctor says what is missing.",
    });
    return { kind, listed: null, problem, notes: [] };
  }
  if (best !== null && (asked || !disturbs)) {
    return { kind, listed: best, problem: null, notes: [] };
  }
  if (test === null) return { kind, listed: null, problem: error, notes: [] };
  const name = best === null ? "" : printable(best.device.name);
  const notes = best === null
    ? [`${kind}: nothing real here, a test device stands in (miniav doctor says why)`]
    : [`${kind}: a test device stands in; --${kind} uses "${name}" (${consequence(kind)})`];
  return { kind, listed: test, problem: null, notes };
}

function consequence(kind: DeviceKind): string {
  return kind === "camera" ? "its light goes on" : "the desktop may ask for consent";
}

function deviceTable(listings: readonly Listing[]): string {
  const rows = listings.flatMap(({ devices }) =>
    devices.map(({ device, isWindow }) => [
      isWindow ? "window" : device.kind,
      printable(device.id),
      printable(device.name),
      device.isTest ? "test" : "real",
    ])
  );
  return formatTable(["KIND", "ID", "NAME", ""], rows);
}

// -- capturing ------------------------------------------------------------------------------

interface Job {
  readonly folder: string;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

interface Row {
  readonly kind: DeviceKind;
  readonly listed: Listed | null;
  readonly result: Result | null;
  readonly error: unknown;
}

interface Result {
  readonly format: string;
  readonly frames: number;
  readonly dropped: number;
  readonly timing: Timing;
  readonly file: string;
  readonly remark: string;
}

async function tryOut({ kind, listed, problem }: Choice, job: Job): Promise<Row> {
  if (listed === null) {
    const error = problem ?? new CommandError(`there is no ${kind} here`);
    return { kind, listed, result: null, error };
  }
  const { device, isWindow } = listed;
  print(`${kind}: ${printable(device.name)}, ${job.seconds} s\n`);
  try {
    const result = kind === "camera" || kind === "screen"
      ? await captureVideo({ kind, id: device.id, isWindow }, job)
      : await captureAudio({ kind, id: device.id, isWindow }, job);
    return { kind, listed, result, error: null };
  } catch (error) {
    return { kind, listed, result: null, error };
  }
}

/** When frames were captured and when they arrived. */
class Timing {
  readonly #latencies: number[] = [];
  #first = 0;
  #last = 0;

  add(frame: AnyFrame): void {
    this.#latencies.push((now() - frame.timestamp) / 1000);
    if (this.#latencies.length === 1) this.#first = frame.timestamp;
    this.#last = frame.timestamp;
  }

  get count(): number {
    return this.#latencies.length;
  }

  get perSecond(): number {
    const microseconds = this.#last - this.#first;
    return microseconds > 0 ? ((this.count - 1) * 1e6) / microseconds : 0;
  }

  /** Milliseconds that a share of the frames took at most. */
  latency(share: number): number {
    const sorted = this.#latencies.toSorted((left, right) => left - right);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  }
}

async function captureVideo(target: Target<VideoKind>, job: Job): Promise<Result> {
  await using output = await openDemoFile(job, `${target.kind}.png`);
  await using capture = await openVideo(target, { signal: job.signal });
  const timing = new Timing();
  using picture = await watchPictures(capture, timing, job);
  const { width, height, format } = capture.video;
  const { dropped } = capture.stats();
  await capture.stop();
  await output.file.write(await encodePng(picture));
  return {
    format: `${width}x${height} ${format}`,
    frames: timing.count,
    dropped,
    timing,
    file: output.path,
    remark: "",
  };
}

/** Watches for the given time; a copy of the last picture. */
async function watchPictures(
  capture: AsyncIterable<CapturedVideoFrame>,
  timing: Timing,
  { seconds, signal }: Job,
): Promise<CapturedVideoFrame> {
  const watchdog = new Watchdog(signal);
  const frames = capture[Symbol.asyncIterator]();
  const stop = () => void frames.return?.();
  watchdog.signal.addEventListener("abort", stop);
  const end = now() + seconds * 1e6;
  // A screen that does not change sends nothing.
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: CapturedVideoFrame | null = null;
  try {
    while (true) {
      const { done, value } = await frames.next();
      if (done) break;
      using frame = value;
      timing.add(frame);
      watchdog.feed();
      timer ??= setTimeout(stop, seconds * 1000);
      if (now() < end && last !== null) continue;
      last?.close();
      last = frame.clone();
      if (now() >= end) break;
    }
  } finally {
    clearTimeout(timer);
    watchdog.stop();
    await frames.return?.();
  }
  watchdog.throwIfStarved();
  if (last === null) throw new CommandError("no picture came", { code: "TIMEOUT" });
  return last;
}

async function captureAudio(target: Target<AudioKind>, job: Job): Promise<Result> {
  await using output = await openDemoFile(job, `${target.kind}.wav`);
  await using capture = await openAudio(target, { signal: job.signal });
  const timing = new Timing();
  const levels = new LevelMeter(capture.format.channelCount);
  const summary = await recordSound(
    {
      format: capture.format,
      stats: () => capture.stats(),
      [Symbol.asyncIterator]: () => measured(capture, timing, levels),
    },
    output.file,
    { seconds: job.seconds, signal: job.signal, onProgress: () => {} },
  );
  if (timing.count === 0) throw new CommandError("no sound came", { code: "TIMEOUT" });
  const { sampleRate, channelCount, format } = capture.format;
  const silent = levels.take().every(({ peak }) => peak === 0);
  return {
    format: `${sampleRate} Hz ${channelCount} ch ${format}`,
    frames: timing.count,
    dropped: summary.dropped,
    timing,
    file: output.path,
    remark: silent ? "SILENT: nothing but zeros came; is it muted?" : "",
  };
}

/** The same pieces of sound, looked at on their way. */
function measured(
  capture: AsyncIterable<CapturedAudio>,
  timing: Timing,
  levels: LevelMeter,
): AsyncIterator<CapturedAudio> {
  const frames = capture[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await frames.next();
      if (!result.done) {
        timing.add(result.value);
        levels.add(result.value.data, result.value.format);
      }
      return result;
    },
    return: async () => await frames.return?.() ?? { done: true, value: undefined },
  };
}

interface DemoFile extends AsyncDisposable {
  readonly path: string;
  readonly file: Output;
}

/** The demo's own files are replaced by the next demo. */
async function openDemoFile({ folder }: Job, name: string): Promise<DemoFile> {
  const path = join(folder, name);
  const file = await openOutput(path, { force: true });
  return { path, file, [Symbol.asyncDispose]: () => file.close() };
}

// -- the table ------------------------------------------------------------------------------

const HEADER = [
  "KIND",
  "DEVICE",
  "SOURCE",
  "FORMAT",
  "FRAMES",
  "FPS",
  "DROPS",
  "P50 ms",
  "P99 ms",
  "FILE",
];

function resultTable(rows: readonly Row[]): string {
  return formatTable(HEADER, rows.map(resultRow), [4, 5, 6, 7, 8]);
}

function resultRow({ kind, listed, result }: Row): string[] {
  const device = listed?.device;
  const source = device === undefined ? "" : device.isTest ? "test" : "real";
  const head = [kind, printable(device?.id ?? "none"), source];
  if (result === null) return [...head, "FAILED", "", "", "", "", "", ""];
  const { format, frames, dropped, timing, file, remark } = result;
  return [
    ...head,
    format,
    String(frames),
    timing.perSecond.toFixed(1),
    String(dropped),
    timing.latency(0.5).toFixed(1),
    timing.latency(0.99).toFixed(1),
    remark === "" ? file : `${file}  ${remark}`,
  ];
}
