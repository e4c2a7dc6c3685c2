// Links and names of files in documents lead somewhere.

import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { anchorsOf, DOCUMENTS, fileExists, proseOf, readDocument } from "./support/documents.ts";

for (const document of DOCUMENTS) {
  test(`${document}: links resolve`, () => {
    for (const [link, target = ""] of proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:\/\//.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? document : normalize(join(dirname(document), path));
      assert.ok(fileExists(file), `${link}: no ${file}`);
      if (anchor === undefined) continue;
      assert.ok(anchorsOf(file).has(anchor), `${link}: no heading ${anchor} in ${file}`);
    }
  });

  test(`${document}: the files it names are there`, () => {
    const pattern = /`((?:src|lib|scripts|test|bench|docs|examples)\/[\w./-]*\.\w+)`/g;
    for (const [, path = ""] of readDocument(document).matchAll(pattern)) {
      assert.ok(fileExists(path), path);
    }
  });
}

test("a claim that names a test names one that exists", () => {
  let count = 0;
  for (const document of DOCUMENTS) {
    // `test/api/lifecycle.test.ts` "stopping twice is stopping once"
    const claims = proseOf(document).matchAll(/`(test\/[\w/.]+\.ts)`((?:,?\s"[^"]+")+)/g);
    for (const [, path = "", titles = ""] of claims) {
      const text = readDocument(path);
      for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g)) {
        assert.ok(text.includes(title), `${document}: ${path} has no test "${title}"`);
        count++;
      }
    }
  }
  assert.ok(count > 20, `only ${count} claims were found`);
});
