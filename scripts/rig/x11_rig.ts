// A private X server without hardware: Xvfb, or Xorg with its dummy driver, which has outputs to plug
// in (xrandr) and tells when the pointer's picture changes.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { READY_TIMEOUT_MS } from "./audio_rig.ts";
import { ProcessGroup, type RigProcess, runChecked, started } from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";

export interface X11RigOptions {
  /** "Xvfb" by default. */
  server?: "Xvfb" | "Xorg";
  /** Size and depth of the screen, as Xvfb takes it; "800x600x24" by default. Xorg: a usual size. */
  screen?: string;
  /** Extensions that the server is not to have. */
  without?: readonly string[];
  /** It begins anew whenever its last client goes, as it does by default. */
  resets?: boolean;
}

/** Starts a private X server and returns when it answers. */
export async function startX11Rig(options: X11RigOptions = {}): Promise<X11Rig> {
  return await started(new X11Rig(options));
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
    const { server: program = "Xvfb", screen = "800x600x24", without = [], resets = false } =
      this.#options;
    const name = `${program.toLowerCase()}-${++this.#started}`;
    const args = ["-displayfd", "1", "-nolisten", "tcp", "-ac"];
    if (!resets) args.push("-noreset");
    args.push(...(program === "Xvfb" ? ["-screen", "0", screen] : this.#xorgArguments(screen)));
    for (const extension of without) args.push("-extension", extension);
    const server = this.group.start(name, program, args, { PATH: process.env.PATH });
    this.#server = server;
    // The number is written when clients can connect.
    const number = await waitUntil(
      () => {
        if (!server.isRunning()) {
          throw new Error(`rig: ${program} ended at once:\n${this.group.logs()[name]}`);
        }
        return /^(\d+)\n/m.exec(readFileSync(`${this.directory}/log/${name}.log`, "utf8"))?.[1];
      },
      READY_TIMEOUT_MS,
      "the display's number",
    );
    this.env.DISPLAY = `:${number}`;
  }

  /** No console is taken, no device opened. xorg.conf(5), Xorg(1), dummy(4). */
  #xorgArguments(screen: string): string[] {
    const config = join(this.directory, "xorg.conf");
    const [width, height, depth] = screen.split("x");
    writeFileSync(config, xorgConfig(`${width}x${height}`, depth ?? "24"));
    const log = join(this.directory, "log", "xorg.log");
    return ["-config", config, "-logfile", log, "-novtswitch", "-sharevts"];
  }

  /** Plugs outputs in and out, and sets their modes: xrandr(1). */
  async xrandr(...args: string[]): Promise<void> {
    await runChecked("xrandr", args, { PATH: process.env.PATH, ...this.env });
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

function xorgConfig(mode: string, depth: string): string {
  return `Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoEnableDevices" "false"
  Option "AutoAddGPU" "false"
EndSection
Section "Device"
  Identifier "device"
  Driver "dummy"
  VideoRam 65536
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "screen"
  Device "device"
  Monitor "monitor"
  DefaultDepth ${depth}
  SubSection "Display"
    Depth ${depth}
    Modes "${mode}"
    Virtual 2048 1200
  EndSubSection
EndSection
`;
}
