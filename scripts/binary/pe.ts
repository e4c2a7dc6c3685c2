/** PE32+: Microsoft's PE Format, "Optional Header Data Directories" and ".edata", ".idata". */

import { type LibraryFacts, textAt } from "./facts.ts";

const PE32_PLUS = 0x20b;

export function readPe(view: DataView): LibraryFacts {
  const header = view.getUint32(0x3c, true) + 4;
  const optional = header + 20;
  if (view.getUint16(optional, true) !== PE32_PLUS) throw new Error("not a 64-bit PE file");
  const sections = optional + view.getUint16(header + 16, true);
  const sectionCount = view.getUint16(header + 2, true);

  /** File offset of an address in the loaded image. */
  const fileOffset = (address: number): number => {
    for (let index = 0; index < sectionCount; index++) {
      const at = sections + index * 40;
      const start = view.getUint32(at + 12, true);
      const size = Math.max(view.getUint32(at + 8, true), view.getUint32(at + 16, true));
      if (address >= start && address < start + size) {
        return address - start + view.getUint32(at + 20, true);
      }
    }
    throw new Error(`no section holds address ${address}`);
  };
  const directory = (index: number) => view.getUint32(optional + 112 + index * 8, true);

  return {
    format: "pe",
    exports: readExports(view, directory(0), fileOffset),
    needed: readImports(view, directory(1), fileOffset),
    versions: [],
  };
}

function readExports(
  view: DataView,
  address: number,
  fileOffset: (address: number) => number,
): string[] {
  if (address === 0) return [];
  const table = fileOffset(address);
  const count = view.getUint32(table + 24, true);
  if (count === 0) return [];
  const names = fileOffset(view.getUint32(table + 32, true));
  return Array.from(
    { length: count },
    (_, index) => textAt(view, fileOffset(view.getUint32(names + index * 4, true))),
  ).sort();
}

function readImports(
  view: DataView,
  address: number,
  fileOffset: (address: number) => number,
): string[] {
  if (address === 0) return [];
  const names: string[] = [];
  for (let at = fileOffset(address);; at += 20) {
    const name = view.getUint32(at + 12, true);
    if (name === 0) return names;
    names.push(textAt(view, fileOffset(name)));
  }
}
