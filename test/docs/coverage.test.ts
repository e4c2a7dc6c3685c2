// What the package exports is documented: every name, every member, every value that has a name.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as api from "../../src/mod.ts";
import { ResultCode, SYMBOLS } from "../../src/ffi/mod.ts";
import { readDocument } from "./support/documents.ts";

const REFERENCE = readDocument("docs/api.md");

/** The words inside backquotes: names that the text names on purpose. */
function namedIn(text: string): Set<string> {
  const code = [...text.matchAll(/`([^`\n]+)`/g)].map(([, inside = ""]) => inside);
  return new Set(code.flatMap((inside) => inside.split(/[^\w$]+/)));
}

const NAMED = namedIn(REFERENCE);

/** Exports of src/mod.ts, types too, with the file each comes from. */
function exportedNames(): Map<string, string> {
  const source = readDocument("src/mod.ts");
  const found = new Map<string, string>();
  const lists = source.matchAll(/^export (?:type )?\{([^}]*)\} from "\.\/([^"]+)";$/gm);
  for (const [, names = "", file = ""] of lists) {
    for (const name of names.split(",")) if (name.trim() !== "") found.set(name.trim(), file);
  }
  for (const [, file = ""] of source.matchAll(/^export type \* from "\.\/([^"]+)";$/gm)) {
    const text = readDocument(`src/${file}`);
    for (const [, name = ""] of text.matchAll(/^export (?:interface|type) (\w+)/gm)) {
      found.set(name, file);
    }
    for (const [, names = ""] of text.matchAll(/^export type \{([^}]*)\};$/gm)) {
      for (const name of names.split(",")) found.set(name.trim(), file);
    }
  }
  return found;
}

/** The members of an exported interface, from its source; nested objects included. */
function membersOf(name: string, file: string): string[] {
  const text = readDocument(`src/${file}`);
  const body =
    new RegExp(`^export (?:interface|abstract class|class|type) ${name}\\b[\\s\\S]*?^}`, "m")
      .exec(text)?.[0] ?? "";
  const member = /^ +(?:static |async |readonly |get )*(\w+)\??(?:<[^>]*>)?[:(]/gm;
  const isInterface = body.startsWith("export interface");
  return isInterface ? [...body.matchAll(member)].map(([, key = ""]) => key) : [];
}

/** What a class has at run time, without what every object has. */
function membersAtRunTime(value: unknown): string[] {
  if (typeof value !== "function" || !/^class\b/.test(String(value))) return [];
  const { prototype } = value as { prototype: object };
  const own = (object: object) =>
    Object.getOwnPropertyNames(object).filter((key) =>
      !["constructor", "length", "name", "prototype"].includes(key)
    );
  return [...own(value), ...own(prototype)];
}

test("every export is in docs/api.md", () => {
  const names = exportedNames();
  for (const name of Object.keys(api)) {
    assert.ok(names.has(name), `${name} was not found in mod.ts`);
  }
  assert.ok(names.size > 60, `only ${names.size} exports were found`);
  const missing = [...names.keys()].filter((name) => !NAMED.has(name));
  assert.deepEqual(missing, []);
});

test("every member of an exported interface or class is in docs/api.md", () => {
  const missing: string[] = [];
  let count = 0;
  for (const [name, file] of exportedNames()) {
    const members = [
      ...membersOf(name, file),
      ...membersAtRunTime((api as Record<string, unknown>)[name]),
    ];
    count += members.length;
    for (const member of members) if (!NAMED.has(member)) missing.push(`${name}.${member}`);
  }
  assert.ok(count > 200, `only ${count} members were found`);
  assert.deepEqual(missing, []);
});

test("every error, property, format and event is in docs/api.md", () => {
  const errors = Object.keys(ResultCode).filter((name) => name !== "SUCCESS");
  const events = ["format", "stalled", "resumed", "default", "property", "lost", "reconnecting"];
  const wanted = [
    ...errors,
    "LOAD_FAILED",
    ...events,
    "reconnected",
    ...api.PROPERTY_NAMES,
    ...api.PIXEL_FORMATS,
    ...api.SAMPLE_FORMATS,
  ];
  assert.deepEqual(wanted.filter((name) => !NAMED.has(name)), []);
});

test("docs/api.md names no member of a class that is not there", () => {
  const classes = { Camera: api.Camera, Screen: api.Screen, Microphone: api.Microphone };
  for (const [name, value] of Object.entries({ ...classes, Loopback: api.Loopback })) {
    const claimed = REFERENCE.matchAll(new RegExp(`\`${name}\\.(\\w+)`, "g"));
    for (const [, member = ""] of claimed) assert.ok(member in value, `${name}.${member}`);
  }
});

test("docs/test-devices.md names every test device and every fault", () => {
  const named = namedIn(readDocument("docs/test-devices.md"));
  const source = readDocument("src/api/testing.ts");
  const faults = [...source.matchAll(/readonly type: "([a-z-]+)"/g)].map(([, name = ""]) => name);
  const text = readDocument("docs/test-devices.md");
  assert.ok(faults.length > 10);
  for (const fault of faults) assert.ok(text.includes(`\`${fault}\``), fault);
  const devices = source.matchAll(/`(test:\w+)`/g);
  for (const [, id = ""] of devices) assert.ok(text.includes(`\`${id}\``), id);
  for (const operation of ["enumerate", "formats", "configure", "start", "permission"]) {
    assert.ok(named.has(operation), operation);
  }
});

test("functions of C that a document names exist", () => {
  const documents = ["docs/raw-ffi.md", "docs/lifecycle.md", "lib/miniav_c/README.md"];
  for (const document of documents) {
    for (const [name] of readDocument(document).matchAll(/\bMiniAV_\w+[a-z]\b(?!\*)/g)) {
      assert.ok(name in SYMBOLS, `${document}: ${name}`);
    }
  }
});
