/** What a case costs: processor time and memory of this process and of a child, per unit. */

import { readFileSync } from "node:fs";
import process from "node:process";

export interface Cost {
  /** Microseconds of processor time, of all threads, per frame or per second of sound. */
  readonly cpuPerUnit: number;
  /** Largest resident memory in bytes, the child's added. */
  readonly residentBytes: number;
}

/** Ticks of /proc/PID/stat a second; USER_HZ is 100 on every Linux that these run on, proc(5). */
const TICKS_PER_SECOND = 100;

function childUsage(pid: number): { cpu: number; resident: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const resident = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  return { cpu: (ticks / TICKS_PER_SECOND) * 1e6, resident };
}

/** Starts counting; call the result at the end, while the child still lives. */
export function startMeasuring(child?: number): (units: number) => Cost {
  const before = process.cpuUsage();
  const childBefore = child === undefined ? 0 : childUsage(child).cpu;
  return (units) => {
    const used = process.cpuUsage(before);
    const usage = child === undefined ? { cpu: 0, resident: 0 } : childUsage(child);
    const cpu = used.user + used.system + usage.cpu - childBefore;
    const own = /^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return {
      cpuPerUnit: cpu / units,
      residentBytes: Number(own) * 1024 + usage.resident,
    };
  };
}

/** Reads one byte of every page, so that no case gains by not looking. */
export function touch(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 4096) sum += bytes[at] ?? 0;
  return sum;
}

/** The sound that the cases of sound move: what a rig plays, 32-bit float in stereo. */
export const SOUND = { sampleRate: 48_000, frameBytes: 8 } as const;

/** The picture that the cases of pictures move. */
export const PICTURE = {
  width: 1920,
  height: 1080,
  frameRate: 60,
  bytes: 1920 * 1080 * 4,
} as const;

/** The camera of a rig that the cases of cameras read: NV12. */
export const CAMERA = {
  name: "bench",
  width: 1920,
  height: 1080,
  frameRate: 60,
  bytes: 1920 * 1080 * 3 / 2,
} as const;
