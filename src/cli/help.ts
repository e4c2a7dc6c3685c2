/** Help, from the tables of the commands. */

import type { OptionTable } from "./args.ts";
import type { Command } from "./command.ts";

const WIDTH = 96;

/** "miniav --help" */
export function mainHelp(commands: readonly Command[]): string {
  const column = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    "Cameras, screens, microphones and the sound of programs, from the command line.",
    "",
    "Usage: miniav COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(column)}${summary}`),
    "",
    "Options:",
    ...rows([
      ["-h, --help", "this text; after a command, the command's"],
      ["    --version", "the versions of this program and of its library"],
    ]),
    "",
    "Exit codes: 0 done, 1 failed (the reason and what helps are on standard error), 2 wrong usage.",
    "",
  ].join("\n");
}

/** "miniav record --help" */
export function commandHelp(command: Command): string {
  const positionals = command.positionals.map(({ name, required }) =>
    required ? ` ${name}` : ` [${name}]`
  );
  const examples = command.examples.flatMap(([line, meaning]) => [
    ...wrap(meaning, WIDTH - 4).map((text) => `  # ${text}`),
    `  ${line}`,
  ]);
  return [
    `Usage: miniav ${command.name}${positionals.join("")} [OPTIONS]`,
    "",
    ...wrap(sentence(command.summary), WIDTH),
    "",
    ...command.details.flatMap((paragraph) => [...wrap(paragraph, WIDTH), ""]),
    "Options:",
    ...rows(optionRows(command.options)),
    ...(examples.length === 0 ? [] : ["", "Examples:", ...examples]),
    "",
  ].join("\n");
}

function optionRows(table: OptionTable): [string, string][] {
  return Object.entries(table).map(([name, { short, placeholder, help }]) => {
    const letter = short === undefined ? "    " : `-${short}, `;
    return [`${letter}--${name}${placeholder === null ? "" : ` ${placeholder}`}`, help];
  });
}

function rows(entries: readonly (readonly [string, string])[]): string[] {
  const column = Math.max(...entries.map(([left]) => left.length)) + 2;
  return entries.flatMap(([left, right]) =>
    wrap(right, WIDTH - column - 2).map((line, index) =>
      `  ${(index === 0 ? left : "").padEnd(column)}${line}`
    )
  );
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`;
}

/** Breaks a text at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
