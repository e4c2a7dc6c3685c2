// `record`: what is in the files is what the test devices gave, however the recording ends.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readFrameStrip } from "../support/frame_counter.ts";
import { describeResult, runProgram, runtimeCommand } from "../support/process.ts";
import type { RunningScript } from "../support/process.ts";
import { measureTone } from "../support/tone.ts";
import { waitUntil } from "../support/wait.ts";
import { channelOf, readWav, readWavFile } from "../support/wav.ts";
import type { WavData } from "../support/wav.ts";
import { MAIN, miniav, miniavBytes, startMiniav, temporaryFolder } from "./support/cli.ts";
import { lumaPicture, readY4m, readY4mFile } from "./support/y4m.ts";
import type { Y4mFile } from "./support/y4m.ts";

const cwd = temporaryFolder();
const file = (name: string) => join(cwd, name);

function assertTone(wav: WavData, frequencies: readonly number[]): void {
  assert.equal(wav.channelCount, frequencies.length);
  for (const [channel, frequency] of frequencies.entries()) {
    const tone = measureTone(channelOf(wav, channel), wav.sampleRate);
    assert.ok(Math.abs(tone.frequency - frequency) < 1, `${tone.frequency} Hz, not ${frequency}`);
    assert.ok(Math.abs(tone.level + 12) < 0.1, `${tone.level} dB`);
  }
}

/** The counters in the pictures of a file rise by one, or stay where the file repeats one. */
function assertCounters(video: Y4mFile, repeated = 0): void {
  const counters = video.frames.map((_, index) =>
    readFrameStrip(lumaPicture(video, index)).counter
  );
  let repeats = 0;
  for (const [index, counter] of counters.entries()) {
    const before = counters[index - 1];
    if (before === undefined) continue;
    assert.ok(counter >= before, counters.join(" "));
    if (counter === before) repeats++;
  }
  assert.equal(repeats, repeated, counters.join(" "));
}

/** "3 repeated" */
function countIn(text: string, what: string): number {
  const match = new RegExp(`(\\d+) ${what}`).exec(text);
  assert.ok(match !== null, text);
  return Number(match[1]);
}

// -- sound ----------------------------------------------------------------------------------

for (
  const [format, rate, channels] of [
    ["u8", 16_000, 1],
    ["s16", 44_100, 2],
    ["s24", 48_000, 2],
    ["s32", 48_000, 6],
    ["f32", 96_000, 1],
  ] as const
) {
  test(`sound as ${format}, ${rate} Hz, ${channels} channels`, async () => {
    const path = file(`${format}.wav`);
    const result = await miniav([
      ...["record", "-d", "test:tone", "-o", path, "-t", "0.5"],
      ...["--rate", String(rate), "--channels", String(channels), "--format", format],
    ]);
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stderr, new RegExp(`: 0:00\\.5, ${rate} Hz, .*, 0 dropped\\n`));
    const wav = readWavFile(path);
    assert.equal(wav.format, format);
    assert.equal(wav.sampleRate, rate);
    assert.equal(channelOf(wav, 0).length, rate / 2);
    // What reaches half the sample rate is silent; these do not.
    assertTone(wav, Array.from({ length: channels }, (_, channel) => 1000 * (channel + 1)));
  });
}

test("a device of another kind than the file is named, with the file that it takes", async () => {
  const sound = await miniav(["record", "-d", "test:bars", "-o", file("not.wav"), "-t", "0.5"]);
  assert.notEqual(sound.code, 0);
  assert.match(sound.stderr, /"test:bars" is a camera, no microphone or loopback/);
  assert.match(sound.stderr, /Pictures go into a \.y4m file: name one with --output\./);
  const pictures = await miniav(["record", "-d", "test:tone", "-o", file("not.y4m"), "-t", "0.5"]);
  assert.notEqual(pictures.code, 0);
  assert.match(pictures.stderr, /"test:tone" is a microphone, no camera or screen/);
  assert.match(pictures.stderr, /Sound goes into a \.wav file/);
  assert.ok(!existsSync(file("not.wav")) && !existsSync(file("not.y4m")));
});

test("the extension chooses what is recorded, the default name tells it", async () => {
  const folder = temporaryFolder();
  const microphone = await miniav(["record", "-o", "m.wav", "-t", "0.2"], { cwd: folder });
  assert.equal(microphone.code, 0, describeResult(microphone));
  assert.equal(channelOf(readWavFile(join(folder, "m.wav")), 0).length, 9600);
  const loopback = await miniav(["record", "-k", "loopback", "-t", "0.2"], { cwd: folder });
  assert.equal(loopback.code, 0, describeResult(loopback));
  const name = readdirSync(folder).find((name) => /^loopback-[\d-]+\.wav$/.test(name));
  const wav = readWavFile(join(folder, name ?? ""));
  assertTone(wav, [440, 440]);
});

