/** 64-bit Mach-O: the load commands of <mach-o/loader.h>; exports as dyld finds them, by the trie. */

import { type LibraryFacts, textAt } from "./facts.ts";

const HEADER_BYTES = 32;
const LC_REQ_DYLD = 0x80000000;
const LC_LOAD_DYLIB = 0xc;
const LC_LOAD_WEAK_DYLIB = 0x18 | LC_REQ_DYLD;
const LC_REEXPORT_DYLIB = 0x1f | LC_REQ_DYLD;
const LC_DYLD_INFO = 0x22;
const LC_DYLD_INFO_ONLY = 0x22 | LC_REQ_DYLD;
const LC_DYLD_EXPORTS_TRIE = 0x33 | LC_REQ_DYLD;

export function readMachO(view: DataView): LibraryFacts {
  const exports: string[] = [];
  const needed: string[] = [];
  let at = HEADER_BYTES;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    switch (view.getUint32(at, true)) {
      case LC_LOAD_DYLIB:
      case LC_LOAD_WEAK_DYLIB >>> 0:
      case LC_REEXPORT_DYLIB >>> 0:
        needed.push(textAt(view, at + view.getUint32(at + 8, true)));
        break;
      case LC_DYLD_INFO:
      case LC_DYLD_INFO_ONLY >>> 0:
        readTrie(view, view.getUint32(at + 40, true), view.getUint32(at + 44, true), exports);
        break;
      case LC_DYLD_EXPORTS_TRIE >>> 0:
        readTrie(view, view.getUint32(at + 8, true), view.getUint32(at + 12, true), exports);
        break;
    }
    at += view.getUint32(at + 4, true);
  }
  return { format: "mach-o", exports: exports.sort(), needed, versions: [] };
}

function readTrie(view: DataView, start: number, size: number, exports: string[]): void {
  if (size > 0) readNode(view, start, start, "", exports);
}

/** One node: what is exported under `prefix`, then the edges, each a piece of text and a node. */
function readNode(
  view: DataView,
  trie: number,
  node: number,
  prefix: string,
  exports: string[],
): void {
  const [terminalSize, afterSize] = readUleb(view, node);
  // C's names have a leading underscore in Mach-O.
  if (terminalSize > 0) exports.push(prefix.replace(/^_/, ""));
  let at = afterSize + terminalSize;
  const edges = view.getUint8(at++);
  for (let index = 0; index < edges; index++) {
    const text = textAt(view, at);
    const [child, next] = readUleb(view, at + text.length + 1);
    readNode(view, trie, trie + child, prefix + text, exports);
    at = next;
  }
}

function readUleb(view: DataView, offset: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0, at = offset;; shift += 7) {
    const byte = view.getUint8(at++);
    value += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) return [value, at];
  }
}
