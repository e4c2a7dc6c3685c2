/** What a person can do about an error, by system and by distribution. */

import type { Runtime } from "./adapter.ts";
import type { MiniAVErrorCode } from "./error_codes.ts";

/** The machine that hints are for; without one they name no distribution's commands. */
let host: Pick<Runtime, "platform" | "readText"> | null = null;

/** Told once, by what finds out which runtime this is. */
export function setHintsHost(runtime: Pick<Runtime, "platform" | "readText">): void {
  host = runtime;
}

type Family = "debian" | "fedora" | "arch" | "suse" | "alpine";

const INSTALL: Readonly<Record<Family, string>> = {
  debian: "sudo apt install",
  fedora: "sudo dnf install",
  arch: "sudo pacman -S",
  suse: "sudo zypper install",
  alpine: "sudo apk add",
};

function everywhere(names: string): Readonly<Record<Family, string>> {
  return { debian: names, fedora: names, arch: names, suse: names, alpine: names };
}

/** Names of the same software in each family. */
const PACKAGES = {
  pipewire: {
    debian: "pipewire libpipewire-0.3-0",
    fedora: "pipewire pipewire-libs",
    arch: "pipewire",
    suse: "pipewire libpipewire-0_3-0",
    alpine: "pipewire",
  },
  pulse: {
    debian: "libpulse0",
    fedora: "pulseaudio-libs",
    arch: "libpulse",
    suse: "libpulse0",
    alpine: "libpulse",
  },
  alsa: {
    debian: "libasound2",
    fedora: "alsa-lib",
    arch: "alsa-lib",
    suse: "libasound2",
    alpine: "alsa-lib",
  },
  dbus: {
    debian: "dbus-user-session libdbus-1-3",
    fedora: "dbus-daemon dbus-libs",
    arch: "dbus",
    suse: "dbus-1 libdbus-1-3",
    alpine: "dbus",
  },
  xcb: {
    debian: "libxcb1 libxcb-shm0 libxcb-damage0 libxcb-xfixes0 libxcb-randr0 libxcb-composite0",
    fedora: "libxcb",
    arch: "libxcb",
    suse: "libxcb1 libxcb-shm0 libxcb-damage0 libxcb-xfixes0 libxcb-randr0 libxcb-composite0",
    alpine: "libxcb",
  },
  "portal-gnome": everywhere("xdg-desktop-portal xdg-desktop-portal-gnome"),
  "portal-kde": everywhere("xdg-desktop-portal xdg-desktop-portal-kde"),
  "portal-wlr": everywhere("xdg-desktop-portal xdg-desktop-portal-wlr"),
  "portal-hyprland": everywhere("xdg-desktop-portal xdg-desktop-portal-hyprland"),
  portal: {
    debian: "xdg-desktop-portal xdg-desktop-portal-gtk",
    fedora: "xdg-desktop-portal xdg-desktop-portal-gtk",
    arch: "xdg-desktop-portal xdg-desktop-portal-gtk",
    suse: "xdg-desktop-portal xdg-desktop-portal-gtk",
    alpine: "xdg-desktop-portal xdg-desktop-portal-gtk",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<Family, string>>>>;

/** The family that an /etc/os-release describes, or null. */
export function distributionFamily(osRelease: string | null): Family | null {
  if (osRelease === null) return null;
  const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].map((match) =>
    match[1] ?? ""
  );
  const words = new Set(ids.join(" ").toLowerCase().split(/\s+/));
  if (words.has("debian") || words.has("ubuntu")) return "debian";
  if (words.has("fedora") || words.has("rhel")) return "fedora";
  if (words.has("arch")) return "arch";
  if (words.has("suse") || words.has("opensuse")) return "suse";
  if (words.has("alpine")) return "alpine";
  return null;
}

/** "sudo apt install libpulse0", or a sentence without a command where the system is unknown. */
export function installCommand(
  software: keyof typeof PACKAGES,
  osRelease: string | null,
): string {
  const family = distributionFamily(osRelease);
  if (family === null) return `install ${PACKAGES[software].debian} (Debian's names)`;
  return `${INSTALL[family]} ${PACKAGES[software][family]}`;
}

/**
 * What shows screens on a desktop, as XDG_CURRENT_DESKTOP names it: a portal backend of its own. The
 * one of GTK, which most have as well, does not.
 */
export function installScreenPortal(desktop: string, osRelease: string | null): string {
  const names = desktop.toLowerCase().split(":");
  const has = (...known: string[]) => known.some((name) => names.includes(name));
  if (has("gnome", "unity", "ubuntu")) return installCommand("portal-gnome", osRelease);
  if (has("kde")) return installCommand("portal-kde", osRelease);
  if (has("hyprland")) return installCommand("portal-hyprland", osRelease);
  if (has("sway", "wlroots", "labwc", "wayfire", "river")) {
    return installCommand("portal-wlr", osRelease);
  }
  const gnome = installCommand("portal-gnome", osRelease);
  return `${gnome}; in place of -gnome your desktop's: -kde for KDE, -wlr for Sway and its like`;
}

/**
 * The hint for an error, or "" when there is nothing useful to say. `detail` is what the backend
 * said.
 */
export function hintFor(
  code: MiniAVErrorCode,
  operation: string,
  backend: string,
  detail = "",
): string {
  const [source = ""] = operation.split(".");
  switch (code) {
    case "DEVICE_NOT_FOUND":
      if (source === "Loopback") {
        return "Loopback.enumerateTargets() lists what there is; for a program that does not play yet, " +
          "waitForProcess: true waits for it.";
      }
      if (source === "Camera" && backend === "v4l2") {
        return "A camera that is connected shows as /dev/video0 or the like. Others come from " +
          "PipeWire: systemctl --user start pipewire wireplumber";
      }
      if (source === "Screen") {
        if (/no display .*"(\w+:)?window\//.test(detail)) {
          return "It is a window: windowId captures it.";
        }
        if (/no window .*"(\w+:)?display\//.test(detail)) {
          return "It is a display: displayId captures it.";
        }
        return "Screen.enumerateDisplays() and Screen.enumerateWindows() list the ids that exist now.";
      }
      return `${source}.enumerateDevices() lists the ids that exist now.`;
    case "DEVICE_LOST":
      if (!source.startsWith("Loopback")) return "";
      return "A capture by `name` hears a program that comes back; " +
        "`reconnect: true` opens again what was lost.";
    case "DEVICE_BUSY":
      return "Close the other program that uses the device, or stop captures that are done.";
    case "PERMISSION_DENIED":
      return permissionHint(source, backend);
    case "FORMAT_NOT_SUPPORTED":
      return `${source}.supportedFormats(id) lists what the device offers.`;
    case "PORTAL_FAILED":
      return `The desktop portal is needed: ${
        installCommand("portal", osRelease())
      }, then log in again.`;
    case "NOT_SUPPORTED":
      if (operation.startsWith('Screen.setProperty("region")')) {
        return "Only what was opened with a `region` has one to move; windows have none.";
      }
      if (operation.includes("Property(")) {
        return "The device has no such property, or it cannot be set; getPropertyInfo() tells.";
      }
      // A backend of screens that refuses says which wish it is that it does not meet.
      if (
        source === "Screen" && backend !== "" && detail !== "" &&
        !/DISPLAY|X server answers/.test(detail)
      ) {
        return "";
      }
      return host?.platform.os === "linux" ? linuxServiceHint(source, backend) : "";
    case "SYSTEM_CALL_FAILED":
      if (host?.platform.os !== "linux") return "";
      // What answered has failed: that it runs is the first thing to look at.
      return linuxServiceHint(source, source === "Loopback" ? "" : backend);
    case "INVALID_HANDLE":
      return "The frame was closed, or the capture was stopped; copyTo() or clone() keeps data.";
    case "OUT_OF_MEMORY":
      return "Close frames with close() or `using`, and stop captures that are done.";
    case "TIMEOUT":
      return "The device or its daemon does not answer; a longer `timeout` gives it more time.";
    default:
      return "";
  }
}

function osRelease(): string | null {
  return host?.readText("/etc/os-release") ?? null;
}

function permissionHint(source: string, backend: string): string {
  const os = host?.platform.os;
  if (os === "macos") {
    const pane = source === "Camera"
      ? "Camera"
      : source === "Microphone"
      ? "Microphone"
      : "Screen & System Audio Recording";
    return `Allow your terminal in System Settings > Privacy & Security > ${pane}, then restart it.`;
  }
  if (os === "windows") {
    const page = source === "Camera" ? "webcam" : "microphone";
    return `Allow desktop apps: start ms-settings:privacy-${page}`;
  }
  if (source === "Camera" && backend === "portal") {
    return "Allow it in the desktop's privacy settings, or let it ask again: " +
      "flatpak permission-reset APPLICATION.";
  }
  if (source === "Camera" && backend === "v4l2") {
    return "Run it as the user who is logged in, or: sudo usermod -aG video $USER, then log in again.";
  }
  if (source === "Camera") {
    return "Allow the camera when the desktop asks, or: sudo usermod -aG video $USER, then log in again.";
  }
  if (source === "Screen") return "Choose a screen in the desktop's dialog and allow it.";
  return "Allow it when the desktop asks, or: sudo usermod -aG audio $USER, then log in again.";
}

function linuxServiceHint(source: string, backend: string): string {
  const release = osRelease();
  if (source === "Camera" && backend === "portal") {
    return `The desktop portal with PipeWire is needed: ${installCommand("portal", release)}, ` +
      "then log in again.";
  }
  const start = "systemctl --user start pipewire wireplumber";
  if (source === "Microphone") {
    return `A sound server is needed. Is one running? ${start} pipewire-pulse; its library: ${
      installCommand("pulse", release)
    }`;
  }
  if (source === "Loopback") {
    if (backend !== "") {
      return "Loopback.enumerateTargets() lists what can be heard alone; " +
        'mode: "exclude" needs PipeWire, windows need an X server.';
    }
    return `PipeWire or PulseAudio is needed. Is one running? ${start} pipewire-pulse; to install it: ${
      installCommand("pipewire", release)
    }`;
  }
  if (source === "Screen" && backend === "x11") {
    return "DISPLAY and XAUTHORITY name the X server and the right to use it.";
  }
  if (source === "Screen" && backend === "") {
    return "A screen needs an X server that answers at DISPLAY, or a Wayland desktop with its portal: " +
      `${installScreenPortal("", release)}. The built-in test devices need nothing: ` +
      "enableTestDevices(), or MINIAV_TEST_DEVICES=1.";
  }
  if (source === "Camera" || source === "Screen") {
    if (backend === "") {
      return `Nothing here serves it in this version; the built-in test devices do: ` +
        "enableTestDevices(), or MINIAV_TEST_DEVICES=1.";
    }
    return `${backend} refused. Is PipeWire running? ${start}; to install it: ${
      installCommand("pipewire", release)
    }`;
  }
  return "";
}
