// The small C programs of lib/miniav_c/test/os, which the C tests' step builds.

import { fileURLToPath } from "node:url";

/** The path of one of them. */
export function cProgram(name: string): string {
  return fileURLToPath(new URL(`../../build/cmake/gcc/${name}`, import.meta.url));
}
