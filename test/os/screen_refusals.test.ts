// What a real X server cannot give is refused with what helps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeResult } from "../support/process.ts";
import { startScreenUser } from "../support/screen_capture.ts";
import { x11SkipReason } from "../support/x11.ts";
import { refused, stage } from "./support/x11_stage.ts";

const OPTIONS = { timeout: 180_000, skip: x11SkipReason() };

test("sound without a server of sound, and a format that the screen has not", OPTIONS, async () => {
  await using it = await stage();
  const sound = await startScreenUser(it.env, ["sound", "{}"]).ended;
  assert.match(sound.stdout, /"code":"NOT_SUPPORTED"/, describeResult(sound));
  assert.match(sound.stdout, /PipeWire or PulseAudio is needed/);
  assert.match(sound.stdout, /optional: true/);
  assert.doesNotMatch(sound.stdout, /enumerateTargets/, "about what is heard alone");
  const format = await refused(it.env, { format: "NV12" });
  assert.equal(format.code, "FORMAT_NOT_SUPPORTED");
  assert.match(format.error, /The device offers\n {2}321x203 BGRX at /);
  assert.match(format.error, /copyTo\(destination, \{ format: "RGBA" \}\)/);
});
