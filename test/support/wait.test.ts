import assert from "node:assert/strict";
import { test } from "node:test";
import { delay, waitUntil, within } from "./wait.ts";

test("waitUntil returns the first true value", async () => {
  let calls = 0;
  assert.equal(await waitUntil(() => ++calls > 3 && `call ${calls}`, 5000, "calls"), "call 4");
});

test("waitUntil tells what did not come, as it was at the end", async () => {
  let calls = 0;
  const condition = () => {
    calls++;
    return false;
  };
  await assert.rejects(
    waitUntil(condition, 30, () => `${calls} calls`),
    /not within 30 ms: \d+ calls/,
  );
  assert.ok(calls > 1);
});

test("waitUntil passes on what its condition throws", async () => {
  const condition = () => Promise.reject(new Error("broken"));
  await assert.rejects(waitUntil(condition, 5000, "never"), /broken/);
});

test("within gives the result, or an error when it comes too late", async () => {
  assert.equal(await within(Promise.resolve(7), 1000, "seven"), 7);
  await assert.rejects(within(delay(500), 20, "half a second"), /not within 20 ms: half a second/);
});
