/** Levels of sound, in dB below full scale. */

export { LevelMeter } from "../api/levels.ts";
export type { ChannelLevel } from "../api/levels.ts";

/** The level of silence: what a 24-bit sample cannot tell from nothing. */
export const SILENCE_DBFS = -144;

/** An amplitude in dB below full scale. */
export function decibels(amplitude: number): number {
  return amplitude > 0 ? Math.max(SILENCE_DBFS, 20 * Math.log10(amplitude)) : SILENCE_DBFS;
}

/** "-12.0", "-inf" */
export function formatLevel(amplitude: number): string {
  const level = decibels(amplitude);
  return level <= SILENCE_DBFS ? "-inf" : level.toFixed(1);
}
