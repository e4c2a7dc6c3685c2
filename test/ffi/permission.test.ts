// The least privilege under Deno: --allow-ffi for the library's path, nothing to read, no
// environment. Bun has no permissions; there the same script runs in fill mode's absence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { library } from "../../src/ffi/mod.ts";
import { describeResult, runScript, runtime } from "../support/process.ts";

const SCRIPT = new URL("scripts/scoped.ts", import.meta.url);

interface Report {
  cameras: number;
  formats: number;
  backend: string;
  seen: { frames: number; bytes: number; level: number; late: number; lost: string };
  samples: number;
  log: boolean;
  denied: string;
  outstanding: number;
}

async function report(permissions: readonly string[]): Promise<Report> {
  const result = await runScript(SCRIPT, { permissions });
  assert.equal(result.code, 0, describeResult(result));
  return JSON.parse(result.stdout) as Report;
}

function checkCaptures(found: Report): void {
  assert.ok(found.cameras >= 2);
  assert.ok(found.formats > 0);
  assert.equal(found.backend, "test");
  assert.equal(found.seen.frames, 20);
  assert.ok(found.seen.bytes >= 640 * 480);
  assert.ok(found.seen.level > 16, "the picture is not black");
  assert.equal(found.seen.late, 0, "a view of a closed frame is empty");
  assert.equal(found.seen.lost, "DEVICE_LOST");
  assert.ok(found.samples > 9600);
  assert.ok(found.log);
  assert.equal(found.outstanding, 0);
}

if (runtime === "deno") {
  test("scoped --allow-ffi does everything by copying, and says what a lease needs", async () => {
    const found = await report([`--allow-ffi=${library().path}`, "--no-prompt"]);
    checkCaptures(found);
    assert.match(found.denied, /^PERMISSION_DENIED .*--allow-ffi/);
  });

  test("all of --allow-ffi leases", async () => {
    const found = await report(["--allow-ffi", "--no-prompt"]);
    checkCaptures(found);
    assert.equal(found.denied, "");
  });
} else {
  test("Bun leases", async () => {
    const found = await report([]);
    checkCaptures(found);
    assert.equal(found.denied, "");
  });
}