test("one program's sound, by process and by name", async () => {
  const forms = [
    ["--pid", "4242"],
    ["--pid", "4242", "--tree", "--wait"],
    ["--app", "Test-Player"],
    ["--app", "test-player", "--app", "nobody", "--wait"],
  ];
  for (const [index, args] of forms.entries()) {
    const path = file(`program${index}.wav`);
    const result = await miniav(["record", ...args, "-t", "0.3", "-o", path]);
    assert.equal(result.code, 0, describeResult(result));
    assertTone(readWavFile(path), [880, 880]);
  }
  const nobody = await miniav(["record", "--pid", "4244", "-t", "1", "-o", file("nobody.wav")]);
  assert.equal(nobody.code, 1, describeResult(nobody));
  assert.match(nobody.stderr, /^miniav: DEVICE_NOT_FOUND: .*\n.*--wait waits for it/);
  assert.equal(existsSync(file("nobody.wav")), false);
});

test("everything but one program", async () => {
  const path = file("rest.wav");
  const args = ["record", "--app", "test-player", "--exclude", "-t", "0.3", "-o", path];
  const result = await miniav(args);
  assert.equal(result.code, 0, describeResult(result));
  assertTone(readWavFile(path), [440, 440]);
});

test("--separate makes a file for each program, and Ctrl-C leaves them whole", async () => {
  const folder = temporaryFolder();
  const args = ["record", "--app", "test-player", "--app", "no/body", "--pid", "4242", "--wait"];
  const options = ["--separate", "-o", join(folder, "call.wav"), "--progress"];
  const timed = await miniav([...args, ...options, "-t", "0.4"]);
  assert.equal(timed.code, 0, describeResult(timed));
  const names = ["call-no-body.wav", "call-process-4242.wav", "call-test-player.wav"];
  assert.deepEqual(readdirSync(folder).sort(), names);
  assert.match(timed.stderr, /call-test-player\.wav: 0:00\.4, 48000 Hz, 2 channels, f32/);
  const again = await miniav([...args, ...options, "-t", "0.4"]);
  assert.equal(again.code, 1, describeResult(again));
  assert.match(again.stderr, /call-test-player\.wav exists already\n.*--force/);
  const running = startMiniav([...args, ...options, "--force"]);
  const isRecorded = () => /^0:0[1-9]/m.test(running.stderr());
  await waitUntil(isRecorded, 20_000, "a second of sound");
  running.kill("SIGINT");
  const stopped = await running.ended;
  assert.equal(stopped.code, 0, describeResult(stopped));
  const [silent, byProcess, byName] = names.map((name) => readWavFile(join(folder, name)));
  assertTone(byName!, [880, 880]);
  assertTone(byProcess!, [880, 880]);
  const lengths = [silent, byProcess, byName].map((wav) => channelOf(wav!, 0).length);
  assert.ok(lengths.every((length) => length === lengths[0] && length > 48_000), `${lengths}`);
  assert.ok(channelOf(silent!, 0).every((sample) => sample === 0));
});

test("--separate leaves nothing when one of the programs does not play", async () => {
  const folder = temporaryFolder();
  const args = ["record", "--app", "test-player", "--app", "nobody", "--separate"];
  const result = await miniav([...args, "-o", join(folder, "x.wav")]);
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stderr, /^miniav: DEVICE_NOT_FOUND: /);
  assert.deepEqual(readdirSync(folder), []);
});

test("sound to standard output says that its length is not known", async () => {
  const args = ["record", "-d", "test:tone", "-o", "-", "-t", "0.5"];
  const result = await miniavBytes(args, { cwd });
  assert.equal(result.code, 0, result.stderr);
  assert.equal(result.stdout.toString("latin1", 0, 4), "RIFF");
  assert.equal(result.stdout.readUInt32LE(4), 0xffff_ffff);
  const wav = readWav(result.stdout);
  assert.equal(channelOf(wav, 0).length, 24_000);
  assertTone(wav, [1000, 2000]);
});

test("a reader that goes away ends the recording without a word", async () => {
  for (const device of ["test:tone", "test:bars"]) {
    const args = ["record", "-d", device, "-o", "-", "-t", "20"];
    const result = await miniavBytes(args, { cwd, limit: 50_000 });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(ownLines(result.stderr), "");
  }
});

/** Without what the system's own sound libraries print when they are looked at. */
function ownLines(stderr: string): string {
  return stderr.split("\n").filter((line) => !/jack|server (socket|request)/i.test(line)).join(
    "\n",
  );
}

// -- pictures -------------------------------------------------------------------------------

test("pictures as Y4M, each once and in order", async () => {
  const path = file("bars.y4m");
  const args = ["record", "-d", "test:bars", "--size", "640x360", "--fps", "60", "-t", "1"];
  const result = await miniav([...args, "-o", path]);
  assert.equal(result.code, 0, describeResult(result));
  const video = readY4mFile(path);
  assert.deepEqual([video.width, video.height, video.rate], [640, 360, "60:1"]);
  assert.equal(video.chroma, "420jpeg");
  assert.equal(video.tags.get("XCOLORRANGE"), "LIMITED");
  assert.equal(video.rest, 0);
  assert.equal(video.frames.length, 60);
  assertCounters(video, countIn(result.stderr, "repeated"));
});

