// A private session bus with a desktop portal: the real xdg-desktop-portal over a backend of ours that
// answers its dialogs, or a frontend of ours with other habits. Nothing is started by activation, so
// there is no document portal, and no mount of it.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  busWithoutServices,
  daemonEnvironment,
  privateEnvironment,
  READY_TIMEOUT_MS,
  type RigEnvironment,
  waitForSocket,
} from "./audio_rig.ts";
import { type Environment, ProcessGroup, type RigProcess, runCommand } from "./processes.ts";
import { waitUntil } from "../../test/support/wait.ts";

const PYTHON = "/usr/bin/python3"; // Debian's, which has gi
const PORTAL = "org.freedesktop.portal.Desktop";
const BACKEND = "org.freedesktop.impl.portal.desktop.rig";
const MUTTER = "org.gnome.Mutter.ScreenCast";
const STORE = "org.freedesktop.impl.portal.PermissionStore";
const WAYLAND_DISPLAY = "wayland-rig";
const LIST_NAMES = ["org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames", []] as const;
const STORE_PATH = "/org/freedesktop/impl/portal/PermissionStore";

/** Which portal is on the bus. */
export type PortalChoice =
  | { readonly frontend: "real" }
  | { readonly frontend: "fake"; readonly habit: readonly string[] }
  | { readonly frontend: "none" };

export interface PortalRigOptions {
  /** Variables by which the portal finds a PipeWire. */
  readonly pipewire?: RigEnvironment;
  /** On the bus of that PipeWire, whose session manager reads the permission store there. */
  readonly sharesBus?: boolean;
  /** Whether the desktop's part of the real portal shows screens; true by default. */
  readonly showsScreens?: boolean;
  /** A compositor, whose pictures the portal gives; it needs a PipeWire. */
  readonly mutter?: MutterOptions;
}

/** A headless mutter. */
export interface MutterOptions {
  /** Its monitors, from left to right, as WIDTHxHEIGHT. */
  readonly monitors: readonly string[];
  /** With an XWayland; false by default. */
  readonly xwayland?: boolean;
}

/** Starts a private bus with a portal and returns when it answers. */
export async function startPortalRig(
  choice: PortalChoice,
  options: PortalRigOptions = {},
): Promise<PortalRig> {
  const rig = new PortalRig(options);
  try {
    await rig.startBus();
    if (options.mutter !== undefined) await rig.startMutter(options.mutter);
    if (choice.frontend === "real") await rig.startPortal();
    if (choice.frontend === "fake") await rig.startFake(choice.habit);
  } catch (error) {
    const logs = JSON.stringify(rig.group.logs());
    await rig.stop();
    throw new Error(`${error}\n${logs}`);
  }
  return rig;
}

export class PortalRig implements AsyncDisposable {
  readonly group = new ProcessGroup("portal");
  /** The variables of a process that is to see this bus. */
  readonly env: RigEnvironment;
  readonly #daemonEnv: Environment;
  readonly #answers: string;
  readonly #sharesBus: boolean;
  #bus: RigProcess | undefined;
  #portal: RigProcess | undefined;
  #backend: RigProcess | undefined;
  #mutter: RigProcess | undefined;

