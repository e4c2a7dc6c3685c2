/**
 * Reads the public C headers. They keep one regular style (one member a line, no macro tricks), so
 * that this is a reader of that style and not of C.
 */

/** One constant of an enum; its value is asked of the compiler. */
export interface EnumConstant {
  readonly name: string;
  /** What the comment on its line says, or "". */
  readonly comment: string;
}

export interface EnumType {
  readonly name: string;
  readonly constants: readonly EnumConstant[];
}

/** One member; members of nested structs and unions come flat, with the path as C writes it. */
export interface Member {
  /** "data.video.planes" */
  readonly path: string;
  /** "uint32_t", "MiniAVPlane", "void *" */
  readonly type: string;
  /** Elements of an array as C writes them, or null. */
  readonly count: string | null;
}

export interface StructType {
  readonly name: string;
  readonly members: readonly Member[];
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
}

export interface FunctionType {
  readonly name: string;
  readonly result: string;
  readonly parameters: readonly Parameter[];
}

export interface Headers {
  readonly enums: readonly EnumType[];
  readonly structs: readonly StructType[];
  /** Object-like macros whose value is an integer. */
  readonly macros: readonly string[];
  readonly functions: readonly FunctionType[];
}

/** Reads the text of all headers, in the order in which they are included. */
export function parseHeaders(text: string): Headers {
  const macros = [...text.matchAll(/^#define (MINIAV_\w+) +\d+u?$/gm)].map((
    match,
  ) => (match[1] ?? ""));
  const enums = [...text.matchAll(/^typedef enum \{\n([\s\S]*?)^\} (\w+);/gm)].map((match) => ({
    name: match[2] ?? "",
    constants: parseConstants(match[1] ?? ""),
  }));
  const code = withoutComments(text);
  const structs = [...code.matchAll(/^typedef struct \{\n([\s\S]*?)^\} (\w+);/gm)].map((match) => ({
    name: match[2] ?? "",
    members: parseMembers(match[1] ?? ""),
  }));
  const functions = [...code.matchAll(/^MINIAV_API ([^(]*?)(\w+)\(([^)]*)\);/gm)].map((match) => ({
    name: match[2] ?? "",
    result: (match[1] ?? "").trim(),
    parameters: parseParameters(match[3] ?? ""),
  }));
  return { enums, structs, macros, functions };
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "");
}

function parseConstants(body: string): EnumConstant[] {
  const pattern = /^ *(MINIAV_\w+)(?: = [^,/\n]+)?,? *(?:\/\*([\s\S]*?)\*\/)?/gm;
  return [...body.matchAll(pattern)].map((match) => ({
    name: match[1] ?? "",
    comment: (match[2] ?? "").replace(/\s+/g, " ").trim(),
  }));
}

/** Nested blocks close with the member's name, so the path is known only at their end. */
function parseMembers(body: string): Member[] {
  const open: Member[][] = [[]];
  for (const line of body.split("\n").map((line) => line.trim()).filter((line) => line !== "")) {
    if (/^(struct|union) \{$/.test(line)) {
      open.push([]);
      continue;
    }
    const close = line.match(/^\} (\w+);$/);
    if (close !== null) {
      const inner = open.pop() ?? [];
      open.at(-1)?.push(...inner.map((member) => ({
        ...member,
        path: `${close[1]}.${member.path}`,
      })));
      continue;
    }
    const member = line.match(/^(.*?[\s*])(\w+)(?:\[(\w+)\])?;$/);
    if (member === null) throw new Error(`not a member in the headers' style: ${line}`);
    open.at(-1)?.push({
      path: member[2] ?? "",
      type: (member[1] ?? "").trim(),
      count: member[3] ?? null,
    });
  }
  return open[0] ?? [];
}

function parseParameters(list: string): Parameter[] {
  const trimmed = list.trim();
  if (trimmed === "" || trimmed === "void") return [];
  return trimmed.split(",").map((text) => {
    const match = text.trim().replace(/\s+/g, " ").match(/^(.*?[\s*])(\w+)$/);
    if (match === null) throw new Error(`not a parameter in the headers' style: ${text}`);
    return { name: match[2] ?? "", type: (match[1] ?? "").trim() };
  });
}
