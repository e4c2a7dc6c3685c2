// What TypeScript believes about C memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as layouts from "../../src/ffi/layout.gen.ts";
import { allocate, encodeText, library, textAt } from "../../src/ffi/mod.ts";
import {
  encodeLoopbackTargets,
  intrinsicsAt,
  rectangleAt,
  setIntrinsicsAt,
  setRectangleAt,
} from "../../src/ffi/mod.ts";

test("the library tells the hash of these layouts", () => {
  const memory = allocate(8);
  assert.equal(library().native.MiniAV_GetLayoutHash(memory.bytes), layouts.ResultCode.SUCCESS);
  assert.equal(memory.view.getBigUint64(0, true), layouts.LAYOUT_HASH);
});

test("members lie inside their structs and are aligned", () => {
  const sizes: Record<string, number> = {
    u8: 1,
    i32: 4,
    u32: 4,
    f32: 4,
    i64: 8,
    u64: 8,
    f64: 8,
    text: 1,
  };
  const structs = Object.entries(layouts).filter(([name]) => name.endsWith("Layout"));
  for (const [name, struct] of structs) {
    sizes[name.replace(/Layout$/, "")] = (struct as { size: number }).size;
  }
  for (const [name, struct] of structs) {
    const { size, ...fields } = struct as { size: number } & Record<string, layouts.Field | number>;
    for (const [member, field] of Object.entries(fields)) {
      if (typeof field === "number") continue;
      const bytes = sizes[field.type];
      assert.ok(bytes !== undefined, `${name}.${member} has type ${field.type}`);
      assert.ok(field.offset + bytes * (field.count ?? 1) <= size, `${name}.${member} fits`);
      assert.equal(field.offset % Math.min(bytes, 4), 0, `${name}.${member} is aligned`);
    }
  }
  assert.ok(structs.length >= 15);
});

test("text ends at its zero and is bounded by its field", () => {
  const bytes = new TextEncoder().encode("abc\0def");
  assert.equal(textAt(bytes, 0, 7), "abc");
  assert.equal(textAt(bytes, 4, 3), "def");
  assert.deepEqual(encodeText("é", "id"), new Uint8Array([0xc3, 0xa9, 0]));
  assert.equal(encodeText(undefined, "id"), null);
  assert.throws(() => encodeText("x".repeat(256), "deviceId"), /deviceId/);
});

test("structs survive the way through memory", () => {
  const memory = allocate(256);
  const rectangle = { x: -3, y: 7, width: 640, height: 480 };
  setRectangleAt(memory, 8, rectangle);
  assert.deepEqual(rectangleAt(memory, 8), rectangle);
  const intrinsics = {
    width: 1920,
    height: 1080,
    focalX: 1000.5,
    focalY: 1001.25,
    centreX: 959.5,
    centreY: 539.5,
    distortion: [0.1, -0.2, 0.3, 0, 0, 0, 0, 1e-9],
  };
  setIntrinsicsAt(memory, 0, intrinsics);
  assert.deepEqual(intrinsicsAt(memory, 0), intrinsics);
});

test("a name that is too long for its struct is refused", () => {
  const target = { type: 4, flags: 0, processId: 0, windowHandle: 0, name: "x".repeat(256) };
  assert.throws(() => encodeLoopbackTargets([target]), RangeError);
});
