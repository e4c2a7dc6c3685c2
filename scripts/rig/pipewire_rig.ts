// A private PipeWire: dbus-daemon, pipewire, wireplumber, pipewire-pulse.

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { BaseRig } from "./base_rig.ts";
import {
  type Playback,
  READY_TIMEOUT_MS,
  RIG_SAMPLE_RATE,
  type VirtualMicrophone,
  type VirtualMicrophoneOptions,
} from "./audio_rig.ts";
import {
  busWithoutServices,
  channelMap,
  checkName,
  describe,
  loadModule,
  waitForAnswer,
  waitForSocket,
} from "./audio_rig.ts";
import { type RigProcess, runChecked, runCommand, started } from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";

export interface PipeWireRigOptions {
  /** Frames per cycle of the graph; 1024 by default. */
  quantum?: number;
  /** Lets WirePlumber open this machine's own sound cards and cameras; false by default. */
  hardware?: boolean;
  /** Whether the bus starts the services that the system has; true by default. */
  services?: boolean;
}

/** Starts a private PipeWire and returns when its session manager and its PulseAudio server answer. */
export async function startPipeWireRig(options: PipeWireRigOptions = {}): Promise<PipeWireRig> {
  makeSystemdDirectories();
  return await started(new PipeWireRig(options));
}

export class PipeWireRig extends BaseRig {
  readonly server = "pipewire";
  #dbus: RigProcess | undefined;
  #pipewire: RigProcess | undefined;
  #wireplumber: RigProcess | undefined;
  #pulse: RigProcess | undefined;
  readonly #services: boolean;

  constructor(options: PipeWireRigOptions) {
    super("pw");
    this.#services = options.services ?? true;
    this.env.PIPEWIRE_RUNTIME_DIR = this.env.XDG_RUNTIME_DIR;
    this.daemonEnv.PIPEWIRE_RUNTIME_DIR = this.env.XDG_RUNTIME_DIR;
    writeConfiguration(this.env.XDG_CONFIG_HOME, options);
  }

