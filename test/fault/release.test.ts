// Frames that are given back wrongly: never a crash, never another frame's memory, always counted.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allocate,
  bufferAt,
  BufferLayout,
  encodeText,
  library,
  ResultCode,
  unwrap,
} from "../../src/ffi/mod.ts";
import type { Handle } from "../../src/ffi/mod.ts";
import { meet } from "./fixtures/meet.ts";
import type { CaptureStats } from "../../src/mod.ts";
import { GARBAGE_FLAGS } from "../support/garbage_flags.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";

useOnlyTestDevices();

interface Treated {
  readonly counts: { readonly forgotten: number; readonly stolen: number };
  readonly running: CaptureStats;
  readonly ended: CaptureStats;
  readonly other: CaptureStats;
}

interface Report {
  readonly camera: Treated;
  readonly microphone: Treated;
  readonly warnings: readonly string[];
  readonly wrong: Readonly<Record<string, number>>;
}

function assertCounts({ counts, running, ended, other }: Treated): void {
  for (const stats of [running, ended, other]) {
    const text = JSON.stringify(stats);
    assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued, text);
    assert.equal(stats.delivered, stats.released + stats.outstanding, text);
  }
  assert.ok(counts.forgotten > 5 && counts.stolen > 0, JSON.stringify(counts));
  assert.equal(running.forgotten, counts.forgotten);
  assert.equal(ended.forgotten, counts.forgotten);
  assert.equal(ended.stolen, counts.stolen);
  assert.equal(ended.outstanding, counts.stolen);
  assert.equal(other.outstanding, 0);
}

for (const seed of [1, 2, 3]) {
  test(`frames treated wrongly at random, seed ${seed}`, async (t) => {
    const result = await runScript(new URL("./fixtures/misuse.ts", import.meta.url), {
      args: [String(seed)],
      runtimeArgs: GARBAGE_FLAGS,
      timeoutMs: 60_000,
    });
    assert.equal(result.code, 0, describeResult(result));
    const { camera, microphone, warnings, wrong } = JSON.parse(
      result.stdout.trim().split("\n").at(-1) ?? "",
    ) as Report;
    assert.deepEqual(wrong, {});
    assertCounts(camera);
    assertCounts(microphone);
    for (const name of ['Camera "test:bars"', 'Microphone "test:tone"']) {
      const own = warnings.filter((warning) => warning.includes(name));
      assert.equal(own.filter((warning) => /never closed/.test(warning)).length, 1, own.join("\n"));
      assert.equal(own.filter((warning) => /carried off/.test(warning)).length, 1, own.join("\n"));
      assert.equal(own.length, 2, own.join("\n"));
    }
    t.diagnostic(JSON.stringify([camera.counts, microphone.counts]));
  });
}

const { native, runtime } = library();

function take(context: Handle): Handle {
  const memory = allocate(BufferLayout.size);
  unwrap(native.MiniAV_WaitBuffer(context, 5000, memory.bytes), "MiniAV_WaitBuffer");
  return bufferAt(memory, runtime).handle;
}

function createCamera(): Handle {
  unwrap(native.MiniAV_EnableTestDevices(1), "MiniAV_EnableTestDevices");
  const memory = allocate(8);
  unwrap(native.MiniAV_Camera_CreateContext(memory.bytes), "MiniAV_Camera_CreateContext");
  const context = runtime.handleAt(memory.view, 0);
  const id = encodeText("test:flood", "device_id");
  unwrap(native.MiniAV_Camera_Configure(context, id, null), "MiniAV_Camera_Configure");
  unwrap(native.MiniAV_Camera_StartCapture(context, null, null), "MiniAV_Camera_StartCapture");
  return context;
}

test("two isolates that release the same buffers: each is released once", async () => {
  const url = new URL("./fixtures/release_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const answer = () =>
    new Promise<number[]>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  const context = createCamera();
  await answer();
  for (let round = 0; round < 50; round++) {
    const handles = Array.from({ length: 8 }, () => take(context));
    const start = new Int32Array(new SharedArrayBuffer(4));
    const theirs = answer();
    worker.postMessage({ handles: handles.map(BigInt), start });
    meet(start);
    const ours = handles.map((handle) => native.MiniAV_ReleaseBuffer(handle));
    for (const [index, code] of (await theirs).entries()) {
      const codes = [code, ours[index]].sort();
      assert.deepEqual(codes, [ResultCode.INVALID_HANDLE, ResultCode.SUCCESS].sort());
    }
  }
  worker.terminate();
  assert.equal(native.MiniAV_Camera_DestroyContext(context), ResultCode.SUCCESS);
});

test("handles that never were, were released, or outlive their context", () => {
  const context = createCamera();
  const kept = take(context);
  const old: Handle[] = [];
  for (let i = 0; i < 200; i++) {
    const handle = take(context);
    assert.equal(native.MiniAV_ReleaseBuffer(handle), ResultCode.SUCCESS);
    old.push(handle);
  }
  const strange = [0, 1, 42, 2 ** 32 - 1, 2 ** 32, 2 ** 51, 2 ** 52 - 1];
  for (const handle of [...old, ...strange.map((value) => runtime.toHandle(value)), context]) {
    assert.equal(native.MiniAV_ReleaseBuffer(handle), ResultCode.INVALID_HANDLE, String(handle));
  }
  const copy = allocate(1 << 16);
  for (const handle of old) {
    const code = native.MiniAV_CopyBuffer(handle, copy.bytes, copy.bytes.length, null);
    assert.equal(code, ResultCode.INVALID_HANDLE);
  }
  assert.equal(native.MiniAV_Camera_DestroyContext(context), ResultCode.SUCCESS);
  const memory = allocate(BufferLayout.size);
  assert.equal(native.MiniAV_TakeBuffer(context, memory.bytes), ResultCode.INVALID_HANDLE);
  assert.equal(native.MiniAV_Camera_StopCapture(context), ResultCode.INVALID_HANDLE);
  assert.equal(native.MiniAV_Camera_DestroyContext(context), ResultCode.INVALID_HANDLE);
  assert.equal(native.MiniAV_ReleaseBuffer(kept), ResultCode.SUCCESS);
  assert.equal(native.MiniAV_ReleaseBuffer(kept), ResultCode.INVALID_HANDLE);
});
