/**
 * What capturing costs against what a script would use without this library, in the runtime that
 * runs this, one after the other. Ratios are against the first line of each table.
 *
 *     deno task bench
 *     bun bench/main.ts
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startCameraSource } from "../scripts/rig/camera_rig.ts";
import { startPipeWireRig } from "../scripts/rig/pipewire_rig.ts";
import { cProgram } from "../test/support/c_program.ts";
import { startProgram } from "../test/support/process.ts";
import { sine } from "../test/support/tone.ts";
import { writeWavFile } from "../test/support/wav.ts";
import type { Cost } from "./measure.ts";
import { CAMERA, SOUND } from "./measure.ts";

const SECONDS = "5";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
}

const PICTURES: readonly Case[] = [
  { name: "leased frames", file: "capture.ts", args: ["lease", SECONDS] },
  { name: "filled frames", file: "capture.ts", args: ["fill", SECONDS] },
  { name: "ffmpeg pipe", file: "pipe.ts", args: [SECONDS] },
];

const SOUNDS: readonly Case[] = [
  { name: "loopback", file: "sound.ts", args: [SECONDS] },
  { name: "parec pipe", file: "parec.ts", args: [SECONDS] },
];

const CAMERAS: readonly Case[] = [
  { name: "leased frames", file: "camera.ts", args: ["lease", SECONDS] },
  { name: "filled frames", file: "camera.ts", args: ["fill", SECONDS] },
  { name: "gstreamer pipe", file: "gstreamer.ts", args: [SECONDS] },
];

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Cost {
  const path = fileURLToPath(new URL(`cases/${file}`, import.meta.url));
  const command = process.versions["bun"] === undefined ? ["run", "-A", path] : [path];
  const child = spawnSync(process.execPath, [...command, ...args], { encoding: "utf8", env });
  if (child.status !== 0) throw new Error(`${file} failed:\n${child.stderr}`);
  return JSON.parse(child.stdout) as Cost;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => index === 0 ? cell.padEnd(20) : cell.padStart(14)).join("");
}

function table(head: string, unit: string, cases: readonly Case[], env: NodeJS.ProcessEnv): void {
  console.log(row([head, `CPU µs/${unit}`, "ratio", "memory MiB", "ratio"]));
  let base: Cost | undefined;
  for (const { name, file, args } of cases) {
    const cost = run(file, args, env);
    base ??= cost;
    console.log(row([
      name,
      cost.cpuPerUnit.toFixed(0),
      `${(cost.cpuPerUnit / base.cpuPerUnit).toFixed(1)}×`,
      (cost.residentBytes / 2 ** 20).toFixed(0),
      `${(cost.residentBytes / base.residentBytes).toFixed(1)}×`,
    ]));
  }
}

/** On a private PipeWire, with the camera of the tests. */
async function compareCameras(): Promise<void> {
  await using rig = await startPipeWireRig();
  const { name, width, height, frameRate } = CAMERA;
  const program = cProgram("camera_source");
  const size = `${width}x${height}`;
  await using _camera = await startCameraSource(program, rig.env, name, ["NV12"], size, frameRate, [
    "align=2",
  ]);
  table("camera, 1080p60 NV12", "frame", CAMERAS, { ...process.env, ...rig.env });
}

/** On a private PipeWire whose default output plays a tone. */
async function compareSounds(): Promise<void> {
  await using rig = await startPipeWireRig();
  const env = { ...process.env, ...rig.env };
  const pactl = (...args: string[]) => {
    const { status, stderr } = spawnSync("pactl", args, { env, encoding: "utf8" });
    if (status !== 0) throw new Error(`pactl ${args.join(" ")}: ${stderr}`);
  };
  pactl("load-module", "module-null-sink", "sink_name=speaker", `rate=${SOUND.sampleRate}`);
  pactl("set-default-sink", "speaker");
  const file = join(rig.directory, "tone.wav");
  writeWavFile(file, {
    sampleRate: SOUND.sampleRate,
    channels: 2,
    frames: 60 * SOUND.sampleRate,
    format: "f32",
    sample: sine(997, -12, SOUND.sampleRate),
  });
  const player = startProgram("pw-play", [file], { env: rig.env, clearEnv: true });
  table("stereo f32, 48 kHz", "second", SOUNDS, env);
  player.kill("SIGKILL");
  await player.ended;
}

if (spawnSync("ffmpeg", ["-version"]).status !== 0) {
  console.error("ffmpeg is needed for the comparison: sudo apt install ffmpeg");
  process.exit(1);
}
if (!existsSync(cProgram("camera_source"))) {
  console.error('the camera is built by: deno task test --only="c gcc"');
  process.exit(1);
}
table("1080p60 BGRA", "frame", PICTURES, process.env);
console.log();
await compareCameras();
console.log();
await compareSounds();
