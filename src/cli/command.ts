/** What a command is. */

import { flag } from "./args.ts";
import type { OptionTable, OptionValues, Positional } from "./args.ts";

/** Options that every command has. */
export const COMMON_OPTIONS = {
  "test-devices": flag({
    help: "use the built-in test devices too (as MINIAV_TEST_DEVICES=1 does)",
  }),
  verbose: flag({ help: "the library's log, and stacks of errors, on standard error" }),
  help: flag({ short: "h", help: "this text" }),
} as const;

type CommonOptions = typeof COMMON_OPTIONS;

/** A line of examples: what to type, and what it does. */
export type Example = readonly [line: string, meaning: string];

/** A command as its module describes it. */
export interface CommandDefinition<Table extends OptionTable> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly details: readonly string[];
  readonly positionals?: readonly Positional[];
  readonly options: Table;
  readonly examples: readonly Example[];
  /** Returns the exit code. */
  run(
    options: OptionValues<Table & CommonOptions>,
    positionals: readonly string[],
  ): Promise<number>;
}

/** A command whose options' types are its own business. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly details: readonly string[];
  readonly positionals: readonly Positional[];
  readonly options: OptionTable;
  readonly examples: readonly Example[];
  run(
    values: Readonly<Record<string, unknown>>,
    positionals: readonly string[],
  ): Promise<number>;
}

/** Ties a command to its table of options. */
export function defineCommand<const Table extends OptionTable>(
  definition: CommandDefinition<Table>,
): Command {
  return {
    ...definition,
    positionals: definition.positionals ?? [],
    options: { ...definition.options, ...COMMON_OPTIONS },
    // The parser fills in a value of the option's own type for every name of the table.
    run: (values, positionals) =>
      definition.run(values as OptionValues<Table & CommonOptions>, positionals),
  };
}
