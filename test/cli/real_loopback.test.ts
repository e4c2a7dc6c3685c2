// The command line with a real PipeWire on which two programs play: each alone, both apart, everything
// but one of them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { isExactly, levels, play, stop, type Tone, withSpeaker } from "../support/loopback_rig.ts";
import { describeResult } from "../support/process.ts";
import { RIG_SAMPLE_RATE, rigSkipReason } from "../support/rig.ts";
import { waitUntil } from "../support/wait.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { miniav, startMiniav, temporaryFolder } from "./support/cli.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 180_000, skip: rigSkipReason() };

/** A player that a busy machine starves breaks its tone: then it is recorded again. */
const ATTEMPTS = 4;

test("record, meter, devices and doctor with programs that play", OPTIONS, async () => {
  await using rig = await withSpeaker();
  const first = await play(rig, "first");
  const second = await play(rig, "second", "paplay");
  const cwd = temporaryFolder();
  const env = { ...rig.env, MINIAV_TEST_DEVICES: undefined };
  const run = async (...args: string[]) => {
    const result = await miniav(args, { cwd, env });
    assert.equal(result.code, 0, describeResult(result));
    return result;
  };
  /** Runs until each file has a second of exactly its tones. */
  const assertRecords = async (
    wanted: Readonly<Record<string, readonly Tone[]>>,
    ...args: string[]
  ) => {
    for (let attempt = 1;; attempt++) {
      await run("record", ...args, "-t", "1.5", "--force");
      const heard = Object.entries(wanted).map(([name, tones]) => {
        const samples = channelOf(readWavFile(join(cwd, name)), 0);
        assert.equal(samples.length, 1.5 * RIG_SAMPLE_RATE);
        const seconds = [0, 0.25, 0.5].map((start) =>
          samples.subarray(start * RIG_SAMPLE_RATE, (start + 1) * RIG_SAMPLE_RATE)
        );
        return { name, tones, seconds };
      });
      const isRight = heard.every(({ tones, seconds }) =>
        seconds.some((each) => isExactly(each, tones))
      );
      if (isRight || attempt === ATTEMPTS) {
        const told = heard.map(({ name, seconds }) => [name, seconds.map(levels)]);
        assert.ok(isRight, JSON.stringify(told));
        return;
      }
    }
  };

  const list = await run("devices", "--loopback", "--json");
  const devices = JSON.parse(list.stdout) as DeviceInfo[];
  assert.ok(devices.every(({ kind, backend }) => kind === "loopback" && backend === "pipewire"));
  const playing = devices.filter(({ isPlaying, processId }) => isPlaying && processId !== null);
  const pids = playing.map(({ processId }) => processId);
  assert.ok(pids.includes(first.pid) && pids.includes(second.pid), list.stdout);
  const doctor = await run("doctor");
  assert.match(doctor.stdout, /^ok +loopback +\d+ devices, default /m);
  assert.match(doctor.stdout, /^ +\d programs play now$/m);
  assert.match(doctor.stdout, /^ +programs, PipeWire: one, several, or all but some$/m);

  // The microphone's player is a pw-play, too.
  const pid = String(first.pid);
  const app = ["--app", "PAPLAY"];
  await assertRecords({ "one.wav": ["second"] }, ...app, "-o", "one.wav");
  await assertRecords({ "two.wav": ["first", "second"] }, ...app, "--pid", pid, "-o", "two.wav");
  const exclude = ["--pid", pid, "--tree", "--exclude", "-o", "rest.wav"];
  await assertRecords({ "rest.wav": ["second"] }, ...exclude);
  const each = { "each-PAPLAY.wav": ["second"], [`each-process-${pid}.wav`]: ["first"] } as const;
  await assertRecords(each, ...app, "--pid", pid, "--separate", "-o", "each.wav");

  const meter = await run("meter", "--app", "paplay", "-t", "1", "--interval", "1");
  assert.match(meter.stdout, /^0:01\.0 {2}1: peak -1[78]\.\d rms -2[01]\.\d /);

  // The program goes while it is recorded by its process: what came is there, and it is said.
  const going = startMiniav(["record", "--pid", pid, "-o", "gone.wav", "--progress"], { cwd, env });
  await waitForSecond(going);
  await stop(first);
  const gone = await going.ended;
  assert.equal(gone.code, 1, describeResult(gone));
  assert.match(gone.stderr, /gone\.wav: what came before is there/);
  assert.match(gone.stderr, /miniav: DEVICE_LOST: /);
  assert.ok(channelOf(readWavFile(join(cwd, "gone.wav")), 0).length > RIG_SAMPLE_RATE / 2);

  await stop(second);
  const nobody = await miniav(["record", "--app", "paplay", "-o", "x.wav"], { cwd, env });
  assert.equal(nobody.code, 1, describeResult(nobody));
  assert.match(
    nobody.stderr,
    /Loopback\.open: no program named "paplay" plays.*\n.*--wait waits for it/,
  );

  // One that is waited for, until Ctrl-C.
  const waiting = startMiniav(
    ["record", "--app", "paplay", "--wait", "-o", "later.wav", "--progress"],
    { cwd, env },
  );
  await waitForSecond(waiting);
  waiting.kill("SIGINT");
  const waited = await waiting.ended;
  assert.equal(waited.code, 0, describeResult(waited));
  const later = channelOf(readWavFile(join(cwd, "later.wav")), 0);
  assert.ok(later.length > RIG_SAMPLE_RATE / 2 && later.every((sample) => sample === 0));
});

/** Until a recording with --progress says that it has a second. */
async function waitForSecond(running: ReturnType<typeof startMiniav>): Promise<void> {
  await waitUntil(() => /^0:0[1-9]/m.test(running.stderr()), 20_000, () => running.stderr());
}
