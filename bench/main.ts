/**
 * What moving 1080p60 BGRA costs: a leased frame, a filled one, and a pipe from ffmpeg, in the
 * runtime that runs this, one after the other. Ratios are against the leased frame.
 *
 *     deno task bench
 *     bun bench/main.ts
 */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Cost } from "./measure.ts";

const SECONDS = "5";

const CASES = [
  { name: "leased frames", file: "capture.ts", args: ["lease", SECONDS] },
  { name: "filled frames", file: "capture.ts", args: ["fill", SECONDS] },
  { name: "ffmpeg pipe", file: "pipe.ts", args: [SECONDS] },
] as const;

function run(file: string, args: readonly string[]): Cost {
  const path = fileURLToPath(new URL(`cases/${file}`, import.meta.url));
  const command = process.versions["bun"] === undefined ? ["run", "-A", path] : [path];
  const child = spawnSync(process.execPath, [...command, ...args], { encoding: "utf8" });
  if (child.status !== 0) throw new Error(`${file} failed:\n${child.stderr}`);
  return JSON.parse(child.stdout) as Cost;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => index === 0 ? cell.padEnd(16) : cell.padStart(14)).join("");
}

if (spawnSync("ffmpeg", ["-version"]).status !== 0) {
  console.error("ffmpeg is needed for the comparison: sudo apt install ffmpeg");
  process.exit(1);
}
console.log(row(["1080p60 BGRA", "CPU µs/frame", "ratio", "memory MiB", "ratio"]));
let base: Cost | undefined;
for (const { name, file, args } of CASES) {
  const cost = run(file, args);
  base ??= cost;
  console.log(row([
    name,
    cost.cpuPerFrame.toFixed(0),
    `${(cost.cpuPerFrame / base.cpuPerFrame).toFixed(1)}×`,
    (cost.residentBytes / 2 ** 20).toFixed(0),
    `${(cost.residentBytes / base.residentBytes).toFixed(1)}×`,
  ]));
}
