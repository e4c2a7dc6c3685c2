/**
 * Asks the C compiler for the offset of every member of every public struct and the value of every
 * constant, and writes what the TypeScript and the C library agree on:
 *
 *     src/ffi/layout.gen.ts                    offsets, sizes, constants, error texts
 *     lib/miniav_c/src/layout_assert.gen.h     the same as static assertions, and their hash
 *
 *     deno run -A scripts/layouts.ts [--check]      --check: fails when the two files are stale
 */

import { parseHeaders } from "./layouts/header.ts";
import { probe } from "./layouts/probe.ts";
import { emitC, emitTypeScript } from "./layouts/emit.ts";
import { C_LIBRARY, ROOT } from "./paths.ts";
import { join, relative } from "./path.ts";

/** The headers that declare something, in the order of their dependence. */
const HEADERS = ["types", "buffer", "waiter", "capture", "test"].map((name) => `miniav_${name}.h`);

export async function generateLayouts(): Promise<Map<string, string>> {
  const include = join(C_LIBRARY, "include");
  const texts = await Promise.all(HEADERS.map((name) => Deno.readTextFile(join(include, name))));
  const layout = await probe(parseHeaders(texts.join("\n")), include);
  return new Map([
    [join(ROOT, "src", "ffi", "layout.gen.ts"), await emitTypeScript(layout)],
    [join(C_LIBRARY, "src", "layout_assert.gen.h"), emitC(layout)],
  ]);
}

async function main(check: boolean): Promise<number> {
  let stale = 0;
  for (const [path, wanted] of await generateLayouts()) {
    const found = await Deno.readTextFile(path).catch(() => "");
    if (found === wanted) continue;
    stale++;
    if (check) console.error(`${relative(ROOT, path)} is stale: run deno task layouts`);
    else {
      await Deno.writeTextFile(path, wanted);
      console.log(`wrote ${relative(ROOT, path)}`);
    }
  }
  return check && stale > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args.includes("--check")));
