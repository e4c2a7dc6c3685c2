// `ProcessRecorder` on the test devices: what it refuses, what stands in its files, what ends it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  enableTestDevices,
  Loopback,
  Microphone,
  MiniAVError,
  ProcessRecorder,
  recordWav,
  setTestFault,
} from "../../src/mod.ts";
import type { ByteSink, ProcessRecorderOptions } from "../../src/mod.ts";
import { library } from "../../src/ffi/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import {
  describeResult,
  runProgram,
  runScript,
  runtime,
  runtimeCommand,
  startProgram,
} from "../support/process.ts";
import { levelAt, measureTone } from "../support/tone.ts";
import { waitUntil } from "../support/wait.ts";
import { channelOf, readWav, readWavFile } from "../support/wav.ts";

enableTestDevices();
useOnlyTestDevices();

const folder = mkdtempSync(join(tmpdir(), "miniav-recorder-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
const file = (): string => join(folder, `${++files}.wav`);

const PLAYER = { name: "test-player" } as const;
const SYSTEM = { system: true, label: "everything" } as const;

function assertTone(path: string, hertz: number, frames: number): void {
  const wav = readWavFile(path);
  const samples = channelOf(wav, 0);
  assert.equal(samples.length, frames);
  const { frequency, level } = measureTone(samples.subarray(480), wav.sampleRate);
  assert.ok(Math.abs(frequency - hertz) < 1, `${frequency} Hz`);
  assert.ok(Math.abs(level + 12) < 0.1, `${level} dB`);
}

test("the sum of several, in one file", async () => {
  const path = file();
  await using recorder = await ProcessRecorder.start({
    sources: [PLAYER, SYSTEM],
    file: path,
    seconds: 0.5,
    sampleRate: 48_000,
  });
  assert.deepEqual(recorder.sources.map(({ label }) => label), ["test-player", "everything"]);
  const result = await recorder.done;
  assert.equal(result.seconds, 0.5);
  assert.equal(result.files.length, 1);
  assert.deepEqual(result.files[0]?.labels, ["test-player", "everything"]);
  assert.equal(result.files[0]?.numberOfFrames, 24_000);
  assert.equal(result.files[0]?.gaps, 0);
  for (const { ended, error, peak } of result.sources) {
    assert.deepEqual([ended, error], ["stopped", null]);
    assert.ok(Math.abs(20 * Math.log10(peak) + 12) < 0.1, `${peak}`);
  }
  const samples = channelOf(readWavFile(path), 0);
  assert.equal(samples.length, 24_000);
  const [player, system] = [880, 440].map((hertz) => levelAt(samples, 48_000, hertz));
  assert.equal(recorder.running, false);
  assert.ok(Math.abs((player ?? 0) - (system ?? 0)) < 0.1, `${player} ${system}`);
});

test("a file each, of one length, named after its source", async () => {
  const own = mkdtempSync(join(folder, "each-"));
  const recorder = await ProcessRecorder.start({
    sources: [PLAYER, SYSTEM, { name: "nobody", waitForProcess: true }, { processId: 4242 }],
    folder: own,
    seconds: 0.4,
  });
  const { files, seconds } = await recorder.done;
  assert.equal(seconds, 0.4);
  const names = ["everything.wav", "nobody.wav", "process-4242.wav", "test-player.wav"];
  assert.deepEqual(readdirSync(own).sort(), names);
  assert.deepEqual(files.map(({ numberOfFrames }) => numberOfFrames), Array(4).fill(19_200));
  assertTone(join(own, "test-player.wav"), 880, 19_200);
  assertTone(join(own, "everything.wav"), 440, 19_200);
  const nothing = channelOf(readWavFile(join(own, "nobody.wav")), 0);
  assert.equal(nothing.length, 19_200);
  assert.ok(nothing.every((sample) => sample === 0));
});

test("files and formats of one's own", async () => {
  const paths = [file(), file()];
  const [first = "", second = ""] = paths;
  const recorder = await ProcessRecorder.start({
    sources: [{ ...PLAYER, file: pathToFileURL(first) }, { ...SYSTEM, file: second }],
    sampleRate: 16_000,
    channelCount: 1,
    format: "s16",
    seconds: 0.25,
  });
  const { files } = await recorder.done;
  assert.deepEqual(files.map(({ path }) => path), paths);
  assertTone(first, 880, 4000);
  assertTone(second, 440, 4000);
  assert.deepEqual(files[0]?.format, { sampleRate: 16_000, channelCount: 1, format: "s16" });
});

test("everything but a program", async () => {
  const path = file();
  const recorder = await ProcessRecorder.start({
    sources: [PLAYER],
    mode: "exclude",
    file: path,
    seconds: 0.3,
  });
  await recorder.done;
  assert.equal(recorder.levels()[0]?.label, "all but test-player");
  assertTone(path, 440, 14_400);
});

test("stop, an aborted signal and `await using` leave whole files of equal length", async () => {
  let controller = new AbortController();
  const ends = [
    (recorder: ProcessRecorder) => void recorder.stop(),
    () => controller.abort(),
    (recorder: ProcessRecorder) => void recorder[Symbol.asyncDispose](),
  ];
  for (const end of ends) {
    const paths = [file(), file()];
    controller = new AbortController();
    const recorder = await ProcessRecorder.start({
      sources: [{ ...PLAYER, file: paths[0] }, { ...SYSTEM, file: paths[1] }],
      signal: controller.signal,
    });
    await waitUntil(() => recorder.seconds > 0.3, 10_000, "sound");
    end(recorder);
    const { files, seconds } = await recorder.stop();
    assert.ok(seconds >= 0.3, `${seconds}`);
    const lengths = paths.map((path) => channelOf(readWavFile(path), 0).length);
    assert.equal(lengths[0], lengths[1]);
    assert.equal(lengths[0], files[0]?.numberOfFrames);
    assert.ok(Math.abs(lengths[0]! / 48_000 - seconds) < 0.001);
  }
});

test("a source that ends is told, its file is whole, and the others go on", async () => {
  const paths = [file(), file()];
  const recorder = await ProcessRecorder.start({
    sources: [{ ...PLAYER, file: paths[0] }, { ...SYSTEM, file: paths[1] }],
    seconds: 1.2,
  });
  const told: string[] = [];
  recorder.on("lost", ({ source, error }) => told.push(`${source.label} ${error.code}`));
  await waitUntil(() => recorder.seconds > 0.3, 10_000, "sound");
  setTestFault("test:process", { type: "lose" });
  try {
    const { sources, seconds } = await recorder.done;
    assert.equal(seconds, 1.2);
    assert.deepEqual(told, ["test-player DEVICE_LOST"]);
    assert.deepEqual(sources.map(({ ended }) => ended), ["lost", "stopped"]);
    assert.equal(sources[0]?.error?.code, "DEVICE_LOST");
    const [lost, other] = paths.map((path) => channelOf(readWavFile(path), 0));
    assert.equal(lost?.length, 57_600);
    assert.ok(lost.subarray(-9600).every((sample) => sample === 0), "silence at the end");
    assert.ok(measureTone(lost.subarray(0, 9600), 48_000).level > -12.1);
    assert.equal(other?.length, 57_600);
    assertTone(paths[1] ?? "", 440, 57_600);
  } finally {
    setTestFault("test:process", { type: "none" });
  }
});

test("a recording ends with the last of its sources", async () => {
  const recorder = await ProcessRecorder.start({ sources: [PLAYER], file: file() });
  await waitUntil(() => recorder.seconds > 0.1, 10_000, "sound");
  setTestFault("test:process", { type: "lose" });
  try {
    const { sources, seconds, files } = await recorder.done;
    assert.equal(sources[0]?.ended, "lost");
    assert.ok(seconds > 0.1);
    assert.equal(Math.round(seconds * 48_000), files[0]?.numberOfFrames);
    assert.equal(recorder.running, false);
  } finally {
    setTestFault("test:process", { type: "none" });
  }
});

test("lost sound is a gap, told and filled", async () => {
  const path = file();
  const recorder = await ProcessRecorder.start({ sources: [PLAYER], file: path, seconds: 1 });
  const gaps: number[] = [];
  recorder.on("gap", ({ silence }) => gaps.push(silence));
  await waitUntil(() => recorder.seconds > 0.2, 10_000, "sound");
  setTestFault("test:process", { type: "skip", frames: 5 });
  const { files } = await recorder.done;
  assert.equal(files[0]?.gaps, gaps.length);
  assert.ok(gaps.length > 0 && (files[0]?.silence ?? 0) > 0);
  assert.equal(channelOf(readWavFile(path), 0).length, 48_000);
});

test("levels are of each source, since the last look", async () => {
  const recorder = await ProcessRecorder.start({ sources: [PLAYER, SYSTEM], file: file() });
  await waitUntil(() => recorder.seconds > 0.3, 10_000, "sound");
  const levels = recorder.levels();
  assert.deepEqual(levels.map(({ label }) => label), ["test-player", "everything"]);
  for (const { peak, rms } of levels) {
    assert.ok(Math.abs(20 * Math.log10(peak) + 12) < 0.1, `${peak}`);
    assert.ok(Math.abs(20 * Math.log10(rms) + 15) < 0.2, `${rms}`);
  }
  await recorder.stop();
  recorder.levels();
  assert.ok(recorder.levels().every(({ peak, rms }) => peak === 0 && rms === 0));
});

// -- what is refused --------------------------------------------------------------------------

const REFUSED: Readonly<Record<string, unknown>> = {
  "nothing": undefined,
  "no sources": { file: "x.wav" },
  "an empty list": { sources: [], file: "x.wav" },
  "no file at all": { sources: [PLAYER] },
  "an empty path": { sources: [PLAYER], file: "" },
  "a path that is none": { sources: [PLAYER], file: 5 },
  "a URL of the web": { sources: [PLAYER], file: new URL("https://example.com/x.wav") },
  "a file and a folder": { sources: [PLAYER], file: "x.wav", folder: "." },
  "a file and files": { sources: [{ ...PLAYER, file: "y.wav" }], file: "x.wav" },
  "a folder and files": { sources: [{ ...PLAYER, file: "y.wav" }], folder: "." },
  "a file for one of two": { sources: [{ ...PLAYER, file: "y.wav" }, SYSTEM] },
  "one file for two": { sources: [{ ...PLAYER, file: "y.wav" }, { ...SYSTEM, file: "y.wav" }] },
  "a source of undefined": { sources: [{ processId: undefined }], file: "x.wav" },
  "a source that is two": { sources: [{ processId: 1, name: "x" }], file: "x.wav" },
  "a source that is a name": { sources: ["firefox"], file: "x.wav" },
  "an empty label": { sources: [{ ...PLAYER, label: "" }], file: "x.wav" },
  "a misspelt option": { sources: [PLAYER], fiel: "x.wav" },
  "a mode that is none": { sources: [PLAYER], file: "x.wav", mode: "without" },
  "a folder without a program": { sources: [PLAYER], folder: ".", mode: "exclude" },
  "overwriting, perhaps": { sources: [PLAYER], file: "x.wav", overwrite: "no" },
};

for (const [what, options] of Object.entries(REFUSED)) {
  test(`a recorder refuses ${what}`, async () => {
    const start = ProcessRecorder.start(options as ProcessRecorderOptions);
    await assert.rejects(start, (error) => {
      assert.ok(error instanceof MiniAVError, String(error));
      assert.equal(error.code, "INVALID_ARG", error.message);
      assert.equal(error.operation, "ProcessRecorder.start");
      return true;
    });
    assert.ok(!existsSync("x.wav") && !existsSync("y.wav"));
  });
}

test("seconds of no number are refused", async () => {
  const start = ProcessRecorder.start({ sources: [PLAYER], file: file(), seconds: NaN });
  await assert.rejects(start, { code: "INVALID_ARG" });
});

test("what does not play leaves no file", async () => {
  const paths = [file(), file()];
  const start = ProcessRecorder.start({
    sources: [{ ...PLAYER, file: paths[0] }, { name: "nobody", file: paths[1] }],
  });
  await assert.rejects(start, { code: "DEVICE_NOT_FOUND" });
  assert.deepEqual(paths.map((path) => existsSync(path)), [false, false]);
});

test("a file that exists stays, unless it may be overwritten", async () => {
  const path = file();
  writeFileSync(path, "dear diary");
  const options = { sources: [PLAYER], file: path, seconds: 0.1 };
  await assert.rejects(ProcessRecorder.start(options), (error) => {
    assert.ok(error instanceof MiniAVError);
    assert.match(error.message, /it exists already/);
    assert.match(error.hint, /overwrite: true/);
    return true;
  });
  assert.equal(execFileSync("cat", [path], { encoding: "utf8" }), "dear diary");
  await (await ProcessRecorder.start({ ...options, overwrite: true })).done;
  assertTone(path, 880, 4800);
});

test("two recordings never write one file, by whatever name", async () => {
  const path = file();
  const alias = file();
  const recorder = await ProcessRecorder.start({ sources: [PLAYER], file: path });
  linkSync(path, alias);
  for (const name of [path, alias]) {
    const options = { sources: [PLAYER], file: name, overwrite: true };
    await assert.rejects(ProcessRecorder.start(options), { code: "DEVICE_BUSY" });
  }
  await using microphone = await Microphone.open({ deviceId: "test:tone" });
  await assert.rejects(recordWav(microphone, path, { seconds: 0.1 }), { code: "DEVICE_BUSY" });
  await recorder.stop();
  const { seconds } = await recordWav(microphone, path, { seconds: 0.1 });
  assert.equal(seconds, 0.1);
});

test("a folder that does not exist is said before anything is opened", async () => {
  setTestFault("test:process", { type: "fail-open", code: "UNKNOWN" });
  try {
    const path = join(folder, "nowhere", "x.wav");
    await assert.rejects(ProcessRecorder.start({ sources: [PLAYER], file: path }), (error) => {
      assert.ok(error instanceof MiniAVError);
      assert.equal(error.code, "SYSTEM_CALL_FAILED");
      assert.match(error.message, /its folder does not exist/);
      assert.match(error.hint, /^Make the folder first: mkdir -p /);
      return true;
    });
  } finally {
    setTestFault("test:process", { type: "none" });
  }
});

// -- sinks that are no files, or fail ---------------------------------------------------------

test("a pipe gets the sound, of a recorder and of recordWav", async () => {
  const pipe = join(folder, "pipe");
  await runProgram("mkfifo", [pipe]);
  const writers = [
    async () => {
      await (await ProcessRecorder.start({ sources: [PLAYER], file: pipe, seconds: 0.3 })).done;
    },
    async () => {
      await using loopback = await Loopback.open(PLAYER);
      await recordWav(loopback, pipe, { seconds: 0.3 });
    },
  ];
  for (const write of writers) {
    const copy = file();
    const reader = startProgram("sh", ["-c", 'exec cat "$0" > "$1"', pipe, copy]);
    await write();
    assert.equal((await reader.ended).code, 0);
    assertTone(copy, 880, 14_400);
  }
});

/** A file in memory that takes so many bytes. */
class SmallDisk implements ByteSink {
  bytes = new Uint8Array(0);
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.bytes.length + bytes.length > this.#size) {
      return Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
    }
    this.bytes = Uint8Array.from([...this.bytes, ...bytes]);
    return Promise.resolve();
  }

  writeAt(bytes: Uint8Array, position: number): Promise<void> {
    this.bytes.set(bytes, position);
    return Promise.resolve();
  }
}

