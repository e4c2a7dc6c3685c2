/** Errors for people: what, why, and what helps. */

import { MiniAVError } from "../mod.ts";
import { CommandError, EXIT, systemCode, UsageError } from "./failure.ts";
import { ReaderGone } from "./output.ts";
import { printable, printError } from "./terminal.ts";

interface Described {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Prints an error to standard error and returns the exit code that it means. */
export function reportError(error: unknown, command: string, verbose: boolean): number {
  // The reader of a pipe has what it wanted.
  if (error instanceof ReaderGone) return EXIT.ok;
  if (error instanceof UsageError) {
    const help = command === "" ? "miniav --help" : `miniav ${command} --help`;
    printError(`miniav: ${printable(error.message)}\nSee: ${help}\n`);
    return EXIT.usage;
  }
  printError(describeError(error));
  if (verbose && error instanceof Error) printError(stackOf(error));
  return EXIT.failed;
}

/** One line with code and message, and lines with the hint. */
export function describeError(error: unknown): string {
  const { code, message, hint } = describe(error);
  const lines = [`miniav: ${code === "" ? "" : `${code}: `}${message}`];
  if (hint !== "") lines.push(...hint.split("\n"));
  return `${lines.map(printable).join("\n")}\n`;
}

function describe(error: unknown): Described {
  if (error instanceof MiniAVError) {
    return { code: error.code, message: messageOf(error), hint: hintFor(error) };
  }
  if (error instanceof CommandError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return { code: systemCode(error), message, hint: "--verbose shows where this comes from." };
}

/** The message without code and hint, which have their own places. */
export function messageOf(error: MiniAVError): string {
  const withoutHint = error.hint === "" || !error.message.endsWith(error.hint)
    ? error.message
    : error.message.slice(0, -error.hint.length).trimEnd();
  const tail = error.backend === "" ? ` (${error.code})` : ` (${error.code}, ${error.backend})`;
  if (!withoutHint.endsWith(tail)) return withoutHint;
  const backend = error.backend === "" ? "" : ` (${error.backend})`;
  return `${withoutHint.slice(0, -tail.length)}${backend}`;
}

/** Hints name functions of the API where this program has a command. */
export function hintFor(error: MiniAVError): string {
  switch (error.code) {
    case "DEVICE_NOT_FOUND":
      return error.operation.startsWith("Loopback.")
        ? "miniav devices --loopback lists what there is; for a program that does not play yet, --wait waits for it."
        : "miniav devices lists what there is.";
    case "FORMAT_NOT_SUPPORTED":
      return error.hint.includes("supportedFormats")
        ? "miniav formats DEVICE lists what it offers."
        : error.hint;
    case "NOT_SUPPORTED":
      return "miniav doctor says what works here, and what is missing.";
    case "DEVICE_LOST":
      if (error.operation.startsWith("Loopback")) {
        return "With --app instead of --pid, a program that comes back is heard again.";
      }
      // A screen's message says what became of it.
      if (error.hint !== "" || error.operation.startsWith("Screen")) return error.hint;
      return "The device was unplugged or switched off.";
    default:
      return error.hint;
  }
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `caused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}\n${cause}`;
}
