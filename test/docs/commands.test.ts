// Every command that a document shows in an `sh` block works, and every command there is is shown.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { library } from "../../src/ffi/mod.ts";
import { describeResult, runProgram, runScript, runtime } from "../support/process.ts";
import type { ScriptResult } from "../support/process.ts";
import {
  blocksOf,
  DOCUMENTS,
  fileExists,
  firstColumn,
  readDocument,
  ROOT,
  TEST_DEVICES,
} from "./support/documents.ts";

interface Line {
  readonly place: string;
  readonly command: string;
}

const LINES: readonly Line[] = DOCUMENTS.flatMap((document) =>
  blocksOf(document, "sh").flatMap(({ line, text }) =>
    text.split("\n").map((command, index) => ({
      place: `${document}, line ${line + index}`,
      command: command.replace(/\s*# .*$/, "").trim(),
    })).filter(({ command }) => command !== "")
  )
);

const TASKS = Object.keys(
  (JSON.parse(readDocument("deno.json")) as { tasks: Record<string, string> }).tasks,
);

/** Files of the checkout, seen from the folder in which a command runs. */
function inCheckout(word: string): string {
  const built = /^(--allow-ffi=)build\/\S+$/.exec(word);
  if (built !== null) return `${built[1]}${library().path}`;
  return /^(examples|src|scripts)\//.test(word) ? join(ROOT, word) : word;
}

/** Runs a line in an empty folder; null: it is for the other runtime. */
async function runLine(command: string): Promise<ScriptResult | null> {
  const [program = "", ...words] = command.split(/\s+/);
  const cwd = mkdtempSync(join(tmpdir(), "miniav-docs-"));
  const options = { env: TEST_DEVICES, cwd };
  try {
    if (program === "miniav") {
      return await runScript(join(ROOT, "src", "cli", "main.ts"), { ...options, args: words });
    }
    if (program !== runtime) return null;
    // Through the shell: Deno's node:child_process changes the flags of a Deno that it starts.
    const script = `exec '${process.execPath}' "$@"`;
    const args = ["-c", script, program, ...words.map(inCheckout)];
    return await runProgram("/bin/sh", args, options);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

for (const { place, command } of LINES) {
  test(`${place}: ${command}`, async () => {
    const task = /^(?:npx -y )?deno task (\S+)/.exec(command)?.[1];
    if (task !== undefined) {
      assert.ok(TASKS.includes(task), `there is no task ${task}`);
      return;
    }
    assert.match(command, /^(miniav|deno run|bun) /, "not a command that this test knows");
    for (const [file] of command.matchAll(/\bexamples\/\S+/g)) assert.ok(fileExists(file), file);
    const result = await runLine(command);
    if (result !== null) assert.equal(result.code, 0, describeResult(result));
  });
}

test("the README has every command of the command line", () => {
  const shown = firstColumn("README.md", "Command");
  assert.deepEqual(shown, COMMANDS.map(({ name }) => name));
});

test("CONTRIBUTING has every task", () => {
  const shown = firstColumn("CONTRIBUTING.md", "Task");
  assert.deepEqual(shown.map((name) => name.split(" ")[0]), TASKS);
});
