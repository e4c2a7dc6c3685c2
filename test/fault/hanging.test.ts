// Operations of a device that hang: timers go on, and signals, timeouts and stops end them.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { enableTestDevices, MiniAVError, setTestFault } from "../../src/mod.ts";
import type { TestOperation, WaitOptions } from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { within } from "../support/wait.ts";
import { KINDS } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import { longestSlip } from "./timer.ts";

useOnlyTestDevices();

const HANG_MS = 600;
const SLIP_MS = 50;
/** A busy machine makes a timer late now and then, but not for every one of these in a row. */
const ATTEMPTS = 4;

enableTestDevices();

const OPERATIONS: Readonly<
  Record<TestOperation, (kind: Kind, options: WaitOptions) => Promise<unknown>>
> = {
  enumerate: (kind, options) => kind.enumerate(options),
  formats: (kind, options) => kind.formats(kind.device, options),
  configure: (kind, options) => kind.open(kind.device, options),
  start: (kind, options) => kind.open(kind.device, options),
  permission: (kind, options) => kind.permission(options),
};

const NAMES = Object.keys(OPERATIONS) as TestOperation[];

function hang(operation: TestOperation): void {
  for (const { device } of KINDS) setTestFault(device, { type: "hang", operations: [operation] });
}

afterEach(() => {
  for (const { device } of KINDS) setTestFault(device, { type: "none" });
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "SUCCESS";
  } catch (error) {
    assert.ok(error instanceof MiniAVError, String(error));
    return error.code;
  }
}

for (const operation of NAMES) {
  test(`timers go on while "${operation}" hangs in all kinds, until its timeout`, async (t) => {
    const slips: number[] = [];
    do {
      hang(operation);
      const started = performance.now();
      let codes: string[] = [];
      const slip = await longestSlip(async () => {
        codes = await Promise.all(
          KINDS.map((kind) => codeOf(OPERATIONS[operation](kind, { timeout: HANG_MS }))),
        );
      });
      slips.push(slip);
      assert.deepEqual(codes, KINDS.map(() => "TIMEOUT"));
      assert.ok(performance.now() - started >= HANG_MS - 1, "it did hang");
    } while ((slips.at(-1) ?? 0) > SLIP_MS && slips.length < ATTEMPTS);
    const text = `late by ${slips.map((slip) => slip.toFixed(1)).join(", ")} ms`;
    assert.ok(Math.min(...slips) <= SLIP_MS, text);
    t.diagnostic(text);
  });

  test(`a signal ends "${operation}" with its reason, at once`, async () => {
    hang(operation);
    for (const kind of KINDS) {
      const controller = new AbortController();
      const { signal } = controller;
      const reason = new Error("no longer wanted");
      const ended = assert.rejects(OPERATIONS[operation](kind, { signal }), reason);
      setTimeout(() => controller.abort(reason), 30);
      await within(ended, 1000, `${kind.name}: the operation goes on`);
    }
  });

  test(`"${operation}" goes on when the device answers again`, async () => {
    hang(operation);
    const results = KINDS.map((kind) => OPERATIONS[operation](kind, { timeout: 5000 }));
    let early = false;
    void Promise.race(results).then(() => early = true, () => early = true);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(early, false);
    for (const { device } of KINDS) setTestFault(device, { type: "none" });
    for (const result of await Promise.all(results)) {
      const capture = result as Partial<AsyncDisposable>;
      await capture[Symbol.asyncDispose]?.();
    }
  });
}

test("a capture whose reconnect hangs is stopped at once", async () => {
  for (const kind of KINDS) {
    const capture = await kind.open(kind.device, { reconnect: { delay: 1, attempts: 100 } });
    setTestFault(kind.device, { type: "hang", operations: ["configure"] });
    const reconnecting = new Promise((resolve) => capture.on("reconnecting", resolve));
    setTestFault(kind.device, { type: "lose" });
    await within(reconnecting, 3000, `${kind.name}: the loss is told`);
    setTestFault(kind.device, { type: "plug" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await within(capture.stop(), 1000, `${kind.name}: stop`);
    assert.equal(capture.running, false);
    assert.equal(capture.stats().reconnects, 0);
  }
});
