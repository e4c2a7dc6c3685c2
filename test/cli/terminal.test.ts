// How numbers, tables and foreign names look on a terminal.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkExtension, defaultFileName } from "../../src/cli/output.ts";
import { preferRaw } from "../../src/cli/sources.ts";
import { formatBytes, formatTable, formatTime, printable } from "../../src/cli/terminal.ts";

test("names from elsewhere cannot steer the terminal", () => {
  assert.equal(printable("Mikrofon für Zoë 🎙"), "Mikrofon für Zoë 🎙");
  assert.equal(printable("a\x1b[2Jb\nc\rd\x9be"), "a\ufffd[2Jb\ufffdc\ufffdd\ufffde");
  // Text that changes direction hides what follows it.
  assert.equal(printable("a\u202eb\u2066c\u2028d"), "a\ufffdb\ufffdc\ufffdd");
});

test("tables have columns as wide as they need", () => {
  assert.equal(
    formatTable(["A", "NUMBER", ""], [["long name", "5", "x"], ["é", "12345678", ""]], [1]),
    "A            NUMBER\nlong name         5  x\né          12345678\n",
  );
});

test("sizes", () => {
  assert.equal(formatBytes(0), "0 bytes");
  assert.equal(formatBytes(1023), "1023 bytes");
  assert.equal(formatBytes(1024), "1.00 KiB");
  assert.equal(formatBytes(15 * 1024 * 1024), "15.0 MiB");
  assert.equal(formatBytes(2 ** 32), "4.00 GiB");
});

test("times", () => {
  assert.equal(formatTime(0), "0:00.0");
  assert.equal(formatTime(9.99), "0:09.9");
  // As floating-point arithmetic leaves it.
  assert.equal(formatTime(0.1 + 0.2), "0:00.3");
  assert.equal(formatTime(59.96), "0:59.9");
  assert.equal(formatTime(3723.4), "1:02:03.4");
});

test("default names tell kind and time", () => {
  const time = new Date(2026, 4, 3, 9, 5, 7);
  assert.equal(defaultFileName("screen", "png", time), "screen-2026-05-03-090507.png");
});

test("an extension must not promise something else", () => {
  for (const path of ["-", "x.wav", "x.WAV", "x", "folder.mp3/x", ".hidden"]) {
    checkExtension(path, "sound", ["wav"], "hint");
  }
  assert.throws(
    () => checkExtension("x.mp3", "sound", ["wav"], "hint"),
    /sound becomes \.wav, not \.mp3; hint/,
  );
});

test("cameras that compress by themselves are asked for raw pictures", () => {
  assert.deepEqual(preferRaw({ format: "YUY2" }, { width: 640 }), { width: 640 });
  assert.deepEqual(preferRaw({ format: "MJPEG" }, { width: 640 }), {
    width: 640,
    format: { ideal: "NV12" },
  });
});