  async startServer(): Promise<void> {
    const started = performance.now();
    const { group, daemonEnv } = this;
    const runtime = this.env.XDG_RUNTIME_DIR;
    if (this.#dbus === undefined) {
      const address = `--address=${this.env.DBUS_SESSION_BUS_ADDRESS}`;
      const args = this.#services
        ? ["--session", "--nofork", "--nopidfile", address]
        : busWithoutServices(group.directory, this.env);
      this.#dbus = group.start("dbus", "dbus-daemon", args, daemonEnv);
      await waitForSocket(group, this.#dbus, join(runtime, "bus"));
    }
    this.#pipewire = group.start("pipewire", "pipewire", [], daemonEnv);
    await waitForSocket(group, this.#pipewire, join(runtime, "pipewire-0"));
    this.#wireplumber = group.start("wireplumber", "wireplumber", [], daemonEnv);
    this.#pulse = group.start("pipewire-pulse", "pipewire-pulse", [], daemonEnv);
    await waitForSocket(group, this.#pulse, join(runtime, "pulse", "native"));
    // The sockets exist before anyone answers. The session manager is there once its metadata is.
    await waitUntil(
      async () => {
        const { stdout } = await runCommand("pw-cli", ["ls", "Metadata"], this.env);
        return stdout.includes('metadata.name = "default"');
      },
      READY_TIMEOUT_MS,
      () => `WirePlumber's default metadata\n${group.logs()["wireplumber"] ?? ""}`,
    );
    await waitForAnswer(this.env);
    this.readyMs = performance.now() - started;
  }

  async killServer(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    // WirePlumber ends by itself when PipeWire is gone, pipewire-pulse does not.
    if (this.#pipewire !== undefined) await this.group.end(this.#pipewire, signal);
    if (this.#wireplumber !== undefined) await this.group.end(this.#wireplumber);
    if (this.#pulse !== undefined) await this.group.end(this.#pulse);
    for (const name of ["pipewire-0", "pipewire-0.lock", "pulse/native", "pulse/pid"]) {
      rmSync(join(this.env.XDG_RUNTIME_DIR, name), { force: true });
    }
    this.microphones.clear();
  }

  /** `restartServer` by its older name. */
  restartPipeWire(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    return this.restartServer(signal);
  }

  protected async loadMicrophone(options: Required<VirtualMicrophoneOptions>): Promise<string[]> {
    // A null sink of this class shows as a source, and has input ports for whoever plays into it.
    return [
      await loadModule(this.env, [
        "module-null-sink",
        "media.class=Audio/Source/Virtual",
        `sink_name=${checkName(options.name)}`,
        `rate=${RIG_SAMPLE_RATE}`,
        `channels=${options.channels}`,
        `channel_map=${channelMap(options.channels)}`,
        describe("sink_properties", options.description),
      ]),
    ];
  }

  protected async startPlayer(
    name: string,
    microphone: VirtualMicrophone,
    path: string,
    channels: number,
  ): Promise<Playback> {
    // Nobody but us links it (target 0): WirePlumber would send it to the speaker, because a virtual
    // source is not a target for playback.
    const properties = `{ node.name = "${name}" node.dont-reconnect = true }`;
    const args = ["--target", "0", "-P", properties, path];
    const player = this.group.start(name, "pw-play", args, this.env);
    try {
      await this.#link(player, microphone, channels);
    } catch (error) {
      await this.group.end(player);
      throw new Error(`${this.logs()[name]}`, { cause: error });
    }
    return this.playback(player);
  }

  async #link(
    player: RigProcess,
    microphone: VirtualMicrophone,
    channels: number,
  ): Promise<void> {
    let outputs: string[] = [];
    await waitUntil(
      async () => {
        if (!player.isRunning()) throw new Error(`rig: ${player.name} ended at once`);
        outputs = await this.#ports("-o", player.name);
        return outputs.length === channels;
      },
      READY_TIMEOUT_MS,
      `ports of ${player.name}`,
    );
    const inputs = await this.#ports("-i", microphone.name);
    for (const [i, input] of inputs.entries()) {
      // A mono sound goes to every channel.
      const output = outputs[Math.min(i, channels - 1)];
      if (output === undefined) throw new Error(`rig: ${player.name} has no ports`);
      await runChecked("pw-link", [output, input], this.env);
    }
    await waitUntil(
      async () => {
        const objects = JSON.parse(await runChecked("pw-dump", [], this.env)) as GraphObject[];
        const node = objects.find(({ info }) => info?.props?.["node.name"] === player.name);
        const links = objects.filter(({ info }) => info?.["output-node-id"] === node?.id);
        return links.length === inputs.length &&
          links.every(({ info }) => info?.state === "active");
      },
      READY_TIMEOUT_MS,
      `links of ${player.name}`,
    );
  }

  /** Full names of a node's ports in the order of its channels. */
  async #ports(direction: "-i" | "-o", node: string): Promise<string[]> {
    const list = await runChecked("pw-link", [direction], this.env);
    return list.split("\n").map((line) => line.trim()).filter((line) =>
      line.startsWith(`${node}:`)
    );
  }
}

/** What `pw-dump` says of a node, a link or something else. */
interface GraphObject {
  id: number;
  info?: {
    props?: Record<string, string | number | boolean>;
    /** Of a link only. */
    "output-node-id"?: number;
    state?: string;
  } | null;
}

/**
 * WirePlumber asks logind for seats through these directories. Where one is missing its metadata
 * takes over a minute to appear.
 */
function makeSystemdDirectories(): void {
  const paths = ["seats", "sessions", "users", "machines"].map((name) => `/run/systemd/${name}`);
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `rig: WirePlumber needs ${missing.join(", ")}: run once, as root: mkdir -p ${
        missing.join(" ")
      }`,
    );
  }
  for (const path of missing) mkdirSync(path, { recursive: true });
}

function writeConfiguration(config: string, options: PipeWireRigOptions): void {
  const quantum = options.quantum ?? 1024;
  // One rate, so that nothing is ever resampled: a sample played is the sample captured. One
  // quantum, so that the graph does not change its period, with a jump in the sound, when a client
  // with another latency joins; 1024 frames (21 ms) leave room to clients that get no realtime
  // priority on a busy machine.
  mkdirSync(join(config, "pipewire/pipewire.conf.d"), { recursive: true });
  writeFileSync(
    join(config, "pipewire/pipewire.conf.d/rig.conf"),
    `context.properties = {
  default.clock.rate = ${RIG_SAMPLE_RATE}
  default.clock.allowed-rates = [ ${RIG_SAMPLE_RATE} ]
  default.clock.quantum = ${quantum}
  default.clock.min-quantum = ${quantum}
  default.clock.max-quantum = ${quantum}
}
`,
  );
  if (options.hardware === true) return;
  // A rig on somebody's desktop must not take that person's sound card or camera. The files are read
  // in the order of their names, and 90-enable-all.lua acts on what was said before it.
  for (const directory of ["main.lua.d", "bluetooth.lua.d"]) {
    mkdirSync(join(config, "wireplumber", directory), { recursive: true });
  }
  writeFileSync(
    join(config, "wireplumber/main.lua.d/80-rig.lua"),
    ["alsa_monitor", "v4l2_monitor", "libcamera_monitor"]
      .map((monitor) => `if ${monitor} then ${monitor}.enabled = false end\n`).join(""),
  );
  writeFileSync(
    join(config, "wireplumber/bluetooth.lua.d/80-rig.lua"),
    "if bluez_monitor then bluez_monitor.enabled = false end\n",
  );
}
