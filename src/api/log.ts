/** Log lines of the library. */

import { waiter } from "../ffi/mod.ts";
import type { LogHandler, LogLevelName } from "../ffi/mod.ts";

export type { LogHandler, LogLevelName, LogLine } from "../ffi/mod.ts";

/**
 * Hands every log line from `level` on to the handler, on this thread, and also this package's own
 * warnings, which go to the console otherwise. Null ends it. It does not keep the process alive.
 */
export function setLogHandler(
  handler: LogHandler | null,
  options: { readonly level?: LogLevelName | undefined } = {},
): void {
  waiter().setLogHandler(handler, options.level ?? "warn");
}
