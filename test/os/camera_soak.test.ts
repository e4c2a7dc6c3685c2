// A camera of 1080p60 for a long time: every frame comes or is counted, and what is held stays what it
// was, whatever becomes of its source. A minute here, MINIAV_SOAK_SECONDS in `deno task soak`.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { rigSkipReason, startPipeWireRig } from "../support/rig.ts";
import { delay } from "../support/wait.ts";
import {
  assertAccounted,
  assertHealthy,
  type CameraUser,
  LIMIT_MS,
  type Line,
  startCamera,
  startUser,
} from "./support/cameras.ts";

const SECONDS = Number(process.env.MINIAV_SOAK_SECONDS ?? "60");
const FRAME_RATE = 60;
const HELD = 3;
const HOLD_MS = 10_000;

/** Looks at what is held since the first frames; the answer is a new line. */
async function assertUnchanged(user: CameraUser, when: string): Promise<void> {
  const before = user.lines().filter((line) => "looked" in line).length;
  user.send("look");
  const isAnswer = () => user.lines().filter((line) => "looked" in line).length > before;
  await user.line(isAnswer, `a look, ${when}`);
  const { looked, changed } = user.lines().findLast((line) => "looked" in line) ?? {};
  assert.deepEqual([looked, changed], [HELD, 0], when);
}

test(
  `1080p60 for ${SECONDS} seconds, and frames that are held longer than that`,
  { skip: rigSkipReason(), timeout: (SECONDS * 2 + 180) * 1000 },
  async () => {
    await using rig = await startPipeWireRig();
    const size = "1920x1080";
    await using camera = await startCamera(rig, "camera", ["NV12"], [], size, FRAME_RATE);
    await using user = startUser(rig, "capture", {
      deviceId: "pipewire:camera",
      hold: HELD,
      span: SECONDS * FRAME_RATE,
      colourEvery: 300,
    });
    await user.line("held", "frames that are held");
    await delay(HOLD_MS);
    await assertUnchanged(user, "after ten seconds, while the camera goes on");

    const limitMs = SECONDS * 2000 + LIMIT_MS;
    const seen = await user.line("reached", `${SECONDS} seconds`, limitMs);
    console.log(JSON.stringify(seen));
    assertHealthy(seen);
    assertAccounted(seen);
    await assertUnchanged(user, "at the end");

    // What the camera itself says: no frame was made up, and none passed over.
    await camera.tell("stall");
    const told = JSON.parse(camera.output().trim().split("\n").at(-1) ?? "") as Line;
    console.log(JSON.stringify(told));
    const { produced, droppedBy } = seen.stats;
    assert.ok(seen.begin + produced - 1 <= told.obeyed, JSON.stringify(told));
    assert.ok(produced - droppedBy.late <= told.sent, JSON.stringify(told));
    // What is held is no more than the camera can spare; a machine that stands still may cost some.
    assert.ok(told.starved <= seen.span / 10, JSON.stringify(told));
    await camera.tell("go");

    await camera.tell("format NV12 320x240");
    await user.line(({ changed, size }) => changed === true && size === "320x240", "new frames");
    await assertUnchanged(user, "after another format");
    await camera.stop();
    const { lost } = await user.line("end", "the end");
    assert.equal(lost.code, "DEVICE_LOST");
    await assertUnchanged(user, "when camera and capture are gone");
    await rig.killServer();
    await assertUnchanged(user, "when the daemon is gone");
    user.send("go");
    const { stats } = await user.line("released");
    assert.equal(stats.outstanding, 0);
    await user.ended();
  },
);
