// The time of what is captured, and what becomes of a capture when outputs and sound servers come and
// go, on a real PipeWire and a real PulseAudio.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { type AudioRig, RIG_SAMPLE_RATE } from "../support/rig.ts";
import { delay } from "../support/wait.ts";
import {
  addOutput,
  assertHears,
  assertInTime,
  hasExactly,
  type Heard,
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
  setUp,
  SILENT,
  stop,
} from "./support/loopback_rig.ts";

/** The process that a rig's server is. */
function serverPid(rig: AudioRig): number {
  const pid = rig.pids()[rig.server === "pipewire" ? "pipewire" : "pulseaudio"];
  assert.ok(pid !== undefined, JSON.stringify(rig.pids()));
  return pid;
}

/** An option of the server's own player that sends its stream to an output. */
function playsInto(rig: AudioRig, output: string): string[] {
  return rig.server === "pipewire" ? ["--target", output] : [`--device=${output}`];
}

/** When the longest silence begins and ends. */
function longestSilence({ samples, firstUs }: Heard): [number, number] {
  let longest = [0, 0] as [number, number];
  let begin = 0;
  loudness(samples).forEach((isLoud, index) => {
    if (isLoud) begin = index + 1;
    else if (index + 1 - begin > longest[1] - longest[0]) longest = [begin, index + 1];
  });
  return [firstUs + longest[0] * 25_000, firstUs + longest[1] * 25_000];
}

for (const server of SERVERS) {
  test(`${server}: a pause is silence of its length`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const player = await playByOrder(rig, "first");
    for (let attempt = 1;; attempt++) {
      const { script, heard } = listen(rig, { processId: player.pid, seconds: 7 });
      await script.waitForLine('"first"');
      await delay(1500);
      const cork = await player.order("cork");
      await delay(3000);
      const uncork = await player.order("uncork");
      const what = await heard();
      assertInTime(what);
      assert.ok(what.silentFrames > 2.5 * RIG_SAMPLE_RATE, "silence is flagged");
      const [from, to] = longestSilence(what);
      // What the server has of the stream plays on or is dropped: a tenth of a second, and a
      // quantum. A player that is starved just then is silent for longer, and plays again.
      const isRight = Math.abs(from - cork) < 150_000 && Math.abs(to - uncork) < 150_000 &&
        Math.abs(to - from - (uncork - cork)) < 200_000;
      if (isRight) break;
      assert.ok(attempt < 4, JSON.stringify({ cork, uncork, from, to }));
    }
    await player.stop();
  });

  test(`${server}: the system's sound follows the default output`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    await addOutput(rig, "other");
    const here = await play(rig, "first", playerOf(rig), playsInto(rig, OUTPUT));
    const there = await play(rig, "second", playerOf(rig), playsInto(rig, "other"));
    const { script, heard } = listen(rig, { system: true, seconds: 7 });
    await script.waitForLine('"first"');
    await delay(2500);
    await pactl(rig, "set-default-sink", "other");
    const moved = JSON.parse(await script.waitForLine('"event":"default"'));
    assert.equal(moved.deviceId, `${server}:system/other`);
    const what = await heard();
    assertInTime(what);
    const told = JSON.stringify(inSeconds(what.samples).map(levels));
    assert.ok(hasExactly(what.samples, ["first"]), told);
    // The server moves the first program to the new default, too.
    assert.ok(hasExactly(what.samples, ["first", "second"]), told);
    await Promise.all([here, there].map(stop));
  });

  test(`${server}: an output that is unplugged is lost, and not replaced`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const module = await addOutput(rig, "other");
    const here = await play(rig, "first");
    const { script, heard } = listen(rig, { deviceId: `${server}:system/other`, seconds: 60 });
    await script.waitForLine('"first"');
    await delay(500);
    await pactl(rig, "unload-module", module);
    await script.waitForLine('"lost"');
    const what = await heard();
    assert.equal(what.lost?.code, "DEVICE_LOST");
    assert.match(what.lost.error, /unplugged/);
    const found = levels(what.samples);
    assert.ok(found.first < SILENT && found.microphone < SILENT, JSON.stringify(found));
    await stop(here);
  });

  test(`${server}: a server that dies is told, and the next one works`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const player = await play(rig, "first");
    const captures = [{ processId: player.pid }, { system: true }, {
      name: "anyone",
      waitForProcess: true,
    }]
      .map((options) => listen(rig, { ...options, seconds: 60 }));
    for (const { script } of captures) await script.waitForLine('"first"');
    await rig.killServer();
    for (const { heard } of captures) {
      const { lost } = await heard();
      assert.equal(lost?.code, "DEVICE_LOST");
      assert.match(lost.error, /(PipeWire|PulseAudio) ended the connection/);
    }
    await stop(player);
    await rig.startServer();
    await setUp(rig);
    const again = await play(rig, "second");
    await assertHears(rig, { processId: again.pid }, ["second"]);
    await stop(again);
  });

  test(`${server}: a server that hangs holds nobody up`, OPTIONS, async () => {
    await using rig = await loopbackRig(server);
    const player = await play(rig, "first");
    const { script, heard } = listen(rig, { system: true, seconds: 5 });
    await script.waitForLine('"first"');
    await delay(500);
    const pid = serverPid(rig);
    process.kill(pid, "SIGSTOP");
    try {
      const told = await refusal(rig, { system: true });
      assert.equal(told.code, "TIMEOUT", JSON.stringify(told));
      const what = await heard();
      assertInTime(what); // silence goes on
      assert.equal(what.lost, null);
      assert.ok(what.silentFrames > RIG_SAMPLE_RATE, JSON.stringify(what.silentFrames));
      assert.ok(what.stopMs < 2000, `stop took ${what.stopMs} ms`);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await stop(player);
  });
}
