/** Ctrl-C and its relatives: the first one ends a recording well, the second one ends the process. */

import process from "node:process";
import { EXIT } from "./failure.ts";

/**
 * Signals that follow the first one within this time are the same Ctrl-C: it reaches the whole group
 * of processes, and a parent (a task runner) may pass it on as well.
 */
const SAME_INTERRUPT_MS = 500;

export interface Interrupt extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/** Watches for SIGINT, SIGTERM and a closed terminal until it is disposed of. */
export function watchInterrupts(): Interrupt {
  const controller = new AbortController();
  let first: number | null = null;
  const onSignal = () => {
    first ??= performance.now();
    if (performance.now() - first > SAME_INTERRUPT_MS) process.exit(EXIT.interrupted);
    controller.abort();
  };
  const names: NodeJS.Signals[] = process.platform === "win32"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
