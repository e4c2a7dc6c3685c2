// X servers and windows of known pixels, for tests.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { cProgram } from "./c_program.ts";

export { startX11Rig, X11Rig, type X11RigOptions } from "../../scripts/rig/x11_rig.ts";

/** Why tests on a real X server cannot run here, as `skip` of a test takes it. In CI never. */
export function x11SkipReason(programs: readonly string[] = ["Xvfb"]): string | false {
  if (process.platform !== "linux") return "the rig of X servers runs on Linux";
  if (process.env.CI) return false;
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
}

/** The same for Xorg, which only root may start without a console. */
export function xorgSkipReason(): string | false {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !process.env.CI) return "Xorg needs root";
  return x11SkipReason(["Xorg", "xrandr"]);
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** `test/os/x11_client.c`: a program with windows, by commands. */
export class X11Client implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting: ((line: Record<string, unknown>) => void)[] = [];
  #text = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#exited = new Promise((resolve) => child.once("exit", () => resolve()));
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (text: string) => {
      this.#text += text;
      for (let end = this.#text.indexOf("\n"); end >= 0; end = this.#text.indexOf("\n")) {
        const line = JSON.parse(this.#text.slice(0, end)) as Record<string, unknown>;
        this.#text = this.#text.slice(end + 1);
        this.#waiting.shift()?.(line);
      }
    });
    void this.#exited.then(() => {
      for (const resolve of this.#waiting) resolve({ failed: "ended" });
    });
  }

  /** Starts it; a `companion` command line of the shell runs as its child, such as a player. */
  static async start(env: Record<string, string>, companion?: string): Promise<X11Client> {
    const program = cProgram("x11_client");
    const args = companion === undefined
      ? ["-c", 'exec "$0"', program]
      : ["-c", `${companion} >/dev/null 2>&1 </dev/null & exec "$0"`, program];
    const child = spawn("/bin/sh", args, {
      env,
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    const client = new X11Client(child);
    await client.#reply();
    return client;
  }

  async #reply(): Promise<Record<string, unknown>> {
    const line = await new Promise<Record<string, unknown>>((resolve) => {
      this.#waiting.push(resolve);
    });
    if ("failed" in line) throw new Error(`x11_client: ${JSON.stringify(line)}`);
    return line;
  }

  /** Runs a command; the time when the server had done it, on the clock of frames. */
  async run(command: string): Promise<number> {
    const reply = this.#reply();
    this.#child.stdin?.write(`${command}\n`);
    return (await reply).time as number;
  }

  /** Makes and maps a window with a pattern; its XID. */
  async window(
    name: string,
    place: { x: number; y: number; width: number; height: number; seed: number },
  ): Promise<number> {
    const reply = this.#reply();
    const { x, y, width, height, seed } = place;
    this.#child.stdin?.write(`window ${name} ${x} ${y} ${width} ${height} ${seed}\n`);
    return (await reply).window as number;
  }

  /** Ends it, and its companion with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // both have ended
    }
    await this.#exited;
  }
}
