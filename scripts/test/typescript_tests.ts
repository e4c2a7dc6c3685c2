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

/** Which files: `os` those that mostly wait, for real daemons or a minute to end; `rest` all others. */
export type Part = "os" | "rest";

const OS = /^test\/(?:os|soak)\/|\/real_\w+\.test\.ts$/;

export async function testWithDeno(log: string, part: Part, filter: string): Promise<Counts> {
  return await testFiles(await findDeno(), DENO, log, part, filter);
}

export async function testWithBun(log: string, part: Part, filter: string): Promise<Counts> {
  return await testFiles(await findBun(), BUN, log, part, filter);
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

/** How many files of a part a runtime tests side by side: those of real daemons mostly wait. */
const LANES: Record<Part, number> = { os: 2, rest: 1 };

async function testFiles(
  command: string,
  runtime: Runtime,
  log: string,
  part: Part,
  filter: string,
): Promise<Counts> {
  const files = await findTests(part, filter);
  const sum = { passed: 0, failed: 0, skipped: 0, again: 0 };
  const failures: string[] = [];
  const lane = async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      const { counts, output, again } = await testTwice(command, runtime, file, log);
      sum.passed += counts.passed;
      sum.failed += counts.failed;
      sum.skipped += counts.skipped;
      sum.again += again ? 1 : 0;
      if (counts.failed > 0) failures.push(`${file}\n${output}`);
    }
  };
  const isEmpty = files.length === 0;
  await Promise.all(Array.from({ length: LANES[part] }, lane));
  return summary(sum, failures, isEmpty);
}

function summary(
  { passed, failed, skipped, again }: FileCounts & { again: number },
  failures: readonly string[],
  isEmpty: boolean,
): Counts {
  if (failed > 0) throw new TestsFailed({ passed, failed }, failures.join("\n"));
  if (passed === 0 && !isEmpty) throw new Error("no test was run");
  const remarks = [`${passed} passed`];
  if (skipped > 0) remarks.push(`${skipped} SKIPPED`);
  if (again > 0) remarks.push(`${again} files only alone, at the second try: see the log`);
  return { passed, failed, remark: remarks.join(", ") };
}

/** Beside others a machine may be too busy for what needs its time; what is wrong fails again. */
async function testTwice(
  command: string,
  runtime: Runtime,
  file: string,
  log: string,
): Promise<FileResult & { readonly again: boolean }> {
  const test = () => testFile(command, runtime, file, log);
  const first = await machine.share(test);
  if (first.counts.failed === 0) return { ...first, again: false };
  return { ...await machine.alone(test), again: true };
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
  const isIn = (path: string) => OS.test(path) === (part === "os");
  return files.map((path) => relative(ROOT, path).replaceAll("\\", "/"))
    .filter((path) => /[._]test\.ts$/.test(path) && isIn(path) && path.includes(filter));
}

async function appendLine(path: string, line: string): Promise<void> {
  await Deno.writeTextFile(path, `${line}\n`, { append: true });
}
