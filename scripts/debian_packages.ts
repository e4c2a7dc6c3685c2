/**
 * What the tests need from the system, by the names of Debian 12. One list, so that everything is
 * installed in one go: a test that needs another package adds a line here.
 */

export interface SystemPackage {
  /** Debian's name. */
  readonly name: string;
  /** A command that it brings, which tells on other systems whether it is there. */
  readonly command?: string;
}

export const SYSTEM_PACKAGES: readonly SystemPackage[] = [
  // Compilers of the C tests: gcc with AddressSanitizer, clang with ThreadSanitizer.
  { name: "gcc", command: "gcc" },
  { name: "libc6-dev" },
  { name: "cmake", command: "cmake" },
  { name: "ninja-build", command: "ninja" },
  { name: "pkg-config", command: "pkg-config" },
  { name: "clang-14", command: "clang-14" },
  { name: "libclang-rt-14-dev" },
  { name: "llvm-14", command: "llvm-symbolizer-14" },
  { name: "clang-format-14", command: "clang-format-14" },
  // Real daemons for the rig, with their tools.
  { name: "dbus", command: "dbus-daemon" },
  { name: "pipewire", command: "pipewire" },
  { name: "pipewire-bin", command: "pw-cli" },
  { name: "pipewire-pulse", command: "pipewire-pulse" },
  { name: "wireplumber", command: "wireplumber" },
  { name: "libspa-0.2-modules" },
  { name: "pulseaudio-utils", command: "pactl" },
  { name: "procps", command: "pkill" },
  // The desktop's portal, and what our backend of it is written in.
  { name: "xdg-desktop-portal" },
  { name: "bubblewrap", command: "bwrap" },
  { name: "gsettings-desktop-schemas" },
  { name: "python3-gi" },
  { name: "libglib2.0-bin", command: "gdbus" },
  // A Wayland compositor without a screen, for the portal, and X programs on it.
  { name: "mutter", command: "mutter" },
  { name: "libgl1-mesa-dri" },
  { name: "xwayland", command: "Xwayland" },
  // Private X servers, and what plugs in outputs.
  { name: "xvfb", command: "Xvfb" },
  { name: "xserver-xorg-core", command: "Xorg" },
  { name: "xserver-xorg-video-dummy" },
  { name: "x11-xserver-utils", command: "xrandr" },
  // Cameras of the tests: GStreamer's test picture through PipeWire.
  { name: "gstreamer1.0-tools", command: "gst-launch-1.0" },
  { name: "gstreamer1.0-plugins-base" },
  { name: "gstreamer1.0-plugins-good" },
  { name: "gstreamer1.0-pipewire" },
  // The ALSA tests: PCMs that reach a sound server without a card.
  { name: "libasound2-plugins" },
  { name: "pipewire-alsa" },
  // The guest kernel, and what plays to its sound card.
  { name: "qemu-system-x86", command: "qemu-system-x86_64" },
  { name: "alsa-utils", command: "aplay" },
  // What JPEG pictures are compared with.
  { name: "libjpeg-turbo-progs", command: "djpeg" },
];
