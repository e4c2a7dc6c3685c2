/** Where recorded bytes go: a file, a pipe, anything that takes them in order. */

import { open } from "node:fs/promises";

/** Takes bytes in order. The caller may reuse their memory once the promise has settled. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Overwrites bytes written before; a sink that cannot (a pipe) does not have it. */
  writeAt?(bytes: Uint8Array, position: number): Promise<void>;
}

/** A sink that is a file. */
export interface FileSink extends ByteSink, AsyncDisposable {
  writeAt(bytes: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** Creates or overwrites a file. */
export async function openFileSink(path: string | URL): Promise<FileSink> {
  const file = await open(path, "w");
  let end = 0;
  const writeAll = async (bytes: Uint8Array, position: number) => {
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await file.write(
        bytes,
        done,
        bytes.byteLength - done,
        position + done,
      );
      done += bytesWritten;
    }
  };
  const close = () => file.close();
  return {
    async write(bytes) {
      await writeAll(bytes, end);
      end += bytes.byteLength;
    },
    writeAt: writeAll,
    close,
    [Symbol.asyncDispose]: close,
  };
}
