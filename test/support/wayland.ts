// A desktop of headless mutter, and programs of known pixels on it, for tests.

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Rectangle } from "../../src/mod.ts";
import type { Picture } from "./screen_capture.ts";

const PYTHON = "/usr/bin/python3";

/** A program of scripts/rig/portal that takes lines and answers each of them. */
class Lines implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting: PromiseWithResolvers<string>[] = [];
  readonly #name: string;
  #text = "";

  protected constructor(name: string, env: Record<string, string>) {
    this.#name = name;
    const path = fileURLToPath(new URL(`../../scripts/rig/portal/${name}`, import.meta.url));
    this.#child = spawn(PYTHON, [path], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#exited = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.stdout?.setEncoding("utf8");
    this.#child.stdout?.on("data", (text: string) => {
      this.#text += text;
      for (let end = this.#text.indexOf("\n"); end >= 0; end = this.#text.indexOf("\n")) {
        this.#waiting.shift()?.resolve(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 1);
      }
    });
    void this.#exited.then(() => {
      for (const { reject } of this.#waiting) reject(new Error(`${name} ended`));
    });
  }

  protected reply(): Promise<string> {
    const waiting = Promise.withResolvers<string>();
    this.#waiting.push(waiting);
    if (this.#child.exitCode !== null) waiting.reject(new Error(`${this.#name} ended`));
    return waiting.promise;
  }

  protected ask(line: string): Promise<string> {
    const reply = this.reply();
    this.#child.stdin?.write(`${line}\n`);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}

/** The pointer over the windows of `wayland_client.py`. */
export const CURSOR = { width: 24, height: 16, hotspotX: 5, hotspotY: 3, color: 0x204060 };

/** A program with windows: `wayland_client.py`. */
export class WaylandClient extends Lines {
  readonly #directory: string;
  #files = 0;

  private constructor(env: Record<string, string>, directory: string) {
    super("wayland_client.py", env);
    this.#directory = directory;
  }

  static async start(env: Record<string, string>, directory: string): Promise<WaylandClient> {
    const client = new WaylandClient(env, directory);
    await client.reply();
    return client;
  }

  /** Maps a window that shows a picture, fullscreen on the monitor of that number if given. */
  async window(name: string, picture: Picture, monitor?: number): Promise<void> {
    await this.ask(`window ${name} ${this.#pixels(picture)} ${monitor ?? ""}`);
  }

  /** Another picture; of another size it resizes the window. */
  async paint(name: string, picture: Picture): Promise<void> {
    await this.ask(`paint ${name} ${this.#pixels(picture)}`);
  }

  async fill(name: string, { x, y, width, height }: Rectangle, value: number): Promise<void> {
    await this.ask(`fill ${name} ${x} ${y} ${width} ${height} ${value.toString(16)}`);
  }

  async close(name: string): Promise<void> {
    await this.ask(`close ${name}`);
  }

  #pixels({ width, height, words }: Picture): string {
    const file = join(this.#directory, `pixels-${++this.#files}`);
    writeFileSync(file, new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
    return `${width} ${height} ${file}`;
  }
}

/** The mouse: `pointer.py`. */
export class Pointer extends Lines {
  private constructor(env: Record<string, string>) {
    super("pointer.py", env);
  }

  static async start(env: Record<string, string>): Promise<Pointer> {
    const pointer = new Pointer(env);
    await pointer.reply();
    return pointer;
  }

  async move(x: number, y: number): Promise<void> {
    await this.ask(`${x} ${y}`);
  }
}
