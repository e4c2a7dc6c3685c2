/** Compiles and runs a small C program that prints what the compiler knows about the headers. */

import type { EnumType, Headers, Member, StructType } from "./header.ts";
import { run, scratchFolder, succeeds } from "../process.ts";
import { join } from "../path.ts";

/** How TypeScript reads a member. A struct's name stands for a nested struct. */
export interface FieldLayout {
  readonly path: string;
  readonly type: string;
  readonly offset: number;
  /** Elements of an array, bytes of a text; null for a single value. */
  readonly count: number | null;
}

export interface StructLayout {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly FieldLayout[];
}

export interface EnumLayout {
  readonly name: string;
  readonly constants: readonly { name: string; value: number; comment: string }[];
}

export interface Layout {
  readonly structs: readonly StructLayout[];
  readonly enums: readonly EnumLayout[];
  readonly macros: readonly { name: string; value: number }[];
}

export async function probe(headers: Headers, include: string): Promise<Layout> {
  const values = await compileAndRun(probeSource(headers), include);
  const value = (key: string): number => {
    const found = values.get(key);
    if (found === undefined) throw new Error(`the probe did not print ${key}`);
    return found;
  };
  const signed = new Set(headers.enums.filter((type) => isSigned(type, value)).map((e) => e.name));
  const names = {
    enums: new Set(headers.enums.map((type) => type.name)),
    structs: new Set(headers.structs.map((type) => type.name)),
  };
  return {
    structs: headers.structs.map((type) => ({
      name: type.name,
      size: value(type.name),
      fields: type.members.map((member) => ({
        path: member.path,
        type: fieldType(type, member, names, signed),
        offset: value(`${type.name}.${member.path}`),
        count: member.count === null ? null : value(`${type.name}.${member.path}[]`),
      })),
    })),
    enums: headers.enums.map((type) => ({
      name: type.name,
      constants: type.constants.map((constant) => ({ ...constant, value: value(constant.name) })),
    })),
    macros: headers.macros.map((name) => ({ name, value: value(name) })),
  };
}

const isSigned = (type: EnumType, value: (key: string) => number): boolean =>
  type.constants.some((constant) => value(constant.name) < 0);

const SCALARS: Readonly<Record<string, string>> = {
  uint8_t: "u8",
  int32_t: "i32",
  uint32_t: "u32",
  int64_t: "i64",
  uint64_t: "u64",
  size_t: "u64",
  float: "f32",
  double: "f64",
};

function fieldType(
  struct: StructType,
  member: Member,
  names: { enums: ReadonlySet<string>; structs: ReadonlySet<string> },
  signed: ReadonlySet<string>,
): string {
  if (member.type.endsWith("*")) return "u64";
  if (member.type === "char") return "text";
  if (names.enums.has(member.type)) return signed.has(member.type) ? "i32" : "u32";
  if (names.structs.has(member.type)) return member.type.replace(/^MiniAV/, "");
  const scalar = SCALARS[member.type];
  if (scalar === undefined) {
    throw new Error(
      `${struct.name}.${member.path} has a type that no binding reads: ${member.type}`,
    );
  }
  return scalar;
}

function probeSource(headers: Headers): string {
  const lines = ["#include <stdio.h>", '#include "miniav.h"', "int main(void) {"];
  const print = (key: string, expression: string) =>
    lines.push(`  printf("%s %lld\\n", "${key}", (long long)(${expression}));`);
  for (const type of headers.structs) {
    print(type.name, `sizeof(${type.name})`);
    for (const { path, count } of type.members) {
      print(`${type.name}.${path}`, `offsetof(${type.name}, ${path})`);
      if (count === null) continue;
      const array = `((${type.name} *)0)->${path}`;
      print(`${type.name}.${path}[]`, `sizeof(${array}) / sizeof(${array}[0])`);
    }
  }
  for (const { name } of headers.enums.flatMap((type) => type.constants)) print(name, name);
  for (const name of headers.macros) print(name, name);
  return [...lines, "  return 0;", "}", ""].join("\n");
}

async function compileAndRun(source: string, include: string): Promise<Map<string, number>> {
  const folder = await scratchFolder("layouts");
  try {
    const file = join(folder, "probe.c");
    const program = join(folder, Deno.build.os === "windows" ? "probe.exe" : "probe");
    await Deno.writeTextFile(file, source);
    const { command, args } = await compiler();
    await run(command, [...args, "-std=c11", `-I${include}`, file, "-o", program]);
    const { output } = await run(program, []);
    return new Map(
      output.trim().split(/\r?\n/).map((line) => {
        const [key = "", value] = line.split(" ");
        return [key, Number(value)];
      }),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The host's compiler, or Zig's. */
async function compiler(): Promise<{ command: string; args: string[] }> {
  for (const command of ["cc", "gcc", "clang"]) {
    if (await succeeds(command, ["--version"])) return { command, args: [] };
  }
  const { ensureZig } = await import("../toolchain/zig.ts");
  return { command: await ensureZig(), args: ["cc"] };
}
