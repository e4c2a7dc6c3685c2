/** Where recorded bytes go: a file, a pipe, anything that takes them in order. */

import { constants } from "node:fs";
import { open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { MiniAVError } from "../ffi/mod.ts";
import { fileError } from "./file_errors.ts";

/** Takes bytes in order. The caller may reuse their memory once the promise has settled. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Overwrites bytes written before; a sink that cannot (a pipe) does not have it. */
  writeAt?(bytes: Uint8Array, position: number): Promise<void>;
  /** Cuts off what follows; a sink that cannot does not have it. */
  truncate?(length: number): Promise<void>;
}

/** A sink that is a file, or a pipe or device with a name, which has no `writeAt`. */
export interface FileSink extends ByteSink, AsyncDisposable {
  /** As it was given. */
  readonly path: string;
  /** Bytes that are there, also after a write that failed half-way. */
  readonly written: number;
  close(): Promise<void>;
  /** Closes it, and removes the file if it is new. */
  discard(): Promise<void>;
}

/** How a file is opened. */
export interface FileSinkOptions {
  /** What stands there goes. Default true; false: a file that exists is an error. */
  readonly overwrite?: boolean | undefined;
}

/** Files that this process writes now, by device and inode: two writers would make garbage. */
const busy = new Set<string>();

/**
 * Creates or overwrites a file; a pipe waits for its reader. SYSTEM_CALL_FAILED with the reason,
 * DEVICE_BUSY when this process writes it already, PERMISSION_DENIED by Deno.
 */
export async function openFileSink(
  file: string | URL,
  options: FileSinkOptions = {},
): Promise<FileSink> {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  try {
    return await openPath(path, options.overwrite ?? true);
  } catch (error) {
    throw fileError(path, error);
  }
}

async function openPath(path: string, overwrite: boolean): Promise<FileSink> {
  const { handle, isNew } = await create(path);
  try {
    const status = await handle.stat({ bigint: true });
    if (!status.isFile()) return sinkOver(path, handle, null);
    const identity = `${status.dev}:${status.ino}`;
    if (busy.has(identity)) throw busyError(path);
    if (!isNew && !overwrite) throw existsError();
    busy.add(identity);
    const sink = sinkOver(path, handle, { identity, isNew });
    if (!isNew) await handle.truncate(0);
    return sink;
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}

/** Nothing is cut off yet: it may be what another recording writes. */
async function create(path: string): Promise<{ handle: FileHandle; isNew: boolean }> {
  try {
    return { handle: await open(path, "wx"), isNew: true };
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    return { handle: await open(path, constants.O_WRONLY), isNew: false };
  }
}

function busyError(path: string): MiniAVError {
  return new MiniAVError("DEVICE_BUSY", {
    operation: "writing a file",
    detail: `${path} is being recorded into already`,
    hint: "Give each recording a file of its own.",
  });
}

function existsError(): Error {
  return Object.assign(new Error("it exists already"), { code: "EEXIST" });
}

/** A regular file has an identity; what has none is a stream. */
function sinkOver(
  path: string,
  handle: FileHandle,
  file: { readonly identity: string; readonly isNew: boolean } | null,
): FileSink {
  let written = 0;
  let closed = false;
  const writeAll = async (
    bytes: Uint8Array,
    position: number | null,
    count: (taken: number) => void,
  ) => {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const at = position === null ? null : position + done;
        const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, at);
        done += bytesWritten;
        count(bytesWritten);
      }
    } catch (error) {
      throw fileError(path, error);
    }
  };
  const close = async () => {
    if (closed) return;
    closed = true;
    if (file !== null) busy.delete(file.identity);
    await handle.close();
  };
  const sink: FileSink = {
    path,
    get written() {
      return written;
    },
    write: (bytes) => writeAll(bytes, file === null ? null : written, (taken) => written += taken),
    close,
    async discard() {
      await close();
      if (file?.isNew) await unlink(path);
    },
    [Symbol.asyncDispose]: close,
  };
  if (file === null) return sink;
  sink.writeAt = (bytes, position) => writeAll(bytes, position, () => {});
  sink.truncate = async (length) => {
    await handle.truncate(length);
    written = Math.min(written, length);
  };
  return sink;
}
