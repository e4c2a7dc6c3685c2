/** Text for people, on the two standard streams. */

import { writeSync } from "node:fs";
import process from "node:process";
import { EXIT, systemCode } from "./failure.ts";

const STDOUT = 1;
const STDERR = 2;

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** Writes to standard output, whole. When nobody reads it any more the process ends, quietly. */
export function print(text: string): void {
  try {
    writeAll(STDOUT, text);
  } catch (error) {
    if (systemCode(error) !== "EPIPE") throw error;
    process.exit(EXIT.ok);
  }
}

/** Writes to standard error; nobody there to read it is no reason to fail. */
export function printError(text: string): void {
  try {
    writeAll(STDERR, text);
  } catch {
    // There is nowhere left to say so.
  }
}

function writeAll(fd: number, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      // A pipe that another process made non-blocking, and that is full.
      if (systemCode(error) !== "EAGAIN") throw error;
      Atomics.wait(pauseCell, 0, 0, 2);
    }
  }
}

export function outputIsTerminal(): boolean {
  return process.stdout.isTTY === true;
}

export function errorIsTerminal(): boolean {
  return process.stderr.isTTY === true;
}

/** Columns of the terminal; 80 when it does not say. */
export function terminalWidth(): number {
  return process.stderr.columns || process.stdout.columns || 80;
}

/**
 * A text that came from elsewhere (names of devices, windows, programs), for a terminal: control
 * characters could move its cursor or change its title.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu, "\ufffd");
}

/** Rows in columns; the last column is not padded. Cells on the right: numbers. */
export function formatTable(
  header: readonly string[],
  body: readonly (readonly string[])[],
  alignRight: readonly number[] = [],
): string {
  const cells = [header, ...body];
  const widths = header.map((_, column) =>
    Math.max(...cells.map((row) => [...row[column] ?? ""].length))
  );
  const line = (row: readonly string[]) =>
    widths.map((width, column) => {
      const cell = row[column] ?? "";
      const padding = " ".repeat(width - [...cell].length);
      return alignRight.includes(column) ? padding + cell : cell + padding;
    }).join("  ").trimEnd();
  return cells.map((row) => `${line(row)}\n`).join("");
}

/** "1.4 MiB" */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} bytes` : `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** "0:03.2", "1:02:03.4" */
export function formatTime(seconds: number): string {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const hours = Math.floor(tenths / 36_000);
  const minutes = Math.floor(tenths / 600) % 60;
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return hours === 0
    ? `${minutes}:${rest}`
    : `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
}
