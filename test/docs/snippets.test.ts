// Every TypeScript block of every document is a whole program: here they run, in this runtime, on
// the test devices, each in a folder of its own.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { describeResult, runProgram, runScript, runtime } from "../support/process.ts";
import type { ScriptResult } from "../support/process.ts";
import { type Block, blocksOf, DOCUMENTS, ROOT, TEST_DEVICES } from "./support/documents.ts";

const BLOCKS = DOCUMENTS.flatMap((document) => blocksOf(document, "ts"));
const EXAMPLES = ["microphone_to_wav", "camera_to_png", "screen_to_png", "loop_over_frames"];

const folder = mkdtempSync(join(tmpdir(), "miniav-docs-"));
after(() => rmSync(folder, { recursive: true }));
// As an installed package: what a program says is `import { … } from "miniav"`.
mkdirSync(join(folder, "node_modules"));
symlinkSync(ROOT, join(folder, "node_modules", "miniav"));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
const CONFIG = ["--config", join(ROOT, "deno.json")];

/** Writes a program into a folder of its own; returns its path. */
function writeProgram({ document, line, text }: Block): string {
  const own = join(folder, `${document.replaceAll(/[^a-z]/gi, "_")}_${line}`);
  mkdirSync(own, { recursive: true });
  const path = join(own, isTestFile(text) ? "program.test.ts" : "program.ts");
  writeFileSync(path, text);
  return path;
}

/** A test file, which the runtime's own test runner runs. */
const isTestFile = (text: string): boolean => text.includes('from "node:test"');

function runBlock(block: Block): Promise<ScriptResult> {
  const path = writeProgram(block);
  const cwd = join(path, "..");
  if (isTestFile(block.text)) {
    const args = runtime === "deno" ? ["test", "-A", ...CONFIG, path] : ["test", path];
    return runProgram(process.execPath, args, { env: TEST_DEVICES, cwd, timeoutMs: 60_000 });
  }
  const runtimeArgs = runtime === "deno" ? CONFIG : [];
  return runScript(path, { env: TEST_DEVICES, cwd, runtimeArgs });
}

/** `console.log(…); // this` promises what is printed, up to a colon or an ellipsis. */
function promisesOf(text: string): string[] {
  return [...text.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, promise = ""]) =>
    promise.replace(/(: | …).*$/, "")
  );
}

for (const block of BLOCKS) {
  test(`${block.document}, line ${block.line}, runs`, async () => {
    const result = await runBlock(block);
    assert.equal(result.code, 0, describeResult(result));
    if (isTestFile(block.text)) {
      assert.match(result.stdout + result.stderr, /[1-9]\d* pass/, describeResult(result));
      return;
    }
    assert.equal(result.stderr, "", describeResult(result));
    const printed = result.stdout.replaceAll(/\s+/g, " ");
    for (const promise of promisesOf(block.text)) {
      assert.ok(printed.includes(promise), `no "${promise}" in: ${describeResult(result)}`);
    }
  });
}

if (runtime === "deno") {
  test("the programs of all documents have right types", async () => {
    const paths = BLOCKS.map(writeProgram);
    const args = ["check", "--quiet", ...CONFIG, ...paths];
    const result = await runProgram(process.execPath, args, { timeoutMs: 120_000 });
    assert.equal(result.code, 0, describeResult(result));
  });
}

test("the examples of the README are the files in examples/", () => {
  const shown = new Set(blocksOf("README.md", "ts").map(({ text }) => text));
  for (const name of EXAMPLES) {
    const file = readFileSync(join(ROOT, "examples", `${name}.ts`), "utf8");
    assert.ok(shown.has(file), `examples/${name}.ts`);
  }
});
