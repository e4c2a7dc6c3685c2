/** 64-bit little-endian ELF: System V ABI, chapters 4 and 5; symbol versions from the LSB. */

import { type LibraryFacts, textAt } from "./facts.ts";

const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1;
const STB_LOCAL = 0;
const STV_DEFAULT = 0;
const STV_PROTECTED = 3;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

export function readElf(view: DataView): LibraryFacts {
  if (view.getUint8(4) !== 2 || view.getUint8(5) !== 1) throw new Error("not 64-bit little-endian");
  const sections = readSections(view);
  return {
    format: "elf",
    exports: readExports(view, sections),
    needed: readNeeded(view, sections),
    versions: readVersions(view, sections),
  };
}

function readSections(view: DataView): Section[] {
  const start = Number(view.getBigUint64(0x28, true));
  const entrySize = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * entrySize;
    return {
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    };
  });
}

function readExports(view: DataView, sections: readonly Section[]): string[] {
  const symbols = sections.find((section) => section.type === SHT_DYNSYM);
  if (symbols === undefined) return [];
  const names = stringsOf(sections, symbols);
  const exports: string[] = [];
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += 24) {
    const binding = view.getUint8(at + 4) >> 4;
    const visibility = view.getUint8(at + 5) & 3;
    const defined = view.getUint16(at + 6, true) !== 0;
    const visible = visibility === STV_DEFAULT || visibility === STV_PROTECTED;
    if (defined && visible && binding !== STB_LOCAL) {
      exports.push(textAt(view, names + view.getUint32(at, true)));
    }
  }
  return exports.sort();
}

function readNeeded(view: DataView, sections: readonly Section[]): string[] {
  const dynamic = sections.find((section) => section.type === SHT_DYNAMIC);
  if (dynamic === undefined) return [];
  const names = stringsOf(sections, dynamic);
  const needed: string[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    if (Number(view.getBigUint64(at, true)) !== DT_NEEDED) continue;
    needed.push(textAt(view, names + Number(view.getBigUint64(at + 8, true))));
  }
  return needed;
}

function readVersions(view: DataView, sections: readonly Section[]): string[] {
  const section = sections.find((each) => each.type === SHT_GNU_VERNEED);
  if (section === undefined) return [];
  const names = stringsOf(sections, section);
  const versions = new Set<string>();
  let at = section.offset;
  for (;;) {
    let entry = at + view.getUint32(at + 8, true);
    for (let left = view.getUint16(at + 2, true); left > 0; left--) {
      versions.add(textAt(view, names + view.getUint32(entry + 8, true)));
      entry += view.getUint32(entry + 12, true);
    }
    const next = view.getUint32(at + 12, true);
    if (next === 0) return [...versions].sort();
    at += next;
  }
}

function stringsOf(sections: readonly Section[], section: Section): number {
  const strings = sections[section.link];
  if (strings === undefined) throw new Error("an ELF section without its string table");
  return strings.offset;
}
