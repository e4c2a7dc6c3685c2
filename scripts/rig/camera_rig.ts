// Cameras for tests on a real PipeWire: our own producer, which does what it is told, and
// GStreamer's.

import { type ChildProcess, spawn } from "node:child_process";
import { runCommand } from "./processes.ts";
import { signalIfThere } from "./signals.ts";
import type { RigEnvironment } from "./audio_rig.ts";
import { waitUntil } from "../../test/support/wait.ts";

const READY_TIMEOUT_MS = 20_000;

/** A program that is a camera; it ends with `stop`, or with its owner. */
export interface CameraSource extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Sends a line to our own producer and waits until it was obeyed. */
  tell(line: string): Promise<void>;
  /** Sends a line without waiting for an answer. */
  send(line: string): void;
  /** What it has printed. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** Starts a program and waits until the graph has its node. */
async function startSource(
  env: RigEnvironment,
  name: string,
  command: string,
  args: readonly string[],
): Promise<CameraSource> {
  const child: ChildProcess = spawn(command, [...args], {
    env: { ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let printed = "";
  let errors = "";
  let running = true;
  child.stdout?.on("data", (data) => printed += String(data));
  child.stderr?.on("data", (data) => errors += String(data));
  // A source that was killed takes no more commands.
  child.stdin?.on("error", () => {});
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      errors += error.message;
      running = false;
      resolve();
    });
    child.once("exit", () => {
      running = false;
      resolve();
    });
  });
  const obeyed = () => printed.split('"obeyed"').length - 1;
  const source: CameraSource = {
    name,
    pid: child.pid ?? 0,
    send: (line) => void child.stdin?.write(`${line}\n`),
    async tell(line) {
      const before = obeyed();
      source.send(line);
      await waitUntil(
        () => obeyed() > before,
        READY_TIMEOUT_MS,
        () => `${name}: ${line}\n${errors}`,
      );
    },
    output: () => printed,
    kill: (signal) => void (running && signalIfThere(child.pid, signal)),
    async stop() {
      source.kill("SIGKILL");
      await ended;
    },
    [Symbol.asyncDispose]: () => source.stop(),
  };
  try {
    await waitUntil(
      async () => {
        if (!running) throw new Error(`camera ${name} ended at once: ${errors}`);
        return (await cameraNames(env)).includes(name);
      },
      READY_TIMEOUT_MS,
      () => `camera ${name}: ${errors}`,
    );
  } catch (error) {
    await source.stop();
    throw error;
  }
  return source;
}

/** One object of the graph, as pw-dump tells it. */
export interface DumpedObject {
  id: number;
  type: string;
  info?: { props?: Record<string, unknown> } | null;
}

/** The whole graph; empty while the daemon does not answer. */
export async function dumpGraph(env: RigEnvironment): Promise<DumpedObject[]> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const { code, stdout } = await runCommand("pw-dump", [], { ...env });
    if (code !== 0) return [];
    try {
      return JSON.parse(stdout) as DumpedObject[];
    } catch {
      // What changes meanwhile is printed behind the list: once more.
    }
  }
  return [];
}

/** The names of the cameras that the daemon knows, with a port each. */
export async function cameraNames(env: RigEnvironment): Promise<string[]> {
  const objects = await dumpGraph(env);
  const withPort = new Set(objects.map(({ info }) => info?.props?.["node.id"]));
  return objects
    .filter(({ id, info }) => info?.props?.["media.role"] === "Camera" && withPort.has(id))
    .filter(({ info }) => info?.props?.["media.class"] === "Video/Source")
    .map(({ info }) => String(info?.props?.["node.name"]));
}

/** Our own producer, `lib/miniav_c/test/os/camera_source.c`; `program` is its path. */
export function startCameraSource(
  program: string,
  env: RigEnvironment,
  name: string,
  formats: readonly string[],
  size: string,
  frameRate: number,
  options: readonly string[] = [],
): Promise<CameraSource> {
  const args = [name, formats.join(","), size, String(frameRate), ...options];
  return startSource(env, name, program, args);
}

/** GStreamer's test picture: `format` as it calls it, or MJPEG. */
export function startGstreamerCamera(
  env: RigEnvironment,
  name: string,
  format: string,
  size: { width: number; height: number },
  frameRate: number,
  pattern = "smpte",
): Promise<CameraSource> {
  const jpeg = format === "MJPEG";
  const { width, height } = size;
  const caps = `video/x-raw,format=${jpeg ? "I420" : format},width=${width},height=${height},` +
    `framerate=${frameRate}/1`;
  const properties = `props,media.class=Video/Source,media.role=Camera,node.name=${name},` +
    `node.description=(string)GStreamer`;
  const args = ["-q", "videotestsrc", "is-live=true", `pattern=${pattern}`, "!", caps, "!"];
  if (jpeg) args.push("jpegenc", "!");
  args.push("pipewiresink", "mode=provide", `stream-properties=${properties}`);
  args.push(`client-name=${name}`);
  return startSource(env, name, "gst-launch-1.0", args);
}
