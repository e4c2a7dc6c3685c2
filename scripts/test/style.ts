/** Formatting, lint and types, for both languages and both runtimes. */

import { C_LIBRARY, ROOT } from "../paths.ts";
import { join, listFiles } from "../path.ts";
import { run } from "../process.ts";

export async function checkFormat(deno: string, log: string): Promise<void> {
  await run(deno, ["fmt", "--check"], { log });
}

export async function lint(deno: string, log: string): Promise<void> {
  await run(deno, ["lint"], { log });
}

export async function checkDenoTypes(deno: string, log: string): Promise<void> {
  const files: string[] = [];
  for (const folder of ["src", "scripts", "test", "bench", "examples"]) {
    files.push(...(await listFiles(join(ROOT, folder))).filter((path) => path.endsWith(".ts")));
  }
  await run(deno, ["check", "--quiet", ...files], { log });
}

/** What package.json names, into the node_modules that both runtimes use; the lock must agree. */
export async function installDependencies(deno: string, log: string): Promise<void> {
  await run(deno, ["install", "--frozen"], { log });
}

/** tsc with Bun's types, over what Bun runs. */
export async function checkBunTypes(deno: string, log: string): Promise<void> {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await run(deno, ["run", "-A", compiler, "--project", join(ROOT, "tsconfig.json")], { log });
}

/** The version decides how code looks, so it is part of the command's name. */
const CLANG_FORMAT = "clang-format-14";

export async function checkClangFormat(log: string): Promise<void> {
  const args = ["--dry-run", "-Werror", ...await cFiles()];
  const { code, output } = await run(CLANG_FORMAT, args, { log, allowFailure: true });
  if (code === 0) return;
  const files = new Set(output.matchAll(/^(\S+?):\d+:\d+: error/gm).map((match) => match[1]));
  throw new Error(`deno task fmt would change\n${[...files].join("\n")}`);
}

export async function formatC(): Promise<void> {
  await run(CLANG_FORMAT, ["-i", ...await cFiles()]);
}

async function cFiles(): Promise<string[]> {
  return (await listFiles(C_LIBRARY)).filter((path) => /\.[chm]$/.test(path));
}
