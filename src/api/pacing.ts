/** Pictures come when they come; a file of a constant rate keeps time all the same. */

/** Numerator and denominator. */
export type Fraction = readonly [number, number];

/** What to write when a picture has come. */
export interface PacingStep {
  /** How often the picture before is shown again first. */
  readonly repeats: number;
  /** False: this picture has no place, another one has its time. */
  readonly write: boolean;
}

/**
 * How far a picture may be early or late, in frames, before another one is repeated or it is left
 * out itself: times jitter, and a steady source must not lose and double pictures for that.
 */
const SLACK_FRAMES = 1.1;

/** Counts frames of a file against the time of pictures. */
export class Pacing {
  readonly #framesPerMicrosecond: number;
  readonly #maximum: number;
  #start: number | null = null;
  #written = 0;
  #repeated = 0;
  #skipped = 0;

  constructor([numerator, denominator]: Fraction, maximumFrames = Infinity) {
    this.#framesPerMicrosecond = numerator / denominator / 1e6;
    this.#maximum = maximumFrames;
  }

  /** Frames of the file. */
  get written(): number {
    return this.#written;
  }

  get repeated(): number {
    return this.#repeated;
  }

  get skipped(): number {
    return this.#skipped;
  }

  get full(): boolean {
    return this.#written >= this.#maximum;
  }

  /** A picture of this time, in microseconds, has come. */
  next(timestamp: number): PacingStep {
    this.#start ??= timestamp;
    const lead = this.#frameAt(timestamp) - this.#written;
    if (lead < -SLACK_FRAMES) {
      this.#skipped++;
      return { repeats: 0, write: false };
    }
    const repeats = this.#repeat(lead > SLACK_FRAMES ? Math.round(lead) : 0);
    // What comes after the end is not missing from the file.
    if (this.full) return { repeats, write: false };
    this.#written++;
    return { repeats, write: true };
  }

  /** How often the last picture is shown again for the file to be as long as time has passed. */
  fill(timestamp: number): number {
    if (this.#start === null) return 0;
    return this.#repeat(Math.max(0, Math.round(this.#frameAt(timestamp)) - this.#written));
  }

  #repeat(count: number): number {
    const repeats = Math.min(count, this.#maximum - this.#written);
    this.#repeated += repeats;
    this.#written += repeats;
    return repeats;
  }

  #frameAt(timestamp: number): number {
    return (timestamp - (this.#start ?? timestamp)) * this.#framesPerMicrosecond;
  }
}
