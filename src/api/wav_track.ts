/** One capture's sound in a file, at its place in time, so that files that began together agree. */

import type { CapturedAudio } from "./audio_data.ts";
import { bytesPerSample } from "./formats.ts";
import { requireFormat, writeSilence } from "./record.ts";
import type { WavWriter } from "./wav.ts";

/** Writes sound from `start` on; what is missing is silence. */
export class WavTrack {
  readonly writer: WavWriter;
  /** Microseconds, the clock of timestamps: sample 0 of the file. */
  readonly start: number;
  /** Places where sound was lost. */
  gaps = 0;
  /** Samples of one channel that stand for what was not there. */
  silentFrames = 0;
  /** Microseconds; where the next sound goes on without a gap; null before the first. */
  #expected: number | null = null;

  constructor(writer: WavWriter, start: number) {
    this.writer = writer;
    this.start = start;
  }

  /** Samples of one channel that a time from the start on is. */
  framesAt(microseconds: number): number {
    return Math.round((microseconds / 1e6) * this.writer.format.sampleRate);
  }

  /** Microseconds of sound so far. */
  get length(): number {
    return (this.writer.numberOfFrames / this.writer.format.sampleRate) * 1e6;
  }

  /** Writes what of the sound is before the limit; returns the seconds of a gap before it, or null. */
  async add(audio: CapturedAudio, limitFrames: number): Promise<number | null> {
    requireFormat(audio, this.writer.format);
    const rate = audio.sampleRate;
    const isFirst = this.#expected === null;
    const isGap = audio.discontinuity && !isFirst;
    const place = this.#expected ?? this.start;
    const offset = isFirst || isGap ? Math.round(((audio.timestamp - place) / 1e6) * rate) : 0;
    // Before the beginning, or heard already.
    const skip = Math.min(Math.max(0, -offset), audio.numberOfFrames);
    if (isFirst && skip === audio.numberOfFrames) return null;
    this.#expected = audio.timestamp + (audio.numberOfFrames / rate) * 1e6;
    if (offset > 0) await this.fill(Math.min(limitFrames, this.writer.numberOfFrames + offset));
    if (isGap) this.gaps++;
    const room = Math.max(0, limitFrames - this.writer.numberOfFrames);
    const count = Math.min(audio.numberOfFrames - skip, room);
    const frameBytes = audio.numberOfChannels * bytesPerSample(audio.format);
    const { data } = audio;
    const from = data.byteOffset + skip * frameBytes;
    if (count > 0) {
      await this.writer.write(new Uint8Array(data.buffer, from, count * frameBytes));
    }
    return isGap ? Math.max(0, offset) / rate : null;
  }

  /** Silence up to a length. */
  async fill(frames: number): Promise<void> {
    const missing = frames - this.writer.numberOfFrames;
    if (missing > 0) this.silentFrames += await writeSilence(this.writer, missing);
  }
}
