// The processes of one rig: each is started in its own session with its output in a log file, its
// pid is recorded, and a guard ends all of them when the rig stops or its owner dies.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { signalIfThere } from "./signals.ts";

/** Variables for a child process: a value of `undefined` removes the variable. */
export type Environment = Record<string, string | undefined>;

/** One process that the rig started. */
export interface RigProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended, however it ended. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** True until the process has ended. */
  isRunning(): boolean;
}

/** A rig whose server answers; of one that does not nothing stays. */
export async function started<Rig extends { startServer(): Promise<void>; stop(): Promise<void> }>(
  rig: Rig,
): Promise<Rig> {
  try {
    await rig.startServer();
  } catch (error) {
    await rig.stop();
    throw error;
  }
  return rig;
}

/** What a short command printed, and how it ended. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a short command to its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  env: Environment,
  timeoutMs = 10_000,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const options = { env: withoutUndefined(env), timeout: timeoutMs, maxBuffer: 1 << 26 };
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`rig: ${command}: ${error.message}`));
    });
  });
}

/** Runs a short command; an error with its output when it does not succeed. */
export async function runChecked(
  command: string,
  args: readonly string[],
  env: Environment,
  timeoutMs = 10_000,
): Promise<string> {
  const result = await runCommand(command, args, env, timeoutMs);
  if (result.code !== 0) {
    const output = (result.stderr + result.stdout).trim();
    throw new Error(`rig: ${command} ${args.join(" ")}: exit code ${result.code}: ${output}`);
  }
  return result.stdout;
}

/** The variables that are set, as `node:child_process` wants them. */
export function withoutUndefined(env: Environment): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) result[name] = value;
  return result;
}

/** A private directory, the processes that live in it, and the guard that ends both. */
export class ProcessGroup {
  /** Absolute path of the private directory. */
  readonly directory: string;
  readonly #token = randomUUID();
  readonly #guard: ChildProcess;
  readonly #guardExited: Promise<void>;
  readonly #processes: RigProcess[] = [];

  /** `label` becomes part of the directory's name. */
  constructor(label: string) {
    this.directory = mkdtempSync(join(tmpdir(), `miniav-${label}-`));
    // 108 bytes with the closing NUL is what a Unix socket's address holds, unix(7).
    if (this.directory.length > 80) {
      throw new Error(`rig: ${this.directory} is too long for sockets; set TMPDIR to a short path`);
    }
    mkdirSync(join(this.directory, "log"));
    appendFileSync(join(this.directory, "pids"), "");
    const script = fileURLToPath(new URL("./guard.sh", import.meta.url));
    this.#guard = spawn("/bin/sh", [script, this.directory, this.#token], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#guardExited = new Promise((resolve) => this.#guard.once("exit", () => resolve()));
    // Neither the guard nor a daemon keeps the owner alive: a rig that was not stopped must not turn
    // a finished test into a hang.
    this.#guard.unref();
    unrefStream(this.#guard.stdin);
  }

  /** Starts a process in its own session; its output goes to `log/NAME.log`. */
  start(
    name: string,
    command: string,
    args: readonly string[],
    env: Environment,
    input: "ignore" | "pipe" = "ignore",
  ): RigProcess & { readonly child: ChildProcess } {
    const log = openSync(this.#logPath(name), "a");
    let child: ChildProcess;
    try {
      child = spawn(command, [...args], {
        env: { ...withoutUndefined(env), MINIAV_RIG_TOKEN: this.#token },
        stdio: [input, log, log],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    const pid = child.pid;
    if (pid === undefined) {
      child.on("error", () => {});
      throw new Error(`rig: cannot start ${command}: is it installed?`);
    }
    let running = true;
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once("exit", (code, signal) => {
        running = false;
        resolve({ code, signal });
      });
    });
    child.unref();
    appendFileSync(join(this.directory, "pids"), `${pid} ${startTime(pid)} ${name}\n`);
    const entry = { name, pid, exited, child, isRunning: () => running };
    this.#processes.push(entry);
    return entry;
  }

  /** The processes that still run, by name; of two with one name the later. */
  pids(): Record<string, number> {
    const result: Record<string, number> = {};
    for (const entry of this.#processes) if (entry.isRunning()) result[entry.name] = entry.pid;
    return result;
  }

  /** What the processes have printed so far, by name. */
  logs(): Record<string, string> {
    const result: Record<string, string> = {};
    for (const { name } of this.#processes) {
      try {
        result[name] = readFileSync(this.#logPath(name), "utf8");
      } catch {
        result[name] = ""; // the directory is gone: the rig was stopped
      }
    }
    return result;
  }

  /** Ends one process with `signal`, with SIGKILL if it is still there a second later. */
  async end(entry: RigProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!entry.isRunning()) return;
    signalIfThere(entry.pid, signal);
    const timer = setTimeout(() => {
      if (entry.isRunning()) signalIfThere(entry.pid, "SIGKILL");
    }, 1000);
    // The child is unref'd: the timer is what keeps the owner alive until it has ended.
    await entry.exited;
    clearTimeout(timer);
  }

  /** Ends everything and removes the directory. Safe to call twice. */
  async stop(): Promise<void> {
    this.#guard.ref();
    this.#guard.stdin?.end();
    await this.#guardExited;
  }

  #logPath(name: string): string {
    return join(this.directory, "log", `${name}.log`);
  }
}

/** The start time of a process in clock ticks, which with its pid names it for good; proc(5). */
function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces; what follows it begins with field 3.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3] ?? "";
}

/** `unref` of the socket behind a pipe, which the type of a stream does not show. */
function unrefStream(stream: unknown): void {
  if (typeof stream !== "object" || stream === null) return;
  if ("unref" in stream && typeof stream.unref === "function") stream.unref();
}
