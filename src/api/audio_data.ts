/** A piece of captured sound. */

import type { FrameMemory, NativeBuffer, PlaneShape } from "../ffi/mod.ts";
import { checkCopy } from "./copy_options.ts";
import { bytesPerSample, sampleFormatName } from "./formats.ts";
import { bytesOf, CapturedFrame, ownedCopy } from "./frame.ts";
import type { CopyDestination } from "./frame.ts";
import type { SampleFormat } from "./types.ts";

/** The typed array of each sample format; `s24` is bytes, three a sample. */
export type AudioSamples =
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>;

/** A piece of captured sound, interleaved. Close it: the source needs its buffer back. */
export class CapturedAudio extends CapturedFrame {
  readonly type = "audio";
  readonly format: SampleFormat;
  readonly sampleRate: number;
  /** Samples of one channel. */
  readonly numberOfFrames: number;
  readonly numberOfChannels: number;
  readonly #buffer: NativeBuffer;
  #samples: AudioSamples | null = null;

  /** Audio comes from captures. */
  constructor(buffer: NativeBuffer, memory: FrameMemory) {
    super(buffer, memory);
    const audio = audioOf(buffer);
    this.format = sampleFormatName(audio.format);
    this.sampleRate = buffer.sampleRate;
    this.numberOfFrames = audio.frameCount;
    this.numberOfChannels = audio.channelCount;
    this.#buffer = buffer;
  }

  /**
   * The samples, interleaved, over native memory and without a copy, as the typed array of their
   * format; length 0 after `close()`. For synchronous use, like the planes of a picture.
   */
  get data(): AudioSamples {
    if (this.#samples === null) {
      this.#samples = samplesOver(this.format, this.memory.bytes(0));
      this.memory.hold(this.#samples);
    }
    return this.#samples;
  }

  /** Bytes that `copyTo` needs. */
  allocationSize(): number {
    return this.memory.copySize(null);
  }

  /** Copies the samples into memory of the caller's. BUFFER_TOO_SMALL; INVALID_HANDLE when closed. */
  copyTo(destination: CopyDestination): Promise<void> {
    return new Promise((resolve) => {
      checkCopy(this, destination);
      this.memory.copy(bytesOf(destination), null);
      resolve();
    });
  }

  /** A copy that belongs to JavaScript. */
  clone(): CapturedAudio {
    const memory = ownedCopy(this.memory, audioShapesOf(this.#buffer), 0);
    return new CapturedAudio(this.#buffer, memory);
  }
}

/** All samples as one row. */
export function audioShapesOf(buffer: NativeBuffer): PlaneShape[] {
  return [{ rows: 1, rowBytes: buffer.sizeBytes }];
}

function samplesOver(format: SampleFormat, bytes: Uint8Array<ArrayBuffer>): AudioSamples {
  const { buffer, byteOffset, byteLength } = bytes;
  const count = Math.floor(byteLength / bytesPerSample(format));
  switch (format) {
    case "u8":
    case "s24":
      return bytes;
    case "s16":
      return new Int16Array(buffer, byteOffset, count);
    case "s32":
      return new Int32Array(buffer, byteOffset, count);
    case "f32":
      return new Float32Array(buffer, byteOffset, count);
  }
}

function audioOf(buffer: NativeBuffer) {
  if (buffer.audio === null) throw new TypeError("not an audio buffer");
  return buffer.audio;
}
