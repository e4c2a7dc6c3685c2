/** A file of a recording: opened before anything is captured, whole whatever ends it. */

import type { CapturedAudio } from "./audio_data.ts";
import { fileError } from "./file_errors.ts";
import { rescueWav } from "./record.ts";
import type { RecordSummary } from "./record.ts";
import type { RecorderFile } from "./recorder_options.ts";
import { openFileSink } from "./sink.ts";
import type { ByteSink, FileSink } from "./sink.ts";
import type { AudioFormat } from "./types.ts";
import { WavWriter } from "./wav.ts";
import { WavTrack } from "./wav_track.ts";

/** A place for a file that is there, and empty. */
export interface OpenedFile {
  readonly path: string | null;
  readonly sink: ByteSink & { readonly written: number };
  /** Undoes the opening. */
  discard(): Promise<void>;
  close(): Promise<void>;
}

/** Opens all, or none. */
export async function openFiles(
  files: readonly RecorderFile[],
  overwrite: boolean,
): Promise<OpenedFile[]> {
  const opened: OpenedFile[] = [];
  try {
    for (const file of files) opened.push(await openFile(file, overwrite));
    return opened;
  } catch (error) {
    await discardFiles(opened);
    throw error;
  }
}

export async function discardFiles(files: readonly OpenedFile[]): Promise<void> {
  await Promise.allSettled(files.map((file) => file.discard()));
}

async function openFile(file: RecorderFile, overwrite: boolean): Promise<OpenedFile> {
  if (typeof file === "string" || file instanceof URL) {
    const sink: FileSink = await openFileSink(file, { overwrite });
    const { path } = sink;
    return { path, sink, discard: () => sink.discard(), close: () => sink.close() };
  }
  const nothing = () => Promise.resolve();
  return { path: null, sink: new CountingSink(file), discard: nothing, close: nothing };
}

/** A sink of the user's, which does not say what it has. */
class CountingSink implements ByteSink {
  written = 0;
  readonly writeAt?: NonNullable<ByteSink["writeAt"]>;
  readonly truncate?: NonNullable<ByteSink["truncate"]>;
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
    const { writeAt, truncate } = sink;
    if (writeAt !== undefined) this.writeAt = (bytes, at) => writeAt.call(sink, bytes, at);
    if (truncate !== undefined) this.truncate = (length) => truncate.call(sink, length);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#sink.write(bytes);
    this.written += bytes.byteLength;
  }
}

/** A file that is written. */
export class RecorderTrack {
  readonly format: AudioFormat;
  readonly path: string | null;
  readonly #file: OpenedFile;
  readonly #track: WavTrack;

  /** `start`: microseconds, the clock of timestamps. */
  constructor(file: OpenedFile, format: AudioFormat, start: number) {
    this.#file = file;
    this.format = format;
    this.path = file.path;
    this.#track = new WavTrack(new WavWriter(file.sink, format), start);
  }

  /** Microseconds of sound so far. */
  get length(): number {
    return this.#track.length;
  }

  /** True when the file is as long as that. */
  isFull(lengthUs: number): boolean {
    return this.#track.writer.numberOfFrames >= this.#track.framesAt(lengthUs);
  }

  /** Seconds of a gap before this sound, or null. */
  add(audio: CapturedAudio, lengthUs: number): Promise<number | null> {
    return this.#track.add(audio, this.#track.framesAt(lengthUs));
  }

  /** Ends the file at that length; throws what its sink throws, and the file is whole all the same. */
  async finish(lengthUs: number): Promise<RecordSummary> {
    const { writer } = this.#track;
    try {
      if (writer.failed) throw new Error("its sink has failed before");
      await this.#track.fill(this.#track.framesAt(lengthUs));
      const summary = await writer.finish();
      const { gaps, silentFrames } = this.#track;
      return { ...summary, gaps, silence: silentFrames / this.format.sampleRate };
    } catch (error) {
      await rescueWav(writer, this.#file.sink);
      throw this.path === null ? error : fileError(this.path, error);
    } finally {
      await this.#file.close();
    }
  }
}
