/** Ctrl-C and its relatives: the first one ends a recording well, the second one ends the process. */

import process from "node:process";
import { EXIT } from "./failure.ts";

export interface Interrupt extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/** Watches for SIGINT, SIGTERM and a closed terminal until it is disposed of. */
export function watchInterrupts(): Interrupt {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
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
