// The symbol table against the C headers and against what the library exports, both ways.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { library, parametersOf, SYMBOLS } from "../../src/ffi/mod.ts";
import type { ParameterType, SymbolName } from "../../src/ffi/mod.ts";
import { readElf } from "../../scripts/binary/elf.ts";
import { parseHeaders } from "../../scripts/layouts/header.ts";
import type { Headers, Parameter } from "../../scripts/layouts/header.ts";

const INCLUDE = new URL("../../lib/miniav_c/include/", import.meta.url);

function headers(): Headers {
  const files = readdirSync(INCLUDE).filter((name) => name.endsWith(".h"));
  return parseHeaders(files.map((name) => readFileSync(new URL(name, INCLUDE), "utf8")).join("\n"));
}

/** The neutral type of a C parameter. */
function typeOf({ name, type }: Parameter, enums: ReadonlySet<string>): ParameterType {
  const scalars: Readonly<Record<string, ParameterType>> = {
    uint32_t: "u32",
    int32_t: "i32",
    uint64_t: "u64",
    int64_t: "i64",
    size_t: "usize",
    "const char *": "text",
  };
  const scalar = scalars[type];
  if (scalar !== undefined) return scalar;
  if (enums.has(type)) return type === "MiniAVResultCode" ? "i32" : "u32";
  if (type.endsWith("Handle") || name === "internal_handle") return "handle";
  if (type.endsWith("Callback")) return "function";
  if (name === "user_data") return "pointer";
  const isList = name === "list" ||
    ((name === "devices" || name === "formats") && !type.endsWith("**"));
  return isList ? "address" : "buffer";
}

test("the table has the functions of the headers, with their parameters", () => {
  const { functions, enums } = headers();
  const enumNames = new Set(enums.map((type) => type.name));
  const wanted = Object.fromEntries(functions.map(({ name, result, parameters }) => [name, {
    result: result === "MiniAVResultCode" ? "code" : "string",
    parameters: parameters.map((parameter) => `${parameter.name}: ${typeOf(parameter, enumNames)}`),
  }]));
  const found = Object.fromEntries((Object.keys(SYMBOLS) as SymbolName[]).map((name) => [name, {
    result: SYMBOLS[name][0],
    parameters: parametersOf(name).map((parameter) => `${parameter.name}: ${parameter.type}`),
  }]));
  assert.ok(functions.length > 100, "the headers were read");
  assert.deepEqual(found, wanted);
});

test("the library exports exactly the table", () => {
  const bytes = readFileSync(library().path);
  const facts = readElf(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  assert.deepEqual([...facts.exports].sort(), Object.keys(SYMBOLS).sort());
});
