// A private PulseAudio: the real daemon, not PipeWire's.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Playback,
  READY_TIMEOUT_MS,
  RIG_SAMPLE_RATE,
  type VirtualMicrophone,
  type VirtualMicrophoneOptions,
} from "./audio_rig.ts";
import {
  channelMap,
  checkName,
  describe,
  loadModule,
  waitForAnswer,
  waitForSocket,
} from "./audio_rig.ts";
import { BaseRig } from "./base_rig.ts";
import { type RigProcess, runChecked, started } from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";
import { preparePulseDaemon, type PulseDaemon } from "./pulse_package.ts";

/** Starts a private PulseAudio daemon and returns when it answers. */
export async function startPulseRig(): Promise<PulseRig> {
  return await started(new PulseRig(await preparePulseDaemon()));
}

export class PulseRig extends BaseRig {
  readonly server = "pulse";
  readonly #daemon: PulseDaemon;
  #process: RigProcess | undefined;

  constructor(daemon: PulseDaemon) {
    super("pa");
    this.#daemon = daemon;
    this.daemonEnv.LD_LIBRARY_PATH = daemon.libraries;
    this.daemonEnv.PULSE_CONFIG = join(this.env.XDG_CONFIG_HOME, "pulse", "daemon.conf");
    mkdirSync(join(this.env.XDG_CONFIG_HOME, "pulse"));
    // Floating point at one rate all the way, so that no sample is rounded or resampled.
    writeFileSync(
      this.daemonEnv.PULSE_CONFIG,
      `default-sample-format = float32le
default-sample-rate = ${RIG_SAMPLE_RATE}
alternate-sample-rate = ${RIG_SAMPLE_RATE}
flat-volumes = no
exit-idle-time = -1
`,
    );
  }

  async startServer(): Promise<void> {
    const started = performance.now();
    const { executable, modules } = this.#daemon;
    const load = (module: string) => `--load=${module}`;
    this.#process = this.group.start("pulseaudio", executable, [
      "-n", // not the default script, which looks for hardware
      "--daemonize=no",
      `--dl-search-path=${modules}`,
      load("module-native-protocol-unix"),
      load(`module-null-sink sink_name=speaker rate=${RIG_SAMPLE_RATE} format=float32le`),
    ], this.daemonEnv);
    const socket = join(this.env.XDG_RUNTIME_DIR, "pulse", "native");
    await waitForSocket(this.group, this.#process, socket);
    await waitForAnswer(this.env);
    this.readyMs = performance.now() - started;
  }

  async killServer(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#process !== undefined) await this.group.end(this.#process, signal);
    for (const name of ["native", "pid"]) {
      rmSync(join(this.env.XDG_RUNTIME_DIR, "pulse", name), { force: true });
    }
    this.microphones.clear();
  }

  protected async loadMicrophone(options: Required<VirtualMicrophoneOptions>): Promise<string[]> {
    const { channels, description } = options;
    const name = checkName(options.name);
    const map = channelMap(channels);
    // Without norewinds a null sink renders up to two seconds ahead and takes that back when a
    // recorder with a lower latency joins, which its monitor hears as a jump; module-null-sink.c.
    const sink = await loadModule(this.env, [
      "module-null-sink",
      `sink_name=${name}_feed`,
      `rate=${RIG_SAMPLE_RATE}`,
      "format=float32le",
      `channels=${channels}`,
      `channel_map=${map}`,
      "norewinds=true",
      describe("sink_properties", `${description} feed`),
    ]);
    // A source that is no monitor, as a real microphone is none: clients list monitors apart.
    const source = await loadModule(this.env, [
      "module-remap-source",
      `source_name=${name}`,
      `master=${name}_feed.monitor`,
      `channels=${channels}`,
      `channel_map=${map}`,
      `master_channel_map=${map}`,
      "remix=no",
      describe("source_properties", description),
    ]);
    return [sink, source];
  }

  protected async startPlayer(
    name: string,
    microphone: VirtualMicrophone,
    path: string,
    channels: number,
  ): Promise<Playback> {
    // A plain WAV file does not say which channel is where: say it, so that nothing is remixed.
    const map = `--channel-map=${channelMap(channels)}`;
    const args = [`--device=${microphone.name}_feed`, map, path];
    const player = this.group.start(name, "paplay", args, this.env);
    await waitUntil(
      async () => {
        if (!player.isRunning()) {
          throw new Error(`rig: ${name} ended at once: ${this.logs()[name]}`);
        }
        const json = await runChecked("pactl", ["-f", "json", "list", "sink-inputs"], this.env);
        const inputs = JSON.parse(json) as SinkInput[];
        return inputs.some(({ corked, properties }) =>
          !corked && properties["application.process.id"] === String(player.pid)
        );
      },
      READY_TIMEOUT_MS,
      `stream of ${name}`,
    );
    return this.playback(player);
  }
}

/** What `pactl` says of a playing stream. */
interface SinkInput {
  corked: boolean;
  properties: Record<string, string>;
}
