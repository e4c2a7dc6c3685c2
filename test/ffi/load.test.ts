// Finding the library, and saying why it was not found.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  candidates,
  currentRuntime,
  library,
  libraryFile,
  MiniAVError,
  setLibraryPath,
  targetNames,
} from "../../src/ffi/mod.ts";
import { describeResult, runScript, runtime } from "../support/process.ts";

const SCRIPT = new URL("scripts/load_failure.ts", import.meta.url);

test("names of files and builds", () => {
  assert.equal(libraryFile({ os: "linux" }), "libminiav.so");
  assert.equal(libraryFile({ os: "macos" }), "libminiav.dylib");
  assert.equal(libraryFile({ os: "windows" }), "miniav.dll");
  assert.deepEqual(targetNames({ os: "linux", cpu: "x64" }), ["linux-x64", "linux-x64-musl"]);
  assert.deepEqual(targetNames({ os: "macos", cpu: "arm64" }), ["macos-arm64"]);
});

test("places are tried in order: environment, packages, local build", () => {
  const origins = candidates(currentRuntime()).map(({ origin }) => origin);
  assert.deepEqual([...new Set(origins)], ["MINIAV_LIBRARY", "package", "local build"]);
});

test("an opened library stays", () => {
  const { path } = library();
  assert.ok(existsSync(path));
  setLibraryPath(path);
  assert.throws(
    () => setLibraryPath("/elsewhere/libminiav.so"),
    (error) => error instanceof MiniAVError && error.code === "ALREADY_RUNNING",
  );
});

test("a file that is not there is named, with what to do", async () => {
  const result = await runScript(SCRIPT, { env: { MINIAV_LIBRARY: "/nowhere/libminiav.so" } });
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /^LOAD_FAILED$/m);
  assert.match(result.stdout, /MINIAV_LIBRARY: \/nowhere\/libminiav\.so: /);
  assert.match(result.stdout, /set MINIAV_LIBRARY|Install @miniav/);
});

test("an explicit path wins over the environment", async () => {
  const { path } = library();
  const result = await runScript(SCRIPT, {
    args: [path],
    env: { MINIAV_LIBRARY: "/nowhere/libminiav.so" },
  });
  assert.equal(result.stdout, `opened ${path}\n`, describeResult(result));
});

test("a file that is no library is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "miniav-"));
  try {
    const path = join(folder, "libminiav.so");
    writeFileSync(path, "not a library");
    const result = await runScript(SCRIPT, { args: [path] });
    assert.match(result.stdout, /^LOAD_FAILED$/m, describeResult(result));
    assert.ok(result.stdout.includes(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

if (runtime === "deno") {
  test("without permission nothing is asked, and the flag is named", async () => {
    const result = await runScript(SCRIPT, { permissions: ["--no-prompt"] });
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stdout, /^LOAD_FAILED$/m);
    assert.match(result.stdout, /not permitted: run with --allow-ffi=\S+libminiav\.so/);
    assert.match(result.stdout, /Run Deno with --allow-ffi/);
  });
}
