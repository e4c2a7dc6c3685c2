// Loopback for a long time: the samples are the time that passed. Half a minute here,
// MINIAV_SOAK_SECONDS in `deno task soak`.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { RIG_SAMPLE_RATE } from "../support/rig.ts";
import {
  assertInTime,
  levels,
  listen,
  loopbackRig,
  OPTIONS,
  playByOrder,
  SERVERS,
  SILENT,
} from "./support/loopback_rig.ts";

const SECONDS = Number(process.env.MINIAV_SOAK_SECONDS ?? "30");

// Half a minute of mere waiting: on both servers at once.
test(
  `pipewire and pulse: samples are the time that passed, for ${SECONDS} seconds`,
  { ...OPTIONS, timeout: (SECONDS + 180) * 1000 },
  async () => {
    await Promise.all(SERVERS.map(async (server) => {
      await using rig = await loopbackRig(server);
      const player = await playByOrder(rig, "first", SECONDS);
      const captures = [
        listen(rig, { processId: player.pid, seconds: SECONDS }),
        listen(rig, { system: true, seconds: SECONDS }),
        listen(rig, { name: "nobody-at-all", waitForProcess: true, seconds: SECONDS }),
      ];
      const [, , nothing] = await Promise.all(captures.map(async ({ heard }) => {
        const what = await heard();
        const { samples: _, ...told } = what;
        console.log(server, JSON.stringify(told));
        assert.ok(what.frames >= SECONDS * RIG_SAMPLE_RATE, server);
        assertInTime(what);
        assert.ok(levels(what.samples).microphone < SILENT, server);
        return what;
      }));
      assert.equal(nothing?.silentFrames, nothing?.frames, server);
      assert.ok(nothing?.samples.every((sample) => sample === 0), server);
      await player.stop();
    }));
  },
);