  constructor({ pipewire, mutter, sharesBus = false, showsScreens = true }: PortalRigOptions) {
    const { directory } = this.group;
    this.env = privateEnvironment(directory);
    this.#sharesBus = sharesBus && pipewire !== undefined;
    if (sharesBus && pipewire !== undefined) {
      this.env.DBUS_SESSION_BUS_ADDRESS = pipewire.DBUS_SESSION_BUS_ADDRESS;
    }
    this.#answers = join(directory, "answers");
    const portals = join(directory, "portals");
    mkdirSync(portals);
    this.#daemonEnv = {
      ...daemonEnvironment(directory, this.env),
      XDG_CURRENT_DESKTOP: "rig",
      XDG_DESKTOP_PORTAL_DIR: portals,
      GTK_USE_PORTAL: "0",
      RIG_ANSWERS: this.#answers,
      RIG_MUTTER: mutter === undefined ? undefined : "1",
      PIPEWIRE_RUNTIME_DIR: pipewire?.XDG_RUNTIME_DIR,
    };
    const served = [...(showsScreens ? ["ScreenCast"] : []), "Access", "Lockdown"];
    writeFileSync(
      join(portals, "rig.portal"),
      `[portal]\nDBusName=${BACKEND}\nInterfaces=${
        served.map((name) => `org.freedesktop.impl.portal.${name}`).join(";")
      };\nUseIn=rig;\n`,
    );
    this.answer("cast allow", "camera allow");
  }

  /** What the person says from now on: lines of `portal/backend.py`. */
  answer(...lines: string[]): void {
    writeFileSync(this.#answers, lines.join("\n") + "\n");
  }

  /** What the backend or the fake frontend has printed. */
  log(): string {
    const logs = this.group.logs();
    return `${logs.backend ?? ""}${logs.fake ?? ""}`;
  }

  async startBus(): Promise<void> {
    if (this.#sharesBus) return;
    const args = busWithoutServices(this.group.directory, this.env);
    this.#bus = this.group.start("bus", "dbus-daemon", args, this.#daemonEnv);
    await waitForSocket(this.group, this.#bus, join(this.env.XDG_RUNTIME_DIR, "bus"));
    // The socket is there before anybody listens at it.
    await waitUntil(() => this.#gdbus(...LIST_NAMES).catch(() => ""), READY_TIMEOUT_MS, "the bus");
  }

  async startPortal(): Promise<void> {
    await this.#start("store", "/usr/libexec/xdg-permission-store", [], STORE);
    this.#backend = await this.#start("backend", PYTHON, [script("backend.py")], BACKEND);
    await this.startFrontend();
  }

  /** The portal itself; also after it was killed. */
  async startFrontend(): Promise<void> {
    this.#portal = await this.#start("portal", "/usr/libexec/xdg-desktop-portal", ["-v"], PORTAL);
  }

  #start(
    name: string,
    command: string,
    args: readonly string[],
    owned: string,
  ): Promise<RigProcess> {
    return this.#waitForName(this.group.start(name, command, args, this.#daemonEnv), owned);
  }

  async startFake(habit: readonly string[]): Promise<void> {
    const args = [script("fake_frontend.py"), ...habit];
    const fake = this.group.start("fake", PYTHON, args, this.#daemonEnv);
    this.#portal = await this.#waitForName(fake, PORTAL);
  }

  async startMutter({ monitors, xwayland = false }: MutterOptions): Promise<void> {
    const args = ["--headless", "--wayland", "--wayland-display", WAYLAND_DISPLAY];
    if (!xwayland) args.push("--no-x11");
    for (const monitor of monitors) args.push("--virtual-monitor", `${monitor}@60`);
    const env = { ...this.#daemonEnv, LIBGL_ALWAYS_SOFTWARE: "1" };
    const mutter = this.group.start("mutter", "mutter", args, env);
    this.env.WAYLAND_DISPLAY = WAYLAND_DISPLAY;
    this.#mutter = await this.#waitForName(mutter, MUTTER);
    if (!xwayland) return;
    const runtime = this.env.XDG_RUNTIME_DIR;
    const said = () => /public X11 display (:\d+)/.exec(this.group.logs().mutter ?? "")?.[1];
    this.env.DISPLAY = await waitUntil(said, READY_TIMEOUT_MS, "the display's number") as string;
    const authority = readdirSync(runtime).find((name) => name.startsWith(".mutter-Xwaylandauth"));
    this.env.XAUTHORITY = join(runtime, authority ?? "");
  }

  /** Ends the compositor, as a crash does. */
  async killMutter(): Promise<void> {
    if (this.#mutter !== undefined) await this.group.end(this.#mutter, "SIGKILL");
  }

  /** Ends every session, as the desktop's button does. */
  closeSessions(): void {
    if (this.#backend !== undefined) process.kill(this.#backend.pid, "SIGUSR1");
  }

  /** Ends the bus, as the end of a session does. */
  async killBus(): Promise<void> {
    if (this.#bus !== undefined) await this.group.end(this.#bus, "SIGKILL");
  }

  /** A portal that hangs, goes on, ends. */
  signalPortal(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    if (this.#portal !== undefined) process.kill(this.#portal.pid, signal);
  }

  /** Writes what the permission store holds of cameras, for programs outside a sandbox or one in it. */
  async storeCameraPermission(word: "yes" | "no" | "ask", application = ""): Promise<void> {
    const args = ["devices", "true", "camera", application, `['${word}']`];
    await this.#gdbus(STORE, STORE_PATH, `${STORE}.SetPermission`, args);
  }

  async forgetCameraPermission(application = ""): Promise<void> {
    const args = ["devices", "camera", application];
    await this.#gdbus(STORE, STORE_PATH, `${STORE}.DeletePermission`, args).catch((error) => {
      if (!String(error).includes("NotFound")) throw error;
    });
  }

  stop(): Promise<void> {
    return this.group.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #gdbus(
    name: string,
    path: string,
    method: string,
    args: readonly string[],
  ): Promise<string> {
    const call = ["call", "--session", "-d", name, "-o", path, "-m", method, ...args];
    const { code, stdout, stderr } = await runCommand("gdbus", call, this.env);
    if (code !== 0) throw new Error(`rig: gdbus ${method}: ${stderr}`);
    return stdout;
  }

  async #waitForName(started: RigProcess, owned: string): Promise<RigProcess> {
    await waitUntil(
      async () => {
        if (!started.isRunning()) {
          throw new Error(`rig: ${started.name} ended:\n${this.group.logs()[started.name]}`);
        }
        const path = "/org/freedesktop/DBus";
        const method = "org.freedesktop.DBus.NameHasOwner";
        return (await this.#gdbus("org.freedesktop.DBus", path, method, [owned])).includes("true");
      },
      READY_TIMEOUT_MS,
      owned,
    );
    return started;
  }
}

function script(name: string): string {
  return fileURLToPath(new URL(`./portal/${name}`, import.meta.url));
}