test("a full disk ends the recording with its error; what is there is whole", async () => {
  const disk = new SmallDisk(100_000);
  const path = file();
  const recorder = await ProcessRecorder.start({
    sources: [{ ...PLAYER, file: disk }, { ...SYSTEM, file: path }],
    format: "s16",
  });
  await assert.rejects(recorder.done, { code: "ENOSPC" });
  await assert.rejects(recorder.stop(), { code: "ENOSPC" });
  const wav = readWav(disk.bytes);
  assert.ok(channelOf(wav, 0).length > 10_000);
  const { length } = channelOf(readWavFile(path), 0);
  assert.ok(length > 10_000);
});

test("a device that is full says so", async () => {
  await using loopback = await Loopback.open(PLAYER);
  await assert.rejects(recordWav(loopback, "/dev/full", { seconds: 1 }), (error) => {
    assert.ok(error instanceof MiniAVError);
    assert.match(error.message, /the disk is full|No space left on device/);
    return true;
  });
});

test("a file that may not grow is whole up to there", async () => {
  const script = new URL("./scripts/record_player.ts", import.meta.url);
  const path = file();
  const { command, args } = runtimeCommand(script, { args: [path] });
  // SIGXFSZ is ignored, so that the write fails instead of the process.
  const shell = `trap '' XFSZ; ulimit -f 512; exec "$0" "$@"`;
  const result = await runProgram("bash", ["-c", shell, command, ...args]);
  assert.match(
    result.stdout,
    /^SYSTEM_CALL_FAILED .*may not grow|^SYSTEM_CALL_FAILED .*too large/im,
  );
  const samples = channelOf(readWavFile(path), 0);
  assert.ok(
    samples.length * 8 > 200_000 && samples.length * 8 < 512 * 1024,
    describeResult(result),
  );
  assert.ok(Math.abs(measureTone(samples, 48_000).frequency - 880) < 1);
});

if (runtime === "deno") {
  test("under Deno it needs its file and the library, and nothing else", async () => {
    const script = new URL("./scripts/record_player.ts", import.meta.url);
    const path = file();
    const permissions = [`--allow-ffi=${library().path}`, `--allow-write=${path}`];
    const options = { args: [path, "0.2"], env: { MINIAV_TEST_DEVICES: "1" } };
    const result = await runScript(script, { ...options, permissions });
    assert.equal(result.stdout.trim(), "0.2", describeResult(result));
    assertTone(path, 880, 9600);
    const denied = await runScript(script, { ...options, permissions: permissions.slice(0, 1) });
    assert.match(denied.stdout, /^PERMISSION_DENIED .*Deno may not write it/);
  });
}
