// What programs play, captured apart, on a real PipeWire and a real PulseAudio: three programs, three
// tones, and what comes is measured.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { DeviceInfo } from "../../src/mod.ts";
import { describeResult, runProgram, startProgram } from "../support/process.ts";
import { RIG_SAMPLE_RATE } from "../support/rig.ts";
import { levelAt, rmsLevel } from "../support/tone.ts";
import { delay, waitUntil } from "../support/wait.ts";
import { writeWavFile } from "../support/wav.ts";
import {
  addOutput,
  assertHears,
  assertInTime,
  assertRefused,
  EDGE,
  hasExactly,
  inSeconds,
  levels,
  listen,
  loopbackRig,
  loudness,
  OPTIONS,
  OUTPUT,
  pactl,
  play,
  playByOrder,
  playerOf,
  refusal,
  SERVERS,
  SILENT,
  stop,
  toneFile,
  user,
  waitForStream,
} from "./support/loopback_rig.ts";

for (const server of SERVERS) {
  test(`${server}: outputs and programs are listed`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const one = await play(rig, "first");
    const two = await play(rig, "second", "paplay", ["--property=application.icon_name=drum"]);
    const quiet = await playByOrder(rig, "third");
    await quiet.order("cork");
    const result = await user(rig, ["list"]).ended;
    const [all, systems] = result.stdout.trim().split("\n").map((line) => JSON.parse(line));
    const targets = all.targets as DeviceInfo[];
    const id = `${server}:system/${OUTPUT}`;
    assert.equal(targets.find((target) => target.id === id)?.isDefault, true, result.stdout);
    assert.equal(targets.filter(({ isDefault }) => isDefault).length, 1, result.stdout);
    assert.ok(systems.systems.some((target: DeviceInfo) => target.id === id), result.stdout);
    assert.ok(systems.systems.every(({ processId }: DeviceInfo) => processId === null));
    for (
      const [player, name, isPlaying] of [
        ...[[one, playerOf(rig), true], [two, "paplay", true]] as const,
        ...[[quiet, "tone player", false]] as const,
      ]
    ) {
      const found = targets.find(({ processId }) => processId === player.pid);
      assert.equal(found?.id, `${server}:process/${player.pid}`, describeResult(result));
      assert.equal(found?.name, name);
      assert.equal(found?.isPlaying, isPlaying);
    }
    assert.equal(targets.find(({ processId }) => processId === two.pid)?.icon, "drum");
    assert.ok(!targets.some(({ id }) => id.endsWith("/microphone")), "an input plays nothing");
    await Promise.all([one, two].map(stop));
    await quiet.stop();
  });

  test(`${server}: what begins and ends to play is told`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const watch = user(rig, ["watch"]);
    await watch.waitForLine('"watching"');
    /** Whether, when a change was told, `id` was there; each is waited for, so that none is missed. */
    const isTold = (id: string, isThere: boolean) =>
      waitUntil(
        () => {
          const last = watch.stdout().split("\n").slice(0, -1).findLast((line) =>
            line.startsWith('{"targetIds"')
          );
          return last !== undefined && JSON.parse(last).targetIds.includes(id) === isThere;
        },
        20_000,
        () => `a change: ${id}, there: ${isThere}; ${watch.stdout()}`,
      );
    await delay(1000); // the first list, of which nothing is told
    await addOutput(rig, "other");
    await isTold(`${server}:system/other`, true);
    const player = await play(rig, "first");
    await isTold(`${server}:process/${player.pid}`, true);
    await stop(player);
    await isTold(`${server}:process/${player.pid}`, false);
    await pactl(rig, "set-default-sink", "other");
    await watch.waitForLine(`"deviceId":"${server}:system/other"`);
    await stop(watch);
  });

  test(`${server}: some of three programs, and not the others`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const first = await play(rig, "first");
    const second = await play(rig, "second", "paplay", ["--client-name=Lonely"]);
    const third = await play(rig, "third");
    const [a, b, c] = [first, second, third].map(({ pid }) => ({ processId: pid }));
    await Promise.all([
      assertHears(rig, { targets: [a, b] }, ["first", "second"]),
      assertHears(rig, { deviceId: `${server}:process/${third.pid}` }, ["third"]),
    ]);
    await Promise.all([
      assertHears(rig, { name: "lonely" }, ["second"]),
      assertHears(rig, { system: true }, ["first", "second", "third"]),
    ]);
    await assertHears(rig, { deviceId: `${server}:system/${OUTPUT}` }, [
      ...["first", "second", "third"] as const,
    ]);
    if (server === "pipewire") {
      await Promise.all([
        assertHears(rig, { targets: [c], mode: "exclude" }, ["first", "second"]),
        assertHears(rig, { targets: [a, b], mode: "exclude" }, ["third"]),
      ]);
    } else {
      const told = await refusal(rig, { targets: [c], mode: "exclude" });
      assert.equal(told.code, "NOT_SUPPORTED");
      assert.match(told.error, /PulseAudio can only record single streams/);
    }
    await Promise.all([first, second, third].map(stop));
  });

  test(`${server}: any format can be had, by conversion`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const player = await play(rig, "first");
    const options = { processId: player.pid, seconds: 1.5, sampleRate: 16_000, channelCount: 1 };
    for (let attempt = 1;; attempt++) {
      const what = await listen(rig, options).heard();
      const level = levelAt(what.samples.subarray(8000), 16_000, 997);
      if (Math.abs(level + 12) < 0.5) break;
      assert.ok(attempt < 4, `level ${level}`);
    }
    await stop(player);
  });

  test(`${server}: a child that starts later belongs to the tree`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const other = await play(rig, "third");
    const [one, two] = [toneFile(rig, "first"), toneFile(rig, "second")];
    // The shell plays nothing itself, and starts its second player when a file is there.
    const go = join(rig.directory, "go");
    const player = playerOf(rig);
    const script =
      `${player} '${one}' & while ! [ -e '${go}' ]; do sleep 0.1; done; ${player} '${two}' & wait`;
    const parent = startProgram("sh", ["-c", script], {
      env: rig.env,
      clearEnv: true,
      timeoutMs: 90_000,
    });
    const { script: capture, heard } = listen(rig, {
      processId: parent.pid,
      tree: true,
      waitForProcess: true,
      seconds: 8,
    });
    await capture.waitForLine('"first"');
    await delay(2500);
    writeWavFile(go, { sampleRate: 8000, channels: 1, frames: 0, format: "f32", sample: () => 0 });
    const { samples } = await heard();
    const told = JSON.stringify(inSeconds(samples).map(levels));
    assert.ok(hasExactly(samples, ["first"]), told);
    assert.ok(hasExactly(samples, ["first", "second"]), told);
    assert.ok(inSeconds(samples).every((each) => levels(each).microphone < EDGE), told);
    await runProgram("pkill", ["-KILL", "-P", String(parent.pid)]);
    await stop(parent);
    await stop(other);
  });

  test(`${server}: a program that ends is lost, and never a microphone`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const player = await play(rig, "first");
    const other = await play(rig, "third");
    const { script, heard } = listen(rig, { processId: player.pid, seconds: 60 });
    await script.waitForLine('"first"');
    await delay(1000);
    await stop(player);
    await script.waitForLine('"lost"');
    const what = await heard();
    assert.equal(what.lost?.code, "DEVICE_LOST");
    const found = levels(what.samples);
    assert.ok(found.microphone < SILENT && found.third < SILENT, JSON.stringify(found));
    await assertRefused(rig, { processId: player.pid }, "DEVICE_NOT_FOUND");
    await assertRefused(
      rig,
      { deviceId: `${server}:process/${player.pid}` },
      "DEVICE_NOT_FOUND",
    );
    await stop(other);
  });

  test(`${server}: a name is followed when its program comes back`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const named = ["--client-name=Wanderer"];
    const before = await play(rig, "first", "paplay", named);
    const { script, heard } = listen(rig, { name: "wanderer", seconds: 9 });
    await script.waitForLine('"first"');
    await delay(2000);
    await stop(before);
    await delay(1500);
    const after = await play(rig, "second", "paplay", named);
    const what = await heard();
    assertInTime(what);
    const told = JSON.stringify(inSeconds(what.samples).map(levels));
    assert.ok(hasExactly(what.samples, ["first"]), told);
    assert.ok(hasExactly(what.samples, ["second"]), told);
    assert.ok(inSeconds(what.samples).every((each) => levels(each).microphone < EDGE), told);
    assert.ok(loudness(what.samples).includes(false), "there is a silence between");
    await stop(after);
  });

  test(`${server}: volume and mute of a program are told`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const player = await play(rig, "first", "paplay");
    const { script, heard } = listen(rig, { processId: player.pid, seconds: 4 });
    await script.waitForLine('"first"');
    const { index } = await waitForStream(rig, "application.process.id", String(player.pid));
    await pactl(rig, "set-sink-input-volume", String(index), "50%");
    const volume = JSON.parse(await script.waitForLine('"name":"streamVolume"'));
    // PulseAudio's half is a cube's: 0.5 ** 3.
    assert.ok(Math.abs(volume.value - 0.125) < 0.001, JSON.stringify(volume));
    await pactl(rig, "set-sink-input-mute", String(index), "1");
    const mute = JSON.parse(await script.waitForLine('"name":"streamMute"'));
    assert.equal(mute.value, true);
    const { samples } = await heard();
    assert.ok(
      rmsLevel(samples.subarray(-RIG_SAMPLE_RATE / 2)) < SILENT,
      "muted is silent here too",
    );
    await stop(player);
  });

  test(`${server}: what programs say of themselves is not believed`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const honest = await playByOrder(rig, "first");
    const options = { env: rig.env, clearEnv: true, timeoutMs: 120_000 };
    // Programs that claim to be the honest one, have no number, or names that break lines.
    const liars = [
      ["--property=application.process.id=" + honest.pid, "--property=application.name=a\u0007b"],
      ["--property=application.process.id=-1"],
      ["--property=application.process.id=99999999999999999999"],
      ["--property=application.process.id=12ab", "--property=application.process.binary=../../x"],
    ].map((args) => startProgram("paplay", [...args, toneFile(rig, "third")], options));
    if (server === "pipewire") {
      const claim = `{ application.process.id = ${honest.pid} client.api = pipewire-pulse }`;
      liars.push(startProgram("pw-play", ["-P", claim, toneFile(rig, "third")], options));
    }
    const expected = liars.length + 2; // the honest one, and the microphone's player or its feed
    await waitUntil(
      async () => {
        const inputs = (await pactl(rig, "list", "short", "sink-inputs")).split("\n");
        return inputs.length >= (server === "pulse" ? expected : expected - 1);
      },
      20_000,
      "the streams",
    );
    const result = await user(rig, ["list"]).ended;
    const { targets } = JSON.parse(result.stdout.split("\n")[0]!) as { targets: DeviceInfo[] };
    // deno-lint-ignore no-control-regex
    assert.ok(targets.every(({ id, name }) => !/[\u0000-\u001f]/.test(id + name)), result.stdout);
    assert.equal(targets.filter(({ processId }) => processId === honest.pid).length, 1);
    await assertHears(rig, { processId: honest.pid }, ["first"]);
    for (const id of ["process/-1", "process/12ab", "process/", "system/gone", "elsewhere"]) {
      await assertRefused(rig, { deviceId: `${server}:${id}` }, "DEVICE_NOT_FOUND");
    }
    await assertRefused(rig, { processId: 1 }, "DEVICE_NOT_FOUND");
    await assertRefused(rig, { name: "nobody-at-all" }, "DEVICE_NOT_FOUND");
    await assertRefused(rig, { windowHandle: 7 }, "NOT_SUPPORTED");
    const mixed = [{ system: true }, { processId: honest.pid }];
    await assertRefused(rig, { targets: mixed }, "NOT_SUPPORTED");
    await Promise.all(liars.map(stop));
    await honest.stop();
  });
}
