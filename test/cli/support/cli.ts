// The command line in a process of its own, in the runtime that the test runs in.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { after } from "node:test";
import { runScript, runtimeCommand, startScript } from "../../support/process.ts";
import type { RunningScript, ScriptOptions, ScriptResult } from "../../support/process.ts";

export const MAIN = new URL("../../../src/cli/main.ts", import.meta.url);

const TEST_DEVICES = { MINIAV_TEST_DEVICES: "1" };

/** A folder that is gone after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "miniav-cli-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function withDefaults(args: readonly string[], options: ScriptOptions): ScriptOptions {
  return { ...options, args, env: { ...TEST_DEVICES, ...options.env } };
}

/** Runs `miniav ARGS` with the test devices. */
export function miniav(
  args: readonly string[],
  options: ScriptOptions = {},
): Promise<ScriptResult> {
  return runScript(MAIN, withDefaults(args, options));
}

export function startMiniav(
  args: readonly string[],
  options: ScriptOptions = {},
): RunningScript {
  return startScript(MAIN, withDefaults(args, options));
}

/** Standard output as it is. */
export interface BinaryResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Runs `miniav ARGS` and keeps the bytes that it writes; `limit`: the reader goes away after so many.
 */
export function miniavBytes(
  args: readonly string[],
  { cwd, limit = Infinity }: { readonly cwd: string; readonly limit?: number },
): Promise<BinaryResult> {
  const { command, args: all } = runtimeCommand(MAIN, { args });
  const child = spawn(command, all, {
    cwd,
    env: { ...process.env, ...TEST_DEVICES },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) child.stdout.destroy();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: Buffer.concat(chunks), stderr }));
  });
}
