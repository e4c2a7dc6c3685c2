// Help texts, versions, and what wrong usage says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../src/cli/args.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandHelp, mainHelp } from "../../src/cli/help.ts";
import { describeResult } from "../support/process.ts";
import { miniav } from "./support/cli.ts";

test("the main help names every command", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const result = await miniav(args);
    assert.equal(result.code, 0, describeResult(result));
    assert.equal(result.stdout, mainHelp(COMMANDS));
    assert.equal(result.stderr, "");
  }
  for (const { name, summary } of COMMANDS) {
    assert.match(mainHelp(COMMANDS), new RegExp(`^  ${name} +${summary}$`, "m"));
  }
});

test("every command explains itself, whatever else is on the line", async () => {
  for (const command of COMMANDS) {
    const result = await miniav([command.name, "--nonsense", "--help"]);
    assert.equal(result.code, 0, describeResult(result));
    assert.equal(result.stdout, commandHelp(command));
    assert.equal(result.stderr, "");
  }
});

test("help lists each option once, in lines that fit, with examples that parse", () => {
  for (const command of COMMANDS) {
    const help = commandHelp(command);
    for (const name of Object.keys(command.options)) {
      const found = help.match(new RegExp(`^  (-\\w, |    )--${name}( |$)`, "gm")) ?? [];
      assert.equal(found.length, 1, `${command.name} --${name}`);
    }
    for (const line of help.split("\n")) assert.ok(line.length <= 100, `${command.name}: ${line}`);
    const letters = Object.values(command.options).flatMap(({ short }) => short ?? []);
    assert.equal(new Set(letters).size, letters.length, `${command.name} has a letter twice`);
    assert.ok(command.examples.length > 0, command.name);
    for (const [line] of command.examples) {
      const [program, name, ...args] = (line.split(" | ")[0] ?? "").split(" ");
      assert.equal(`${program} ${name}`, `miniav ${command.name}`);
      parseArguments(args, command.options, command.positionals);
    }
  }
});

test("the version names program, library and runtime", async () => {
  for (const args of [["--version"], ["-V"]]) {
    const result = await miniav(args);
    assert.equal(result.code, 0, describeResult(result));
    assert.match(
      result.stdout,
      /^miniav \d+\.\d+\.\d+\nlibrary \d+\.\d+\.\d+, .*miniav\.(so|dylib|dll)\n(Deno|Bun) \d/,
    );
  }
});

test("the version is told although the library is not there", async () => {
  const result = await miniav(["--version"], { env: { MINIAV_LIBRARY: "/nowhere/libminiav.so" } });
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /^library not found: `miniav doctor` says why$/m);
});

const WRONG_USAGE: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /^Usage: miniav COMMAND/m],
  [
    ["recrod"],
    /^miniav: there is no command "recrod"; did you mean record\?\nSee: miniav --help\n$/,
  ],
  [["zzz"], /^miniav: there is no command "zzz"\nSee: miniav --help\n$/],
  [["--nonsense"], /^miniav: there is no option --nonsense\n/],
  [["help", "metre"], /did you mean meter\?/],
  [["record", "--secnds", "3"], /--secnds; did you mean --seconds\?\nSee: miniav record --help\n$/],
  [["record", "--seconds"], /^miniav: --seconds needs a value: --seconds TIME\n/],
  [["record"], /^miniav: what to record is missing/],
  [["record", "-o", "x.mp3"], /^miniav: what to record is missing/],
  [["record", "-k", "microphone", "-o", "x.mp3"], /sound becomes \.wav, not \.mp3; .*ffmpeg/],
  [["record", "-k", "camera", "-o", "x.wav"], /video becomes \.y4m, not \.wav/],
  [["record", "-k", "camera", "--rate", "8000"], /--rate does not go with a camera/],
  [["record", "-k", "microphone", "--size", "4x4"], /--size does not go with a microphone/],
  [["record", "-k", "microphone", "--format", "NV12"], /NV12 is a format of pictures/],
  [["record", "-k", "camera", "--format", "s16"], /s16 is a format of sound/],
  [["record", "-k", "camera", "--format", "MJPEG"], /Y4M holds raw pictures/],
  [["record", "-k", "camera", "--pid", "5"], /--app and --pid go with neither --device/],
  [["record", "--app", "x", "-d", "test:tone"], /--app and --pid go with neither --device/],
  [["record", "--app", ""], /--app NAME: "": it must not be empty/],
  [["record", "--app", "x", "--app", "X"], /^miniav: x is named twice\n/],
  [["record", "--pid", "0"], /--pid PID: "0": it is a whole number from 1 to/],
  [["record", "--pid", "firefox"], /--pid PID: "firefox": it is a whole number/],
  [["record", "--tree"], /^miniav: --tree needs --pid\n/],
  [["record", "--app", "x", "--tree"], /--tree goes with --pid: a name means every process/],
  [["record", "--exclude", "-o", "x.wav"], /^miniav: --exclude needs --app or --pid\n/],
  [["record", "--wait", "-o", "x.wav"], /^miniav: --wait needs --app or --pid\n/],
  [["record", "--separate", "-o", "x.wav"], /^miniav: --separate needs --app or --pid\n/],
  [["record", "--app", "x", "--separate", "--exclude"], /everything else is one sound/],
  [["record", "--app", "x", "--separate", "-o", "-"], /standard output is one/],
  [["record", "--app", "x", "--separate", "-o", "x.mp3"], /sound becomes \.wav, not \.mp3/],
  [["record", "--app", "x", "--size", "4x4"], /--size does not go with a loopback/],
  [["record", "--apps", "x"], /there is no option --apps; did you mean --app\?/],
  [["meter", "--app", "x", "-k", "microphone"], /--app and --pid go with neither --device/],
  [["meter", "--tree"], /^miniav: --tree needs --pid\n/],
  [["devices", "--loopback", "-k", "camera"], /--loopback does not go with --kind camera/],
  [["meter", "-k", "camera"], /one of microphone, loopback/],
  [["snapshot", "-o", "x.jpg"], /a picture becomes \.png, not \.jpg/],
  [["snapshot", "-k", "screen", "--skip", "3"], /--skip is for cameras/],
  [["formats"], /^miniav: DEVICE is missing\n/],
  [["devices", "extra"], /unexpected argument "extra"/],
];

test("wrong usage is explained on standard error, with exit code 2", async () => {
  for (const [args, expected] of WRONG_USAGE) {
    const result = await miniav(args);
    assert.equal(result.code, 2, `${args.join(" ")}: ${describeResult(result)}`);
    assert.match(result.stderr, expected);
    assert.equal(result.stdout, "");
  }
});
