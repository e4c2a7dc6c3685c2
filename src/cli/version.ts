/** Versions of what runs here. */

import process from "node:process";
import packageFile from "../../package.json" with { type: "json" };
import { allocate, library, MiniAVError, unwrap } from "../ffi/mod.ts";

export const VERSION: string = packageFile.version;

/** "Deno 2.9.6" */
export function runtimeVersion(): string {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${process.versions.node}` : `Deno ${deno}`;
}

/** "linux x64" */
export function systemName(): string {
  return `${process.platform} ${process.arch}`;
}

/** What `--version` prints. A library that does not load is no error here, but it is said. */
export function versionText(): string {
  return `miniav ${VERSION}\nlibrary ${libraryText()}\n${runtimeVersion()}, ${systemName()}\n`;
}

function libraryText(): string {
  try {
    return libraryVersion();
  } catch (error) {
    if (error instanceof MiniAVError) return "not found: `miniav doctor` says why";
    throw error;
  }
}

/** Version and file of the native library; LOAD_FAILED. */
export function libraryVersion(): string {
  const { native, path } = library();
  const parts = [allocate(4), allocate(4), allocate(4)] as const;
  const [major, minor, patch] = parts;
  unwrap(native.MiniAV_GetVersion(major.bytes, minor.bytes, patch.bytes), "version");
  return `${parts.map(({ view }) => view.getUint32(0, true)).join(".")}, ${path}`;
}
