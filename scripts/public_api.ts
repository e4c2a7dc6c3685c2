/** The names of the public functions, as the headers declare them. */

import { C_LIBRARY } from "./paths.ts";
import { join, listFiles } from "./path.ts";

export async function publicFunctions(): Promise<string[]> {
  const names = new Set<string>();
  for (const path of await listFiles(join(C_LIBRARY, "include"))) {
    const text = (await Deno.readTextFile(path)).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    for (const match of text.matchAll(/^\s*MINIAV_API\b[^;(]*?\b(MiniAV_\w+)\s*\(/gm)) {
      if (match[1] !== undefined) names.add(match[1]);
    }
  }
  if (names.size === 0) throw new Error("the headers declare no function with MINIAV_API");
  return [...names].sort();
}
