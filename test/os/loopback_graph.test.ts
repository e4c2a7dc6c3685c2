// What only a PipeWire graph does to a capture of what programs play: its clock, its rate, programs
// that lie to it. The captures are loopback_probe's, the players graph_player's:
// the C programs of lib/miniav_c/test/os, which tell and keep the graph's own time.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cProgram } from "../support/c_program.ts";
import {
  describeResult,
  type RunningScript,
  runProgram,
  startProgram,
} from "../support/process.ts";
import {
  type PipeWireRig,
  RIG_SAMPLE_RATE,
  rigSkipReason,
  startPipeWireRig,
} from "../support/rig.ts";
import { amplitudeOf, levelAt } from "../support/tone.ts";
import { delay, waitUntil } from "../support/wait.ts";

const TONE = 997;
const LEVEL = -12;
/** Frames of a cycle of the rig's graph, and what the player's and the graph's clock may differ by. */
const QUANTUM_US = (1024 / RIG_SAMPLE_RATE) * 1e6;
const SLACK_US = 1500;
/** DEVICE_NOT_FOUND. */
const NOT_FOUND = -8;
/** Of MiniAVBufferFlags. */
const FLAG_ESTIMATED_TIME = 8;

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

/** What loopback_probe tells at the end of a capture. */
interface Seen {
  frames: number;
  silent_frames: number;
  first_us: number;
  end_us: number;
  discontinuities: number;
  step_us: number;
  flags: number;
  late: number;
  dropped: number;
  stop_us: number;
  now_us: number;
}

interface Listener {
  readonly script: RunningScript;
  /** Waits for its end. */
  seen(): Promise<Seen>;
  /** The left channel, as far as it has come. */
  samples(): Float32Array;
}

async function withSpeaker(): Promise<PipeWireRig> {
  const rig = await startPipeWireRig();
  await addSpeaker(rig, "speaker");
  await command(rig, "pactl", "set-default-sink", "speaker");
  await waitUntil(
    async () => await command(rig, "pactl", "get-default-sink") === "speaker",
    10_000,
    "the default output",
  );
  return rig;
}

async function command(rig: PipeWireRig, name: string, ...args: string[]): Promise<string> {
  const result = await runProgram(name, args, { env: rig.env, clearEnv: true });
  assert.equal(result.code, 0, describeResult(result));
  return result.stdout.trim();
}

/** Returns the module's index. */
function addSpeaker(rig: PipeWireRig, name: string): Promise<string> {
  const format = ["rate=48000", "channels=2"];
  return command(rig, "pactl", "load-module", "module-null-sink", `sink_name=${name}`, ...format);
}

interface Player extends AsyncDisposable {
  readonly script: RunningScript;
  /** Gives an order; answers when it has done it. */
  order(what: string): Promise<{ nsec: number }>;
  say(what: string): void;
}

let players = 0;

/** Starts graph_player, and returns when it plays. */
async function play(rig: PipeWireRig, ...properties: string[]): Promise<Player> {
  const path = join(rig.directory, `orders-${++players}`);
  await command(rig, "mkfifo", path);
  const orders = openSync(path, "r+");
  const args = ["-c", 'exec 3<"$0"; exec "$@" <&3', path, cProgram("graph_player"), String(TONE)];
  args.push(String(amplitudeOf(LEVEL)), ...properties);
  const script = startProgram("sh", args, { env: rig.env, clearEnv: true, timeoutMs: 150_000 });
  await script.waitForLine('"playing"');
  const say = (what: string) => {
    writeSync(orders, `${what}\n`);
  };
  return {
    script,
    say,
    async order(what) {
      say(what);
      return JSON.parse(await script.waitForLine(`"done":"${what}"`));
    },
    async [Symbol.asyncDispose]() {
      script.kill("SIGKILL");
      await script.ended;
      closeSync(orders);
    },
  };
}

let captures = 0;

function probe(rig: PipeWireRig, ...args: string[]): RunningScript {
  const options = { env: rig.env, clearEnv: true, timeoutMs: 120_000 };
  return startProgram(cProgram("loopback_probe"), args, options);
}

