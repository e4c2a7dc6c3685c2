/** The fuzzers of `lib/miniav_c/fuzz`, each for a short time; a finding fails. */

import { BUILD, C_LIBRARY } from "../paths.ts";
import { join } from "../path.ts";
import { run } from "../process.ts";
import type { Toolchain } from "../toolchain.ts";
import type { Counts } from "./steps.ts";
import { TestsFailed } from "./steps.ts";

const PROGRAMS = ["frame_fuzz", "text_fuzz", "api_fuzz"] as const;
const SECONDS = 10;
/** Of one input, before it counts as a hang. */
const INPUT_TIMEOUT_S = 20;

/** Builds all and runs one after the other; what an input breaks is in the log with the input. */
export async function runFuzzers(toolchain: Toolchain, log: string): Promise<Counts> {
  const folder = join(BUILD, "cmake", "fuzz");
  const configure = ["-S", join(C_LIBRARY, "fuzz"), "-B", folder, "-G", "Ninja"];
  configure.push("-DCMAKE_C_COMPILER=clang-14");
  configure.push(`-DMINIAV_MINIAUDIO_DIR=${toolchain.miniaudioDir}`);
  configure.push(`-DMINIAV_HEADERS_DIR=${toolchain.headersDir}`);
  await run("cmake", configure, { log });
  await run("cmake", ["--build", folder], { log });
  const findings: string[] = [];
  for (const program of PROGRAMS) {
    const options = [`-max_total_time=${SECONDS}`, `-timeout=${INPUT_TIMEOUT_S}`];
    options.push("-max_len=512", "-len_control=0", "-print_final_stats=1");
    const timeoutMs = (SECONDS + 3 * INPUT_TIMEOUT_S) * 1000;
    const { code, output } = await run(join(folder, program), options, {
      log,
      cwd: folder,
      allowFailure: true,
      timeoutMs,
    });
    if (code !== 0) findings.push(`${program}\n${output.split("\n").slice(-40).join("\n")}`);
  }
  const counts = { passed: PROGRAMS.length - findings.length, failed: findings.length };
  if (findings.length > 0) throw new TestsFailed(counts, findings.join("\n\n"));
  return counts;
}
