/**
 * The long forms of the tests in `test/` whose path contains `soak`, in both runtimes, with
 * everything they print: how memory and counters went. They read MINIAV_SOAK_SECONDS; without it,
 * in the suite, they are short. Exits 1 when memory was not flat or counts did not add up.
 *
 *     deno task soak                    ten minutes each
 *     deno task soak --minutes 60 --runtime bun --filter camera
 */

import { parseArgs } from "node:util";
import { ensureHostLibrary } from "./build.ts";
import { ROOT } from "./paths.ts";
import { findBun, findDeno, findTests } from "./test/typescript_tests.ts";

const RUNTIMES = [
  ["deno", findDeno, ["test", "-A", "--no-check"]],
  ["bun", findBun, ["test", "--timeout=864000000"]],
] as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      minutes: { type: "string", default: "10" },
      runtime: { type: "string", default: "deno,bun" },
      filter: { type: "string", default: "" },
    },
  });
  const seconds = Number(values.minutes) * 60;
  if (!(seconds > 0)) {
    console.error(`--minutes ${values.minutes}: not a time`);
    return 2;
  }
  await ensureHostLibrary();
  const wanted = values.runtime.split(",");
  const { filter } = values;
  const files = [...await findTests("rest", filter), ...await findTests("os", filter)]
    .filter((path) => path.includes("soak"));
  let failed = files.length === 0 ? 1 : 0;
  for (const file of files) {
    for (const [name, find, args] of RUNTIMES) {
      if (!wanted.includes(name)) continue;
      console.log(`# ${file}, ${name}, ${values.minutes} minutes`);
      if (!await runOne(await find(), [...args, `./${file}`], seconds)) failed++;
    }
  }
  console.log(failed === 0 ? "all held" : `${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runOne(command: string, args: string[], seconds: number): Promise<boolean> {
  const child = new Deno.Command(command, {
    args,
    cwd: ROOT,
    env: { MINIAV_SOAK_SECONDS: String(seconds) },
  }).spawn();
  return (await child.status).success;
}

Deno.exit(await main());
