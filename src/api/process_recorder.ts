/** What several processes play, in WAV files. */

import { LONGEST_TIMER_MS, MiniAVError, now } from "../ffi/mod.ts";
import { Emitter } from "./emitter.ts";
import { LevelMeter } from "./levels.ts";
import { Loopback } from "./loopback.ts";
import type { LoopbackOptions } from "./loopback_options.ts";
import type { RecordSummary } from "./record.ts";
import { discardFiles, openFiles, RecorderTrack } from "./recorder_file.ts";
import { planRecording } from "./recorder_options.ts";
import type { ProcessRecorderOptions, RecorderPlan } from "./recorder_options.ts";
import type { AudioFormat } from "./types.ts";

/** Which source an event or a level is of. */
export interface RecorderSourceState {
  /** Its place in `sources`. */
  readonly index: number;
  readonly label: string;
  /** Linear; null: it does not play yet, or the system does not say. */
  readonly volume: number | null;
  readonly muted: boolean | null;
  /** The error with which it ended, or null. */
  readonly lost: MiniAVError | null;
}

/** How loud a source was; 1 is full scale. */
export interface RecorderLevel {
  readonly label: string;
  /** The largest sample of all channels. */
  readonly peak: number;
  /** Root mean square over all channels. */
  readonly rms: number;
}

/** A finished file. */
export interface RecordedFile extends RecordSummary {
  /** Null: a sink of your own. */
  readonly path: string | null;
  /** What is in it. */
  readonly labels: readonly string[];
  readonly format: AudioFormat;
}

/** What became of a source. */
export interface RecordedSource {
  readonly label: string;
  /** `lost`: it ended before the recording did; the rest is silence. */
  readonly ended: "stopped" | "lost";
  readonly error: MiniAVError | null;
  /** The largest sample; 1 is full scale, 0: nothing was heard. */
  readonly peak: number;
}

/** A finished recording. All its files are equally long. */
export interface ProcessRecording {
  readonly seconds: number;
  readonly files: readonly RecordedFile[];
  readonly sources: readonly RecordedSource[];
}

/** The events of a recorder. */
export interface ProcessRecorderEvents {
  /** Somebody turned a source up or down, or it began to play. */
  volume: {
    readonly type: "volume";
    readonly source: RecorderSourceState;
    readonly volume: number;
  };
  mute: { readonly type: "mute"; readonly source: RecorderSourceState; readonly muted: boolean };
  /** Sound was lost; `silence` seconds stand for it in the file of these labels. */
  gap: { readonly type: "gap"; readonly labels: readonly string[]; readonly silence: number };
  /** A source ended; the others go on. */
  lost: {
    readonly type: "lost";
    readonly source: RecorderSourceState;
    readonly error: MiniAVError;
  };
}

/** What has been asked to come by an end may be so late; then it counts as missing. */
const GRACE_MS = 3000;

/** A capture, whose it is, and where it goes. */
interface Line {
  readonly capture: Loopback;
  /** Of `sources`; null: of several. */
  readonly source: SourceState | null;
  readonly labels: readonly string[];
  readonly track: RecorderTrack | null;
  readonly meter: LevelMeter;
  peak: number;
  lost: boolean;
}

interface SourceState extends RecorderSourceState {
  volume: number | null;
  muted: boolean | null;
  lost: MiniAVError | null;
}

/**
 * Records what processes play: the sum into one file, or each into its own, all of one length and on
 * one clock. Nothing else is ever heard.
 */
export class ProcessRecorder extends Emitter<ProcessRecorderEvents> implements AsyncDisposable {
  /** Resolves when the recording has ended, however; rejects when a file could not be written. */
  readonly done: Promise<ProcessRecording>;
  readonly #lines: readonly Line[];
  readonly #sources: readonly SourceState[];
  readonly #start: number;
  #end: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: unknown = null;
  #running = true;

