/** Where log lines and warnings go. */

import { LogLevel } from "./layout.gen.ts";

/** From the least to the most important. */
export type LogLevelName = "debug" | "info" | "warn" | "error";

/** One line of the log. */
export interface LogLine {
  readonly level: LogLevelName;
  /** Who says so: "pipewire", "camera/test", "miniav". */
  readonly source: string;
  readonly message: string;
  /** Microseconds on the clock of all time stamps. */
  readonly timestamp: number;
  /** Lines lost before this one because they came too fast. */
  readonly lostLines: number;
}

/** Gets log lines. */
export type LogHandler = (line: LogLine) => void;

const LEVELS: Readonly<Record<LogLevelName, number>> = {
  debug: LogLevel.DEBUG,
  info: LogLevel.INFO,
  warn: LogLevel.WARN,
  error: LogLevel.ERROR,
};

let handler: LogHandler | null = null;

export function currentLogHandler(): LogHandler | null {
  return handler;
}

export function replaceLogHandler(next: LogHandler | null): void {
  handler = next;
}

export function logLevelNumber(level: LogLevelName): number {
  return LEVELS[level];
}

export function logLevelName(level: number): LogLevelName {
  return (Object.keys(LEVELS) as LogLevelName[]).find((name) => LEVELS[name] === level) ?? "error";
}

/** A warning of this package's own: to the handler, or to the console when there is none. */
export function warn(message: string, timestamp: number): void {
  if (handler === null) console.warn(`miniav: ${message}`);
  else handler({ level: "warn", source: "miniav", message, timestamp, lostLines: 0 });
}
