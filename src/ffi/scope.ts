/** Tells whether code runs inside a certain handler, also after its awaits. */

import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage<object>();

/** Runs `body` so that `insideScope(owner)` is true in it and in what it awaits. */
export function runInScope<T>(owner: object, body: () => T): T {
  return storage.run(owner, body);
}

/** True in what `runInScope` runs for this owner. */
export function insideScope(owner: object): boolean {
  return storage.getStore() === owner;
}
