// What both rigs do in the same way; each adds how its server starts and how a sound reaches it.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { readWavFile, writeWavFile } from "../../test/support/wav.ts";
import {
  type AudioRig,
  daemonEnvironment,
  type Playback,
  privateEnvironment,
  READY_TIMEOUT_MS,
  RIG_SAMPLE_RATE,
  type RigEnvironment,
  type Sound,
  sourceNames,
  type VirtualMicrophone,
  type VirtualMicrophoneOptions,
} from "./audio_rig.ts";
import { type Environment, ProcessGroup, type RigProcess, runChecked } from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";

export abstract class BaseRig implements AudioRig {
  abstract readonly server: "pipewire" | "pulse";
  readonly env: RigEnvironment;
  readyMs = 0;
  protected readonly group: ProcessGroup;
  protected readonly daemonEnv: Environment;
  protected readonly microphones = new Map<
    string,
    { microphone: VirtualMicrophone; modules: string[] }
  >();
  #sounds = 0;

  constructor(label: string) {
    this.group = new ProcessGroup(label);
    this.env = privateEnvironment(this.group.directory);
    this.daemonEnv = daemonEnvironment(this.group.directory, this.env);
  }

  abstract startServer(): Promise<void>;
  abstract killServer(signal?: NodeJS.Signals): Promise<void>;
  /** Loads what makes a microphone; returns the modules in the order of loading. */
  protected abstract loadMicrophone(options: Required<VirtualMicrophoneOptions>): Promise<string[]>;
  /** Starts a player of a WAV file of `channels`; returns when the microphone hears it. */
  protected abstract startPlayer(
    name: string,
    microphone: VirtualMicrophone,
    path: string,
    channels: number,
  ): Promise<Playback>;

  get directory(): string {
    return this.group.directory;
  }

  pids(): Record<string, number> {
    return this.group.pids();
  }

  logs(): Record<string, string> {
    return this.group.logs();
  }

  stop(): Promise<void> {
    return this.group.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async restartServer(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.killServer(signal);
    await this.startServer();
  }

  async createVirtualMicrophone(options: VirtualMicrophoneOptions): Promise<VirtualMicrophone> {
    const { name, channels = 2, description = name } = options;
    if (this.microphones.has(name)) throw new Error(`rig: microphone ${name} exists already`);
    const modules = await this.loadMicrophone({ name, channels, description });
    const remove = () => this.removeVirtualMicrophone(name);
    const microphone = { name, channels, remove };
    this.microphones.set(name, { microphone, modules });
    await waitUntil(
      async () => (await sourceNames(this.env)).includes(name),
      READY_TIMEOUT_MS,
      `source ${name}`,
    );
    return microphone;
  }

  async removeVirtualMicrophone(name: string): Promise<void> {
    const { modules } = this.#entry(name);
    this.microphones.delete(name);
    for (const index of modules.toReversed()) {
      await runChecked("pactl", ["unload-module", index], this.env);
    }
    await waitUntil(
      async () => !(await sourceNames(this.env)).includes(name),
      READY_TIMEOUT_MS,
      `end of ${name}`,
    );
  }

  async setDefaultSource(name: string): Promise<void> {
    await runChecked("pactl", ["set-default-source", name], this.env);
    await waitUntil(
      async () => {
        return (await runChecked("pactl", ["get-default-source"], this.env)).trim() === name;
      },
      READY_TIMEOUT_MS,
      `default source ${name}`,
    );
  }

  async playInto(name: string, sound: Sound): Promise<Playback> {
    const { microphone } = this.#entry(name);
    const player = `player-${++this.#sounds}`;
    if (typeof sound === "string") {
      const { channelCount } = readWavFile(sound);
      return await this.startPlayer(player, microphone, sound, channelCount);
    }
    const path = join(this.directory, `${player}.wav`);
    const { seconds, channels = microphone.channels, sample } = sound;
    const frames = Math.round(seconds * RIG_SAMPLE_RATE);
    writeWavFile(path, { sampleRate: RIG_SAMPLE_RATE, channels, frames, format: "f32", sample });
    const playback = await this.startPlayer(player, microphone, path, channels);
    void playback.ended.then(() => rmSync(path, { force: true }));
    return playback;
  }

  protected playback(player: RigProcess): Playback {
    const ended = player.exited.then(() => {});
    return { pid: player.pid, ended, stop: () => this.group.end(player) };
  }

  #entry(name: string): { microphone: VirtualMicrophone; modules: string[] } {
    const entry = this.microphones.get(name);
    if (entry === undefined) throw new Error(`rig: no microphone ${name}`);
    return entry;
  }
}
