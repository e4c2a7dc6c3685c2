/**
 * Everything a build needs that is not in the repository, side by side and once:
 * the Zig compiler, miniaudio.h, headers of libraries that are opened at run time.
 *
 *     deno run -A scripts/toolchain.ts
 */

import { ensureHeaders, type Headers } from "./toolchain/headers.ts";
import { ensureMiniaudio } from "./toolchain/miniaudio.ts";
import { ensureZig, ZIG_VERSION } from "./toolchain/zig.ts";
import { progress } from "./progress.ts";

export interface Toolchain {
  /** The command that runs Zig. */
  readonly zig: string;
  /** The folder of miniaudio.h. */
  readonly miniaudioDir: string;
  /** The folder of the headers of PipeWire, PulseAudio, D-Bus and XCB. */
  readonly headersDir: string;
}

/** Fetches what is missing; costs milliseconds, and says nothing when `quiet`, when nothing is. */
export async function ensureToolchain(quiet = false): Promise<Toolchain> {
  const part = quiet ? <T>(_: string, work: () => Promise<T>) => work() : progress;
  const [zig, miniaudioDir, headers] = await Promise.all([
    part(`zig ${ZIG_VERSION}`, ensureZig),
    part("miniaudio.h", ensureMiniaudio),
    part("headers", ensureHeaders, describeHeaders),
  ]);
  return { zig, miniaudioDir, headersDir: headers.folder };
}

function describeHeaders(found: Headers): string {
  if (found.missing.length === 0) return "";
  return `without ${found.missing.join(", ")}: those backends are off`;
}

if (import.meta.main) await ensureToolchain();
