// A private X server without hardware: Xvfb.

import { readFileSync } from "node:fs";
import process from "node:process";
import { READY_TIMEOUT_MS } from "./audio_rig.ts";
import { ProcessGroup, type RigProcess } from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";

export interface X11RigOptions {
  /** Size and depth of the screen, as Xvfb takes it; "800x600x24" by default. */
  screen?: string;
  /** Extensions that the server is not to have. */
  without?: readonly string[];
}

/** Starts a private Xvfb and returns when it answers. */
export async function startX11Rig(options: X11RigOptions = {}): Promise<X11Rig> {
  const rig = new X11Rig(options);
  try {
    await rig.startServer();
  } catch (error) {
    await rig.stop();
    throw error;
  }
  return rig;
}

export class X11Rig implements AsyncDisposable {
  readonly group = new ProcessGroup("x11");
  /** The variables of a process that is to see this display; add them to its others. */
  readonly env: { DISPLAY: string } = { DISPLAY: "" };
  readonly #options: X11RigOptions;
  #server: RigProcess | undefined;
  #started = 0;

  constructor(options: X11RigOptions) {
    this.#options = options;
  }

  /** The private directory of this rig; it is gone after `stop`. */
  get directory(): string {
    return this.group.directory;
  }

  get serverPid(): number {
    if (this.#server === undefined) throw new Error("rig: there is no X server");
    return this.#server.pid;
  }

  /** Starts the server; the display's number may be another one than before. */
  async startServer(): Promise<void> {
    const { screen = "800x600x24", without = [] } = this.#options;
    const name = `xvfb-${++this.#started}`;
    const args = ["-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp", "-ac", "-noreset"];
    for (const extension of without) args.push("-extension", extension);
    const server = this.group.start(name, "Xvfb", args, { PATH: process.env.PATH });
    this.#server = server;
    // The number is written when clients can connect.
    const number = await waitUntil(
      () => {
        if (!server.isRunning()) {
          throw new Error(`rig: Xvfb ended at once:\n${this.group.logs()[name]}`);
        }
        return /^(\d+)\n/m.exec(readFileSync(`${this.directory}/log/${name}.log`, "utf8"))?.[1];
      },
      READY_TIMEOUT_MS,
      "the display's number",
    );
    this.env.DISPLAY = `:${number}`;
  }

  /** Ends the server at once, as a crash would. */
  async killServer(): Promise<void> {
    if (this.#server !== undefined) await this.group.end(this.#server, "SIGKILL");
  }

  /** SIGSTOP and SIGCONT: a server that hangs, and one that goes on. */
  signalServer(signal: "SIGSTOP" | "SIGCONT"): void {
    process.kill(this.serverPid, signal);
  }

  stop(): Promise<void> {
    return this.group.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
