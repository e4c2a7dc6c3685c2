// The default microphone of a PipeWire graph, as it comes and goes faster than anybody reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceChange } from "../../src/mod.ts";
import { startScript } from "../support/process.ts";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { delay, waitUntil } from "../support/wait.ts";

/** Bun gives a test five seconds unless told. */
const OPTIONS = { timeout: 120_000, skip: rigSkipReason() };

test(
  "graph: a default microphone that is plugged in again is told each time",
  OPTIONS,
  async () => {
    await using rig = await startPipeWireRig();
    await rig.createVirtualMicrophone({ name: "other" });
    await rig.createVirtualMicrophone({ name: "again" });
    await rig.setDefaultSource("again");
    const user = startScript(new URL("./fixtures/microphone_user.ts", import.meta.url), {
      args: ["watch"],
      env: rig.env,
      clearEnv: true,
      timeoutMs: 110_000,
    });
    await user.waitForLine('"watching"');
    const told = () => {
      const lines = user.stdout().split("\n").filter((line) => line.includes('"type":"default"'));
      return lines.map((line) => (JSON.parse(line) as { change: DeviceChange }).change).map((
        change,
      ) => change.type === "default" ? change.deviceId : "");
    };
    const lastIs = (id: string, from: number, what: string) =>
      waitUntil(() => told().length > from && told().at(-1) === id, 20_000, () => {
        return `${what}: ${user.stdout()}`;
      });
    // What comes before the watch has its first list is part of that list: change it until told.
    let turns = 0;
    await waitUntil(
      async () => {
        await rig.setDefaultSource(turns++ % 2 === 0 ? "other" : "again");
        await delay(300);
        return told().length > 0;
      },
      20_000,
      "the watch",
    );
    await rig.setDefaultSource("again");
    await lastIs("pipewire:again", 0, "chosen");
    for (let round = 0; round < 6; round++) {
      const before = told().length;
      await rig.removeVirtualMicrophone("again");
      if (round % 2 === 0) await lastIs("pipewire:other", before, "unplugged");
      await rig.createVirtualMicrophone({ name: "again" });
      await rig.setDefaultSource("again");
      await waitUntil(() => told().at(-1) === "pipewire:again", 20_000, () => {
        return `plugged in again in round ${round}: ${user.stdout()}`;
      });
    }
    await rig.setDefaultSource("other");
    await lastIs("pipewire:other", 0, "the last change");
    user.kill("SIGTERM");
    const { stderr } = await user.ended;
    assert.equal(stderr, "");
  },
);
