/** Where things live in a checkout. Downloads and builds only ever go to the two ignored folders. */

import { fromFileUrl, join } from "./path.ts";

/** The folder of the checkout. */
export const ROOT = fromFileUrl(new URL("..", import.meta.url));
/** Downloads, the compiler and headers: costly to get, safe to delete. */
export const CACHE = join(ROOT, ".cache");
/** Everything that is built: one folder a target, `build/<os>-<cpu>[-musl]`. */
export const BUILD = join(ROOT, "build");
/** Full output of every step, `build/logs/<step>.log`. */
export const LOGS = join(BUILD, "logs");
/** The C library. */
export const C_LIBRARY = join(ROOT, "lib", "miniav_c");
