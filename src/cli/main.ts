/** `miniav`: the command line. Runs in Deno and in Bun. */

import process from "node:process";
import { enableTestDevices, setLogHandler } from "../mod.ts";
import { flag, parseArguments } from "./args.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { EXIT, UsageError } from "./failure.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { reportError } from "./report.ts";
import { nearest } from "./suggest.ts";
import { print, printable, printError } from "./terminal.ts";
import { versionText } from "./version.ts";

const MAIN_OPTIONS = {
  help: flag({ short: "h", help: "" }),
  version: flag({ short: "V", help: "" }),
};

/** Runs a command line, without the program's name; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const isCommand = name !== undefined && (name === "" || !name.startsWith("-"));
  let current = "";
  let verbose = false;
  try {
    if (!isCommand) return withoutCommand(args);
    if (name === "help") return help(rest);
    const command = findCommand(name);
    current = command.name;
    if (wantsHelp(rest)) {
      print(commandHelp(command));
      return EXIT.ok;
    }
    const { values, positionals } = parseArguments(rest, command.options, command.positionals);
    verbose = values["verbose"] === true;
    if (verbose) showLog();
    if (values["test-devices"] === true) enableTestDevices();
    return await command.run(values, positionals);
  } catch (error) {
    return reportError(error, current, verbose);
  }
}

/** Help is given whatever else is on the line, so that nothing has to be right first. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes("--help") || options.includes("-h");
}

function withoutCommand(args: readonly string[]): number {
  const { values } = parseArguments(args, MAIN_OPTIONS, []);
  if (values["version"] === true) {
    print(versionText());
    return EXIT.ok;
  }
  if (values["help"] === true) {
    print(mainHelp(COMMANDS));
    return EXIT.ok;
  }
  printError(mainHelp(COMMANDS));
  return EXIT.usage;
}

function help([name]: readonly string[]): number {
  print(name === undefined ? mainHelp(COMMANDS) : commandHelp(findCommand(name)));
  return EXIT.ok;
}

function findCommand(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found !== undefined) return found;
  const close = nearest(name, COMMANDS.map((command) => command.name));
  const meant = close === null ? "" : `; did you mean ${close}?`;
  throw new UsageError(`there is no command "${name}"${meant}`);
}

function showLog(): void {
  setLogHandler(({ level, source, message, lostLines }) => {
    const lost = lostLines === 0 ? "" : `(${lostLines} lines lost) `;
    printError(`[${level}] ${lost}${printable(`${source}: ${message}`)}\n`);
  }, { level: "debug" });
}

/** A task runs in the folder of its configuration; names of files mean the one that it was called in. */
function goWhereCalled(): void {
  const folder = process.env["MINIAV_CALLED_IN"] ?? "";
  if (folder !== "") process.chdir(folder);
}

goWhereCalled();
process.exit(await main(process.argv.slice(2)));