/** Starts a capture; target as loopback_probe takes it. */
async function listen(rig: PipeWireRig, seconds: number, ...target: string[]): Promise<Listener> {
  const file = join(rig.directory, `capture-${++captures}.raw`);
  const script = probe(rig, "capture", String(seconds), file, ...target);
  await script.waitForLine('"started"');
  return {
    script,
    async seen() {
      const result = await script.ended;
      const last = result.stdout.split("\n").find((line) => line.includes('"stop_us"'));
      assert.ok(last !== undefined && result.code === 0, describeResult(result));
      return JSON.parse(last) as Seen;
    },
    samples() {
      const bytes = readFileSync(file);
      const all = new Float32Array(
        bytes.buffer,
        bytes.byteOffset,
        Math.floor(bytes.length / 8) * 2,
      );
      return Float32Array.from({ length: all.length / 2 }, (_, i) => all[2 * i] ?? 0);
    },
  };
}

/**
 * The number of samples is the time that passed, and buffers follow each other. A probe that gets no
 * processor for long loses buffers of its queue, ten milliseconds each, which are counted.
 */
function assertInTime(seen: Seen): void {
  const told = JSON.stringify(seen);
  const unread = seen.dropped - seen.late;
  const frames = seen.frames + (unread * RIG_SAMPLE_RATE) / 100;
  const elapsedUs = seen.end_us - seen.first_us;
  assert.ok(Math.abs((frames / RIG_SAMPLE_RATE) * 1e6 - elapsedUs) < 1000, told);
  assert.ok(seen.step_us < 1000 || unread > 0, told);
}

/** The longest run of zeros between sound, as [first frame, frame after]. */
function longestSilence(samples: Float32Array): [number, number] {
  let longest: [number, number] = [0, 0];
  let from = 0;
  for (let i = 0; i <= samples.length; i++) {
    // A sine has single zeros.
    if (i < samples.length && samples[i] === 0) continue;
    if (from > 0 && i < samples.length && i - from > longest[1] - longest[0]) longest = [from, i];
    from = i + 1;
  }
  return longest;
}

/** Waits until half a second of the tone has come from now on. */
async function waitForTone(listener: Listener, what: string): Promise<void> {
  const before = listener.samples().length;
  await waitUntil(
    () => {
      const last = listener.samples().subarray(before).slice(-RIG_SAMPLE_RATE / 2);
      return last.length === RIG_SAMPLE_RATE / 2 &&
        Math.abs(levelAt(last, RIG_SAMPLE_RATE, TONE) - LEVEL) < 0.5;
    },
    20_000,
    what,
  );
}

test("graph: a pause is silence from cork to uncork, to one quantum", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using player = await play(rig);
  // A player or a capture that is starved misses a cycle of its own: then once more.
  for (let attempt = 1;; attempt++) {
    const listener = await listen(rig, 60, "pid", String(player.script.pid));
    await waitForTone(listener, "the tone");
    const before = player.script.stdout().length;
    player.say("cork");
    await waitUntil(() => player.script.stdout().includes('"cork"', before), 10_000, "cork");
    await delay(3000);
    player.say("uncork");
    await waitUntil(() => player.script.stdout().includes('"uncork"', before), 10_000, "uncork");
    await waitForTone(listener, "the tone again");
    listener.script.kill("SIGTERM");
    const seen = await listener.seen();
    assertInTime(seen);
    const told = player.script.stdout().slice(before).trim().split("\n").map((line) =>
      JSON.parse(line) as { nsec: number }
    );
    const [cork, uncork] = told.map(({ nsec }) => nsec / 1000);
    assert.ok(cork !== undefined && uncork !== undefined && uncork - cork > 3e6);
    const [from, to] = longestSilence(listener.samples());
    const timeOf = (frame: number) => seen.first_us + (frame / RIG_SAMPLE_RATE) * 1e6;
    // What a cycle holds is played from its beginning on: the last one's until a quantum after cork,
    // the first one's from uncork on.
    const off = [timeOf(from) - cork, timeOf(to) - uncork];
    off.push(timeOf(to) - timeOf(from) - (uncork - cork));
    const isRight = off.every((each) => Math.abs(each) <= QUANTUM_US + SLACK_US);
    if (isRight && seen.dropped === 0) {
      assert.ok(seen.silent_frames > 2.8 * RIG_SAMPLE_RATE, "silence is flagged");
      return;
    }
    assert.ok(attempt < 4, JSON.stringify({ off, seen }));
  }
});

