// The C callbacks as they are, for those who want them.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allocate,
  bufferAt,
  BufferLayout,
  createCallback,
  encodeText,
  library,
  ResultCode,
  unwrap,
  waiter,
} from "../../src/ffi/mod.ts";
import type { Handle, NativeBuffer } from "../../src/ffi/mod.ts";
import { within } from "../support/wait.ts";

const { native, runtime } = library();
unwrap(native.MiniAV_EnableTestDevices(1), "MiniAV_EnableTestDevices");

function createCamera(): Handle {
  const memory = allocate(8);
  unwrap(native.MiniAV_Camera_CreateContext(memory.bytes), "MiniAV_Camera_CreateContext");
  const context = runtime.handleAt(memory.view, 0);
  const id = encodeText("test:bars", "device_id");
  unwrap(native.MiniAV_Camera_Configure(context, id, null), "MiniAV_Camera_Configure");
  return context;
}

/** A synchronous stop would wait for the callback, which may be waiting for this thread. */
async function stopAndDestroy(context: Handle): Promise<void> {
  await waiter().operation(
    "stop",
    (handle, token) => native.MiniAV_Camera_StopCaptureAsync(handle, token, context),
  );
  await waiter().operation(
    "destroy",
    (handle, token) => native.MiniAV_Camera_DestroyContextAsync(handle, token, context),
  );
}

test("a buffer callback gets buffers, which are released from JavaScript", async () => {
  const context = createCamera();
  const buffers: NativeBuffer[] = [];
  const releases: number[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const callback = createCallback("buffer", (address) => {
    const copy = allocate(BufferLayout.size);
    copy.bytes.set(new Uint8Array(runtime.view(address as Handle, BufferLayout.size)));
    const buffer = bufferAt(copy, runtime);
    buffers.push(buffer);
    releases.push(native.MiniAV_ReleaseBuffer(buffer.handle));
    if (buffers.length === 5) resolve();
  });
  try {
    const started = native.MiniAV_Camera_StartCapture(context, callback.pointer, null);
    assert.equal(started, ResultCode.SUCCESS);
    await within(enough, 10_000, "five buffers");
  } finally {
    await stopAndDestroy(context);
    callback.close();
  }
  assert.ok(releases.every((code) => code === ResultCode.SUCCESS));
  const times = buffers.map(({ timestamp }) => timestamp);
  assert.deepEqual(times, [...times].sort((left, right) => left - right));
  assert.ok(buffers.every(({ video }) => video !== null && video.info.width > 0));
});

test("a context with a callback cannot be pulled from", async () => {
  const context = createCamera();
  const callback = createCallback("buffer", (address) => {
    const memory = allocate(BufferLayout.size);
    memory.bytes.set(new Uint8Array(runtime.view(address as Handle, BufferLayout.size)));
    native.MiniAV_ReleaseBuffer(bufferAt(memory, runtime).handle);
  });
  try {
    unwrap(native.MiniAV_Camera_StartCapture(context, callback.pointer, null), "start");
    const memory = allocate(BufferLayout.size);
    assert.equal(native.MiniAV_TakeBuffer(context, memory.bytes), ResultCode.NOT_SUPPORTED);
  } finally {
    await stopAndDestroy(context);
    callback.close();
  }
});

test("without a callback, the same functions pull", async () => {
  const context = createCamera();
  const memory = allocate(BufferLayout.size);
  unwrap(native.MiniAV_Camera_StartCapture(context, null, null), "start");
  assert.equal(native.MiniAV_WaitBuffer(context, 5000, memory.bytes), ResultCode.SUCCESS);
  const { handle } = bufferAt(memory, runtime);
  assert.equal(native.MiniAV_ReleaseBuffer(handle), ResultCode.SUCCESS);
  assert.equal(native.MiniAV_ReleaseBuffer(handle), ResultCode.INVALID_HANDLE);
  await stopAndDestroy(context);
  assert.equal(native.MiniAV_TakeBuffer(context, memory.bytes), ResultCode.INVALID_HANDLE);
});
