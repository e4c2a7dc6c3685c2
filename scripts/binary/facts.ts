/** What is told of a shared library, and how its text is read, whatever its format. */

export interface LibraryFacts {
  readonly format: "elf" | "pe" | "mach-o";
  /** Names that another module can link to, as C knows them. */
  readonly exports: readonly string[];
  /** Libraries that are loaded with it. */
  readonly needed: readonly string[];
  /** ELF: version names that the needed libraries must have, such as `GLIBC_2.17`. */
  readonly versions: readonly string[];
}

/** The zero-terminated text at an offset. */
export function textAt(view: DataView, offset: number): string {
  let end = offset;
  while (view.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + offset, end - offset),
  );
}
