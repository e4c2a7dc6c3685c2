// Test sounds whose every property is known, and measurements that tell whether exactly they arrived.
//
// Levels are in dBFS of the amplitude: a sine that reaches ±1 has 0 dBFS.

/** A list of samples, −1 to 1, of one channel. */
export type Samples = Float32Array | Float64Array;

/** A sound computed from the frame's number, as the rig's player takes it. */
export type SampleFunction = (frame: number, channel: number) => number;

export interface ToneMeasurement {
  /** Hz */
  frequency: number;
  /** dBFS */
  level: number;
  /** Radians at the first sample, of a sine. */
  phase: number;
  /** Level of the tone over that of everything else but a constant offset, in dB. */
  signalToNoise: number;
}

/** A place where a tone does not go on as it should. */
export interface Break {
  /** The frame at which it was noticed. */
  frame: number;
  /** How far the sample is from where the tone says it must be. */
  error: number;
}

/** A peak of a spectrum. */
export interface Peak {
  /** Hz, within a bin's width. */
  frequency: number;
  /** dBFS */
  level: number;
}

/** dBFS to amplitude. */
export function amplitudeOf(level: number): number {
  return 10 ** (level / 20);
}

/** Amplitude to dBFS. */
export function levelOf(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1e-300));
}

/**
 * A sine, the same in every channel.
 *
 * For tests of gaps choose a frequency that has no common period with buffers: at 48 kHz a jump of
 * 480 frames is ten whole periods of 1000 Hz, which leave no trace. 997 Hz is the usual choice.
 */
export function sine(frequency: number, level: number, sampleRate: number): SampleFunction {
  const amplitude = amplitudeOf(level);
  return (frame) => {
    // The number of turns is reduced before it becomes an angle: exact after hours too.
    const turns = (frame * frequency) / sampleRate;
    return amplitude * Math.sin(2 * Math.PI * (turns % 1));
  };
}

/** Different sounds in the channels, in order; silence in those that remain. */
export function byChannel(...functions: SampleFunction[]): SampleFunction {
  return (frame, channel) => functions[channel]?.(frame, channel) ?? 0;
}

/** Number of different values of `position`; the ramp starts again after so many frames. */
export const POSITION_PERIOD = 32_768;

/**
 * A ramp that tells at every sample which frame it is, modulo `POSITION_PERIOD`: a lossless path of
 * 16 bits or more gives it back exactly.
 */
export function position(): SampleFunction {
  return (frame) => (frame % POSITION_PERIOD) / POSITION_PERIOD;
}

/** The frame number, modulo `POSITION_PERIOD`, that a sample of `position` tells. */
export function decodePosition(sample: number): number {
  return Math.round(sample * POSITION_PERIOD);
}

/** One channel of a sound. */
export function render(sound: SampleFunction, frames: number, channel = 0): Float64Array {
  return Float64Array.from({ length: frames }, (_, frame) => sound(frame, channel));
}

/**
 * Measures the one tone that samples hold, to far better than 0.1 Hz and 0.01 dB over a second.
 *
 * The frequency comes from the strongest bin and then from the turn of phase between windows, which
 * is linear in it; level and phase from a least-squares fit of the whole.
 */
export function measureTone(samples: Samples, sampleRate: number): ToneMeasurement {
  const coarse = strongestFrequency(samples, sampleRate);
  const frequency = refineFrequency(samples, sampleRate, coarse);
  const { amplitude, phase, offset } = fitSine(samples, sampleRate, frequency);
  const step = (2 * Math.PI * frequency) / sampleRate;
  let residual = 0;
  for (let i = 0; i < samples.length; i++) {
    residual += (samples[i]! - offset - amplitude * Math.sin(step * i + phase)) ** 2;
  }
  const rest = Math.sqrt((2 * residual) / samples.length);
  return {
    frequency,
    level: levelOf(amplitude),
    phase,
    signalToNoise: levelOf(amplitude) - levelOf(rest),
  };
}

/** Level of one frequency in dBFS, whatever else sounds 1 Hz · 12 / seconds or more away from it. */
export function levelAt(samples: Samples, sampleRate: number, frequency: number): number {
  const { re, im } = windowedBin(samples, frequency / sampleRate, 0, samples.length);
  return levelOf(2 * Math.hypot(re, im));
}

/** Root mean square in dBFS, where a sine that reaches ±1 has −3.01. */
export function rmsLevel(samples: Samples): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return levelOf(Math.sqrt(sum / Math.max(samples.length, 1)));
}

