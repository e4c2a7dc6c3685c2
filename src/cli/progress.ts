/** A line that tells how a recording goes, on standard error. */

import { errorIsTerminal, formatBytes, formatTime, printError, terminalWidth } from "./terminal.ts";

export interface Progress {
  readonly seconds: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** Shows progress while something runs. */
export interface ProgressLine {
  update(progress: Progress): void;
  /** Prints a line that stays. */
  note(text: string): void;
  /** Removes the moving line. */
  end(): void;
}

/** Milliseconds between two states: smooth on a terminal, one a second in a log. */
const TERMINAL_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 1000;

const CLEAR_LINE = "\r\x1b[K";

/** A moving line on a terminal; lines one after the other elsewhere, when they are asked for. */
export function progressLine(asked: boolean): ProgressLine {
  const isTerminal = errorIsTerminal();
  const interval = isTerminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
  let next = performance.now() + (isTerminal ? 0 : interval);
  let shown = false;
  const clear = () => {
    if (shown) printError(CLEAR_LINE);
    shown = false;
  };
  return {
    update(progress) {
      if (!isTerminal && !asked) return;
      const now = performance.now();
      if (now < next) return;
      next = now + interval;
      const line = describeProgress(progress);
      if (isTerminal) {
        printError(`${CLEAR_LINE}${line.slice(0, terminalWidth() - 1)}`);
        shown = true;
      } else printError(`${line}\n`);
    },
    note(text) {
      clear();
      printError(`${text}\n`);
    },
    end: clear,
  };
}

export function describeProgress({ seconds, bytes, dropped }: Progress): string {
  return `${formatTime(seconds)}  ${formatBytes(bytes)}  ${dropped} dropped`;
}
