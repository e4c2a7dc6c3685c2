// The table-driven reader of arguments, and what it says about wrong ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  choice,
  duration,
  flag,
  number,
  parseArguments,
  parseDuration,
  text,
} from "../../src/cli/args.ts";
import { UsageError } from "../../src/cli/failure.ts";
import { parseSize } from "../../src/cli/options.ts";
import { editDistance, nearest } from "../../src/cli/suggest.ts";

const TABLE = {
  output: text("FILE", { short: "o", help: "" }),
  force: flag({ short: "y", help: "" }),
  verbose: flag({ short: "v", help: "" }),
  kind: choice("KIND", ["camera", "screen"], { help: "" }),
  rate: number("HZ", { min: -10, max: 10 }, { short: "r", help: "" }),
  seconds: duration("TIME", { short: "t", help: "" }),
};

const POSITIONALS = [{ name: "DEVICE", required: true }, { name: "OTHER", required: false }];

const parse = (...args: string[]) => parseArguments(args, TABLE, []);

function refusal(...args: string[]): string {
  try {
    parse(...args);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
  throw new Error(`${args.join(" ")} was accepted`);
}

test("values come after a space, an equals sign, or the letter itself", () => {
  for (const args of [["--output", "a b"], ["--output=a b"], ["-o", "a b"], ["-oa b"]]) {
    assert.equal(parse(...args).values["output"], "a b");
  }
  assert.equal(parse("--output=a=b").values["output"], "a=b");
});

test("what is not given has its initial value", () => {
  assert.deepEqual(parse().values, {
    output: undefined,
    force: false,
    verbose: false,
    kind: undefined,
    rate: undefined,
    seconds: undefined,
  });
});

test("flags stand alone, together, and before a letter with a value", () => {
  assert.deepEqual({ ...parse("-yv").values, kind: 0 }, { ...parse("-y", "-v").values, kind: 0 });
  const { values } = parse("-yofile");
  assert.equal(values["force"], true);
  assert.equal(values["output"], "file");
});

test("a dash alone and negative numbers are values, options are not", () => {
  assert.equal(parse("-o", "-").values["output"], "-");
  assert.equal(parse("-r", "-2.5").values["rate"], -2.5);
  assert.match(refusal("-o", "--force"), /^-o needs a value: -o FILE$/);
  assert.match(refusal("--output", "-y"), /^--output needs a value: --output FILE$/);
  assert.match(refusal("--output"), /^--output needs a value/);
});

test("two dashes end the options", () => {
  const { positionals } = parseArguments(["a", "--", "--force"], TABLE, POSITIONALS);
  assert.deepEqual(positionals, ["a", "--force"]);
});

test("missing and superfluous arguments are named", () => {
  assert.throws(() => parseArguments([], TABLE, POSITIONALS), /^UsageError: DEVICE is missing$/);
  assert.throws(() => parseArguments(["a", "b", "c"], TABLE, POSITIONALS), /argument "c"/);
  assert.match(refusal("x"), /unexpected argument "x"/);
});

test("a wrong option brings up the nearest right one", () => {
  assert.equal(refusal("--outptu"), "there is no option --outptu; did you mean --output?");
  assert.equal(refusal("--sec"), "there is no option --sec; did you mean --seconds?");
  assert.equal(refusal("--zzzzzz"), "there is no option --zzzzzz");
  assert.equal(refusal("--constructor"), "there is no option --constructor");
  assert.equal(refusal("-q"), "there is no option -q");
});

test("wrong values say what they should have been", () => {
  assert.match(refusal("--kind", "camra"), /one of camera, screen; did you mean camera\?$/);
  assert.match(refusal("--rate", "11"), /a number from -10 to 10$/);
  assert.match(refusal("--rate", "1e1"), /a number from/);
  assert.match(refusal("--rate", ""), /a number from/);
  assert.match(refusal("--output", ""), /must not be empty/);
  assert.match(refusal("--force=yes"), /^--force takes no value$/);
  assert.match(refusal("--force", "-y"), /^--force is given twice$/);
  assert.equal(parse("--kind", "CAMERA").values["kind"], "camera");
});

test("times", () => {
  for (
    const [written, seconds] of [
      ["10", 10],
      ["2.5", 2.5],
      [".5", 0.5],
      ["90s", 90],
      ["250ms", 0.25],
      ["10m", 600],
      ["2h", 7200],
      ["1:30", 90],
      ["1:00:01.5", 3601.5],
    ] as const
  ) {
    assert.equal(parseDuration(written), seconds, written);
  }
  for (const wrong of ["", "0", "-1", "abc", "1:2:3:4", "10 s", "1e3", "Infinity", "9999h"]) {
    assert.throws(() => parseDuration(wrong), /it is a time such as/, wrong);
  }
});

test("sizes", () => {
  assert.deepEqual(parseSize("1280x720"), { width: 1280, height: 720 });
  assert.deepEqual(parseSize("16X9"), { width: 16, height: 9 });
  for (const wrong of ["1280", "x720", "0x10", "-1x5", "1x2x3", "1.5x2"]) {
    assert.throws(() => parseSize(wrong), /WIDTHxHEIGHT/, wrong);
  }
});

test("distance counts insertions, removals, replacements and swaps", () => {
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("recrod", "record"), 1);
  assert.equal(editDistance("same", "same"), 0);
});

test("nothing is suggested for what resembles nothing", () => {
  assert.equal(nearest("x", ["camera", "screen"]), null);
  assert.equal(nearest("banana", ["camera", "screen"]), null);
  assert.equal(nearest("scren", ["camera", "screen"]), "screen");
  assert.equal(nearest("", ["a"]), null);
});
