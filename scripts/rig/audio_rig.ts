// What the rigs of both sound servers have in common.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  type Environment,
  type ProcessGroup,
  type RigProcess,
  runChecked,
  runCommand,
} from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";

/** The rate of every graph, sink and source of a rig, in Hz: nothing is resampled on its way. */
export const RIG_SAMPLE_RATE = 48_000;

/** How long anything may take to be ready; on an idle machine all of it takes 0.1 s. */
export const READY_TIMEOUT_MS = 20_000;

/** A microphone that exists only in the sound server. */
export interface VirtualMicrophoneOptions {
  /** Name of the source: letters, digits, `_`, `-`, `.`. */
  name: string;
  /** 1 to 8; 2 by default. */
  channels?: number;
  /** What a person would see; the name by default. */
  description?: string;
}

export interface VirtualMicrophone {
  readonly name: string;
  readonly channels: number;
  /** Unplugs it: its source disappears from the server. */
  remove(): Promise<void>;
}

/** A sound to play: a WAV file's path, or samples computed from the frame's number. */
export type Sound = string | {
  seconds: number;
  /** The microphone's channels by default. */
  channels?: number;
  /** The sample of `frame` in `channel`, −1 to 1. */
  sample(frame: number, channel: number): number;
};

/** A sound that is playing. */
export interface Playback {
  readonly pid: number;
  /** Resolves when the sound has ended or was stopped. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Variables for a process that is to see one rig and nothing else. */
export interface RigEnvironment extends Record<string, string> {
  XDG_RUNTIME_DIR: string;
  XDG_CONFIG_HOME: string;
  XDG_STATE_HOME: string;
  DBUS_SESSION_BUS_ADDRESS: string;
  DBUS_SYSTEM_BUS_ADDRESS: string;
  PULSE_SERVER: string;
}

export interface AudioRig extends AsyncDisposable {
  readonly server: "pipewire" | "pulse";
  /** The private directory of this rig; it is gone after `stop`. */
  readonly directory: string;
  /** The whole environment for a child process that is to see this rig and nothing else. */
  readonly env: RigEnvironment;
  /** How long the daemons took to be ready, in milliseconds. */
  readonly readyMs: number;
  /** The pids of the daemons and players that run now, by name. */
  pids(): Record<string, number>;
  /** What the daemons have printed, by name. */
  logs(): Record<string, string>;
  /** Ends everything this rig started. Happens by itself when the owner ends, however it ends. */
  stop(): Promise<void>;
  /** Kills the sound server and leaves it down; virtual microphones go with it. */
  killServer(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the sound server again; returns when it is ready. */
  startServer(): Promise<void>;
  /** `killServer`, then `startServer`. */
  restartServer(signal?: NodeJS.Signals): Promise<void>;
  /** Plugs in a microphone; returns when clients see it. */
  createVirtualMicrophone(options: VirtualMicrophoneOptions): Promise<VirtualMicrophone>;
  /** Unplugs it; returns when clients no longer see it. */
  removeVirtualMicrophone(name: string): Promise<void>;
  /** Makes a source the default one; returns when the server says so. */
  setDefaultSource(name: string): Promise<void>;
  /** Plays a sound into a virtual microphone; returns when the microphone hears it. */
  playInto(microphone: string, sound: Sound): Promise<Playback>;
}

/** Positions as PulseAudio and PipeWire name them, in the order of channels 1 to 8. */
const POSITIONS = [
  "front-left",
  "front-right",
  "rear-left",
  "rear-right",
  "front-center",
  "lfe",
  "side-left",
  "side-right",
];

/** The `channel_map` of a virtual device with so many channels. */
export function channelMap(channels: number): string {
  if (!Number.isInteger(channels) || channels < 1 || channels > POSITIONS.length) {
    throw new RangeError(`rig: ${channels} channels: 1 to ${POSITIONS.length} can be had`);
  }
  return channels === 1 ? "mono" : POSITIONS.slice(0, channels).join(",");
}

/** Checks a name that goes into module arguments, where quoting is not the same everywhere. */
export function checkName(name: string): string {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) throw new Error(`rig: bad device name "${name}"`);
  return name;
}

/** A module argument that gives a device its description. */
export function describe(property: string, description: string): string {
  if (/["'\\\p{Cc}]/u.test(description)) throw new Error("rig: no quotes in a description");
  return `${property}='device.description="${description}"'`;
}

/**
 * The environment of the rig's owner with everything that leads to another sound server, bus or
 * display taken away, and private directories for settings and state.
 */
export function privateEnvironment(directory: string): RigEnvironment {
  const own: Record<string, string> = {};
  const foreign = /^(PIPEWIRE_|PULSE_|WIREPLUMBER_|SPA_|DBUS_|JACK_|XDG_(RUNTIME|CONFIG|STATE)_)/;
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || foreign.test(name)) continue;
    if (name === "DISPLAY" || name === "WAYLAND_DISPLAY") continue;
    own[name] = value;
  }
  const path = (name: string) => join(directory, name);
  for (const name of ["runtime", "config", "state"]) mkdirSync(path(name), { mode: 0o700 });
  return {
    ...own,
    XDG_RUNTIME_DIR: path("runtime"),
    XDG_CONFIG_HOME: path("config"),
    XDG_STATE_HOME: path("state"),
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${path("runtime/bus")}`,
    // A bus that is not there: no daemon asks the machine's own for realtime priority or hardware.
    DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path("runtime/no-system-bus")}`,
    PULSE_SERVER: `unix:${path("runtime/pulse/native")}`,
  };
}

/** What daemons get besides: homes and caches of their own too. */
export function daemonEnvironment(directory: string, env: RigEnvironment): Environment {
  for (const name of ["home", "data", "cache"]) mkdirSync(join(directory, name), { mode: 0o700 });
  return {
    ...env,
    HOME: join(directory, "home"),
    XDG_DATA_HOME: join(directory, "data"),
    XDG_CACHE_HOME: join(directory, "cache"),
    GIO_USE_VFS: "local",
    GSETTINGS_BACKEND: "memory",
    PULSE_SERVER: undefined,
    LC_ALL: "C",
  };
}

/** Waits for a socket that `daemon` makes; an error with its log when it dies instead. */
export async function waitForSocket(
  group: ProcessGroup,
  daemon: RigProcess,
  path: string,
): Promise<void> {
  await waitUntil(
    () => {
      if (!daemon.isRunning()) {
        throw new Error(`rig: ${daemon.name} ended at once:\n${group.logs()[daemon.name]}`);
      }
      return existsSync(path);
    },
    READY_TIMEOUT_MS,
    `socket of ${daemon.name}`,
  );
}

/** Waits for whoever speaks the protocol of PulseAudio: the socket is there before it answers. */
export async function waitForAnswer(env: Environment): Promise<void> {
  await waitUntil(
    async () => (await runCommand("pactl", ["info"], env)).code === 0,
    READY_TIMEOUT_MS,
    "pactl info",
  );
}

/** The names of the sources that clients see. */
export async function sourceNames(env: Environment): Promise<string[]> {
  const list = await runChecked("pactl", ["list", "short", "sources"], env);
  return list.split("\n").flatMap((line) => line.split("\t")[1] ?? []);
}

/** Loads a module of the sound server and returns its index. */
export async function loadModule(env: Environment, args: readonly string[]): Promise<string> {
  const index = (await runChecked("pactl", ["load-module", ...args], env)).trim();
  if (!/^\d+$/.test(index)) throw new Error(`rig: load-module ${args[0]} answered "${index}"`);
  return index;
}

/** Arguments of a dbus-daemon that is a session bus as usual, but starts nothing. */
export function busWithoutServices(directory: string, env: RigEnvironment): string[] {
  const path = join(directory, "bus.conf");
  writeFileSync(
    path,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>${env.DBUS_SESSION_BUS_ADDRESS}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`,
  );
  return [`--config-file=${path}`, "--nofork", "--nopidfile"];
}
