/** Typed events, in the manner of EventTarget. */

/** A listener gets the event; what it throws is reported as uncaught. */
export type Listener<Event> = (event: Event) => void;

/**
 * Events by name. `on` returns what takes the listener off again; `addEventListener` and
 * `removeEventListener` do the same under the names of the web.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Calls the listener at every event of this type; returns what ends that. */
  on<Type extends keyof Events>(type: Type, listener: Listener<Events[Type]>): () => void {
    this.addEventListener(type, listener);
    return () => this.removeEventListener(type, listener);
  }

  addEventListener<Type extends keyof Events>(type: Type, listener: Listener<Events[Type]>): void {
    let listeners = this.#listeners.get(type);
    if (listeners === undefined) this.#listeners.set(type, listeners = new Set());
    listeners.add(listener);
  }

  removeEventListener<Type extends keyof Events>(
    type: Type,
    listener: Listener<Events[Type]>,
  ): void {
    this.#listeners.get(type)?.delete(listener);
  }

  /** Calls everybody; a listener that throws does not keep others from hearing. */
  protected emit<Type extends keyof Events>(type: Type, event: Events[Type]): void {
    for (const listener of [...this.#listeners.get(type) ?? []]) {
      try {
        (listener as Listener<Events[Type]>)(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
