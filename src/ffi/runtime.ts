/** Which runtime this is. */

import type { Runtime } from "./adapter.ts";
import { bunRuntime } from "./bun.ts";
import { denoRuntime } from "./deno.ts";
import { setHintsHost } from "./hints.ts";

let runtime: Runtime | undefined;

/** The runtime this runs in; throws in one that has no adapter. */
export function currentRuntime(): Runtime {
  if (runtime !== undefined) return runtime;
  const found = denoRuntime() ?? bunRuntime();
  if (found === null) {
    throw new Error("miniav runs in Deno and in Bun; this runtime has no adapter in src/ffi");
  }
  setHintsHost(found);
  return runtime = found;
}
