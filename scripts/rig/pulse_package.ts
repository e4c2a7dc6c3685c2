// A PulseAudio daemon that is unpacked but not installed: installing it on a machine with PipeWire
// removes pipewire-alsa, which other tests need.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runChecked, runCommand } from "./processes.ts";

export interface PulseDaemon {
  /** Path of the executable. */
  executable: string;
  /** What to give as `--dl-search-path`. */
  modules: string;
  /** What to give as LD_LIBRARY_PATH. */
  libraries: string;
}

/** The daemon, and those of its libraries that PulseAudio's clients do not bring. */
const PACKAGES = [
  "pulseaudio",
  "libltdl7",
  "libnsl2",
  "liborc-0.4-0",
  "libsoxr0",
  "libspeexdsp1",
  "libtdb1",
  "libtirpc3",
  "libwrap0",
];

/** Finds the unpacked daemon in the checkout's cache, or puts it there with apt-get. */
export async function preparePulseDaemon(): Promise<PulseDaemon> {
  const cache = fileURLToPath(new URL("../../.cache/rig", import.meta.url));
  const target = join(cache, "pulseaudio");
  if (!existsSync(target)) await unpack(cache, target);
  const multiarch = readdirSync(join(target, "usr/lib"))
    .find((name) => existsSync(join(target, "usr/lib", name, "pulseaudio")));
  const versioned = readdirSync(join(target, "usr/lib")).find((name) => /^pulse-\d/.test(name));
  if (multiarch === undefined || versioned === undefined) {
    throw new Error(`rig: no PulseAudio in ${target}; remove that folder and try again`);
  }
  const libraries = join(target, "usr/lib", multiarch);
  const modules = join(target, "usr/lib", versioned, "modules");
  return {
    executable: join(target, "usr/bin/pulseaudio"),
    modules,
    libraries: [libraries, join(libraries, "pulseaudio"), modules].join(":"),
  };
}

/** Downloads and unpacks into a temporary folder, which takes the real name only when complete. */
async function unpack(cache: string, target: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "unpack-"));
  try {
    // The release's own version, whose signature apt checks. As root, apt would download as the user
    // _apt, who may not write here.
    const apt = ["-C", work, "apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"];
    const { code, stderr } = await runCommand(
      "env",
      [...apt, ...PACKAGES],
      process.env,
      120_000,
    );
    if (code !== 0) {
      throw new Error(`rig: cannot download PulseAudio (apt-get update first?): ${stderr.trim()}`);
    }
    const root = join(work, "root");
    for (const name of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
      await runChecked("dpkg-deb", ["-x", join(work, name), root], process.env, 60_000);
    }
    mergeLib(root);
    if (!existsSync(target)) renameSync(root, target);
  } catch (error) {
    // Another rig may have been first.
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Some packages of Debian 12 still put a library into /lib instead of /usr/lib. */
function mergeLib(root: string): void {
  const lib = join(root, "lib");
  if (!existsSync(lib)) return;
  for (const multiarch of readdirSync(lib)) {
    const destination = join(root, "usr/lib", multiarch);
    mkdirSync(destination, { recursive: true });
    for (const name of readdirSync(join(lib, multiarch))) {
      renameSync(join(lib, multiarch, name), join(destination, name));
    }
  }
}
