// The small C programs of lib/miniav_c/test/os, which the C tests' step builds.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The path of one of them. */
export function cProgram(name: string): string {
  return fileURLToPath(new URL(`../../build/cmake/gcc/${name}`, import.meta.url));
}

/** Builds of one: the plain one, and of those with sanitizers what has been built. */
export function cProgramBuilds(
  name: string,
  sanitized: readonly string[] = ["gcc-address", "clang-thread"],
): string[] {
  const plain = cProgram(name);
  const others = sanitized.map((each) => plain.replace(/gcc(?=\/)/, each));
  return [plain, ...others.filter((path) => existsSync(path))];
}
