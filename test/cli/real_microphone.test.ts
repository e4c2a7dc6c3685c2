// The command line with a real sound server: a tone that is played into its virtual microphone.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { describeResult } from "../support/process.ts";
import { rigSkipReason, startRig } from "../support/rig.ts";
import { measureTone, sine } from "../support/tone.ts";
import { channelOf, readWavFile } from "../support/wav.ts";
import { miniav, temporaryFolder } from "./support/cli.ts";

const skip = rigSkipReason();

function assertTone(path: string, seconds: number): void {
  const wav = readWavFile(path);
  const samples = channelOf(wav, 0);
  assert.equal(samples.length, seconds * wav.sampleRate);
  // A source that was asleep gives silence while it wakes up.
  const awake = samples.subarray(Math.round(0.2 * wav.sampleRate));
  const { frequency, level } = measureTone(awake, wav.sampleRate);
  assert.ok(Math.abs(frequency - 997) < 1, `${frequency} Hz`);
  assert.ok(Math.abs(level + 12) < 0.1, `${level} dB`);
}

for (const server of ["pipewire", "pulse"] as const) {
  test(`devices, record, meter, doctor and demo with ${server}`, { skip }, async () => {
    await using rig = await startRig(server);
    await rig.createVirtualMicrophone({ name: "studio", channels: 2 });
    await rig.setDefaultSource("studio");
    const cwd = temporaryFolder();
    const env = { ...rig.env, MINIAV_TEST_DEVICES: undefined };
    const run = async (...args: string[]) => {
      const result = await miniav(args, { cwd, env });
      assert.equal(result.code, 0, describeResult(result));
      return result;
    };

    const list = await run("devices", "--kind", "microphone", "--json");
    const [microphone] = JSON.parse(list.stdout) as DeviceInfo[];
    assert.equal(microphone?.isDefault, true);
    assert.equal(microphone?.isTest, false);

    const doctor = await run("doctor");
    assert.match(doctor.stdout, /^ok +PulseAudio +running/m);
    assert.match(doctor.stdout, /^ok +microphone +1 device, default /m);

    // Nothing is played: what comes is silence, and the demo says so.
    const silent = await run("demo", "-t", "0.5");
    assert.match(silent.stdout, /^microphone +\S+ +real .*SILENT: nothing but zeros came/m);

    const tone = sine(997, -12, 48_000);
    await rig.playInto("studio", { seconds: 60, channels: 2, sample: tone });
    const demo = await run("demo", "-t", "1");
    assert.match(demo.stdout, /^microphone +\S+ +real +48000 Hz 2 ch f32 .*microphone\.wav$/m);
    assertTone(join(cwd, "demo-output", "microphone.wav"), 1);

    await run("record", "-d", microphone?.id ?? "", "-o", "named.wav", "-t", "1", "-r", "44100");
    assertTone(join(cwd, "named.wav"), 1);

    const meter = await run("meter", "-t", "1", "--interval", "0.5");
    const lines = meter.stdout.trim().split("\n");
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? "", /^0:01\.0 {2}1: peak -12\.0 rms -15\.0 {2}2: peak -12\.0 /);
  });
}
