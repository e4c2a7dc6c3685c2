/**
 * What capturing costs against what a script would use without this library, in the runtime that
 * runs this. The cases of a table take turns, several times over; their medians are told. Ratios are
 * against the first line of each table.
 *
 *     deno task bench                    all tables
 *     bun bench/main.ts screens sounds   some: pictures, cameras, screens, sounds
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startCameraSource } from "../scripts/rig/camera_rig.ts";
import { startPipeWireRig } from "../scripts/rig/pipewire_rig.ts";
import { startX11Rig } from "../scripts/rig/x11_rig.ts";
import { hostTarget, libraryPath } from "../scripts/targets.ts";
import { cProgram } from "../test/support/c_program.ts";
import { startProgram } from "../test/support/process.ts";
import { sine } from "../test/support/tone.ts";
import { writeWavFile } from "../test/support/wav.ts";
import type { Cost } from "./measure.ts";
import { CAMERA, PICTURE, SOUND } from "./measure.ts";

const SECONDS = "5";
const ROUNDS = 3;
/** Three rounds are too few to tell two loops in C apart. */
const SCREEN_ROUNDS = 15;
const PROGRAMS = fileURLToPath(new URL("../build/bench", import.meta.url));

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

/** C programs, built by compilePrograms, but the last. */
const SCREENS: readonly Case[] = [
  { name: "bare loop in C", file: "shm_loop", args: ["capture", SECONDS] },
  { name: "this library in C", file: "library_loop", args: [SECONDS] },
  { name: "leased frames", file: "screen.ts", args: [SECONDS] },
];

const CAMERAS: readonly Case[] = [
  { name: "leased frames", file: "camera.ts", args: ["lease", SECONDS] },
  { name: "filled frames", file: "camera.ts", args: ["fill", SECONDS] },
  { name: "gstreamer pipe", file: "gstreamer.ts", args: [SECONDS] },
];

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Cost {
  const path = fileURLToPath(new URL(`cases/${file}`, import.meta.url));
  const script = process.versions["bun"] === undefined ? ["run", "-A", path] : [path];
  const isScript = file.endsWith(".ts");
  const command = isScript ? process.execPath : join(PROGRAMS, file);
  const child = spawnSync(command, [...(isScript ? script : []), ...args], {
    encoding: "utf8",
    env,
  });
  if (child.status !== 0) throw new Error(`${file} failed:\n${child.stderr}`);
  return JSON.parse(child.stdout) as Cost;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => index === 0 ? cell.padEnd(20) : cell.padStart(14)).join("");
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

/** What each case costs: on a machine that is now busy, now not, all are hit alike. */
function compare(cases: readonly Case[], env: NodeJS.ProcessEnv, rounds: number): Cost[] {
  const costs: Cost[][] = cases.map(() => []);
  for (let round = 0; round < rounds; round++) {
    cases.forEach(({ file, args }, i) => costs[i]!.push(run(file, args, env)));
  }
  return costs.map((runs) => ({
    cpuPerUnit: median(runs.map(({ cpuPerUnit }) => cpuPerUnit)),
    residentBytes: median(runs.map(({ residentBytes }) => residentBytes)),
  }));
}

function table(
  head: string,
  unit: string,
  cases: readonly Case[],
  env: NodeJS.ProcessEnv,
  rounds = ROUNDS,
): void {
  const costs = compare(cases, env, rounds);
  const base = costs[0]!;
  console.log(row([head, `CPU µs/${unit}`, "ratio", "memory MiB", "ratio"]));
  costs.forEach((cost, i) => {
    console.log(row([
      cases[i]!.name,
      cost.cpuPerUnit.toFixed(0),
      `${(cost.cpuPerUnit / base.cpuPerUnit).toFixed(2)}×`,
      (cost.residentBytes / 2 ** 20).toFixed(0),
      `${(cost.residentBytes / base.residentBytes).toFixed(1)}×`,
    ]));
  });
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

/** The C programs of bench/c, with the headers and the library of this checkout. */
function compilePrograms(): void {
  const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
  mkdirSync(PROGRAMS, { recursive: true });
  const library = libraryPath(hostTarget());
  for (
    const [name, ...links] of [
      ["shm_loop", "-l:libxcb.so.1", "-l:libxcb-shm.so.0"],
      ["library_loop", library, `-Wl,-rpath,${dirname(library)}`],
    ] as const
  ) {
    const includes = [`-I${at(".cache/headers")}`, `-I${at("lib/miniav_c/include")}`];
    const args = ["-O2", ...includes, "-o", join(PROGRAMS, name), at(`bench/c/${name}.c`)];
    const { status, stderr } = spawnSync("cc", [...args, ...links], { encoding: "utf8" });
    if (status !== 0) throw new Error(`cc ${name}: ${stderr}`);
  }
}

/** On a private X server on which something changes all the time. */
async function compareScreens(): Promise<void> {
  compilePrograms();
  const { width, height } = PICTURE;
  await using rig = await startX11Rig({ screen: `${width}x${height}x24` });
  const env = { ...process.env, ...rig.env, MINIAV_SCREEN_BACKEND: "x11" };
  const painter = startProgram(join(PROGRAMS, "shm_loop"), ["paint"], { env: rig.env });
  table("X11, 1080p60 BGRX", "frame", SCREENS, env, SCREEN_ROUNDS);
  painter.kill("SIGKILL");
  await painter.ended;
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
const TABLES: Readonly<Record<string, () => void | Promise<void>>> = {
  pictures: () => table("1080p60 BGRA", "frame", PICTURES, process.env),
  cameras: compareCameras,
  screens: compareScreens,
  sounds: compareSounds,
};
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(TABLES, name));
if (unknown !== undefined) {
  console.error(`there is no table "${unknown}"; there are ${Object.keys(TABLES).join(", ")}`);
  process.exit(2);
}
for (const name of wanted.length === 0 ? Object.keys(TABLES) : wanted) {
  await TABLES[name]!();
  console.log();
}
