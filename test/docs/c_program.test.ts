// The program of lib/miniav_c/README.md is built as its reader would build it, and run.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { library } from "../../src/ffi/mod.ts";
import { describeResult, runProgram } from "../support/process.ts";
import { blocksOf, fileExists, ROOT, TEST_DEVICES } from "./support/documents.ts";

const WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow"];
/** Where the C tests have built the library with CMake, when they have. */
const CMAKE_BUILD = "build/cmake/gcc";

interface Installed {
  /** What pkg-config says, or would. */
  readonly flags: readonly string[];
  readonly libraries: string;
}

async function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const result = await runProgram(command, args, { env, timeoutMs: 60_000 });
  assert.equal(result.code, 0, `${command} ${args.join(" ")}: ${describeResult(result)}`);
  return result;
}

/** The library of the CMake build, installed and asked for by pkg-config; else the one Zig built. */
async function installInto(prefix: string): Promise<Installed> {
  if (fileExists(`${CMAKE_BUILD}/libminiav.so`)) {
    await run("cmake", ["--install", join(ROOT, CMAKE_BUILD), "--prefix", prefix]);
    const libraries = join(prefix, "lib");
    const { stdout } = await run(
      "pkg-config",
      ["--define-prefix", "--cflags", "--libs", "miniav"],
      { PKG_CONFIG_PATH: join(libraries, "pkgconfig") },
    );
    return { flags: stdout.trim().split(/\s+/), libraries };
  }
  const libraries = dirname(library().path);
  const include = join(ROOT, "lib", "miniav_c", "include");
  return { flags: [`-I${include}`, `-L${libraries}`, "-lminiav"], libraries };
}

test("the program for C users compiles without a warning and runs", async () => {
  const [block, ...more] = blocksOf("lib/miniav_c/README.md", "c");
  assert.ok(block !== undefined && more.length === 0, "one program");
  const folder = mkdtempSync(join(tmpdir(), "miniav-docs-"));
  try {
    const { flags, libraries } = await installInto(join(folder, "prefix"));
    const source = join(folder, "frames.c");
    const program = join(folder, "frames");
    writeFileSync(source, block.text);
    await run("gcc", [...WARNINGS, "-Werror", source, "-o", program, ...flags]);
    const env = { ...TEST_DEVICES, LD_LIBRARY_PATH: libraries };
    const { stdout, stderr } = await run(program, [], env);
    const frames = stdout.split("\n").filter((line) => /^frame \d+: 1280x720/.test(line));
    assert.equal(frames.length, 10, stdout);
    assert.equal(stderr, "");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
