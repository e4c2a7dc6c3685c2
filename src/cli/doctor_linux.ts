/** What of a Linux desktop is installed, running and permitted. Nothing here needs the library. */

import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { installCommand, installScreenPortal } from "../ffi/mod.ts";
import type { Finding } from "./finding.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A daemon that does not take a connection in this time does not answer. */
const CONNECT_TIMEOUT_MS = 1000;

const START_PIPEWIRE = "systemctl --user start pipewire wireplumber pipewire-pulse";

/** Looks at every service and device file that captures use. */
export async function examineLinux(): Promise<Finding[]> {
  const environment = process.env;
  const release = readText("/etc/os-release");
  return [
    ...await Promise.all([
      examinePipeWire(environment, release),
      examinePulseAudio(environment, release),
    ]),
    examineAlsa(release),
    await examineBus(environment, release),
    examinePortal(environment, release),
    await examineDisplay(environment, release),
    examineVideoDevices(),
  ];
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** "Debian GNU/Linux 12 (bookworm)", or "". */
export function distributionName(): string {
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(readText("/etc/os-release") ?? "")?.[1] ?? "";
}

// -- services -------------------------------------------------------------------------------

interface Service {
  readonly name: string;
  readonly purpose: string;
  /** The file name of the library that MiniAV opens. */
  readonly library: string;
  readonly install: string;
  /** Where it listens; null: nobody says. */
  readonly socket: string | null;
  readonly start: string;
}

async function examineService(service: Service): Promise<Finding> {
  const { name, purpose, library, install, socket, start } = service;
  if (findLibrary(library) === null) {
    return {
      name,
      state: "missing",
      text: `${library} is not installed (${purpose})`,
      advice: install,
    };
  }
  if (socket === null) {
    const text = `installed, but there is no session here: XDG_RUNTIME_DIR is not set (${purpose})`;
    return {
      name,
      state: "missing",
      text,
      advice: "Log in to a desktop, or: loginctl enable-linger $USER",
    };
  }
  const answer = await call(socket);
  if (answer === "yes") return { name, state: "ok", text: `running (${purpose})`, advice: "" };
  if (answer === "may not ask") return notAsked(name, socket);
  const text = `installed, but nothing answers at ${socket} (${purpose})`;
  return { name, state: "missing", text, advice: start };
}

function examinePipeWire(environment: Environment, release: string | null): Promise<Finding> {
  const folder = environment["PIPEWIRE_RUNTIME_DIR"] ?? environment["XDG_RUNTIME_DIR"];
  const remote = environment["PIPEWIRE_REMOTE"] ?? "pipewire-0";
  return examineService({
    name: "PipeWire",
    purpose: "cameras, screens, loopback",
    library: "libpipewire-0.3.so.0",
    install: installCommand("pipewire", release),
    socket: remote.startsWith("/") ? remote : folder === undefined ? null : join(folder, remote),
    start: START_PIPEWIRE,
  });
}

function examinePulseAudio(environment: Environment, release: string | null): Promise<Finding> {
  const server = environment["PULSE_SERVER"]?.replace(/^unix:/, "");
  const folder = environment["PULSE_RUNTIME_PATH"] ??
    (environment["XDG_RUNTIME_DIR"] && join(environment["XDG_RUNTIME_DIR"], "pulse"));
  return examineService({
    name: "PulseAudio",
    purpose: "microphones, loopback; PipeWire's own server counts",
    library: "libpulse.so.0",
    install: installCommand("pulse", release),
    socket: server?.startsWith("/") ? server : folder ? join(folder, "native") : null,
    start: START_PIPEWIRE,
  });
}

async function examineBus(environment: Environment, release: string | null): Promise<Finding> {
  const address = environment["DBUS_SESSION_BUS_ADDRESS"] ?? "";
  const folder = environment["XDG_RUNTIME_DIR"];
  const path = /unix:path=([^,;]+)/.exec(address)?.[1] ?? (folder && join(folder, "bus")) ?? null;
  // The other addresses (abstract names, TCP) cannot be tried from here: believe them.
  if (address !== "" && !address.includes("unix:path=")) {
    return { name: "D-Bus", state: "ok", text: `a session bus at ${address}`, advice: "" };
  }
  return await examineService({
    name: "D-Bus",
    purpose: "the desktop's dialogs for screens and cameras",
    library: "libdbus-1.so.3",
    install: installCommand("dbus", release),
    socket: path,
    start: "dbus-run-session -- COMMAND, where there is no desktop",
  });
}

function examinePortal(environment: Environment, release: string | null): Finding {
  const name = "portal";
  const folders = (environment["XDG_DATA_DIRS"] || "/usr/local/share:/usr/share").split(":");
  const file = "dbus-1/services/org.freedesktop.portal.Desktop.service";
  const purpose = "asks the person for screens";
  const install = installScreenPortal(environment["XDG_CURRENT_DESKTOP"] ?? "", release);
  if (!folders.some((folder) => existsSync(join(folder, file)))) {
    const text = `xdg-desktop-portal is not installed (${purpose})`;
    return { name, state: "missing", text, advice: install };
  }
  // portals.conf(5): each desktop's own part says in a file which interfaces it has.
  const portals = environment["XDG_DESKTOP_PORTAL_DIR"];
  const parts = portals === undefined
    ? folders.map((folder) => join(folder, "xdg-desktop-portal", "portals"))
    : [portals];
  const showing = parts.flatMap((folder) =>
    listFolder(folder).filter((part) => showsScreens(readText(join(folder, part))))
  );
  if (showing.length === 0) {
    const text = "xdg-desktop-portal is installed, but no desktop's part of it that shows screens";
    return { name, state: "missing", text, advice: install };
  }
  const names = showing.map((part) => part.replace(/\.portal$/, "")).join(", ");
  const text = `xdg-desktop-portal is installed, screens by ${names} (${purpose})`;
  return { name, state: "ok", text, advice: "" };
}

function showsScreens(portal: string | null): boolean {
  return /^Interfaces=.*\borg\.freedesktop\.impl\.portal\.ScreenCast\b/m.test(portal ?? "");
}

async function examineDisplay(environment: Environment, release: string | null): Promise<Finding> {
  const name = "display";
  const { WAYLAND_DISPLAY: wayland, DISPLAY: x11, XDG_RUNTIME_DIR: folder } = environment;
  if (wayland) {
    const socket = wayland.startsWith("/") ? wayland : join(folder ?? "/", wayland);
    const answer = await call(socket);
    if (answer === "may not ask") return notAsked(name, socket);
    return answer === "yes"
      ? { name, state: "ok", text: `Wayland, ${wayland}`, advice: "" }
      : { name, state: "missing", text: `nothing answers at ${socket}`, advice: "" };
  }
  const number = /^(?:unix)?:(\d+)/.exec(x11 ?? "")?.[1];
  if (number !== undefined) {
    const socket = `/tmp/.X11-unix/X${number}`;
    const answer = await call(socket);
    if (answer === "may not ask") return notAsked(name, socket);
    if (answer === "no") {
      const text = `DISPLAY=${x11}, and nothing answers`;
      const advice = "Name the X server that runs, or start one: Xvfb :1 & DISPLAY=:1 COMMAND.";
      return { name, state: "missing", text, advice };
    }
    if (findLibrary("libxcb.so.1") !== null) {
      return { name, state: "ok", text: `X11, DISPLAY=${x11}`, advice: "" };
    }
    const text = `X11, DISPLAY=${x11}, but libxcb.so.1 is not installed`;
    return { name, state: "missing", text, advice: installCommand("xcb", release) };
  }
  if (x11) return { name, state: "ok", text: `X11 on another machine, DISPLAY=${x11}`, advice: "" };
  const text = "none: WAYLAND_DISPLAY and DISPLAY are not set";
  return { name, state: "missing", text, advice: "Run this inside a desktop session." };
}

// -- devices --------------------------------------------------------------------------------

function examineAlsa(release: string | null): Finding {
  const name = "ALSA";
  if (findLibrary("libasound.so.2") === null) {
    const text = "libasound.so.2 is not installed (microphones without a sound server)";
    return { name, state: "missing", text, advice: installCommand("alsa", release) };
  }
  const cards = (readText("/proc/asound/cards") ?? "").match(/^ *\d+ \[/gm)?.length ?? 0;
  if (cards === 0) return { name, state: "missing", text: "installed; no sound card", advice: "" };
  const many = `${cards} ${cards === 1 ? "card" : "cards"}`;
  const denied = listFolder("/dev/snd").filter((file) => /^pcm.*c$/.test(file))
    .filter((file) => !mayUse(join("/dev/snd", file)));
  if (denied.length === 0) return { name, state: "ok", text: many, advice: "" };
  const text = `${many}, but this user may not open ${denied.join(", ")}`;
  return {
    name,
    state: "missing",
    text,
    advice: "sudo usermod -aG audio $USER, then log in again",
  };
}

function examineVideoDevices(): Finding {
  const name = "/dev/video*";
  const files = listFolder("/dev").filter((file) => /^video\d+$/.test(file));
  if (files.length === 0) {
    return { name, state: "missing", text: "no camera is connected", advice: "" };
  }
  const denied = files.filter((file) => !mayUse(join("/dev", file)));
  if (denied.length === 0) return { name, state: "ok", text: files.join(", "), advice: "" };
  const text = `this user may not open ${denied.join(", ")}`;
  return {
    name,
    state: "missing",
    text,
    advice: "sudo usermod -aG video $USER, then log in again",
  };
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function mayUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The full path of a shared library, from the places where the loader usually looks. */
export function findLibrary(file: string): string | null {
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const folders = [
    ...(process.env["LD_LIBRARY_PATH"] ?? "").split(":"),
    ...["/usr/local/lib", "/usr/lib", "/lib"].flatMap((folder) => [
      `${folder}/${triplet}`,
      `${folder}64`,
      folder,
    ]),
  ];
  const paths = folders.filter((folder) => folder !== "").map((folder) => join(folder, file));
  return paths.find((path) => existsSync(path)) ?? null;
}

/** Whether somebody takes connections at a Unix socket; Deno lets not every program ask. */
type Answer = "yes" | "no" | "may not ask";

function call(path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connectUnlessDenied(path);
    if (socket === null) return resolve("may not ask");
    const end = (answer: Answer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end("no"), CONNECT_TIMEOUT_MS);
    socket.once("connect", () => end("yes"));
    socket.once("error", () => end("no"));
  });
}

function connectUnlessDenied(path: string): Socket | null {
  try {
    return connect(path);
  } catch (error) {
    if (error instanceof Error && error.name === "NotCapable") return null;
    throw error;
  }
}

function notAsked(name: string, socket: string): Finding {
  const text = `not known: this Deno may not ask whether something answers at ${socket}`;
  return { name, state: "missing", text, advice: "--allow-read --allow-write lets doctor ask." };
}
