/**
 * Everything a build needs that is not in the repository, side by side and once:
 * the Zig compiler, miniaudio.h, headers of libraries that are opened at run time.
 *
 *     deno run -A scripts/toolchain.ts
 */

import { ensureHeaders } from "./toolchain/headers.ts";
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

/** Fetches what is missing; costs milliseconds when nothing is. */
export async function ensureToolchain(): Promise<Toolchain> {
  const [zig, miniaudioDir, headers] = await Promise.all([
    progress(`zig ${ZIG_VERSION}`, ensureZig),
    progress("miniaudio.h", ensureMiniaudio),
    progress(
      "headers",
      ensureHeaders,
      (found) =>
        found.missing.length === 0
          ? ""
          : `without ${found.missing.join(", ")}: those backends are off`,
    ),
  ]);
  return { zig, miniaudioDir, headersDir: headers.folder };
}

if (import.meta.main) await ensureToolchain();
