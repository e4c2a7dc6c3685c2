/** A screen with its sound: two files that begin at the same moment and are equally long. */

import { MiniAVError, now, Screen, WavWriter } from "../mod.ts";
import type {
  AudioCaptureOptions,
  AudioFormat,
  CapturedAudio,
  CapturedVideoFrame,
  VideoCaptureOptions,
  Y4mWriter,
} from "../mod.ts";
import { WavTrack } from "../api/wav_track.ts";
import { CommandError, EXIT } from "./failure.ts";
import { watchInterrupts } from "./interrupt.ts";
import { openOutput, STANDARD_OUTPUT } from "./output.ts";
import type { Output } from "./output.ts";
import { progressLine } from "./progress.ts";
import type { ProgressLine } from "./progress.ts";
import {
  FLUSH_INTERVAL_MS,
  LAST_PICTURE_MS,
  pictureSummary,
  pictureText,
  pictureWriter,
  rescueSound,
  soundText,
} from "./recording.ts";
import type { CompletePictures } from "./recording.ts";
import { messageOf } from "./report.ts";
import { placeOf } from "./sources.ts";
import type { ScreenTarget, Target } from "./sources.ts";
import { formatBytes, printable } from "./terminal.ts";
import { Watchdog } from "./watchdog.ts";

interface Options {
  readonly force: boolean;
  readonly progress: boolean;
  /** How long; without it until Ctrl-C. */
  readonly seconds: number | undefined;
  readonly chroma: "420" | "444";
  readonly wishes: VideoCaptureOptions;
  readonly sound: AudioCaptureOptions;
}

interface Paths {
  readonly pictures: string;
  readonly sound: string;
}

type Capture = Screen<CapturedVideoFrame | CapturedAudio>;

/** Large pieces of sound: while a picture is converted and written, seconds of it can wait. */
const CHUNK_MS = 50;
/** Sound of the last moment is waited for, but not longer than this. */
const LAST_SOUND_MS = 2000;
/**
 * While nothing changes the file of pictures follows the sound at this distance, so that nothing
 * has to be caught up on later, and a picture that comes late still has its place.
 */
const FOLLOW_US = 500_000;

/** Opens both files, records into them and says what became of them. */
export async function recordScreenWithSound(
  target: Target<"screen"> | ScreenTarget | Target,
  paths: Paths,
  options: Options,
): Promise<number> {
  const { force } = options;
  const outputs: Output[] = [];
  using interrupt = watchInterrupts();
  const line = progressLine(options.progress);
  try {
    for (const path of [paths.pictures, paths.sound]) {
      outputs.push(await openOutput(path, { force }));
    }
    const [pictures, sound] = outputs as [Output, Output];
    await using screen = await openWithSound(target, options, interrupt.signal);
    const recording = new Recording(screen, pictures, sound, options, line);
    const [pictureLine, soundLine] = await recording.run(interrupt.signal);
    await Promise.all(outputs.map((output) => output.close()));
    line.note(`${nameOf(paths.pictures, pictures)}: ${pictureLine}`);
    line.note(`${nameOf(paths.sound, sound)}: ${soundLine}`);
    return EXIT.ok;
  } catch (error) {
    line.end();
    await Promise.allSettled(outputs.map((output) => output.close()));
    if (interrupt.signal.aborted && outputs.every(({ written }) => written === 0)) {
      return EXIT.interrupted;
    }
    for (const { name, written, isStream } of outputs) {
      if (written === 0 || isStream) continue;
      line.note(`${printable(name)}: what came before is there, ${formatBytes(written)}`);
    }
    throw explainResize(error, target.isWindow);
  }
}

function nameOf(path: string, { name }: Output): string {
  return printable(path === STANDARD_OUTPUT ? name : path);
}

async function openWithSound(
  target: Target | ScreenTarget,
  { wishes, sound }: Options,
  signal: AbortSignal,
): Promise<Capture> {
  const place = placeOf({ ...target, kind: "screen" });
  const audio = { ...sound, chunkMs: CHUNK_MS };
  try {
    return await Screen.open({ ...wishes, ...place, signal, audio });
  } catch (error) {
    if (!(error instanceof MiniAVError) || error.operation !== "Screen.open: sound") throw error;
    throw new CommandError(messageOf(error), {
      code: error.code,
      hint: "miniav doctor says what works here; without --audio the pictures come alone.",
      cause: error,
    });
  }
}

/** A file of pictures has one size; whoever resized the window should know why it ended. */
export function explainResize(error: unknown, isWindow: boolean): unknown {
  const isResize = error instanceof MiniAVError && error.operation === "Y4M" && isWindow;
  if (!isResize) return error;
  return new CommandError(messageOf(error), {
    code: error.code,
    hint: "A Y4M file has one size, and the window was resized: record it again at its new size, " +
      "or the place where it is with --region, whose size stays.",
    cause: error,
  });
}

/** One recording. Time 0 of both files is the first picture. */
class Recording {
  readonly #screen: Capture;
  readonly #pictures: Output;
  readonly #sound: Output;
  readonly #options: Options;
  readonly #line: ProgressLine;
  readonly #writer: Y4mWriter;
  readonly #complete: CompletePictures;
  readonly #wav: WavWriter;
  readonly #audioFormat: AudioFormat;
  #track: WavTrack | null = null;
  /** The sound just before the first picture: its end may belong to the file. */
  #early: CapturedAudio | null = null;
  /** Microseconds; where both files end, if that is known. */
  #end: number | null = null;
  #soundEnded = false;
  #flushed = performance.now();

