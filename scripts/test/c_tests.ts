/** The C library by CMake: built, tested by CTest, installed and used as a stranger would. */

import { checkExports } from "../check_exports.ts";
import { BUILD, C_LIBRARY } from "../paths.ts";
import { join } from "../path.ts";
import { run } from "../process.ts";
import type { Toolchain } from "../toolchain.ts";
import { type Counts, TestsFailed } from "./steps.ts";

export interface Variant {
  /** The folder in `build/cmake/`. */
  readonly name: string;
  readonly compiler: string;
  readonly sanitize?: "address" | "thread";
}

export const VARIANTS = {
  plain: { name: "gcc", compiler: "gcc" },
  address: { name: "gcc-address", compiler: "gcc", sanitize: "address" },
  thread: { name: "clang-thread", compiler: "clang-14", sanitize: "thread" },
} as const satisfies Record<string, Variant>;

/** Where a variant is built. */
export function variantFolder(variant: Variant): string {
  return join(BUILD, "cmake", variant.name);
}

/** Configures, builds and tests one variant; incremental. */
export async function testVariant(
  toolchain: Toolchain,
  variant: Variant,
  log: string,
): Promise<Counts> {
  const folder = variantFolder(variant);
  const configure = ["-S", C_LIBRARY, "-B", folder, "-G", "Ninja"];
  configure.push(`-DCMAKE_C_COMPILER=${variant.compiler}`);
  configure.push(`-DMINIAV_MINIAUDIO_DIR=${toolchain.miniaudioDir}`);
  configure.push(`-DMINIAV_HEADERS_DIR=${toolchain.headersDir}`);
  configure.push(`-DMINIAV_SANITIZE=${variant.sanitize ?? ""}`);
  // The sanitizer builds keep their assertions, the plain one is what users build.
  configure.push(`-DCMAKE_BUILD_TYPE=${variant.sanitize === undefined ? "Release" : "Debug"}`);
  configure.push("-DCMAKE_C_FLAGS_DEBUG=-O1 -g");
  await run("cmake", configure, { log });
  // All errors at once, not only the first.
  await run("cmake", ["--build", folder, "--", "-k", "0"], { log });
  return await runCTest(folder, log);
}

async function runCTest(folder: string, log: string): Promise<Counts> {
  const args = ["--test-dir", folder, "--output-on-failure", "--no-tests=error"];
  args.push("--parallel", "2");
  const result = await run("ctest", args, { log, allowFailure: true });
  const output = result.output.replaceAll(/^ *(Start +\d+:|\d+\/\d+ Test .* Passed ).*\n/gm, "");
  const summary = /(\d+)% tests passed, (\d+) tests? failed out of (\d+)/.exec(result.output);
  if (summary === null) throw new TestsFailed({ passed: 0, failed: 1 }, output);
  const failed = Number(summary[2]);
  const counts = { passed: Number(summary[3]) - failed, failed };
  if (failed > 0 || result.code !== 0) {
    throw new TestsFailed({ ...counts, failed: Math.max(1, failed) }, output);
  }
  return counts;
}

const CONSUMER = `#include <miniav.h>
#include <stdio.h>
int main(void) {
  int64_t now_us = 0;
  MiniAVResultCode code = MiniAV_GetTime(&now_us);
  printf("%s %d\\n", MiniAV_GetVersionString(), (int)code);
  return code == MINIAV_SUCCESS && now_us > 0 ? 0 : 1;
}
`;

/** Installs the plain variant and builds a program with nothing but what pkg-config says. */
export async function testInstall(log: string): Promise<string> {
  const folder = variantFolder(VARIANTS.plain);
  const prefix = join(folder, "install");
  await run("cmake", ["--install", folder, "--prefix", prefix], { log });
  await checkExports(join(prefix, "lib", "libminiav.so"));
  const source = join(folder, "consumer.c");
  const program = join(folder, "consumer");
  await Deno.writeTextFile(source, CONSUMER);
  const packages = join(prefix, "lib", "pkgconfig");
  const flags = await run("pkg-config", ["--define-prefix", "--cflags", "--libs", "miniav"], {
    log,
    env: { PKG_CONFIG_PATH: packages },
  });
  const args = [source, "-o", program, ...flags.output.trim().split(/\s+/)];
  await run("gcc", args, { log });
  const result = await run(program, [], {
    log,
    env: { LD_LIBRARY_PATH: join(prefix, "lib") },
  });
  return result.output.trim();
}