test("graph: a clock that lies changes no time and holds nobody up", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using player = await play(rig);
  const listener = await listen(rig, 60, "pid", String(player.script.pid));
  const whole = await listen(rig, 60, "system", "");
  await waitForTone(listener, "the tone");
  for (const lie of ["past", "future", "position", "jump"]) {
    await player.order(`lie ${lie}`);
    await delay(500);
  }
  await player.order("lie none");
  await waitForTone(listener, "the tone after the lies");
  // These can end the graph's driver, so nobody answers.
  for (const lie of ["rate", "length", "zero"]) {
    player.say(`lie ${lie}`);
    await delay(500);
  }
  for (const { script, seen } of [listener, whole]) {
    script.kill("SIGTERM");
    const what = await seen();
    const told = JSON.stringify(what);
    assert.ok(what.stop_us < 500_000, told);
    assert.ok(what.end_us < what.now_us + 100_000, told);
    assert.ok(what.now_us - what.end_us < 2_000_000, told);
  }
  assert.ok(((await listener.seen()).flags & FLAG_ESTIMATED_TIME) !== 0, "estimated time is told");
});

test("graph: a process that stands still tells what it lost", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using player = await play(rig);
  const listener = await listen(rig, 60, "pid", String(player.script.pid));
  await waitForTone(listener, "the tone");
  for (let i = 0; i < 2; i++) {
    listener.script.kill("SIGSTOP");
    await delay(700);
    listener.script.kill("SIGCONT");
    await waitForTone(listener, "the tone again");
  }
  listener.script.kill("SIGTERM");
  const seen = await listener.seen();
  const told = JSON.stringify(seen);
  assert.ok(seen.discontinuities >= 2, told);
  assert.ok(seen.late >= 2 * 40, told); // of the 140 chunks of ten milliseconds
  assert.ok(seen.silent_frames < 0.2 * RIG_SAMPLE_RATE, told); // before the first sound, if any
});

test("graph: another rate of the graph changes neither format nor time", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using player = await play(rig);
  const listener = await listen(rig, 60, "pid", String(player.script.pid));
  await waitForTone(listener, "the tone");
  for (const rate of ["44100", "32000", "0"]) {
    await command(rig, "pw-metadata", "-n", "settings", "0", "clock.force-rate", rate);
    await delay(700);
    await waitForTone(listener, `the tone at ${rate} Hz`);
  }
  listener.script.kill("SIGTERM");
  assertInTime(await listener.seen());
});

test("graph: two hundred starts and stops leave nothing open", OPTIONS, async () => {
  await using rig = await withSpeaker();
  await using player = await play(rig);
  for (const runMs of ["0", "15"]) {
    const result = await probe(rig, "cycles", "200", runMs, "pid", String(player.script.pid)).ended;
    assert.equal(result.code, 0, describeResult(result));
    const [early, late] = result.stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(late.cycles, 200);
    assert.ok(late.fds <= early.fds + 4 && late.threads <= early.threads + 2, result.stdout);
  }
});

test("graph: an output that goes and a daemon that hangs", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const module = await addSpeaker(rig, "other");
  await using _player = await play(rig);
  const unplugged = await listen(rig, 60, "id", "pipewire:system/other");
  await command(rig, "pactl", "unload-module", module);
  assert.match(await unplugged.script.waitForLine("unplugged"), /"event"/);
  await unplugged.seen();
  const running = await listen(rig, 60);
  await waitForTone(running, "the tone");
  const pid = rig.pids().pipewire;
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGSTOP");
  try {
    const opening = await probe(rig, "capture", "1", join(rig.directory, "none.raw")).ended;
    assert.match(opening.stdout, /"error":"configure".*[Tt]ime/, describeResult(opening));
    running.script.kill("SIGTERM");
    const seen = await running.seen();
    assert.ok(seen.stop_us < 500_000, JSON.stringify(seen));
    assert.ok(seen.now_us - seen.end_us < 1_000_000, "silence keeps the time");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  const after = await listen(rig, 60);
  await waitForTone(after, "the tone afterwards");
  after.script.kill("SIGTERM");
  await after.seen();
});

