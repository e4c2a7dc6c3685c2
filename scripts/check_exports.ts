/**
 * Fails unless every built library exports exactly the public functions and needs nothing but what
 * every system of its kind has.
 *
 *     deno run -A scripts/check_exports.ts [library...]        default: all of build/
 */

import type { LibraryFacts } from "./binary/facts.ts";
import { readLibrary } from "./binary/library.ts";
import { exists } from "./path.ts";
import { publicFunctions } from "./public_api.ts";
import { libraryPath, TARGETS } from "./targets.ts";

/** Present in every Mach-O library that Zig links. */
const MACH_O_EXTRA = new Set(["_mh_dylib_header", "__dso_handle"]);
const ELF_NEEDED = /^(lib(c|m|pthread|dl)\.so(\.\d+)?|ld-(linux|musl)[\w.-]*)$/;
const MACH_O_NEEDED = /^(@rpath\/libminiav\.dylib|\/usr\/lib\/libSystem\.B\.dylib)$/;
/** The C runtime and what is loaded in every process anyway; more comes with more backends. */
const PE_NEEDED = /^(api-ms-win-crt-[\w-]+|kernel32|ntdll|user32|advapi32|ole32)\.dll$/i;
const OLDEST_GLIBC = [2, 28] as const;

/** Checks one library; returns a remark. */
export async function checkLibrary(path: string): Promise<string> {
  const facts = await readLibrary(path);
  const wanted = await publicFunctions();
  const problems = [...exportProblems(facts, wanted), ...needProblems(facts)];
  if (problems.length > 0) throw new Error(`${path}\n${problems.join("\n")}`);
  return `${wanted.length} functions`;
}

/** Checks only what a library exports, for one that was built for this machine alone. */
export async function checkExports(path: string): Promise<void> {
  const problems = exportProblems(await readLibrary(path), await publicFunctions());
  if (problems.length > 0) throw new Error(`${path}\n${problems.join("\n")}`);
}

/** Checks every platform's library; each must have been built. */
export async function checkLibraries(): Promise<string> {
  const problems: string[] = [];
  for (const target of TARGETS) {
    const path = libraryPath(target);
    if (!(await exists(path))) problems.push(`${path} is not there`);
    else {
      await checkLibrary(path).catch((error: unknown) => {
        problems.push(error instanceof Error ? error.message : String(error));
      });
    }
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return `${TARGETS.length} libraries`;
}

function exportProblems(facts: LibraryFacts, wanted: readonly string[]): string[] {
  const extra = facts.format === "mach-o" ? MACH_O_EXTRA : new Set<string>();
  const found = new Set(facts.exports.filter((name) => !extra.has(name)));
  const expected = new Set(wanted);
  return [
    ...[...found].filter((name) => !expected.has(name)).map((name) => `  exports ${name}`),
    ...wanted.filter((name) => !found.has(name)).map((name) => `  does not export ${name}`),
  ];
}

function needProblems(facts: LibraryFacts): string[] {
  const allowed = { "elf": ELF_NEEDED, "pe": PE_NEEDED, "mach-o": MACH_O_NEEDED }[facts.format];
  return [
    ...facts.needed.filter((name) => !allowed.test(name)).map((name) => `  needs ${name}`),
    ...facts.versions.filter(isTooNew).map((name) => `  needs ${name}`),
  ];
}

function isTooNew(version: string): boolean {
  const match = /^GLIBC_(\d+)\.(\d+)/.exec(version);
  if (match === null) return !version.startsWith("GLIBC_");
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor > OLDEST_GLIBC[1]);
}

if (import.meta.main) {
  try {
    const results = Deno.args.length === 0
      ? [await checkLibraries()]
      : await Promise.all(Deno.args.map(checkLibrary));
    console.log(results.join("\n"));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
