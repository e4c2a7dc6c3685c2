/**
 * Everything that must hold before a change is good.
 *
 *     deno task test
 *     deno task test --only=deno,lint        some steps, with what they need
 *     deno task test --filter=waiter         only test files whose path contains this
 *     deno task test --list                  the names of the steps
 *
 * To add a step, add an object to the list in `steps()`: a name, the names of the steps it needs,
 * and a function that does the work with its output in the log file it is given. It throws to fail,
 * returns nothing or a remark to count as one passed test, or returns counts.
 */

import { parseArgs } from "node:util";
import { buildAll, buildTarget } from "./build.ts";
import { checkLibraries, checkLibrary } from "./check_exports.ts";
import { hostTarget, libraryPath } from "./targets.ts";
import { testInstall, testVariant, VARIANTS } from "./test/c_tests.ts";
import { runFuzzers } from "./test/fuzz.ts";
import { testGuestKernel } from "./test/guest_kernel.ts";
import {
  checkBunTypes,
  checkClangFormat,
  checkDenoTypes,
  checkFormat,
  installDependencies,
  lint,
} from "./test/style.ts";
import { runSteps, type Step } from "./test/steps.ts";
import { installSystemPackages } from "./test/system_packages.ts";
import {
  findDeno,
  findTests,
  type Part,
  testWithBun,
  testWithDeno,
} from "./test/typescript_tests.ts";
import { ensureToolchain } from "./toolchain.ts";
import { ROOT } from "./paths.ts";
import { join } from "./path.ts";
import { run } from "./process.ts";

function steps(filter: string): Step[] {
  return [
    { name: "packages", run: installSystemPackages },
    {
      name: "dependencies",
      run: async (log) => await installDependencies(await findDeno(), log),
    },
    { name: "toolchain", run: () => ensureToolchain().then(() => "") },
    {
      name: "library",
      needs: ["toolchain"],
      run: async (log) => {
        await buildTarget(await ensureToolchain(true), hostTarget(), log);
        return await checkLibrary(libraryPath(hostTarget()));
      },
    },
    ...styleSteps(),
    // The longest first: the others fit beside it.
    {
      name: "cross builds",
      needs: ["library"],
      run: async (log) => {
        await buildAll(await ensureToolchain(true), log);
        return await checkLibraries();
      },
    },
    ...cSteps(),
    {
      name: "guest kernel",
      needs: ["packages", "dependencies", "library", "c gcc"],
      apart: "guest",
      run: testGuestKernel,
    },
    ...runtimeSteps(filter),
  ];
}

function styleSteps(): Step[] {
  return [
    { name: "format", run: async (log) => await checkFormat(await findDeno(), log) },
    { name: "lint", run: async (log) => await lint(await findDeno(), log) },
    {
      name: "types in deno",
      needs: ["dependencies"],
      run: async (log) => await checkDenoTypes(await findDeno(), log),
    },
    {
      name: "types in bun",
      needs: ["dependencies"],
      run: async (log) => await checkBunTypes(await findDeno(), log),
    },
    { name: "layouts", run: checkLayouts },
    { name: "clang-format", needs: ["packages"], run: checkClangFormat },
  ];
}

function cSteps(): Step[] {
  const variant = (name: string, which: keyof typeof VARIANTS): Step => ({
    name,
    needs: ["packages", "toolchain"],
    run: async (log) => await testVariant(await ensureToolchain(true), VARIANTS[which], log),
  });
  return [
    variant("c gcc", "plain"),
    variant("c address", "address"),
    variant("c thread", "thread"),
    { name: "c install", needs: ["c gcc"], run: testInstall },
    {
      name: "c fuzz",
      needs: ["packages", "toolchain"],
      run: async (log) => await runFuzzers(await ensureToolchain(true), log),
    },
  ];
}

/** Each part in both runtimes side by side, and nothing else meanwhile. */
function runtimeSteps(filter: string): Step[] {
  const steps = (part: Part, suffix: string): Step[] => {
    const needs = ["packages", "dependencies", "library", "c gcc"];
    return [
      {
        name: `deno${suffix}`,
        needs,
        apart: part,
        run: (log) => testWithDeno(log, part, filter),
      },
      { name: `bun${suffix}`, needs, apart: part, run: (log) => testWithBun(log, part, filter) },
    ];
  };
  return [...steps("rest", ""), ...steps("os", " os")];
}

async function checkLayouts(log: string): Promise<void> {
  const script = join(ROOT, "scripts", "layouts.ts");
  await run(Deno.execPath(), ["run", "-A", script, "--check"], { log });
}

/** The chosen steps and whatever they need. */
function choose(all: readonly Step[], only: string): readonly Step[] {
  if (only === "") return all;
  const chosen = new Set<Step>();
  const add = (step: Step) => {
    chosen.add(step);
    for (const name of step.needs ?? []) all.filter((each) => each.name === name).forEach(add);
  };
  for (const wanted of only.split(",")) {
    const found = all.filter((step) => step.name === wanted || step.name.startsWith(`${wanted} `));
    if (found.length === 0) throw new Error(`no step ${wanted}; see --list`);
    found.forEach(add);
  }
  return all.filter((step) => chosen.has(step));
}

/** What the caller's shell says to programs that use the library is not said to the tests. */
function forgetSettings(): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (name.startsWith("MINIAV_")) Deno.env.delete(name);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      only: { type: "string", default: "" },
      filter: { type: "string", default: "" },
      list: { type: "boolean", default: false },
    },
  });
  const all = steps(values.filter);
  if (values.list) {
    for (const step of all) console.log(step.name);
    return 0;
  }
  const { filter } = values;
  const files = [...await findTests("rest", filter), ...await findTests("os", filter)];
  if (files.length === 0) throw new Error(`no test file has ${filter} in its path`);
  forgetSettings();
  const { passed, failed } = await runSteps(choose(all, values.only));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
