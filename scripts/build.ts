/**
 * Builds the C library into `build/<os>-<cpu>[-musl]/`; what is up to date is left alone.
 *
 *     deno task build                            this machine
 *     deno task build:all                        every platform that is shipped
 *     deno task build --target=windows-arm64     one of them, by its folder or by Zig's name
 */

import { parseArgs } from "node:util";
import { BUILD, CACHE, ROOT } from "./paths.ts";
import { join } from "./path.ts";
import { CommandError, run } from "./process.ts";
import { progress } from "./progress.ts";
import { hostTarget, libraryPath, type Target, TARGETS } from "./targets.ts";
import { ensureToolchain, type Toolchain } from "./toolchain.ts";

/** Builds one target; fails with the compiler's output. */
export async function buildTarget(
  toolchain: Toolchain,
  target: Target,
  log?: string,
): Promise<string> {
  await zigBuild(toolchain, [`-Dtarget=${target.triple}`], log);
  return libraryPath(target);
}

/** Builds every target in one go, as much side by side as there are processors. */
export async function buildAll(toolchain: Toolchain, log?: string): Promise<void> {
  await zigBuild(toolchain, ["all"], log);
}

/** What a command needs that captures: the toolchain and this machine's library. */
export async function ensureHostLibrary(): Promise<string> {
  const toolchain = await ensureToolchain();
  const target = hostTarget();
  return await progress(`library ${target.folder}`, () => buildTarget(toolchain, target));
}

async function zigBuild(
  toolchain: Toolchain,
  args: readonly string[],
  log?: string,
): Promise<void> {
  const fixed = ["build", "--prefix", BUILD, "--cache-dir", join(CACHE, "zig-local")];
  fixed.push("--global-cache-dir", join(CACHE, "zig-global"), "--summary", "none");
  fixed.push(`-Dminiaudio=${toolchain.miniaudioDir}`, `-Dheaders=${toolchain.headersDir}`);
  const logged = log === undefined ? {} : { log };
  try {
    await run(toolchain.zig, [...fixed, ...args], { cwd: ROOT, ...logged });
  } catch (error) {
    throw error instanceof CommandError ? withoutCommands(error) : error;
  }
}

/** Zig repeats its own command lines after each message; what is left is the compiler's. */
function withoutCommands(error: CommandError): CommandError {
  const lines = error.output.split("\n").filter((line) =>
    !/^(failed command:|error: the following build command failed|\S*\.cache\/zig-local\/)/
      .test(line)
  );
  return new CommandError("zig build", error.reason, lines.join("\n").trim());
}

function parseTarget(name: string): Target {
  const target = TARGETS.find((each) => each.folder === name || each.triple === name);
  if (target !== undefined) return target;
  throw new Error(`no target ${name}; there are ${TARGETS.map((each) => each.folder).join(", ")}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { all: { type: "boolean" }, target: { type: "string" } },
  });
  const target = values.target === undefined ? hostTarget() : parseTarget(values.target);
  const toolchain = await ensureToolchain();
  if (values.all === true) await progress("library, all platforms", () => buildAll(toolchain));
  else await progress(`library ${target.folder}`, () => buildTarget(toolchain, target));
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof CommandError ? error.output : String(error));
    Deno.exit(1);
  }
}
