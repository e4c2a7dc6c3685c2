/** Finds and opens the native library, once for each isolate and not before it is needed. */

import { fileURLToPath } from "node:url";
import { LAYOUT_HASH, ResultCode } from "./layout.gen.ts";
import { allocate } from "./memory.ts";
import { MiniAVError } from "./errors.ts";
import { currentRuntime } from "./runtime.ts";
import type { Platform, Runtime } from "./adapter.ts";
import type { Native } from "./symbols.ts";

/** An opened library. */
export interface Library {
  readonly native: Native;
  readonly runtime: Runtime;
  /** The file that was opened. */
  readonly path: string;
}

/** One place to look. */
export interface Candidate {
  /** Why this place. */
  readonly origin: string;
  /** Null: this place has no file to try, `note` says why. */
  readonly path: string | null;
  readonly note?: string;
}

let opened: Library | undefined;
let explicitPath: string | undefined;

/**
 * Says which file the native library is. Only before its first use; afterwards it throws, because
 * an opened library stays.
 */
export function setLibraryPath(path: string): void {
  if (opened !== undefined && opened.path !== path) {
    throw new MiniAVError("ALREADY_RUNNING", {
      operation: "setLibraryPath",
      detail: `the library is open already: ${opened.path}`,
      hint: "Call setLibraryPath before anything else of miniav.",
    });
  }
  explicitPath = path;
}

/** The opened library; the first call opens it. */
export function library(): Library {
  opened ??= openLibrary(currentRuntime());
  return opened;
}

function openLibrary(runtime: Runtime): Library {
  const failures: string[] = [];
  for (const { origin, path, note } of candidates(runtime)) {
    if (path === null) {
      failures.push(`${origin}: ${note ?? "nothing"}`);
      continue;
    }
    const refusal = runtime.cannotOpen(path);
    if (refusal !== null) {
      failures.push(`${origin}: ${path}: ${refusal}`);
      continue;
    }
    try {
      const native = runtime.open(path);
      const stale = checkLayout(native);
      if (stale === null) return { native, runtime, path };
      failures.push(`${origin}: ${path}: ${stale}`);
    } catch (error) {
      failures.push(`${origin}: ${path}: ${firstLine(error)}`);
    }
  }
  throw loadError(runtime, failures);
}

/** Where the library may be, in the order in which it is looked for. */
export function candidates(runtime: Runtime): Candidate[] {
  if (explicitPath !== undefined) return [{ origin: "setLibraryPath", path: explicitPath }];
  const fromEnvironment = runtime.environment("MINIAV_LIBRARY");
  if (fromEnvironment !== null && fromEnvironment !== "") {
    return [{ origin: "MINIAV_LIBRARY", path: fromEnvironment }];
  }
  const file = libraryFile(runtime.platform);
  const targets = targetNames(runtime.platform);
  return [
    { origin: "MINIAV_LIBRARY", path: null, note: "not set, or no permission to look" },
    ...targets.map((target) => packageCandidate(target, file)),
    ...targets.map((target) => ({
      origin: "local build",
      path: fileURLToPath(new URL(`../../build/${target}/${file}`, import.meta.url)),
    })),
  ];
}

/** The name of the library's file on a system. */
export function libraryFile({ os }: Pick<Platform, "os">): string {
  if (os === "windows") return "miniav.dll";
  return os === "macos" ? "libminiav.dylib" : "libminiav.so";
}

/** Names of builds and packages that may fit; which libc this is shows when one opens. */
export function targetNames({ os, cpu }: Platform): string[] {
  const target = `${os}-${cpu}`;
  return os === "linux" ? [target, `${target}-musl`] : [target];
}

function packageCandidate(target: string, file: string): Candidate {
  const name = `@miniav/${target}`;
  try {
    return { origin: "package", path: fileURLToPath(import.meta.resolve(`${name}/${file}`)) };
  } catch {
    return { origin: "package", path: null, note: `${name} is not installed` };
  }
}

function checkLayout(native: Native): string | null {
  const memory = allocate(8);
  const code = native.MiniAV_GetLayoutHash(memory.bytes);
  if (code !== ResultCode.SUCCESS) return `MiniAV_GetLayoutHash answered ${code}`;
  const hash = memory.view.getBigUint64(0, true);
  if (hash === LAYOUT_HASH) return null;
  return `another version (layout ${hash.toString(16)}, wanted ${LAYOUT_HASH.toString(16)})`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1).join("");
}

function loadError(runtime: Runtime, failures: readonly string[]): MiniAVError {
  const denied = failures.some((line) => line.includes("not permitted"));
  const hint = denied
    ? "Run Deno with --allow-ffi, or with --allow-ffi=<path> of one of the files above."
    : `Install @miniav/${targetNames(runtime.platform)[0]}, or build the library in a checkout ` +
      "(deno task build), or set MINIAV_LIBRARY to its path.";
  return new MiniAVError("LOAD_FAILED", {
    operation: "miniav",
    detail: `tried\n${failures.map((line) => `  ${line}`).join("\n")}`,
    hint,
  });
}
