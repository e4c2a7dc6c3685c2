// Running fixtures/camera_user.ts in a rig, and our own camera in it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cProgram } from "../../support/c_program.ts";
import { runtimeCommand } from "../../support/process.ts";
import type { PipeWireRig } from "../../support/rig.ts";
import { type CameraSource, startCameraSource } from "../../../scripts/rig/camera_rig.ts";
import { signalIfThere } from "../../../scripts/rig/signals.ts";
import { waitUntil } from "../../support/wait.ts";

/** A generous limit: the machine may be busy with everybody's tests. */
export const LIMIT_MS = 40_000;

/** What a user printed in one line. */
// deno-lint-ignore no-explicit-any
export type Line = Record<string, any>;

/** A camera user in a process of its own. */
export interface CameraUser extends AsyncDisposable {
  lines(): Line[];
  /** The first line that has this key, or that the function takes. */
  line(
    wanted: string | ((line: Line) => boolean),
    message?: string,
    limitMs?: number,
  ): Promise<Line>;
  send(line: string): void;
  /** Waits until it ended by itself. */
  ended(): Promise<void>;
}

const SCRIPT = new URL("../fixtures/camera_user.ts", import.meta.url);

/** Another way to start a user. */
export interface UserSetting {
  /** Variables besides the rig's. */
  readonly env?: Record<string, string>;
  /** Another script than fixtures/camera_user.ts. */
  readonly script?: URL;
  /** A command that runs the rest of its arguments. */
  readonly wrapper?: readonly string[];
}

export function startUser(
  rig: PipeWireRig,
  command: string,
  options: unknown = {},
  { env = {}, script = SCRIPT, wrapper = [] }: UserSetting = {},
): CameraUser {
  const runtime = runtimeCommand(script, { args: [command, JSON.stringify(options)] });
  const [program = "", ...args] = [...wrapper, runtime.command, ...runtime.args];
  return startProgram(rig, program, args, env);
}

/** Any program that prints lines of JSON. */
export function startProgram(
  rig: Pick<PipeWireRig, "env">,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): CameraUser {
  const child: ChildProcess = spawn(command, [...args], {
    env: { ...rig.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let printed = "";
  let errors = "";
  let how: string | null = null;
  child.stdout?.on("data", (data) => printed += String(data));
  child.stderr?.on("data", (data) => errors += String(data));
  child.stdin?.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      how = `exit code ${code}, signal ${signal}`;
      resolve();
    });
  });
  const lines = () =>
    printed.split("\n").slice(0, -1).filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);
  const said = () => `${how ?? "still running"}\n${printed}\n${errors}`;
  return {
    lines,
    async line(wanted, message = String(wanted), limitMs = LIMIT_MS) {
      const takes = typeof wanted === "string" ? (line: Line) => wanted in line : wanted;
      const line = await waitUntil(
        () => {
          const found = lines().find(takes);
          if (found === undefined && how !== null) throw new Error(`no ${message}: ${said()}`);
          return found;
        },
        limitMs,
        () => `${message}: ${said()}`,
      );
      assert.ok(line !== undefined);
      return line;
    },
    send: (line) => void child.stdin?.write(`${line}\n`),
    async ended() {
      await waitUntil(() => how !== null, LIMIT_MS, () => `end of the user: ${said()}`);
      assert.match(how ?? "", /^exit code 0,/, said());
    },
    async [Symbol.asyncDispose]() {
      if (how === null) signalIfThere(child.pid, "SIGKILL");
      await closed;
    },
  };
}

/** Our own camera. */
export function startCamera(
  rig: PipeWireRig,
  name: string,
  formats: readonly string[],
  options: readonly string[] = [],
  size = "640x480",
  frameRate = 30,
): Promise<CameraSource> {
  const program = cProgram("camera_source");
  return startCameraSource(program, rig.env, name, formats, size, frameRate, options);
}

/** What every healthy run has: the right picture, the right time, and no loss that is not counted. */
export function assertHealthy(seen: Line, tolerance = 4): void {
  const about = JSON.stringify(seen);
  assert.equal(seen.stripErrors, 0, about);
  assert.equal(seen.timeErrors, 0, about);
  assert.equal(seen.backwards, 0, about);
  assert.equal(seen.unexplained, 0, about);
  assert.ok(seen.worstColour <= tolerance, about);
}

/** Every frame of the source came or was counted as dropped. `seen` has both counts of one moment. */
export function assertAccounted(seen: Line): void {
  const { stats, span, frames } = seen;
  const about = JSON.stringify(seen);
  assert.equal(stats.produced, stats.delivered + stats.dropped + stats.queued, about);
  assert.equal(stats.droppedBy.invalid + stats.droppedBy.failed, 0, about);
  assert.ok(span + 1 - frames <= stats.dropped, about);
  // A time that is a second old is not believed: then the machine stood still for that long.
  assert.ok(seen.estimated === 0 || seen.worstStepUs > 900_000, about);
  // A machine that is too busy for most of the frames shows nothing of those that came.
  assert.ok(frames > span / 4, about);
}

/** A user that answers questions, fixtures/camera_talk.ts. */
export interface Talk extends AsyncDisposable {
  ask(question: Record<string, unknown>): Promise<Line>;
}

const TALK = new URL("../fixtures/camera_talk.ts", import.meta.url);

export function startTalk(rig: PipeWireRig, setting: UserSetting = {}): Talk {
  const user = startUser(rig, "talk", {}, { ...setting, script: TALK });
  let questions = 0;
  return {
    ask(question) {
      const number = ++questions;
      user.send(JSON.stringify({ number, ...question }));
      return user.line((line) => line.number === number, JSON.stringify(question));
    },
    [Symbol.asyncDispose]: () => user[Symbol.asyncDispose](),
  };
}