test("other formats as they are: 4:2:2, ten bits, grey, RGB in 4:4:4", async () => {
  for (
    const [format, chroma, range] of [
      ["YUY2", "422", "LIMITED"],
      ["P010", "420p10", "LIMITED"],
      ["GRAY8", "mono", "FULL"],
      ["BGRA", "444", "LIMITED"],
    ]
  ) {
    const path = file(`${format}.y4m`);
    const args = ["record", "-d", "test:bars", "--size", "320x240", "--format", format ?? ""];
    const result = await miniav([...args, "--chroma", "444", "-t", "0.2", "-o", path]);
    assert.equal(result.code, 0, describeResult(result));
    const video = readY4mFile(path);
    assert.equal(video.chroma, chroma);
    assert.equal(video.tags.get("XCOLORRANGE"), range);
    assert.equal(video.frames.length, 6);
    assert.equal(video.rest, 0);
  }
});

test("pictures to standard output", async () => {
  const args = ["record", "-d", "test:display", "--size", "640x360", "-o", "-", "-t", "0.25"];
  const result = await miniavBytes([...args, "-k", "screen"], { cwd });
  assert.equal(result.code, 0, result.stderr);
  const video = readY4m(result.stdout);
  assert.equal(video.frames.length, 15);
  assertCounters(video, countIn(result.stderr, "repeated"));
});

// -- how it ends ----------------------------------------------------------------------------

/** Waits until the file holds some of the recording. */
async function recordingTo(path: string, running: RunningScript): Promise<void> {
  const size = () => (existsSync(path) ? readFileSync(path).length : 0);
  await waitUntil(() => size() > 60_000, 20_000, () => `${size()} bytes; ${running.stderr()}`);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`${signal} ends a recording of sound, and the file is whole`, async () => {
    const path = file(`${signal}.wav`);
    const running = startMiniav(["record", "-d", "test:tone", "-o", path]);
    await recordingTo(path, running);
    running.kill(signal);
    const result = await running.ended;
    assert.equal(result.code, 0, describeResult(result));
    const bytes = readFileSync(path);
    assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
    const wav = readWavFile(path);
    assertTone(wav, [1000, 2000]);
    const seconds = channelOf(wav, 0).length / wav.sampleRate;
    assert.ok(result.stderr.includes(`0:0${(Math.floor(seconds * 10) / 10).toFixed(1)},`));
  });
}

test("SIGINT ends a recording of pictures after a whole one", async () => {
  const path = file("interrupted.y4m");
  const running = startMiniav(["record", "-d", "test:bars", "--size", "320x240", "-o", path]);
  await recordingTo(path, running);
  running.kill("SIGINT");
  // A task runner passes the signal on that the terminal has sent already.
  running.kill("SIGINT");
  const result = await running.ended;
  assert.equal(result.code, 0, describeResult(result));
  const video = readY4mFile(path);
  assert.equal(video.rest, 0);
  assert.equal(video.frames.length, countIn(result.stderr, "pictures"));
  assertCounters(video, countIn(result.stderr, "repeated"));
});

test("a file that exists and a place that cannot be written are errors before anything starts", async () => {
  const path = file("mine.wav");
  writeFileSync(path, "mine");
  for (
    const [output, expected] of [
      [path, /EEXIST: .*mine\.wav exists already\n.*--force/],
      [join(cwd, "none", "x.wav"), /ENOENT: .* its folder does not exist\n.*mkdir -p .*none$/m],
      [cwd, /EISDIR: .* is a folder/],
    ] as const
  ) {
    const result = await miniav(["record", "-k", "microphone", "-d", "test:tone", "-o", output]);
    assert.equal(result.code, 1, describeResult(result));
    assert.match(result.stderr, expected);
  }
  assert.equal(readFileSync(path, "utf8"), "mine");
});

test("a file that may not grow any more ends in an error and holds what came before", async () => {
  const path = file("limited.wav");
  // Without the trap the system ends a process that goes over the limit.
  const limit = 'trap "" XFSZ; ulimit -f 8192; exec "$@"';
  const { command, args } = runtimeCommand(MAIN, {
    args: ["record", "-d", "test:tone", "-r", "192000", "-c", "8", "-t", "20", "-o", path],
  });
  const env = { MINIAV_TEST_DEVICES: "1" };
  const result = await runProgram("sh", ["-c", limit, "sh", command, ...args], { env });
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stderr, /limited\.wav cannot be written: /);
  assert.match(result.stderr, /limited\.wav: what came before is there, /);
  const bytes = readFileSync(path);
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
  const wav = readWavFile(path);
  assert.ok(channelOf(wav, 0).length > 10_000);
  assertTone(wav, Array.from({ length: 8 }, (_, channel) => 1000 * (channel + 1)));
});
