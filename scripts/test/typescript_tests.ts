/** The TypeScript tests: the same files under Deno and under Bun, a process a file. */

import { ROOT } from "../paths.ts";
import { join, listFiles, relative } from "../path.ts";
import { CommandError, run, type RunResult } from "../process.ts";
import { type Counts, TestsFailed } from "./steps.ts";
import { Turns } from "./turns.ts";

/** The versions that the tests are run with. */
export const DENO_VERSION = "2.9.6";
export const BUN_VERSION = "1.4.5";

/** A file that takes longer than this hangs. */
const FILE_TIMEOUT_MS = 10 * 60 * 1000;

interface Runtime {
  /** The arguments that test one file. */
  args(file: string): string[];
  /** Reads the counts from the output; null when there are none. */
  parse(output: string): FileCounts | null;
}

const DENO: Runtime = {
  args: (file) => ["test", "-A", "--no-check", file],
  parse(output) {
    // `ok | 3 passed (2 steps) | 0 failed | 1 ignored (12ms)`
    const match = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(.*)$/m.exec(output);
    if (match === null) return null;
    const skipped = /\| (\d+) ignored/.exec(match[3] ?? "")?.[1];
    return withSkipped(Number(match[1]), Number(match[2]), Number(skipped ?? 0));
  },
};

const BUN: Runtime = {
  args: (file) => ["test", "--timeout=600000", `./${file}`],
  parse(output) {
    // ` 3 pass`, ` 1 skip`, ` 0 fail`, each on a line of its own, then `Ran 3 tests across 1 file.`
    if (!/^Ran \d+ tests? across/m.test(output)) return null;
    const count = (word: string) =>
      Number(new RegExp(`^\\s*(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
    return withSkipped(count("pass"), count("fail") + count("errors?"), count("skip"));
  },
};

/** Which files: `os` those that need real daemons, `rest` all others. */
export type Part = "os" | "rest";

export async function testWithDeno(log: string, part: Part, filter: string): Promise<Counts> {
  return await testFiles(await findDeno(), DENO, log, await findTests(part, filter));
}

export async function testWithBun(log: string, part: Part, filter: string): Promise<Counts> {
  return await testFiles(await findBun(), BUN, log, await findTests(part, filter));
}

/** The path of the pinned Bun, which npm fetches once into its own cache. */
export async function findBun(): Promise<string> {
  return await lastLine("npx", [
    "-y",
    `bun@${BUN_VERSION}`,
    "--print",
    "process.execPath",
  ]);
}

/** The path of the pinned Deno: this one, when it is. */
export async function findDeno(): Promise<string> {
  if (Deno.version.deno === DENO_VERSION) return Deno.execPath();
  return await lastLine("npx", [
    "-y",
    `deno@${DENO_VERSION}`,
    "eval",
    "console.log(Deno.execPath())",
  ]);
}

async function lastLine(command: string, args: readonly string[]): Promise<string> {
  const { output } = await run(command, args);
  const line = output.trim().split("\n").find((each) => each.startsWith("/")) ?? output.trim();
  return line.trim();
}

async function testFiles(
  command: string,
  runtime: Runtime,
  log: string,
  files: readonly string[],
): Promise<Counts> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  let again = 0;
  const failures: string[] = [];
  for (const file of files) {
    const test = () => testFile(command, runtime, file, log);
    let result = await machine.share(test);
    // Beside others a machine may be too busy for what needs its time; what is wrong fails again.
    if (result.counts.failed > 0) {
      again++;
      result = await machine.alone(test);
    }
    const { counts, output } = result;
    passed += counts.passed;
    failed += counts.failed;
    skipped += counts.skipped;
    if (counts.failed > 0) failures.push(`${file}\n${output}`);
  }
  if (failed > 0) throw new TestsFailed({ passed, failed }, failures.join("\n"));
  if (passed === 0 && files.length > 0) throw new Error("no test was run");
  const remarks = [`${passed} passed`];
  if (skipped > 0) remarks.push(`${skipped} SKIPPED`);
  if (again > 0) remarks.push(`${again} files only alone, at the second try: see the log`);
  return { passed, failed, remark: remarks.join(", ") };
}

/** Any number of tests side by side, or one alone. */
const machine = new Turns();

interface FileResult {
  readonly counts: FileCounts;
  readonly output: string;
}

/** Tests one file; its counts and its time are in the log. */
async function testFile(
  command: string,
  runtime: Runtime,
  file: string,
  log: string,
): Promise<FileResult> {
  const started = performance.now();
  const result = await runFile(command, runtime, file, log);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { passed, failed } = result.counts;
  await appendLine(log, `# ${file}: ${passed} passed, ${failed} failed, ${seconds} s`);
  return result;
}

async function runFile(
  command: string,
  runtime: Runtime,
  file: string,
  log: string,
): Promise<FileResult> {
  let result: RunResult;
  try {
    result = await run(command, runtime.args(file), {
      log,
      allowFailure: true,
      timeoutMs: FILE_TIMEOUT_MS,
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { counts: withSkipped(0, 1, 0), output: `${error.message}\n${error.output}` };
  }
  const counts = runtime.parse(result.output) ?? withSkipped(0, 0, 0);
  // A crash, or a file without a test, is a failure even when nothing was counted.
  const empty = counts.passed + counts.failed + counts.skipped === 0;
  const crashed = counts.failed === 0 && (result.code !== 0 || empty);
  const output = crashed ? `${result.output}\nexit status ${result.code}` : result.output;
  return { counts: crashed ? { ...counts, failed: 1 } : counts, output };
}

interface FileCounts extends Counts {
  readonly skipped: number;
}

function withSkipped(passed: number, failed: number, skipped: number): FileCounts {
  return { passed, failed, skipped };
}

/** The test files of a part whose path contains `filter`, relative to the checkout. */
export async function findTests(part: Part, filter: string): Promise<string[]> {
  const files = await listFiles(join(ROOT, "test"));
  const isIn = (path: string) => path.startsWith("test/os/") === (part === "os");
  return files.map((path) => relative(ROOT, path).replaceAll("\\", "/"))
    .filter((path) => /[._]test\.ts$/.test(path) && isIn(path) && path.includes(filter));
}

async function appendLine(path: string, line: string): Promise<void> {
  await Deno.writeTextFile(path, `${line}\n`, { append: true });
}