/** All peaks of the spectrum above `floor` dBFS, the strongest first; frequencies within a bin. */
export function findPeaks(samples: Samples, sampleRate: number, floor: number): Peak[] {
  const levels = spectrum(samples);
  const size = 2 * levels.length;
  const peaks: Peak[] = [];
  for (let k = 1; k + 1 < levels.length; k++) {
    if (levels[k]! < floor || levels[k]! < levels[k - 1]! || levels[k]! <= levels[k + 1]!) continue;
    peaks.push({ frequency: (k * sampleRate) / size, level: levels[k]! });
  }
  return peaks.sort((a, b) => b.level - a.level);
}

/**
 * Where a pure sine of `frequency` is broken: samples lost, doubled, silenced or clicked.
 *
 * Three samples in a row of a sine obey x[n+1] = 2·cos(ω)·x[n] − x[n−1], whatever its level and phase;
 * `tolerance` is how far they may miss it, in units of a full-scale sample. A lost sample of a 997 Hz
 * tone at 48 kHz misses by about 0.008 of the amplitude at least, 16-bit rounding by 0.00006.
 */
export function findBreaks(
  samples: Samples,
  sampleRate: number,
  frequency: number,
  tolerance: number,
): Break[] {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate);
  const breaks: Break[] = [];
  for (let n = 1; n + 1 < samples.length; n++) {
    const error = Math.abs(samples[n + 1]! - factor * samples[n]! + samples[n - 1]!);
    if (error > tolerance) breaks.push({ frame: n + 1, error });
  }
  return breaks;
}

/**
 * How a tone runs against its frequency, in samples of delay, block by block: 0 throughout when
 * nothing was lost, a lasting step of n where n samples were lost (negative) or put in (positive),
 * a slope where the rate is another one. Unlike `findBreaks` it also works on sound that was
 * resampled or coded. Steps are told modulo one period of the tone.
 */
export function trackDelay(
  samples: Samples,
  sampleRate: number,
  frequency: number,
  blockFrames: number,
): Float64Array {
  const cycles = frequency / sampleRate;
  const result = new Float64Array(Math.floor(samples.length / blockFrames));
  let last = 0;
  let turns = 0;
  for (let b = 0; b < result.length; b++) {
    const { re, im } = windowedBin(samples, cycles, b * blockFrames, blockFrames);
    // The bin's phase is that of a cosine at the block's start as time runs from frame 0.
    const phase = Math.atan2(im, re) / (2 * Math.PI);
    if (b === 0) last = phase;
    turns += wrap(phase - last);
    last = phase;
    result[b] = -turns / cycles;
  }
  return result;
}

/** Breaks of a `position` ramp: frames where the next sample does not tell the next number. */
export function findPositionBreaks(samples: Samples): Break[] {
  const breaks: Break[] = [];
  for (let n = 1; n < samples.length; n++) {
    const step = decodePosition(samples[n]!) - decodePosition(samples[n - 1]!);
    const modulo = ((step % POSITION_PERIOD) + POSITION_PERIOD) % POSITION_PERIOD;
    if (modulo !== 1) breaks.push({ frame: n, error: modulo - 1 });
  }
  return breaks;
}

/** The first frame whose sample exceeds `threshold`, or −1. */
export function firstAudible(samples: Samples, threshold = 1e-4): number {
  return samples.findIndex((sample: number) => Math.abs(sample) > threshold);
}

/** To −0.5 … 0.5 turns. */
function wrap(turns: number): number {
  return turns - Math.round(turns);
}

/**
 * The Kaiser window's shape parameter: side lobes 140 dB down, main lobe 12 bins wide. (Kaiser and
 * Schafer, "On the use of the I0-sinh window for spectrum analysis", 1980.)
 */
const KAISER_BETA = 19;

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const windows = new Map<number, Float64Array>();

/** A Kaiser window of this length with sum 1; the last few are kept. */
function kaiserWindow(length: number): Float64Array {
  const known = windows.get(length);
  if (known !== undefined) return known;
  const window = new Float64Array(length);
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const x = (2 * i + 1) / length - 1;
    window[i] = besselI0(KAISER_BETA * Math.sqrt(Math.max(0, 1 - x * x)));
    sum += window[i]!;
  }
  for (let i = 0; i < length; i++) window[i]! /= sum;
  if (windows.size > 4) windows.clear();
  windows.set(length, window);
  return window;
}

/** One bin of the windowed Fourier transform, with time running from frame 0 of the samples. */
function windowedBin(
  samples: Samples,
  cyclesPerSample: number,
  start: number,
  length: number,
): { re: number; im: number } {
  const window = kaiserWindow(length);
  let re = 0;
  let im = 0;
  for (let i = 0; i < length; i++) {
    const angle = 2 * Math.PI * ((cyclesPerSample * (start + i)) % 1);
    const value = samples[start + i]! * window[i]!;
    re += value * Math.cos(angle);
    im -= value * Math.sin(angle);
  }
  return { re, im };
}

