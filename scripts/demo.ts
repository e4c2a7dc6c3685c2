/**
 * Builds what is needed, then captures two seconds from every kind of source there is.
 *
 *     deno task demo [options of `miniav demo`]
 */

import { ensureHostLibrary } from "./build.ts";
import { ROOT } from "./paths.ts";
import { join } from "./path.ts";
import { CommandError } from "./process.ts";

async function main(): Promise<number> {
  try {
    await ensureHostLibrary();
  } catch (error) {
    console.error(error instanceof CommandError ? error.output : String(error));
    return 1;
  }
  const cli = join(ROOT, "src", "cli", "main.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", cli, "demo", ...Deno.args],
    cwd: ROOT,
  }).spawn();
  // The child finishes its files first; a terminal's Ctrl-C it hears by itself too, and takes as one.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => child.kill(signal));
  }
  return (await child.status).code;
}

Deno.exit(await main());
