/** Levels of sound, measured. */

import type { SampleFormat } from "./types.ts";
import type { AudioSamples } from "./audio_data.ts";

/** What was measured of one channel; 1 is full scale. */
export interface ChannelLevel {
  /** The largest sample. */
  readonly peak: number;
  /** Root mean square: 0.707 for a sine that reaches 1. */
  readonly rms: number;
}

/** Measures interleaved sound, piece by piece. */
export class LevelMeter {
  readonly #peaks: Float64Array;
  readonly #squares: Float64Array;
  #frames = 0;

  constructor(channels: number) {
    this.#peaks = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** Samples of one channel since the last `take`. */
  get frames(): number {
    return this.#frames;
  }

  get channels(): number {
    return this.#peaks.length;
  }

  add(samples: AudioSamples, format: SampleFormat): void {
    const channels = this.channels;
    const { read, step } = READERS[format];
    const count = Math.floor(samples.length / step / channels);
    for (let frame = 0, at = 0; frame < count; frame++) {
      for (let channel = 0; channel < channels; channel++, at += step) {
        const value = read(samples, at);
        const size = Math.abs(value);
        if (size > this.#peaks[channel]!) this.#peaks[channel] = size;
        this.#squares[channel]! += value * value;
      }
    }
    this.#frames += count;
  }

  /** The levels since the last call. */
  take(): ChannelLevel[] {
    const frames = Math.max(this.#frames, 1);
    const levels = Array.from(this.#peaks, (peak, channel) => ({
      peak,
      rms: Math.sqrt(this.#squares[channel]! / frames),
    }));
    this.#peaks.fill(0);
    this.#squares.fill(0);
    this.#frames = 0;
    return levels;
  }
}

interface SampleReader {
  /** Elements of the typed array per sample. */
  readonly step: number;
  /** −1 to 1. */
  read(samples: AudioSamples, at: number): number;
}

const READERS: Readonly<Record<SampleFormat, SampleReader>> = {
  u8: { step: 1, read: (samples, at) => (samples[at]! - 128) / 128 },
  s16: { step: 1, read: (samples, at) => samples[at]! / 32_768 },
  s24: {
    step: 3,
    // The highest byte carries the sign.
    read: (samples, at) =>
      ((samples[at]! << 8) | (samples[at + 1]! << 16) | (samples[at + 2]! << 24)) / 2_147_483_648,
  },
  s32: { step: 1, read: (samples, at) => samples[at]! / 2_147_483_648 },
  f32: { step: 1, read: (samples, at) => samples[at]! },
};