/** The frequency of the strongest bin, refined by a parabola through its neighbours in dB. */
function strongestFrequency(samples: Samples, sampleRate: number): number {
  // A constant offset would be the strongest of all.
  let mean = 0;
  for (const sample of samples) mean += sample / samples.length;
  const levels = spectrum(samples, mean);
  let best = 1;
  for (let k = 2; k + 1 < levels.length; k++) if (levels[k]! > levels[best]!) best = k;
  const [a, b, c] = [levels[best - 1], levels[best], levels[best + 1]];
  const curve = a! - 2 * b! + c!;
  const shift = curve === 0 ? 0 : (a! - c!) / (2 * curve);
  return ((best + shift) * sampleRate) / (2 * levels.length);
}

/** Compares the phase of the first and the second half, twice: the second pass corrects the first. */
function refineFrequency(samples: Samples, sampleRate: number, coarse: number): number {
  const half = Math.floor(samples.length / 2);
  let frequency = coarse;
  for (let pass = 0; pass < 2; pass++) {
    const cycles = frequency / sampleRate;
    const first = windowedBin(samples, cycles, 0, half);
    const second = windowedBin(samples, cycles, half, half);
    const turn = Math.atan2(second.im, second.re) - Math.atan2(first.im, first.re);
    frequency += (wrap(turn / (2 * Math.PI)) * sampleRate) / half;
  }
  return frequency;
}

/** Least-squares fit of offset + amplitude · sin(ω·i + phase). */
function fitSine(
  samples: Samples,
  sampleRate: number,
  frequency: number,
): { amplitude: number; phase: number; offset: number } {
  const step = (2 * Math.PI * frequency) / sampleRate;
  // Normal equations of the three functions sin, cos, 1: rows of coefficients and right-hand side.
  const equations = new Float64Array(3 * 4);
  const row = new Float64Array(4);
  for (let i = 0; i < samples.length; i++) {
    row.set([Math.sin(step * i), Math.cos(step * i), 1, samples[i]!]);
    for (let r = 0; r < 3; r++) {
      for (let c = 0; c < 4; c++) equations[4 * r + c]! += row[r]! * row[c]!;
    }
  }
  solve(equations);
  const [sinePart, cosinePart, offset] = [equations[3]!, equations[7]!, equations[11]!];
  return {
    amplitude: Math.hypot(sinePart, cosinePart),
    phase: Math.atan2(cosinePart, sinePart),
    offset,
  };
}

/** Solves three linear equations in place: the right-hand sides become the solution. */
function solve(equations: Float64Array): void {
  for (let i = 0; i < 3; i++) {
    const pivot = equations[4 * i + i]!;
    if (pivot === 0) continue;
    for (let c = 0; c < 4; c++) equations[4 * i + c]! /= pivot;
    for (let r = 0; r < 3; r++) {
      const factor = equations[4 * r + i]!;
      if (r === i) continue;
      for (let c = 0; c < 4; c++) equations[4 * r + c]! -= factor * equations[4 * i + c]!;
    }
  }
}

/**
 * Levels of a windowed Fourier transform, in dBFS of a sine, over the largest power of two, of the
 * samples less `offset`.
 */
function spectrum(samples: Samples, offset = 0): Float64Array {
  const size = 2 ** Math.floor(Math.log2(samples.length));
  if (size < 32) throw new RangeError("too few samples for a spectrum");
  const window = kaiserWindow(size);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let i = 0; i < size; i++) re[i] = (samples[i]! - offset) * window[i]!;
  transform(re, im);
  return Float64Array.from({ length: size / 2 }, (_, k) => levelOf(2 * Math.hypot(re[k]!, im[k]!)));
}

/** Fast Fourier transform in place, radix 2, decimation in time. */
function transform(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let length = 2; length <= size; length *= 2) {
    const half = length / 2;
    for (let k = 0; k < half; k++) {
      const angle = (-2 * Math.PI * k) / length;
      const [wr, wi] = [Math.cos(angle), Math.sin(angle)];
      for (let i = k; i < size; i += length) {
        const j = i + half;
        const [tr, ti] = [re[j]! * wr - im[j]! * wi, re[j]! * wi + im[j]! * wr];
        [re[j], im[j]] = [re[i]! - tr, im[i]! - ti];
        [re[i], im[i]] = [re[i]! + tr, im[i]! + ti];
      }
    }
  }
}
