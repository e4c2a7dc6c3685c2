// What keeps the process alive, and what does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeResult, runScript } from "../support/process.ts";

const SCRIPT = new URL("scripts/exits.ts", import.meta.url);

async function run(way: string): Promise<string> {
  const result = await runScript(SCRIPT, { args: [way], timeoutMs: 20_000 });
  assert.equal(result.code, 0, describeResult(result));
  assert.equal(result.signal, null, describeResult(result));
  return result.stdout;
}

for (const way of ["enumerate", "open", "log", "broken-off", "unref", "watch-unref"]) {
  test(`the process ends by itself: ${way}`, async () => {
    assert.equal(await run(way), "end of script\n");
  });
}

test("a waiting consumer keeps the process alive", async () => {
  assert.equal(await run("consume"), "end of script\n30 frames\n");
});

test("an unref'd consumer gets frames while something else keeps the process alive", async () => {
  assert.equal(await run("unref-with-timer"), "end of script\nframes came\n");
});

test("a device subscription keeps the process alive until it is closed", async () => {
  assert.equal(await run("watch"), "end of script\nclosing\n");
});
