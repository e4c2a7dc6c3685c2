// Parts of a screen, and its pace, on the test display.

import assert from "node:assert/strict";
import { test } from "node:test";
import { enableTestDevices, Screen } from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";

useOnlyTestDevices();
enableTestDevices();

const DISPLAY = { displayId: "test:display" } as const;

test("x and y of a region are even where colour is subsampled", async () => {
  const size = { width: 320, height: 200 };
  for (const [x, y] of [[101, 50], [100, 51], [101, 51]] as const) {
    const region = { x, y, ...size };
    for (const format of ["NV12", "I420"] as const) {
      await assert.rejects(Screen.open({ ...DISPLAY, region, format }), {
        code: "INVALID_ARG",
        message: /x and y of the region must be even/,
      });
    }
    // Whole pixels can be cut anywhere.
    (await Screen.grab({ ...DISPLAY, region, format: "BGRA" })).close();
  }
  const region = { x: 100, y: 50, ...size };
  (await Screen.grab({ ...DISPLAY, region, format: "NV12" })).close();
  await using screen = await Screen.open({ ...DISPLAY, region, format: "NV12" });
  await assert.rejects(screen.setProperty("region", { ...region, x: 101 }), {
    code: "INVALID_ARG",
  });
});

test("a region that no number of pixels says is refused, and moves nothing", async () => {
  const region = { x: 8, y: 16, width: 32, height: 24 };
  await using screen = await Screen.open({ ...DISPLAY, region });
  for (const wrong of [2 ** 32 + 8, -(2 ** 31) - 1, 1e12, 0.5, NaN, Infinity]) {
    for (const name of ["x", "y", "width", "height"]) {
      const other = { ...region, [name]: wrong };
      await assert.rejects(Screen.open({ ...DISPLAY, region: other }), { code: "INVALID_ARG" });
      await assert.rejects(screen.setProperty("region", other), { code: "INVALID_ARG" });
    }
  }
  assert.deepEqual(await screen.getProperty("region"), region);
});

test("a region is the display's pixels in that place, without a copy", async () => {
  using whole = await Screen.grab({ ...DISPLAY, format: "BGRX", cursor: "hidden" });
  const region = { x: 201, y: 850, width: 333, height: 222 };
  await using screen = await Screen.open({ ...DISPLAY, region, format: "BGRX", cursor: "hidden" });
  for await (using frame of screen) {
    assert.equal(frame.copied, false);
    assert.deepEqual([frame.codedWidth, frame.codedHeight], [region.width, region.height]);
    const [part] = frame.planes;
    const [all] = whole.planes;
    assert.ok(part !== undefined && all !== undefined);
    assert.ok(part.stride >= 4 * region.width);
    // The last row: the strip with the number is above it, and the box needs seconds to get there.
    const at = (region.y + region.height - 1) * all.stride + 4 * region.x;
    const from = (region.height - 1) * part.stride;
    assert.deepEqual(
      part.data.subarray(from, from + 4 * region.width),
      all.data.subarray(at, at + 4 * region.width),
    );
    break;
  }
});

test("the rate of a screen is a limit: every wish for one sets it", async () => {
  const [{ frameRate: own } = { frameRate: 0 }] = await Screen.supportedFormats("test:display");
  assert.ok(own > 20 && own < 100, `${own}`);
  const cases = [
    [20, 20],
    [{ exact: 12 }, 12],
    [{ ideal: 20 }, 20],
    [{ ideal: 5000 }, 240],
    [{ ideal: 20, max: 15 }, 15],
    [{ max: 15 }, 15],
    [{ max: 200 }, own],
    [{ min: 100 }, 100],
    [{ min: 5, max: 200 }, own],
    [{ ideal: 144, min: 100 }, 144],
    [undefined, own],
    [{}, own],
  ] as const;
  for (const [frameRate, expected] of cases) {
    for (const size of [{}, { width: { ideal: 320 } }, { width: 320, height: 200 }]) {
      await using screen = await Screen.open({ ...DISPLAY, ...size, frameRate });
      const what = JSON.stringify({ frameRate, ...size });
      assert.equal(screen.format.video.frameRate, expected, what);
    }
  }
  await assert.rejects(Screen.open({ ...DISPLAY, frameRate: { min: 1001 } }), {
    code: "FORMAT_NOT_SUPPORTED",
  });
});

/**
 * By the frames' own times: a busy machine loses frames, which leaves a hole of whole intervals;
 * an interval that is a little off, or that begins when the last frame was done, adds up.
 */
for (const frameRate of [30, 59.94, 200]) {
  test(`frames at ${frameRate} a second span as many intervals, without drift`, async () => {
    await using screen = await Screen.open({ ...DISPLAY, frameRate, width: 320, height: 200 });
    const { video } = screen.format;
    assert.ok(Math.abs(video.frameRate - frameRate) < 0.01, String(video.frameRate));
    const interval = 1e6 / video.frameRate;
    const times: number[] = [];
    for await (using frame of screen) {
      times.push(frame.timestamp);
      if (times.length === 60) break;
    }
    const [first = 0] = times;
    const ticks = times.map((time) => Math.round((time - first) / interval));
    for (const [i, tick] of ticks.entries()) {
      const off = Math.abs(times[i]! - first - tick * interval);
      assert.ok(off <= 1.5, `frame ${i}: ${off} us beside tick ${tick}`);
      if (i > 0) assert.ok(tick > ticks[i - 1]!, `two frames in tick ${tick}`);
    }
    const { dropped } = screen.stats();
    const span = ticks.at(-1)!;
    assert.ok(span >= 59 && span <= 59 + dropped, `${span} intervals, ${dropped} dropped`);
  });
}
