/** Work that shares the machine, and work that has it to itself. */

export class Turns {
  #sharing = 0;
  #waitingAlone = 0;
  #isAlone = false;
  #changed = Promise.withResolvers<void>();

  /** Runs beside others; not while one is alone or waits to be. */
  async share<T>(work: () => Promise<T>): Promise<T> {
    while (this.#isAlone || this.#waitingAlone > 0) await this.#changed.promise;
    this.#sharing++;
    try {
      return await work();
    } finally {
      this.#sharing--;
      this.#tell();
    }
  }

  /** Runs when all that share have ended, with nothing beside it. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    this.#waitingAlone++;
    while (this.#isAlone || this.#sharing > 0) await this.#changed.promise;
    this.#waitingAlone--;
    this.#isAlone = true;
    try {
      return await work();
    } finally {
      this.#isAlone = false;
      this.#tell();
    }
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