  constructor(
    screen: Capture,
    pictures: Output,
    sound: Output,
    options: Options,
    line: ProgressLine,
  ) {
    const { audio, video } = screen.format;
    if (audio === null) throw new TypeError("a screen that was opened with sound has none");
    this.#screen = screen;
    this.#pictures = pictures;
    this.#sound = sound;
    this.#options = options;
    this.#line = line;
    this.#audioFormat = audio;
    this.#wav = new WavWriter(sound, audio);
    const { writer, complete } = pictureWriter(video, pictures, options);
    this.#writer = writer;
    this.#complete = complete;
    screen.on("format", ({ format }) => {
      if (format.audio !== null || this.#soundEnded) return;
      this.#soundEnded = true;
      line.note(`The sound has ended (${format.audioError}); the rest is silence.`);
    });
  }

  /** What is in the files, for people. */
  async run(signal: AbortSignal): Promise<[pictures: string, sound: string]> {
    const { format } = this.#screen;
    try {
      await this.#capture(signal);
      await this.#fill();
      const { seconds, bytes } = await this.#wav.finish();
      const { gaps, silentFrames } = this.#track ?? { gaps: 0, silentFrames: 0 };
      const silence = silentFrames / this.#audioFormat.sampleRate;
      const { dropped } = this.#screen.stats();
      return [
        pictureText(pictureSummary(format.video, this.#writer, dropped)),
        soundText({ format: this.#audioFormat, seconds, bytes, gaps, silence }),
      ];
    } catch (error) {
      // A full disk takes no more of either; everything else leaves two files of one length.
      await this.#fill().catch(() => {});
      await this.#pictures.truncate(this.#complete.bytes).catch(() => {});
      await rescueSound(this.#wav, this.#sound, error);
      throw error;
    }
  }

  async #capture(signal: AbortSignal): Promise<void> {
    const frames = this.#screen[Symbol.asyncIterator]();
    const watchdog = new Watchdog(signal);
    const stop = () => void frames.return?.();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopAfter = (milliseconds: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (this.#soundEnded) stop();
        else timer = setTimeout(stop, LAST_SOUND_MS);
      }, milliseconds + LAST_PICTURE_MS);
    };
    // What was heard until now is still on its way.
    const onAbort = () => {
      if (this.#track === null || watchdog.starved) return stop();
      this.#end = Math.min(this.#end ?? Infinity, now());
      stopAfter(0);
    };
    watchdog.signal.addEventListener("abort", onAbort);
    try {
      while (!this.#isComplete() && !(signal.aborted && this.#track === null)) {
        const { done, value } = await frames.next();
        if (done) break;
        watchdog.feed();
        using frame = value;
        const isFirst = this.#track === null;
        if (frame.type === "video") await this.#addPicture(frame);
        else await this.#addSound(frame);
        if (isFirst && this.#track !== null) {
          const { seconds } = this.#options;
          if (seconds !== undefined) stopAfter(seconds * 1000);
          if (signal.aborted) onAbort();
        }
        // Where there is no sound any more, a screen may rest as long as it likes.
        if (this.#track !== null && this.#soundEnded) watchdog.rest();
        this.#tell();
      }
      watchdog.throwIfStarved();
    } finally {
      clearTimeout(timer);
      watchdog.signal.removeEventListener("abort", onAbort);
      watchdog.stop();
      await frames.return?.();
    }
  }

  async #addPicture(frame: CapturedVideoFrame): Promise<void> {
    const { timestamp } = frame;
    if (this.#end !== null && timestamp >= this.#end) return;
    await this.#writer.write(frame);
    if (this.#track !== null) return;
    this.#track = new WavTrack(this.#wav, timestamp);
    const { seconds } = this.#options;
    if (seconds !== undefined) this.#end = timestamp + seconds * 1e6;
    const early = this.#early;
    this.#early = null;
    if (early !== null) await this.#track.add(early, this.#limitFrames());
  }

  async #addSound(audio: CapturedAudio): Promise<void> {
    if (this.#track === null) {
      this.#early = audio.clone();
      return;
    }
    await this.#track.add(audio, this.#limitFrames());
    await this.#writer.fillUntil(Math.min(this.#end ?? Infinity, audio.timestamp - FOLLOW_US));
    if (!this.#sound.isStream || performance.now() - this.#flushed < FLUSH_INTERVAL_MS) return;
    this.#flushed = performance.now();
    await this.#wav.flush();
  }

  /** Samples of one channel in a whole file. */
  #limitFrames(): number {
    if (this.#track === null || this.#end === null) return Infinity;
    return this.#track.framesAt(this.#end - this.#track.start);
  }

  #isComplete(): boolean {
    if (this.#track === null || this.#end === null) return false;
    if (this.#soundEnded) return this.#writer.full;
    return this.#wav.numberOfFrames >= this.#limitFrames();
  }

  /** Until the end, or until now: the last picture again, and silence. */
  async #fill(): Promise<void> {
    if (this.#track === null) return;
    const end = Math.min(this.#end ?? Infinity, now());
    await this.#writer.fillUntil(end);
    await this.#track.fill(
      Math.min(this.#limitFrames(), this.#track.framesAt(end - this.#track.start)),
    );
  }

  #tell(): void {
    const { seconds, bytes } = this.#writer.summary;
    const { dropped } = this.#screen.stats();
    const together = bytes + this.#sound.written;
    // Pictures follow the sound; how far it has come is what a person waits for.
    const heard = (this.#track?.length ?? 0) / 1e6;
    this.#line.update({ seconds: Math.max(seconds, heard), bytes: together, dropped });
  }
}
