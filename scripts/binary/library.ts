/** What a shared library offers and asks for, read from the file itself: ELF, PE or Mach-O. */

import { readFile } from "node:fs/promises";
import { readElf } from "./elf.ts";
import { readMachO } from "./macho.ts";
import { readPe } from "./pe.ts";

export interface LibraryFacts {
  readonly format: "elf" | "pe" | "mach-o";
  /** Names that another module can link to, as C knows them. */
  readonly exports: readonly string[];
  /** Libraries that are loaded with it. */
  readonly needed: readonly string[];
  /** ELF: version names that the needed libraries must have, such as `GLIBC_2.17`. */
  readonly versions: readonly string[];
}

export async function readLibrary(path: string): Promise<LibraryFacts> {
  const bytes = await readFile(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) === 0x7f454c46) return readElf(view);
  if (view.getUint16(0) === 0x4d5a) return readPe(view);
  if (view.getUint32(0, true) === 0xfeedfacf) return readMachO(view);
  throw new Error(`${path}: neither ELF nor PE nor Mach-O of 64 bits`);
}

/** The zero-terminated text at an offset. */
export function textAt(view: DataView, offset: number): string {
  let end = offset;
  while (view.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + offset, end - offset),
  );
}
