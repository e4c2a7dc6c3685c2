/** `miniav record --separate`: what several programs play, a file each. */

import { extname } from "node:path";
import { fileNames } from "../api/recorder_options.ts";
import { ProcessRecorder } from "../mod.ts";
import type { AudioCaptureOptions, LoopbackTarget, ProcessRecording } from "../mod.ts";
import { CommandError, EXIT } from "./failure.ts";
import { watchInterrupts } from "./interrupt.ts";
import { openOutput } from "./output.ts";
import type { Output } from "./output.ts";
import { progressLine } from "./progress.ts";
import type { ProgressLine } from "./progress.ts";
import { soundText } from "./recording.ts";
import { formatTime, printable } from "./terminal.ts";

interface SeparateOptions {
  readonly force: boolean;
  readonly progress: boolean;
  readonly seconds: number | undefined;
  readonly wishes: AudioCaptureOptions;
}

const PROGRESS_INTERVAL_MS = 100;

/** "call.wav" becomes "call-discord.wav" and so on. */
export async function recordPrograms(
  targets: readonly LoopbackTarget[],
  path: string,
  options: SeparateOptions,
): Promise<number> {
  const extension = extname(path) || ".wav";
  const stem = extname(path) === "" ? path : path.slice(0, -extension.length);
  const labels = targets.map(({ name, processId }) => name ?? `process ${processId}`);
  const paths = fileNames(labels).map((name) => `${stem}-${name}${extension}`);
  const outputs = await openOutputs(paths, options.force);
  using interrupt = watchInterrupts();
  const line = progressLine(options.progress);
  try {
    const { signal } = interrupt;
    const recorder = await ProcessRecorder.start({
      ...options.wishes,
      sources: targets.map((target, index) => ({
        ...target,
        label: labels[index],
        file: outputs[index],
      })),
      seconds: options.seconds,
      signal,
    });
    const result = await follow(recorder, outputs, line);
    await Promise.all(outputs.map((output) => output.close()));
    return report(result, paths, line);
  } catch (error) {
    line.end();
    await Promise.allSettled(outputs.map((output) => output.close()));
    const isEmpty = outputs.every(({ written }) => written === 0);
    if (interrupt.signal.aborted && isEmpty) return EXIT.interrupted;
    throw error;
  }
}

async function openOutputs(paths: readonly string[], force: boolean): Promise<Output[]> {
  const outputs: Output[] = [];
  try {
    for (const path of paths) {
      const output = await openOutput(path, { force });
      outputs.push(output);
      if (output.isStream) throw new CommandError(`${path} is no file`, { code: "EINVAL" });
    }
    return outputs;
  } catch (error) {
    await Promise.allSettled(outputs.map((output) => output.close()));
    throw error;
  }
}

/** Tells what happens until the recording ends. */
async function follow(
  recorder: ProcessRecorder,
  outputs: readonly Output[],
  line: ProgressLine,
): Promise<ProcessRecording> {
  const tell = (label: string, what: string) => line.note(`${printable(label)}: ${what}`);
  recorder.on("lost", ({ source }) => tell(source.label, "it has ended; the rest is silence."));
  recorder.on("mute", ({ source, muted }) => {
    tell(source.label, muted ? "muted: silence is recorded." : "no longer muted.");
  });
  const timer = setInterval(() => {
    const bytes = outputs.reduce((sum, { written }) => sum + written, 0);
    line.update({ seconds: recorder.seconds, bytes, dropped: 0 });
  }, PROGRESS_INTERVAL_MS);
  try {
    return await recorder.done;
  } finally {
    clearInterval(timer);
  }
}

function report(
  { files, sources, seconds }: ProcessRecording,
  paths: readonly string[],
  line: ProgressLine,
): number {
  for (const [index, file] of files.entries()) {
    line.note(`${printable(paths[index] ?? "")}: ${soundText({ ...file, dropped: 0 })}`);
  }
  const [first] = sources;
  if (first === undefined || !sources.every(({ ended }) => ended === "lost")) return EXIT.ok;
  throw new CommandError(`every program had ended after ${formatTime(seconds)}`, {
    code: first.error?.code ?? "DEVICE_LOST",
    hint: "The files are whole. --app NAME goes on when the program comes back.",
    cause: first.error,
  });
}