test("graph: what a program says of itself does no harm", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const names = ["node.name=a\u0001b\u001b[31m", "application.name=\u0007bell"];
  await using player = await play(rig, ...names, "application.process.id=-1", "many");
  await using other = await play(rig, "application.name=", "node.description=\u009b", "many");
  const { stdout } = await probe(rig, "list").ended;
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\u0000-\u001f\u007f]/);
  for (const { script } of [player, other]) {
    assert.match(stdout, new RegExp(`"id":"pipewire:process/${script.pid}"`));
    const listener = await listen(rig, 30, "id", `pipewire:process/${script.pid}`);
    await waitForTone(listener, "the tone");
    listener.script.kill("SIGTERM");
    await listener.seen();
  }
  const gone = String(other.script.pid);
  other.script.kill("SIGKILL");
  await other.script.ended;
  const file = join(rig.directory, "none.raw");
  for (
    const id of [
      `process/${gone}`,
      "process/0",
      "process/99999999999",
      "process/",
      "system/",
      "window/0",
      "window/x",
      "application/",
      "nothing",
    ]
  ) {
    const result = await probe(rig, "capture", "1", file, "id", `pipewire:${id}`).ended;
    assert.match(
      result.stdout,
      new RegExp(`"configure","code":${NOT_FOUND},`),
      describeResult(result),
    );
  }
  const window = await probe(rig, "capture", "1", file, "id", "pipewire:window/7").ended;
  assert.match(window.stdout, /"error":"configure"/, describeResult(window));
});

test("graph: a descendant whose parent ends stays in the tree", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const go = join(rig.directory, "go");
  await command(rig, "mkfifo", go);
  const player = [cProgram("graph_player"), String(TONE), String(amplitudeOf(LEVEL))];
  // The root waits for a word and ends; its child then plays on, under another parent.
  const lines = '"$@" </dev/zero >/dev/null & echo $!; read -r word <"$0"';
  const root = startProgram(
    "sh",
    ["-c", lines, go, "sh", "-c", 'tail -f /dev/null | "$@"', "sh"]
      .concat(player),
    { env: rig.env, clearEnv: true, timeoutMs: 120_000 },
  );
  // Nothing else ends the orphan.
  await using orphan = new AsyncDisposableStack();
  orphan.defer(async () => {
    await runProgram("pkill", ["-KILL", "-P", root.stdout().trim()]);
  });
  const listener = await listenWhenItPlays(rig, root.pid);
  await waitForTone(listener, "the tone");
  await command(rig, "sh", "-c", 'echo go >"$0"', go);
  await waitUntil(() => root.child.exitCode !== null, 10_000, "the root's end");
  await delay(1000);
  await waitForTone(listener, "the tone of the orphan");
  assert.doesNotMatch(listener.script.stdout(), /"event"/);
  listener.script.kill("SIGTERM");
  const seen = await listener.seen();
  assertInTime(seen);
  assert.ok(seen.silent_frames < 0.5 * RIG_SAMPLE_RATE, JSON.stringify(seen));
});

/** A capture of a tree, tried until something of it plays. */
function listenWhenItPlays(rig: PipeWireRig, root: number): Promise<Listener> {
  return waitUntil(
    () => listen(rig, 60, "tree", String(root)).catch(() => undefined),
    20_000,
    "something that plays in the tree",
  ) as Promise<Listener>;
}

test("graph: captures come and go on several threads while programs do", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const args = ["4", cProgram("graph_player")];
  const options = { env: rig.env, clearEnv: true, timeoutMs: 90_000 };
  const result = await runProgram(cProgram("loopback_stress"), args, options);
  assert.equal(result.code, 0, describeResult(result));
});
