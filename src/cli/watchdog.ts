/** What keeps a command from waiting for ever. */

import { CommandError } from "./failure.ts";

/** Silence is sound too, and pictures come whatever they show: nothing for so long is a failure. */
const SILENCE_LIMIT_MS = 10_000;

/** Ends what waits for a source from which nothing comes, and passes on the signal that ends it otherwise. */
export class Watchdog {
  readonly signal: AbortSignal;
  readonly #outer: AbortSignal;
  readonly #limitMs: number;
  readonly #controller = new AbortController();
  readonly #onAbort = () => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #starved = false;

  constructor(outer: AbortSignal, limitMs = SILENCE_LIMIT_MS) {
    this.signal = this.#controller.signal;
    this.#outer = outer;
    this.#limitMs = limitMs;
    outer.addEventListener("abort", this.#onAbort);
    if (outer.aborted) this.#controller.abort();
    this.feed();
  }

  /** Something has come. */
  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#starved = true;
      this.#controller.abort();
    }, this.#limitMs);
  }

  /** Silence is no failure from now on. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  stop(): void {
    this.rest();
    this.#outer.removeEventListener("abort", this.#onAbort);
  }

  get starved(): boolean {
    return this.#starved;
  }

  throwIfStarved(): void {
    if (!this.#starved) return;
    throw new CommandError(`nothing came for ${this.#limitMs / 1000} seconds`, {
      code: "TIMEOUT",
      hint: "Is the device switched on, not muted, and not used by another program?",
    });
  }
}
