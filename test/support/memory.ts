// What a process holds, from /proc; proc(5).

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessUsage {
  /** Resident memory in bytes. */
  residentBytes: number;
  /** The part of it that no file backs: heaps and stacks. */
  anonymousBytes: number;
  threads: number;
  /** Open file descriptors. */
  descriptors: number;
}

/** What this process holds, or another one of the same user. */
export function processUsage(pid: number | "self" = "self"): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    residentBytes: statusNumber(status, "VmRSS") * 1024,
    anonymousBytes: statusNumber(status, "RssAnon") * 1024,
    threads: statusNumber(status, "Threads"),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** What each open descriptor of a process is, for the message of a test that found one too many. */
export function descriptorNames(pid: number | "self" = "self"): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`];
    } catch {
      return []; // the descriptor with which the folder was read
    }
  });
}

/** The names of a process's threads. */
export function threadNames(pid: number | "self" = "self"): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${tid}/comm`, "utf8").trim()];
    } catch {
      return []; // ended meanwhile
    }
  });
}

/**
 * The slope of values taken at regular intervals, by least squares, per interval: what tells growth
 * from the ups and downs of a collected heap.
 */
export function trend(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  let covariance = 0;
  let variance = 0;
  for (const [i, value] of values.entries()) {
    covariance += (i - middle) * value;
    variance += (i - middle) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}

function statusNumber(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status);
  if (match === null) throw new Error(`no ${name} in /proc/PID/status`);
  return Number(match[1]);
}
