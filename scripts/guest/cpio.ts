/** Archives in cpio's "newc" form, which is what a kernel unpacks as its first file system. */

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** Type and rights, as in stat. */
  readonly mode: number;
  readonly data: Uint8Array;
}

export function folder(path: string): CpioEntry {
  return { path, mode: 0o040755, data: new Uint8Array(0) };
}

export function file(path: string, data: Uint8Array, mode = 0o100755): CpioEntry {
  return { path, mode, data };
}

/** Documentation/driver-api/early-userspace/buffer-format.rst of the kernel. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const add = (entry: CpioEntry, inode: number) => {
    const name = new TextEncoder().encode(`${entry.path}\0`);
    const links = 1;
    // Inode, mode, user, group, links, time, size, four device numbers, length of the name, sum.
    const fields = [
      inode,
      entry.mode,
      0,
      0,
      links,
      0,
      entry.data.length,
      0,
      0,
      0,
      0,
      name.length,
      0,
    ];
    const header = "070701" +
      fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    parts.push(padded(new TextEncoder().encode(header), name), padded(entry.data));
  };
  entries.forEach((entry, index) => add(entry, index + 1));
  add({ path: "TRAILER!!!", mode: 0, data: new Uint8Array(0) }, 0);
  return joined(parts);
}

/** One after the other, with zeros up to a multiple of four. */
function padded(...chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return padded(...chunks);
}
