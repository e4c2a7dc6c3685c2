// What copyTo refuses: nothing is overlooked in silence.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CapturedAudio, CapturedVideoFrame } from "../../src/mod.ts";
import { Camera, enableTestDevices, Microphone, MiniAVError } from "../../src/mod.ts";

enableTestDevices();

const has = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof MiniAVError && error.code === code && text.test(error.message);

async function firstOf<Frame>(source: AsyncIterable<Frame>): Promise<Frame> {
  for await (const frame of source) return frame;
  throw new Error("no frame");
}

test("copyTo refuses what it would not do", async () => {
  await using camera = await Camera.open({ deviceId: "test:bars", format: "NV12" });
  const frame = await firstOf<CapturedVideoFrame>(camera);
  const bytes = new Uint8Array(frame.codedWidth * frame.codedHeight * 4);
  const wrong: [unknown, unknown, RegExp][] = [
    [bytes, { format: "BGRA" }, /format is "RGBA", not "BGRA"/],
    [bytes, { formt: "RGBA" }, /no option "formt"/],
    [bytes, null, /the options are an object, not null/],
    [null, {}, /an ArrayBuffer or a view, not null/],
    [[], {}, /an ArrayBuffer or a view, not a list/],
  ];
  for (const [destination, options, text] of wrong) {
    await assert.rejects(
      frame.copyTo(destination as never, options as never),
      has("INVALID_ARG", text),
    );
  }
  await frame.copyTo(bytes, { format: "RGBA" });
  frame.close();
  await assert.rejects(frame.copyTo(new Uint8Array(1)), has("INVALID_HANDLE", /copyTo/));
});

test("sound's copyTo, too", async () => {
  await using microphone = await Microphone.open({ deviceId: "test:tone" });
  const audio = await firstOf<CapturedAudio>(microphone);
  await assert.rejects(audio.copyTo(undefined as never), has("INVALID_ARG", /not undefined/));
  audio.close();
  await assert.rejects(audio.copyTo(new Uint8Array(1)), has("INVALID_HANDLE", /copyTo/));
});
