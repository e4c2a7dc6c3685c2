/** What `ProcessRecorder.start` takes: what to record, and into which files. */

import { operationOptions } from "./lists.ts";
import { labelOf, requireTarget } from "./loopback_options.ts";
import type { LoopbackTarget } from "./loopback_options.ts";
import { describeValue, invalidOption, requireKnownOptions } from "./options.ts";
import type { Names } from "./options.ts";
import { requireSeconds } from "./record.ts";
import type { ByteSink } from "./sink.ts";
import type { AudioCaptureOptions, WaitOptions } from "./types.ts";

/** A file's path, or a sink of your own, which is not closed. */
export type RecorderFile = string | URL | ByteSink;

/** A process, a name or a window to record; the system's mix too. */
export interface RecorderSource extends LoopbackTarget {
  /** Its own file, when each source has one. */
  readonly file?: RecorderFile | undefined;
  /** What it is called in results and file names; by default its name or process. */
  readonly label?: string | undefined;
}

/** What `ProcessRecorder.start` takes. Files: one `file`, a `folder`, or a `file` in each source. */
export interface ProcessRecorderOptions
  extends WaitOptions, Pick<AudioCaptureOptions, AudioWish | "access"> {
  readonly sources: readonly RecorderSource[];
  /** One file with the sum of all sources. */
  readonly file?: RecorderFile | undefined;
  /** One file a source in this folder, named after the source: "firefox.wav". */
  readonly folder?: string | undefined;
  /** Replace files that exist. Default false: they are an error. */
  readonly overwrite?: boolean | undefined;
  /** How long; without it until `stop()`, the signal, or the last source is lost. */
  readonly seconds?: number | undefined;
  /** `exclude`: one `file` with everything but the sources. Default `include`. */
  readonly mode?: "include" | "exclude" | undefined;
  /** Ends opening with its reason, and a recording well: the files are whole. */
  readonly signal?: AbortSignal | undefined;
}

type AudioWish = "sampleRate" | "channelCount" | "format";

const OPERATION = "ProcessRecorder.start";

const OPTION_NAMES: Names<ProcessRecorderOptions> = {
  sources: true,
  file: true,
  folder: true,
  overwrite: true,
  seconds: true,
  mode: true,
  sampleRate: true,
  channelCount: true,
  format: true,
  access: true,
  signal: true,
  timeout: true,
};

/** A source, its label, and what of it is the target. */
export interface PlannedSource {
  readonly label: string;
  readonly target: LoopbackTarget;
  readonly file: RecorderFile | undefined;
}

/** What is to be recorded. */
export interface RecorderPlan {
  readonly sources: readonly PlannedSource[];
  /** One: the sum. As many as sources: one each. */
  readonly files: readonly RecorderFile[];
  readonly separate: boolean;
  readonly mode: "include" | "exclude";
}

/** INVALID_ARG says what is wrong. */
export function planRecording(options: ProcessRecorderOptions): RecorderPlan {
  requireKnownOptions(OPERATION, options, OPTION_NAMES);
  requireSeconds(OPERATION, options.seconds);
  operationOptions(OPERATION, options);
  const { sources, mode = "include", overwrite = false } = options;
  if (typeof overwrite !== "boolean") {
    throw invalidOption(
      OPERATION,
      `overwrite takes true or false, not ${describeValue(overwrite)}`,
    );
  }
  if (mode !== "include" && mode !== "exclude") {
    const detail = `mode takes "include" or "exclude", not ${describeValue(mode)}`;
    throw invalidOption(OPERATION, detail);
  }
  if (!Array.isArray(sources) || sources.length === 0) {
    const detail = "sources takes a list with at least one of them";
    throw invalidOption(OPERATION, detail, 'Such as sources: [{ name: "firefox" }].');
  }
  const planned = Array.from(sources, planSource);
  const separate = options.file === undefined;
  if (!separate) refuseOthers(options, planned);
  if (separate && mode === "exclude") {
    throw invalidOption(OPERATION, "mode: exclude takes one `file`: everything else is one sound");
  }
  const files = separate ? separateFiles(options, planned) : [checkedFile(options.file, "file")];
  return { sources: planned, files, separate, mode };
}

function planSource(source: RecorderSource, index: number): PlannedSource {
  const place = `sources[${index}]: `;
  if (typeof source !== "object" || source === null) {
    throw invalidOption(OPERATION, `${place}it takes an object, not ${describeValue(source)}`);
  }
  const { file, label, ...target } = source;
  requireTarget(OPERATION, place, target);
  if (label !== undefined && (typeof label !== "string" || label === "")) {
    throw invalidOption(OPERATION, `${place}label takes a text, not ${describeValue(label)}`);
  }
  return { label: label ?? labelOf(target), target, file };
}

function refuseOthers(options: ProcessRecorderOptions, planned: readonly PlannedSource[]): void {
  const other = options.folder !== undefined
    ? "folder"
    : planned.some(({ file }) => file !== undefined)
    ? "files of the sources"
    : null;
  if (other === null) return;
  const hint = "`file` is the sum of all; `folder`, or a `file` in each source, is one file each.";
  throw invalidOption(OPERATION, `file does not go with ${other}`, hint);
}

function separateFiles(
  { folder }: ProcessRecorderOptions,
  planned: readonly PlannedSource[],
): RecorderFile[] {
  const missing = planned.findIndex(({ file }) => file === undefined);
  if (folder === undefined) {
    if (missing >= 0) {
      const hint = "Give one `file` for the sum, a `folder`, or a `file` to each source.";
      throw invalidOption(OPERATION, `sources[${missing}] has no file`, hint);
    }
    const files = planned.map(({ file }, index) => checkedFile(file, `sources[${index}].file`));
    const names = files.map((file) =>
      typeof file === "object" && "write" in file ? file : `${file}`
    );
    const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
    if (twice >= 0) {
      const detail = `sources[${names.indexOf(names[twice]!)}] and [${twice}] have one file`;
      throw invalidOption(OPERATION, detail, "For their sum, give that `file` outside of sources.");
    }
    return files;
  }
  if (typeof folder !== "string" || folder === "") {
    throw invalidOption(OPERATION, `folder takes a path, not ${describeValue(folder)}`);
  }
  if (planned.some(({ file }) => file !== undefined)) {
    throw invalidOption(OPERATION, "folder does not go with files of the sources");
  }
  const base = folder.endsWith("/") ? folder : `${folder}/`;
  return fileNames(planned.map(({ label }) => label)).map((name) => `${base}${name}.wav`);
}

function checkedFile(file: unknown, name: string): RecorderFile {
  if (typeof file === "string" && file !== "") return file;
  if (file instanceof URL) {
    if (file.protocol === "file:") return file;
    throw invalidOption(OPERATION, `${name} takes a URL of a file, not ${file.protocol}`);
  }
  if (typeof file === "object" && file !== null && "write" in file) return file as ByteSink;
  throw invalidOption(OPERATION, `${name} takes a path or a sink, not ${describeValue(file)}`);
}

const LONGEST_NAME = 60;

/** Labels as names of files, each once, also where case does not count. */
export function fileNames(labels: readonly string[]): string[] {
  const taken = new Set<string>();
  return labels.map((label) => {
    const plain = label.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "");
    const name = plain.slice(0, LONGEST_NAME).replace(/-+$/, "") || "source";
    let free = name;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${name}-${number}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
