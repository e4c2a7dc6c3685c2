/**
 * The long forms of the tests in `test/` whose file name contains `soak`, in both runtimes, with
 * everything they print. They read MINIAV_SOAK_SECONDS; without it, in the suite, they are short.
 *
 *     deno task soak                    ten minutes each
 *     deno task soak --seconds=3600 --runtime=bun --filter=camera
 */

import { parseArgs } from "node:util";
import { ensureHostLibrary } from "./build.ts";
import { ROOT } from "./paths.ts";
import { findBun, findDeno, findTests } from "./test/typescript_tests.ts";

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      seconds: { type: "string", default: "600" },
      runtime: { type: "string", default: "deno,bun" },
      filter: { type: "string", default: "" },
    },
  });
  await ensureHostLibrary();
  const runtimes = values.runtime.split(",");
  const files = (await findTests(values.filter)).filter((path) => path.includes("soak"));
  let failed = files.length === 0 ? 1 : 0;
  for (const file of files) {
    for (const [name, find, args] of RUNTIMES) {
      if (!runtimes.includes(name)) continue;
      console.log(`# ${file}, ${name}, ${values.seconds} s`);
      const child = new Deno.Command(await find(), {
        args: [...args, `./${file}`],
        cwd: ROOT,
        env: { MINIAV_SOAK_SECONDS: values.seconds },
      }).spawn();
      if (!(await child.status).success) failed++;
    }
  }
  console.log(failed === 0 ? "all held" : `${failed} failed`);
  return failed === 0 ? 0 : 1;
}

const RUNTIMES = [
  ["deno", findDeno, ["test", "-A", "--no-check"]],
  ["bun", findBun, ["test", "--timeout=86400000"]],
] as const;

Deno.exit(await main());
