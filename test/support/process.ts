// Child processes for tests, in the runtime that the test itself runs in.

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { signalIfThere } from "../../scripts/rig/signals.ts";

export type Runtime = "deno" | "bun";

/** The runtime that this code runs in. */
export const runtime: Runtime = process.versions.bun === undefined ? "deno" : "bun";

export interface ScriptOptions {
  /** Arguments for the script. */
  args?: readonly string[];
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** Use `env` alone, not added to this process's environment. */
  clearEnv?: boolean;
  cwd?: string;
  /** Ends the child with SIGKILL; 30 s by default. */
  timeoutMs?: number;
  /** Deno's permission flags; `-A` by default. Bun has none. */
  permissions?: readonly string[];
  /** Further flags for the runtime, such as `--v8-flags=--expose-gc`. */
  runtimeArgs?: readonly string[];
}

export interface ScriptResult {
  /** The exit code, or null after a signal. */
  code: number | null;
  /** The signal that ended it, or null. */
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** True when it was killed because its time was over. */
  timedOut: boolean;
  elapsedMs: number;
}

/** A script that runs in a child process. */
export interface RunningScript {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<ScriptResult>;
  /** Resolves with the line when the child prints one that contains `text`; rejects when it ends. */
  waitForLine(text: string): Promise<string>;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

/** The executable of the current runtime, and the arguments that run `script` with it. */
export function runtimeCommand(
  script: string | URL,
  options: Pick<ScriptOptions, "args" | "permissions" | "runtimeArgs"> = {},
): { command: string; args: string[] } {
  const { args = [], permissions = ["-A"], runtimeArgs = [] } = options;
  const path = typeof script === "string" ? script : fileURLToPath(script);
  if (runtime === "bun") {
    return { command: process.execPath, args: ["run", ...runtimeArgs, path, ...args] };
  }
  const flags = ["--quiet", ...permissions, ...runtimeArgs, path, ...args];
  if (permissions.includes("-A")) return { command: process.execPath, args: ["run", ...flags] };
  // Deno's node:child_process adds -A where it sees its own path and "run" among the arguments.
  const quoted = process.execPath.replaceAll("'", "'\\''");
  return { command: "/bin/sh", args: ["-c", `exec '${quoted}' run "$@"`, "deno", ...flags] };
}

/** Starts a script in the current runtime. */
export function startScript(script: string | URL, options: ScriptOptions = {}): RunningScript {
  const { command, args } = runtimeCommand(script, options);
  return startProgram(command, args, options);
}

/** Runs a script in the current runtime to its end. */
export function runScript(
  script: string | URL,
  options: ScriptOptions = {},
): Promise<ScriptResult> {
  return startScript(script, options).ended;
}

/** Runs any program to its end. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ScriptOptions = {},
): Promise<ScriptResult> {
  return startProgram(command, args, options).ended;
}

/** Starts any program. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: ScriptOptions = {},
): RunningScript {
  const started = performance.now();
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: environment(options),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => {
      output[name] += text;
      for (const watcher of watchers) watcher();
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    sendSignal(child, "SIGKILL");
  }, options.timeoutMs ?? 30_000);
  const ended = new Promise<ScriptResult>((resolve, reject) => {
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    // "close" comes after the streams have ended, "exit" may come before.
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const elapsedMs = performance.now() - started;
      resolve({ code, signal, ...output, timedOut, elapsedMs });
    });
  });
  return {
    child,
    pid: child.pid ?? 0,
    ended,
    waitForLine: (text) => waitForLine(text, output, watchers, ended),
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill: (signal) => sendSignal(child, signal),
  };
}

/**
 * Not `child.kill()`: under Deno the child then counts as ended by that signal, however it ended.
 */
function sendSignal(child: ChildProcess, signal: NodeJS.Signals): void {
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  if (!hasEnded) signalIfThere(child.pid, signal);
}

/** How a child ended and what it printed, in one text for an assertion's message. */
export function describeResult(result: ScriptResult): string {
  const how = result.timedOut
    ? "killed because its time was over"
    : `exit code ${result.code}, signal ${result.signal}`;
  return `${how}\n--- stdout\n${result.stdout}\n--- stderr\n${result.stderr}`;
}

function waitForLine(
  text: string,
  output: { readonly stdout: string },
  watchers: Set<() => void>,
  ended: Promise<ScriptResult>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      // Only whole lines: what follows the last newline may still grow.
      const lines = output.stdout.split("\n").slice(0, -1);
      const line = lines.find((line) => line.includes(text));
      if (line === undefined) return false;
      watchers.delete(look);
      resolve(line);
      return true;
    };
    if (look()) return;
    watchers.add(look);
    ended.then((result) => {
      if (!look()) {
        reject(new Error(`ended before it printed "${text}": ${describeResult(result)}`));
      }
    }, reject);
  });
}

function environment(options: ScriptOptions): Record<string, string> {
  const all = options.clearEnv ? { ...options.env } : { ...process.env, ...options.env };
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined) result[name] = value;
  return result;
}
