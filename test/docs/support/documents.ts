// The documents of this checkout, and what can be read out of them.
//
// Fenced blocks: every `ts` block is a whole program that the tests run, every line of an `sh` block
// a command that they run or look up; `console`, `text`, `json`, `c` are shown only (the one program
// in C has a test of its own).

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** What every program of a document runs with: the test devices, and no device of the machine's. */
export const TEST_DEVICES: Readonly<Record<string, string>> = {
  MINIAV_TEST_DEVICES: "1",
  MINIAV_CAMERA_BACKEND: "test",
  MINIAV_SCREEN_BACKEND: "test",
  MINIAV_AUDIO_BACKEND: "test",
  MINIAV_LOOPBACK_BACKEND: "test",
};

/** Every document, by its path in the checkout. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "lib/miniav_c/README.md",
  ...readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md")).sort()
    .map((name) => `docs/${name}`),
];

export interface Block {
  readonly document: string;
  /** Of its first line of text, as an editor counts. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function fileExists(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** The fenced blocks of a document, of one language or all. */
export function blocksOf(document: string, language?: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; line: number; lines: string[] } | null = null;
  readDocument(document).split("\n").forEach((text, index) => {
    const fence = /^```(\w*)$/.exec(text);
    if (fence === null) open?.lines.push(text);
    else if (open === null) open = { language: fence[1] ?? "", line: index + 2, lines: [] };
    else {
      const { language, line, lines } = open;
      blocks.push({ document, line, language, text: `${lines.join("\n")}\n` });
      open = null;
    }
  });
  return blocks.filter((block) => language === undefined || block.language === language);
}

/** A document without its fenced blocks. */
export function proseOf(document: string): string {
  return readDocument(document).replaceAll(/^```[\s\S]*?^```$/gm, "");
}

/** What a link to a heading of a document may say after the #. */
export function anchorsOf(document: string): Set<string> {
  const headings = proseOf(document).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, text = ""]) =>
      text.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

/** The first cells of the table whose head begins with this word, without backquotes. */
export function firstColumn(document: string, head: string): string[] {
  const lines = proseOf(document).split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  if (start < 0) throw new Error(`${document} has no table with the head ${head}`);
  const cells: string[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    cells.push((line.split("|")[1] ?? "").trim().replaceAll("`", ""));
  }
  return cells;
}