  private constructor(
    sources: readonly SourceState[],
    lines: readonly Line[],
    start: number,
    options: ProcessRecorderOptions,
  ) {
    super();
    this.#sources = sources;
    this.#lines = lines;
    this.#start = start;
    this.#end = options.seconds === undefined ? Infinity : options.seconds * 1e6;
    this.#scheduleEnd();
    for (const line of lines) this.#watchVolume(line);
    const onAbort = () => this.#endAt(now() - this.#start);
    options.signal?.addEventListener("abort", onAbort);
    if (options.signal?.aborted) onAbort();
    this.done = this.#run().finally(() => {
      options.signal?.removeEventListener("abort", onAbort);
    });
    // Whoever calls only `stop` gets it there.
    this.done.catch(() => {});
  }

  /**
   * Opens the files, then the captures, and starts. When one of them cannot be had, nothing is left
   * behind. INVALID_ARG, DEVICE_NOT_FOUND, NOT_SUPPORTED, SYSTEM_CALL_FAILED, DEVICE_BUSY (the file
   * is being written already), PERMISSION_DENIED, TIMEOUT.
   */
  static async start(options: ProcessRecorderOptions): Promise<ProcessRecorder> {
    const plan = planRecording(options);
    options.signal?.throwIfAborted();
    const files = await openFiles(plan.files, options.overwrite ?? false);
    const captures: Loopback[] = [];
    try {
      const asked = captureOptions(plan, options);
      for (const each of asked) captures.push(await Loopback.open(each));
      const start = now();
      const sources = plan.sources.map(({ label }, index): SourceState => {
        return { index, label, volume: null, muted: null, lost: null };
      });
      const labels = plan.sources.map(({ label }) => label);
      const lines = captures.map((capture, index): Line => {
        const file = files[index];
        const which = sourceOf(plan, index);
        return {
          capture,
          source: which === null ? null : sources[which] ?? null,
          labels: which === null ? labels : [labels[which] ?? ""],
          track: file === undefined ? null : new RecorderTrack(file, capture.format, start),
          meter: new LevelMeter(capture.format.channelCount),
          peak: 0,
          lost: false,
        };
      });
      await Promise.all(lines.map(readVolume));
      return new ProcessRecorder(sources, lines, start, options);
    } catch (error) {
      await Promise.allSettled(captures.map((capture) => capture.stop()));
      await discardFiles(files);
      throw error;
    }
  }

  /** The sources as they are now, in their order. */
  get sources(): readonly RecorderSourceState[] {
    return this.#sources.map((source) => ({ ...source }));
  }

  /** Seconds that are recorded. */
  get seconds(): number {
    return Math.max(...this.#lines.map(({ track }) => track?.length ?? 0)) / 1e6;
  }

  get running(): boolean {
    return this.#running;
  }

  /** How loud each source was since the last call; with `mode: "exclude"`, all that is heard. */
  levels(): RecorderLevel[] {
    const single = this.#lines.filter(({ source }) => source !== null);
    return (single.length > 0 ? single : this.#lines).map((line) => {
      const { peak, rms } = takeLevel(line);
      return { label: line.source?.label ?? `all but ${line.labels.join(", ")}`, peak, rms };
    });
  }

  /** Ends the recording now. What `done` is, again and again. */
  stop(): Promise<ProcessRecording> {
    this.#endAt(now() - this.#start);
    return this.done;
  }

  /** `await using` */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // -- the end ------------------------------------------------------------------------------

  #endAt(length: number): void {
    if (!this.#running || length >= this.#end) return;
    // What a file has already stays in it.
    const lengths = this.#lines.map(({ track }) => track?.length ?? 0);
    this.#end = Math.max(0, length, ...lengths);
    this.#scheduleEnd();
  }

  /** What does not come by the end and a while is missing. */
  #scheduleEnd(): void {
    clearTimeout(this.#timer);
    if (this.#end === Infinity) return;
    const wait = (this.#start + this.#end - now()) / 1000 + GRACE_MS;
    const again = wait > LONGEST_TIMER_MS;
    this.#timer = setTimeout(
      () => again ? this.#scheduleEnd() : void this.#stopCaptures(),
      Math.min(wait, LONGEST_TIMER_MS),
    );
  }

  async #stopCaptures(): Promise<void> {
    await Promise.allSettled(this.#lines.map(({ capture }) => capture.stop()));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#endAt(0);
    void this.#stopCaptures();
  }

  // -- recording ----------------------------------------------------------------------------

  async #run(): Promise<ProcessRecording> {
    const tasks = this.#lines.map((line) => ({ line, ended: this.#follow(line) }));
    const isRecorded = ({ line }: { readonly line: Line }) => line.track !== null;
    await Promise.all(tasks.filter(isRecorded).map(({ ended }) => ended));
    clearTimeout(this.#timer);
    await this.#stopCaptures();
    await Promise.all(tasks.map(({ ended }) => ended));
    this.#running = false;
    return await this.#finish();
  }

  /** Hears a capture until the recording, the capture or its file ends. Never rejects. */
  async #follow(line: Line): Promise<void> {
    const { capture, track, meter } = line;
    try {
      for await (using audio of capture) {
        meter.add(audio.data, audio.format);
        if (track === null) continue;
        if (track.isFull(this.#end)) break;
        const gap = await track.add(audio, this.#end);
        if (gap !== null) this.emit("gap", { type: "gap", labels: line.labels, silence: gap });
        if (track.isFull(this.#end)) break;
      }
    } catch (error) {
      if (error instanceof MiniAVError && error.code === "DEVICE_LOST") this.#lose(line, error);
      else this.#fail(error);
    }
  }

  #lose(line: Line, error: MiniAVError): void {
    const { source } = line;
    line.lost = true;
    // The sum of several ends with the last of them; each tells for itself.
    if (source === null) return;
    source.lost = error;
    this.emit("lost", { type: "lost", source: { ...source }, error });
  }

  async #finish(): Promise<ProcessRecording> {
    const tracks = this.#lines.flatMap(({ track, labels, lost }) =>
      track === null ? [] : [{ track, labels, lost }]
    );
    // When all were lost, the recording is as long as the longest of them.
    const reached = Math.max(...tracks.map(({ track }) => track.length));
    const isCutShort = this.#failure !== null || tracks.every(({ lost }) => lost);
    const length = isCutShort || this.#end === Infinity ? reached : this.#end;
    const finished = await Promise.allSettled(
      tracks.map(async ({ track, labels }): Promise<RecordedFile> => {
        const summary = await track.finish(length);
        return { ...summary, path: track.path, labels, format: track.format };
      }),
    );
    const files: RecordedFile[] = [];
    for (const result of finished) {
      if (result.status === "fulfilled") files.push(result.value);
      else this.#failure ??= result.reason;
    }
    if (this.#failure !== null) throw this.#failure;
    return { seconds: length / 1e6, files, sources: this.#sources.map((each) => this.#sum(each)) };
  }

  #sum({ label, lost, index }: SourceState): RecordedSource {
    const line = this.#lines.find(({ source }) => source?.index === index);
    if (line !== undefined) takeLevel(line);
    const ended = lost === null ? "stopped" : "lost";
    return { label, ended, error: lost, peak: line?.peak ?? 0 };
  }

  // -- volume -------------------------------------------------------------------------------

  #watchVolume(line: Line): void {
    const { source, capture } = line;
    if (source === null) return;
    capture.on("property", ({ name }) => {
      if (name !== "streamVolume" && name !== "streamMute") return;
      const before = { ...source };
      readVolume(line).then(() => {
        const { volume, muted } = source;
        if (volume !== null && volume !== before.volume) {
          this.emit("volume", { type: "volume", source: { ...source }, volume });
        }
        if (muted !== null && muted !== before.muted) {
          this.emit("mute", { type: "mute", source: { ...source }, muted });
        }
      });
    });
  }
}

function takeLevel(line: Line): { peak: number; rms: number } {
  const channels = line.meter.take();
  const peak = Math.max(0, ...channels.map((channel) => channel.peak));
  const squares = channels.reduce((sum, { rms }) => sum + rms * rms, 0);
  line.peak = Math.max(line.peak, peak);
  return { peak, rms: Math.sqrt(squares / Math.max(1, channels.length)) };
}

/** What the system says now; nothing where it says nothing. */
async function readVolume({ source, capture }: Line): Promise<void> {
  if (source === null) return;
  source.volume = await capture.getProperty("streamVolume").catch(() => source.volume);
  source.muted = await capture.getProperty("streamMute").catch(() => source.muted);
}

/** The captures that a plan needs: those with files first, then those that only measure. */
function captureOptions(plan: RecorderPlan, options: ProcessRecorderOptions): LoopbackOptions[] {
  const { sampleRate, channelCount, format, access, signal, timeout } = options;
  const common = { sampleRate, channelCount, format, access, signal, timeout };
  const targets = plan.sources.map(({ target }) => target);
  const single = targets.map((target): LoopbackOptions => ({ ...common, ...target }));
  if (plan.separate) return single;
  const { mode } = plan;
  if (targets.length === 1 && mode === "include") return single;
  const sum: LoopbackOptions = { ...common, targets, mode };
  return mode === "exclude" ? [sum] : [sum, ...single];
}

/** Whose the capture of that number is; null: of several. */
function sourceOf(plan: RecorderPlan, index: number): number | null {
  if (plan.separate || (plan.sources.length === 1 && plan.mode === "include")) return index;
  return index === 0 ? null : index - 1;
}
