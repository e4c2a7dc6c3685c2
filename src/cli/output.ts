/** Where a recording or picture goes: a new file, or a stream such as standard output. */

import { existsSync, write as writeCallback } from "node:fs";
import { open, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { explainFileError } from "../api/file_errors.ts";
import type { ByteSink } from "../mod.ts";
import { CommandError, systemCode, UsageError } from "./failure.ts";
import { outputIsTerminal } from "./terminal.ts";

/**
 * A file or stream that is written from its beginning to its end. `write` throws a CommandError when
 * it cannot, `ReaderGone` when nobody reads a stream; a stream has no `writeAt`.
 */
export interface Output extends ByteSink {
  /** As a person calls it. */
  readonly name: string;
  readonly isStream: boolean;
  /** Bytes that are there, also after a write that failed half-way. */
  readonly written: number;
  /** Cuts off what follows; nothing happens to a stream. */
  truncate(length: number): Promise<void>;
  /** Removes a file that is new and empty. */
  close(): Promise<void>;
}

/** Whoever read the stream has gone: no error, but there is nothing left to do. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

export interface OutputOptions {
  /** Replace a file that exists. */
  readonly force: boolean;
}

/** The name that means standard output. */
export const STANDARD_OUTPUT = "-";

/**
 * Opens an output before anything is captured, so that a path that cannot be written fails first.
 * A file that exists is an error unless `force`; its content goes when the first byte comes.
 */
export async function openOutput(path: string, options: OutputOptions): Promise<Output> {
  if (path === STANDARD_OUTPUT) return standardOutput();
  const existing = await stat(path).catch(() => null);
  if (existing === null) return await newFile(path);
  if (existing.isDirectory()) {
    throw new CommandError(`${path} is a folder`, {
      code: "EISDIR",
      hint: "Give the name of a file in it.",
    });
  }
  if (!existing.isFile()) {
    const handle = await openFile(path, "w");
    return streamOver(
      path,
      (bytes) => handle.write(bytes).then(({ bytesWritten }) => bytesWritten),
      {
        close: () => handle.close(),
      },
    );
  }
  if (!options.force) {
    throw new CommandError(`${path} exists already`, {
      code: "EEXIST",
      hint: "Choose another name, or overwrite it with --force.",
    });
  }
  return fileOutput(path, await openFile(path, "r+"), { isNew: false });
}

async function newFile(path: string): Promise<Output> {
  // Exclusive: what appears meanwhile is somebody else's.
  return fileOutput(path, await openFile(path, "wx+"), { isNew: true });
}

async function openFile(path: string, mode: string): Promise<FileHandle> {
  try {
    return await open(path, mode);
  } catch (error) {
    throw outputError(path, error);
  }
}

/** A failed write or open, in words. */
function outputError(path: string, error: unknown): CommandError {
  const { code, reason, hint } = explainFileError(path, error);
  const details = { code, hint, cause: error };
  if (code === "EEXIST") details.hint = "Choose another name, or overwrite it with --force.";
  if (code !== "ENOENT" || !existsSync(dirname(path))) {
    return new CommandError(`${path} cannot be written: ${reason}`, details);
  }
  // /proc and its like have folders in which nothing can be made.
  details.hint = "Choose another folder.";
  return new CommandError(`${path} cannot be written: its folder takes no files`, details);
}

/** Hands over bytes; returns how many were taken. */
type WriteSome = (bytes: Uint8Array, position: number) => Promise<number>;

/** Writes everything, whatever the system takes at a time; counts what is there in any case. */
async function writeWhole(
  bytes: Uint8Array,
  write: WriteSome,
  start: number,
  count: (bytes: number) => void,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    try {
      const taken = await write(bytes.subarray(done), start + done);
      done += taken;
      count(taken);
    } catch (error) {
      // A pipe that another process made non-blocking, and that is full.
      if (systemCode(error) !== "EAGAIN") throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function fileOutput(path: string, handle: FileHandle, { isNew }: { isNew: boolean }): Output {
  let written = 0;
  const write: WriteSome = async (bytes, position) => {
    const { bytesWritten } = await handle.write(bytes, 0, bytes.length, position);
    return bytesWritten;
  };
  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      throw outputError(path, error);
    }
  };
  return {
    name: path,
    isStream: false,
    get written() {
      return written;
    },
    write: (bytes) =>
      guarded(async () => {
        if (written === 0 && !isNew) await handle.truncate(0);
        await writeWhole(bytes, write, written, (count) => written += count);
      }),
    writeAt: (bytes, position) => guarded(() => writeWhole(bytes, write, position, () => {})),
    truncate: (length) =>
      guarded(async () => {
        await handle.truncate(length);
        written = length;
      }),
    close: () =>
      guarded(async () => {
        await handle.close();
        if (isNew && written === 0) await unlink(path);
      }),
  };
}

function streamOver(
  name: string,
  write: WriteSome,
  { close }: { close: () => Promise<void> },
): Output {
  let written = 0;
  return {
    name,
    isStream: true,
    get written() {
      return written;
    },
    async write(bytes) {
      try {
        await writeWhole(bytes, write, written, (count) => written += count);
      } catch (error) {
        if (systemCode(error) === "EPIPE") throw new ReaderGone(name);
        throw outputError(name, error);
      }
    },
    truncate: () => Promise.resolve(),
    close,
  };
}

function standardOutput(): Output {
  if (outputIsTerminal()) {
    throw new UsageError("standard output is a terminal: send it to a file or to a program");
  }
  const write: WriteSome = (bytes) =>
    new Promise((resolve, reject) => {
      writeCallback(1, bytes, 0, bytes.length, null, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  return streamOver("standard output", write, { close: () => Promise.resolve() });
}

/** "microphone-2026-05-04-131500.wav" */
export function defaultFileName(kind: string, extension: string, now = new Date()): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join("");
  return `${kind}-${day}-${time}.${extension}`;
}

/** Refuses a name whose extension promises another kind of file than the one that is written. */
export function checkExtension(
  path: string,
  what: string,
  allowed: readonly string[],
  hint: string,
): void {
  const extension = extname(basename(path)).slice(1).toLowerCase();
  if (path === STANDARD_OUTPUT || extension === "" || allowed.includes(extension)) return;
  throw new UsageError(`${path}: ${what} becomes .${allowed[0]}, not .${extension}; ${hint}`);
}
