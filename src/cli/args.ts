/** Options of a command: one table that parsing, help and suggestions read. */

import { UsageError } from "./failure.ts";
import { nearest } from "./suggest.ts";

/** One option of a command. */
export interface Option<T> {
  /** A letter, without the dash. */
  readonly short?: string;
  /** What the value is called in help; null: a flag, which takes none. */
  readonly placeholder: string | null;
  readonly help: string;
  /** The value when it is not given. */
  readonly initial: T;
  /** It may be given again: the value is a list, and so is what `parse` returns. */
  readonly repeats?: true;
  /** Throws an Error that says what the text should have been. */
  parse(text: string): T;
}

/** Options by their long name, in the order of the help. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** What parsing makes of a table. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

export interface Positional {
  /** In capitals, as help shows it. */
  readonly name: string;
  readonly required: boolean;
}

export interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

interface Described {
  readonly help: string;
  readonly short?: string;
}

/** An option that is there or not. */
export function flag(describe: Described): Option<boolean> {
  return { ...describe, placeholder: null, initial: false, parse: () => true };
}

/** An option with any text. */
export function text(placeholder: string, describe: Described): Option<string | undefined> {
  const parse = (value: string) => {
    if (value === "") throw new Error("it must not be empty");
    return value;
  };
  return { ...describe, placeholder, initial: undefined, parse };
}

/** An option with one of a few words; case does not matter. */
export function choice<const Words extends readonly string[]>(
  placeholder: string,
  words: Words,
  describe: Described,
): Option<Words[number] | undefined> {
  const parse = (value: string): Words[number] => {
    const found = words.find((word) => word.toLowerCase() === value.toLowerCase());
    if (found !== undefined) return found;
    const close = nearest(value, words);
    const meant = close === null ? "" : `; did you mean ${close}?`;
    throw new Error(`it is one of ${words.join(", ")}${meant}`);
  };
  return { ...describe, placeholder, initial: undefined, parse };
}

interface Limits {
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

/** An option with a number. */
export function number(
  placeholder: string,
  limits: Limits,
  describe: Described,
): Option<number | undefined> {
  const kind = limits.integer ? "a whole number" : "a number";
  const parse = (value: string) => {
    const parsed = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : NaN;
    const fits = parsed >= limits.min && parsed <= limits.max &&
      (!limits.integer || Number.isInteger(parsed));
    if (!fits) throw new Error(`it is ${kind} from ${limits.min} to ${limits.max}`);
    return parsed;
  };
  return { ...describe, placeholder, initial: undefined, parse };
}

/** An option that a function reads. */
export function custom<T>(
  placeholder: string,
  parse: (value: string) => T,
  describe: Described,
): Option<T | undefined> {
  return { ...describe, placeholder, initial: undefined, parse };
}

/** An option that may be given several times. */
export function several<T>(option: Option<T | undefined>): Option<readonly T[]> {
  return {
    ...option,
    help: `${option.help}; again for more`,
    initial: [],
    repeats: true,
    parse: (value) => [option.parse(value)].filter((parsed) => parsed !== undefined),
  };
}

/** Seconds: "2.5", "90s", "10m", "1:30", "1:00:00". */
export function duration(
  placeholder: string,
  describe: Described,
): Option<number | undefined> {
  return custom(placeholder, parseDuration, describe);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { "": 1, ms: 0.001, s: 1, m: 60, h: 3600 };
const LONGEST_SECONDS = 100 * 24 * 3600;

export function parseDuration(value: string): number {
  const simple = /^(\d+\.?\d*|\.\d+)(ms|s|m|h|)$/.exec(value);
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/.exec(value);
  const seconds = simple !== null
    ? Number(simple[1]) * (UNIT_SECONDS[simple[2] ?? ""] ?? 1)
    : clock !== null
    ? Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3])
    : NaN;
  if (!(seconds > 0 && seconds <= LONGEST_SECONDS)) {
    throw new Error("it is a time such as 10, 2.5s, 90m or 1:30, more than nothing");
  }
  return seconds;
}

/** Reads arguments by a table. A wrong one is a UsageError that names the nearest right one. */
export function parseArguments(
  args: readonly string[],
  table: OptionTable,
  positionals: readonly Positional[],
): Parsed {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) values[name] = option.initial;
  const reader = new Reader(args, table, values);
  reader.readAll();
  checkPositionals(reader.positionals, positionals);
  return { values, positionals: reader.positionals };
}

function checkPositionals(given: readonly string[], wanted: readonly Positional[]): void {
  const missing = wanted[given.length];
  if (missing?.required) throw new UsageError(`${missing.name} is missing`);
  const extra = given[wanted.length];
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
}

class Reader {
  readonly positionals: string[] = [];
  readonly #given = new Set<string>();
  readonly #args: readonly string[];
  readonly #table: OptionTable;
  readonly #values: Record<string, unknown>;
  #at = 0;

  constructor(args: readonly string[], table: OptionTable, values: Record<string, unknown>) {
    this.#args = args;
    this.#table = table;
    this.#values = values;
  }

  readAll(): void {
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at++]!;
      if (arg === "--") {
        this.positionals.push(...this.#args.slice(this.#at));
        return;
      }
      if (arg.startsWith("--")) this.#long(arg.slice(2));
      else if (arg.startsWith("-") && arg !== "-") this.#letters(arg.slice(1));
      else this.positionals.push(arg);
    }
  }

  #long(arg: string): void {
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const option = Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
    if (option === undefined) {
      const close = nearest(name, Object.keys(this.#table));
      const meant = close === null ? "" : `; did you mean --${close}?`;
      throw new UsageError(`there is no option --${name}${meant}`);
    }
    const attached = equals < 0 ? undefined : arg.slice(equals + 1);
    this.#set(name, option, `--${name}`, attached);
  }

  /** "-o file", "-ofile", and flags together: "-yv". */
  #letters(letters: string): void {
    for (let index = 0; index < letters.length; index++) {
      const letter = letters[index]!;
      const entry = Object.entries(this.#table).find(([, option]) => option.short === letter);
      if (entry === undefined) throw new UsageError(`there is no option -${letter}`);
      const [name, option] = entry;
      const rest = letters.slice(index + 1);
      if (option.placeholder !== null) {
        this.#set(name, option, `-${letter}`, rest === "" ? undefined : rest);
        return;
      }
      this.#set(name, option, `-${letter}`, undefined);
    }
  }

  #set(
    name: string,
    option: Option<unknown>,
    shown: string,
    attached: string | undefined,
  ): void {
    const isFlag = option.placeholder === null;
    if (isFlag && attached !== undefined) throw new UsageError(`${shown} takes no value`);
    if (this.#given.has(name) && !option.repeats) {
      throw new UsageError(`--${name} is given twice`);
    }
    this.#given.add(name);
    const value = isFlag ? "" : attached ?? this.#nextValue(shown, option);
    try {
      const parsed = option.parse(value);
      this.#values[name] = option.repeats
        ? [...this.#values[name] as unknown[], ...parsed as unknown[]]
        : parsed;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`${shown} ${option.placeholder ?? ""}: "${value}": ${reason}`);
    }
  }

  #nextValue(shown: string, option: Option<unknown>): string {
    const next = this.#args[this.#at];
    // A value may be "-" (standard output) or a negative number, but no other option.
    const isOption = next !== undefined && /^-(?![\d.]|$)/.test(next);
    if (next === undefined || isOption) {
      throw new UsageError(`${shown} needs a value: ${shown} ${option.placeholder}`);
    }
    this.#at++;
    return next;
  }
}
