/** The Zig compiler, one exact version: from PATH, or from the wheel that its authors publish. */

import { createOnce, pipDownload, unzip, verifySha256 } from "./download.ts";
import { CACHE } from "../paths.ts";
import { join } from "../path.ts";
import { tryRun } from "../process.ts";

/** The only version that build.zig is written for. */
export const ZIG_VERSION = "0.16.0";

/** SHA-256 of the `ziglang` wheel of each host, by `<os>-<arch>` of `Deno.build`. */
const WHEEL_SHA256: Record<string, string> = {
  "linux-x86_64": "9fcda73f62b851dd72a54b710ad40a209896db14cfb13649e62191243556342b",
  "linux-aarch64": "e27d409812b11e0fb89ed0200cf2e55b6464d43f9461553104e4a4f9a94a1fd5",
  "darwin-x86_64": "18e14f6b25678d7b7c65708c82501ee6090fe39ed5c783477d56267af1fa5629",
  "darwin-aarch64": "b61e5413c49508d9d62e5dcea543e3af491594154d74a00ff52f84ed508260cc",
  "windows-x86_64": "089a16a4eb5a2f45151993342f8fabad24ff1a0723dc146642895c29208a3939",
  "windows-aarch64": "e44a5271f7b72f7980017bb615823ed52e765f96b6482d93a2fd338cd53101bf",
};

/** Returns the command that runs Zig; fetches it when it is not there yet. */
export async function ensureZig(): Promise<string> {
  if ((await tryRun("zig", ["version"]))?.output.trim() === ZIG_VERSION) return "zig";
  const folder = join(CACHE, `zig-${ZIG_VERSION}`);
  await createOnce(folder, fetchWheel);
  return zigIn(folder);
}

async function fetchWheel(folder: string): Promise<void> {
  const host = `${Deno.build.os}-${Deno.build.arch}`;
  const expected = WHEEL_SHA256[host];
  if (expected === undefined) throw new Error(`no pinned Zig for ${host}: put zig on PATH`);
  const wheel = await pipDownload(`ziglang==${ZIG_VERSION}`, folder, ["--only-binary", ":all:"]);
  await verifySha256(wheel, expected);
  await unzip(wheel, folder);
  await Deno.remove(wheel);
  // Python's zipfile drops the permission bits.
  if (Deno.build.os !== "windows") await Deno.chmod(zigIn(folder), 0o755);
}

function zigIn(folder: string): string {
  return join(folder, "ziglang", Deno.build.os === "windows" ? "zig.exe" : "zig");
}
