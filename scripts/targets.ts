/** The platforms that are shipped, and what a built library is called on each. */

import { BUILD } from "./paths.ts";
import { join } from "./path.ts";

export interface Target {
  /** The folder in `build/`: JavaScript's names of the OS and the CPU, `-musl` where it is one. */
  readonly folder: string;
  /** What Zig calls it. */
  readonly triple: string;
}

/** build.zig has the same list, for its `all` step. */
export const TARGETS: readonly Target[] = [
  { folder: "linux-x64", triple: "x86_64-linux-gnu.2.28" },
  { folder: "linux-arm64", triple: "aarch64-linux-gnu.2.28" },
  { folder: "linux-x64-musl", triple: "x86_64-linux-musl" },
  { folder: "linux-arm64-musl", triple: "aarch64-linux-musl" },
  { folder: "windows-x64", triple: "x86_64-windows-gnu" },
  { folder: "windows-arm64", triple: "aarch64-windows-gnu" },
  { folder: "macos-x64", triple: "x86_64-macos" },
  { folder: "macos-arm64", triple: "aarch64-macos" },
];

/** The target of the machine that this runs on. */
export function hostTarget(): Target {
  const os = Deno.build.os === "darwin" ? "macos" : Deno.build.os;
  const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const folder = `${os}-${cpu}${isMuslHost() ? "-musl" : ""}`;
  const target = TARGETS.find((candidate) => candidate.folder === folder);
  if (target === undefined) throw new Error(`no build for ${folder}`);
  return target;
}

/** Where a target's library is put. */
export function libraryPath(target: Target): string {
  const os = target.folder.split("-")[0];
  const name = os === "windows"
    ? "miniav.dll"
    : os === "macos"
    ? "libminiav.dylib"
    : "libminiav.so";
  return join(BUILD, target.folder, name);
}

function isMuslHost(): boolean {
  if (Deno.build.os !== "linux") return false;
  for (const entry of Deno.readDirSync("/lib")) {
    if (entry.name.startsWith("ld-musl-")) return !hasGlibc();
  }
  return false;
}

/** Debian's musl package puts its loader beside glibc's, which then is the one in use. */
function hasGlibc(): boolean {
  return ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].some((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
