/** Runs steps side by side as far as their needs and the processors allow, and counts results. */

import { LOGS } from "../paths.ts";
import { join } from "../path.ts";
import { CommandError } from "../process.ts";
import { progress, say } from "../progress.ts";

/** How many tests a step ran. One that only does or checks one thing counts as one test. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Shown behind the step's time. */
  readonly remark?: string;
}

export interface Step {
  readonly name: string;
  /** Steps that must have succeeded before. */
  readonly needs?: readonly string[];
  /** Steps that must have ended before, well or not. */
  readonly after?: readonly string[];
  /** Only steps with the same word here run at the same time: for tests that judge time. */
  readonly apart?: string;
  /** Does the work, with all output in `log`; a throw is one failed test. */
  run(log: string): Promise<Counts | string | void>;
}

/** Some tests failed: `output` is what a person needs to see. */
export class TestsFailed extends Error {
  override readonly name = "TestsFailed";
  constructor(readonly counts: Counts, readonly output: string) {
    super(`${counts.failed} failed, ${counts.passed} passed`);
  }
}

/** Runs all steps; returns the sum. */
export async function runSteps(steps: readonly Step[]): Promise<Counts> {
  const capacity = Math.max(2, navigator.hardwareConcurrency);
  const chosen = new Set(steps.map((step) => step.name));
  const waiting = [...steps];
  const succeeded = new Set<string>();
  const ended = new Set<string>();
  const running = new Map<Step, Promise<void>>();
  let passed = 0;
  let failed = 0;

  const start = (step: Step) => {
    waiting.splice(waiting.indexOf(step), 1);
    const broken = (step.needs ?? []).find((name) => ended.has(name) && !succeeded.has(name));
    const work = (broken === undefined ? runStep(step) : skipStep(step, broken)).then((counts) => {
      passed += counts.passed;
      failed += counts.failed;
      if (counts.failed === 0) succeeded.add(step.name);
      ended.add(step.name);
      running.delete(step);
    });
    running.set(step, work);
  };

  while (waiting.length > 0 || running.size > 0) {
    const ready = waiting.filter((step) =>
      (step.needs ?? []).every((name) => ended.has(name)) &&
      (step.after ?? []).every((name) => ended.has(name) || !chosen.has(name))
    );
    const beside = (step: Step) =>
      running.size < capacity && [...running.keys()].every(({ apart }) => apart === step.apart);
    const next = ready.find((step) => step.apart === undefined && beside(step)) ??
      ready.find(beside);
    if (next !== undefined) start(next);
    else if (running.size > 0) await Promise.race(running.values());
    else throw new Error(`steps that need each other: ${waiting.map((s) => s.name).join(", ")}`);
  }
  return { passed, failed };
}

async function runStep(step: Step): Promise<Counts> {
  const log = join(LOGS, `${step.name.replaceAll(/[^a-z0-9]+/gi, "-")}.log`);
  await Deno.mkdir(LOGS, { recursive: true });
  await Deno.writeTextFile(log, "");
  try {
    return await progress(step.name, async () => asCounts(await step.run(log)), describe);
  } catch (error) {
    say(indent(failureText(error)));
    return error instanceof TestsFailed ? error.counts : { passed: 0, failed: 1 };
  }
}

function skipStep(step: Step, broken: string): Promise<Counts> {
  say(`FAIL ${step.name}: not run, because ${broken} failed`);
  return Promise.resolve({ passed: 0, failed: 1 });
}

function asCounts(result: Counts | string | void): Counts {
  if (typeof result === "string") return { passed: 1, failed: 0, remark: result };
  return result ?? { passed: 1, failed: 0, remark: "" };
}

function describe(counts: Counts): string {
  return counts.remark ?? `${counts.passed} passed`;
}

function failureText(error: unknown): string {
  if (error instanceof CommandError) return `${error.message}\n${tail(error.output)}`;
  if (error instanceof TestsFailed) return tail(error.output);
  // A stack is of use where the runner itself is wrong, not where a check has spoken.
  if (error instanceof TypeError || error instanceof ReferenceError) return error.stack ?? "";
  if (error instanceof Error) return error.message;
  return String(error);
}

function tail(text: string): string {
  // Of a build only what went wrong is of interest here; the log has the rest.
  const lines = text.trimEnd().split("\n").filter((line) => !/^\[\d+\/\d+\] /.test(line));
  return lines.length <= 400 ? lines.join("\n") : ["...", ...lines.slice(-400)].join("\n");
}

function indent(text: string): string {
  return text.split("\n").map((line) => `     ${line}`).join("\n");
}
