/** Calls that end in an event: from a token to a promise, with cancelling. */

import { ResultCode } from "./layout.gen.ts";
import { errorFrom, MiniAVError } from "./errors.ts";
import type { NativeEvent } from "./events.ts";
import type { Handle, Native } from "./symbols.ts";

export interface OperationOptions {
  readonly signal?: AbortSignal;
  /** On the clock of `performance.now()`. */
  readonly deadline?: number;
}

/** What timers of the web can count: longer ones fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Frees the list that an operation ended with. */
export type FreeList = (native: Native, list: Handle, count: number) => void;

interface Pending {
  readonly settle: (event: NativeEvent) => void;
  readonly fail: (code: number) => void;
}

/** The pending operations of one waiter. */
export class Operations {
  readonly #pending = new Map<number, Pending>();
  #abandoned = 0;
  #lastToken = 0;

  /** Operations that somebody waits for. */
  get awaited(): number {
    return this.#pending.size - this.#abandoned;
  }

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Starts one. `begin` makes the Async call. Rejects at once when the signal or the deadline
   * comes; the call is cancelled and what it still delivers is thrown away.
   */
  run(
    name: string,
    begin: (token: number) => number,
    cancel: (token: number) => void,
    discard: (event: NativeEvent) => void,
    options: OperationOptions,
  ): Promise<NativeEvent> {
    const { signal, deadline } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const token = ++this.#lastToken;
    return new Promise((resolve, reject) => {
      let abandoned = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const abandon = (reason: unknown) => {
        if (abandoned) return;
        abandoned = true;
        this.#abandoned++;
        cleanUp();
        cancel(token);
        reject(reason);
      };
      const onAbort = () => abandon(signal?.reason);
      const cleanUp = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#pending.set(token, {
        settle: (event) => {
          this.#pending.delete(token);
          if (abandoned) {
            this.#abandoned--;
            discard(event);
            return;
          }
          cleanUp();
          if (event.result === ResultCode.SUCCESS) resolve(event);
          else reject(errorFrom(event.result, name, event.backend, event.text));
        },
        fail: (code) => {
          this.#pending.delete(token);
          if (abandoned) this.#abandoned--;
          cleanUp();
          reject(errorFrom(code, name));
        },
      });
      let code: number;
      try {
        code = begin(token);
      } catch (error) {
        // An argument that cannot be encoded: nothing has begun, and nothing would end it.
        this.#pending.delete(token);
        throw error;
      }
      if (code !== ResultCode.SUCCESS) {
        this.#pending.delete(token);
        reject(errorFrom(code, name));
        return;
      }
      signal?.addEventListener("abort", onAbort);
      const left = deadline === undefined ? Infinity : Math.max(0, deadline - performance.now());
      if (left <= LONGEST_TIMER_MS) {
        timer = setTimeout(() => abandon(new MiniAVError("TIMEOUT", { operation: name })), left);
      }
    });
  }

  /** Hands an event to the operation that it ends. */
  settle(event: NativeEvent): void {
    this.#pending.get(event.token)?.settle(event);
  }

  /** Ends all of them: no event will come any more. */
  failAll(code: number): void {
    for (const pending of [...this.#pending.values()]) pending.fail(code);
  }
}
