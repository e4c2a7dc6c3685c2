import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amplitudeOf,
  byChannel,
  decodePosition,
  findBreaks,
  findPeaks,
  findPositionBreaks,
  firstAudible,
  levelAt,
  measureTone,
  position,
  POSITION_PERIOD,
  render,
  rmsLevel,
  sine,
  trackDelay,
} from "./tone.ts";

const RATE = 48_000;

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  const message = `${what} is ${actual}, expected ${expected} ± ${tolerance}`;
  assert.ok(Math.abs(actual - expected) <= tolerance, message);
}

/** Reproducible noise, evenly spread over −1 … 1. */
function makeNoise(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x8000_0000 - 1;
  };
}

for (const frequency of [40, 440, 997, 1000, 1000.37, 15_000.5, 21_000]) {
  for (const level of [0, -6.02, -60]) {
    test(`a tone of ${frequency} Hz at ${level} dBFS measures as that`, () => {
      const tone = measureTone(render(sine(frequency, level, RATE), RATE), RATE);
      assertNear(tone.frequency, frequency, 1e-4, "frequency");
      assertNear(tone.level, level, 1e-4, "level");
      assertNear(tone.phase, 0, 1e-4, "phase");
      assert.ok(tone.signalToNoise > 100, `signal to noise ${tone.signalToNoise}`);
    });
  }
}

test("a tone is measured in noise and beside a constant offset", () => {
  const noise = makeNoise();
  const samples = render(sine(1000.4, -20, RATE), RATE).map((x) => x + 0.01 * noise() + 0.25);
  const tone = measureTone(samples, RATE);
  assertNear(tone.frequency, 1000.4, 0.02, "frequency");
  assertNear(tone.level, -20, 0.02, "level");
  // Evenly spread noise of 0.01 has the power of a sine 0.01·sqrt(2/3).
  assertNear(tone.signalToNoise, -20 - 20 * Math.log10(0.01 * Math.sqrt(2 / 3)), 0.2, "ratio");
});

test("a second tone shows in the ratio, in its own level and among the peaks", () => {
  const [loud, quiet] = [sine(997, -6, RATE), sine(3150, -90, RATE)];
  const samples = render((frame, channel) => loud(frame, channel) + quiet(frame, channel), RATE);
  assertNear(measureTone(samples, RATE).signalToNoise, 84, 0.1, "ratio");
  assertNear(levelAt(samples, RATE, 3150), -90, 0.01, "level");
  assert.ok(levelAt(samples, RATE, 2000) < -130, "nothing where nothing sounds");
  const peaks = findPeaks(samples, RATE, -100);
  assert.equal(peaks.length, 2, JSON.stringify(peaks));
  assertNear(peaks[0]!.frequency, 997, 2, "first peak");
  assertNear(peaks[1]!.frequency, 3150, 2, "second peak");
  assertNear(peaks[1]!.level, -90, 1, "second peak's level");
});

test("a full-scale sine has 0 dBFS and an RMS of -3.01", () => {
  assertNear(rmsLevel(render(sine(1000, 0, RATE), RATE)), -3.0103, 1e-4, "RMS");
  assert.equal(amplitudeOf(0), 1);
});

test("an unbroken tone has no breaks, in 16 bits neither", () => {
  const samples = render(sine(997, -6, RATE), 10 * RATE);
  assert.deepEqual(findBreaks(samples, RATE, 997, 1e-9), []);
  const rounded = samples.map((x) => Math.round(x * 32768) / 32768);
  assert.deepEqual(findBreaks(rounded, RATE, 997, 1e-4), []);
});

for (const at of [1000, 1012, 1024, 1037]) {
  test(`one lost, doubled or silenced sample at ${at} is found`, () => {
    const samples = render(sine(997, -6, RATE), 4000);
    const lost = Float64Array.from([...samples.subarray(0, at), ...samples.subarray(at + 1)]);
    const doubled = Float64Array.from([...samples.subarray(0, at), ...samples.subarray(at - 1)]);
    const silenced = samples.slice();
    silenced[at] = 0;
    for (const broken of [lost, doubled, silenced]) {
      const frames = findBreaks(broken, RATE, 997, 1e-3).map(({ frame }) => frame);
      assert.ok(frames.length >= 1 && frames.length <= 3, `found at ${frames}`);
      for (const frame of frames) assert.ok(Math.abs(frame - at) <= 2, `found at ${frame}`);
    }
  });
}

test("a lost buffer of 480 frames is found at 997 Hz, and leaves no trace at 1000 Hz", () => {
  const cut = (samples: Float64Array) =>
    Float64Array.from([...samples.subarray(0, 9600), ...samples.subarray(9600 + 480)]);
  const breaks = findBreaks(cut(render(sine(997, -6, RATE), RATE)), RATE, 997, 1e-3);
  assert.ok(breaks.length >= 1);
  const invisible = cut(render(sine(1000, -6, RATE), RATE));
  assert.deepEqual(findBreaks(invisible, RATE, 1000, 1e-6), []);
});

test("the delay of a tone shows steps and slopes, in samples", () => {
  const samples = render(sine(997, -6, RATE), RATE);
  for (const value of trackDelay(samples, RATE, 997, 480)) assertNear(value, 0, 1e-6, "delay");
  // Five samples lost in the middle: from there on everything comes five samples early.
  const cut = Float64Array.from([...samples.subarray(0, 24_000), ...samples.subarray(24_005)]);
  const delay = trackDelay(cut, RATE, 997, 480);
  assertNear(delay[40]!, 0, 1e-6, "delay before");
  assertNear(delay[70]!, -5, 1e-6, "delay after");
  // 100 ppm too fast is 4.8 samples in a second.
  const fast = trackDelay(render(sine(997 * 1.0001, -6, RATE), RATE), RATE, 997, 480);
  assertNear(fast[99]!, -4.8 * 0.99, 0.01, "drift");
});

test("a position tells the frame, also after 16-bit rounding", () => {
  const samples = render(byChannel(sine(997, -6, RATE), position()), 100_000, 1);
  const rounded = samples.map((x) => Math.round(x * 32768) / 32768);
  for (const [frame, value] of rounded.entries()) {
    assert.equal(decodePosition(value), frame % POSITION_PERIOD);
  }
  assert.deepEqual(findPositionBreaks(rounded), []);
  const cut = Float64Array.from([...samples.subarray(0, 60_000), ...samples.subarray(60_480)]);
  assert.deepEqual(findPositionBreaks(cut), [{ frame: 60_000, error: 480 }]);
});

test("the first audible frame is found, and silence has none", () => {
  const samples = new Float64Array(100);
  assert.equal(firstAudible(samples), -1);
  samples[42] = 0.5;
  assert.equal(firstAudible(samples), 42);
});
