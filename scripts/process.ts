/** Child processes: run one, keep its output, fail with the part of it that a person needs. */

import { CACHE, ROOT } from "./paths.ts";
import { dirname, join } from "./path.ts";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Appends the whole output to this file. */
  readonly log?: string;
  /** Returns instead of throwing when the exit status is not zero. */
  readonly allowFailure?: boolean;
  /** Ends the child, and whatever it started, after this many milliseconds. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly code: number;
  /** Standard output and standard error, in the order they came. */
  readonly output: string;
}

/** A command that failed; `output` is all it printed. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(readonly command: string, readonly reason: string, readonly output: string) {
    super(`${command}: ${reason}`);
  }
}

/** Runs a command without a shell and without input. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const name = command === Deno.execPath() ? "deno" : command;
  const shown = [name, ...args].join(" ").replaceAll(`${ROOT}/`, "");
  const log = options.log === undefined ? undefined : await openLog(options.log);
  await log?.write(new TextEncoder().encode(`$ ${shown}\n`));
  let timedOut = false;
  try {
    const child = spawn(command, args, options);
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, options.timeoutMs);
    const chunks: Uint8Array[] = [];
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream) {
        chunks.push(chunk);
        await log?.write(chunk);
      }
    };
    const [status] = await Promise.all([
      child.status,
      collect(child.stdout),
      collect(child.stderr),
    ]);
    clearTimeout(timer);
    const output = await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).text();
    if (timedOut) {
      throw new CommandError(shown, `no end after ${(options.timeoutMs ?? 0) / 1000} s`, output);
    }
    if (!status.success && options.allowFailure !== true) {
      throw new CommandError(shown, `exit status ${status.code}`, output);
    }
    return { code: status.code, output };
  } finally {
    log?.close();
  }
}

/** True when the command exists and ends with status 0. */
export async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return (await tryRun(command, args))?.code === 0;
}

/** The result of a command, or null when there is no such command. */
export async function tryRun(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult | null> {
  try {
    return await run(command, args, { ...options, allowFailure: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function spawn(command: string, args: readonly string[], options: RunOptions) {
  return new Deno.Command(command, {
    args: [...args],
    cwd: options.cwd ?? ROOT,
    env: { LC_ALL: "C.UTF-8", NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // A group of its own, so that a timeout ends what the child started too.
    detached: options.timeoutMs !== undefined && Deno.build.os !== "windows",
  }).spawn();
}

function killGroup(pid: number): void {
  try {
    Deno.kill(Deno.build.os === "windows" ? pid : -pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function openLog(path: string): Promise<Deno.FsFile> {
  await Deno.mkdir(dirname(path), { recursive: true });
  return await Deno.open(path, { create: true, append: true });
}

/** What an interrupted run left is removed after this long: by then nothing uses it. */
const SCRATCH_LIFE_MS = 60 * 60 * 1000;

/** A fresh scratch folder inside the cache, so that a later rename stays on one file system. */
export async function scratchFolder(name: string): Promise<string> {
  const parent = join(CACHE, "partial");
  await Deno.mkdir(parent, { recursive: true });
  await removeOld(parent);
  return await Deno.makeTempDir({ dir: parent, prefix: `${name}-` });
}

async function removeOld(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    try {
      const modified = (await Deno.stat(path)).mtime?.getTime() ?? 0;
      if (Date.now() - modified > SCRATCH_LIFE_MS) await Deno.remove(path, { recursive: true });
    } catch (error) {
      // Another run has just moved or removed it.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
