/** What a shared library offers and asks for, read from the file itself: ELF, PE or Mach-O. */

import { readFile } from "node:fs/promises";
import { readElf } from "./elf.ts";
import type { LibraryFacts } from "./facts.ts";
import { readMachO } from "./macho.ts";
import { readPe } from "./pe.ts";

export async function readLibrary(path: string): Promise<LibraryFacts> {
  const bytes = await readFile(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) === 0x7f454c46) return readElf(view);
  if (view.getUint16(0) === 0x4d5a) return readPe(view);
  if (view.getUint32(0, true) === 0xfeedfacf) return readMachO(view);
  throw new Error(`${path}: neither ELF nor PE nor Mach-O of 64 bits`);
}
