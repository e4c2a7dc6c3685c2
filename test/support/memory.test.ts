import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { descriptorNames, processUsage, threadNames, trend } from "./memory.ts";

test("this process has memory, threads and descriptors", () => {
  const usage = processUsage();
  assert.ok(usage.residentBytes > 1e6);
  assert.ok(usage.anonymousBytes > 1e6 && usage.anonymousBytes <= usage.residentBytes);
  assert.ok(usage.threads >= 1);
  // Threads of the runtime come and go between the two looks.
  assert.ok(threadNames().length >= 1);
  assert.ok(processUsage(process.pid).descriptors >= 3);
});

test("an open file is one descriptor more, and named", () => {
  const before = processUsage().descriptors;
  const file = openSync("/dev/zero", "r");
  assert.equal(processUsage().descriptors, before + 1);
  assert.ok(descriptorNames().some((name) => name.endsWith(" /dev/zero")));
  closeSync(file);
  assert.equal(processUsage().descriptors, before);
});

test("touched memory is resident memory", () => {
  const before = processUsage().residentBytes;
  const block = new Uint8Array(64 << 20).fill(1);
  const grown = processUsage().residentBytes - before;
  assert.ok(grown > 60 << 20, `grew by ${grown} for ${block.length}`);
});

test("a trend is the slope, whatever the noise around it", () => {
  assert.equal(trend([5, 5, 5, 5]), 0);
  assert.equal(trend([1, 3, 5, 7]), 2);
  assert.equal(trend([0, 9, 0, 9, 0, 9, 0]), 0);
  assert.equal(trend([4]), 0);
});
