/**
 * Build-time headers of the libraries that MiniAV opens at run time, in a folder of their own:
 * the system's include folder breaks cross builds, and not everyone may install `-dev` packages.
 * Debian's and Ubuntu's packages are downloaded and unpacked without being installed, elsewhere
 * the system's own headers are linked, and without either those backends are left out.
 */

import { createOnce } from "./download.ts";
import { CACHE } from "../paths.ts";
import { dirname, exists, join, listFiles } from "../path.ts";
import { run, succeeds, tryRun } from "../process.ts";

const PACKAGES = [
  "libpipewire-0.3-dev",
  "libspa-0.2-dev",
  "libdbus-1-dev",
  "libpulse-dev",
  "libxcb1-dev",
  "libxcb-composite0-dev",
  "libxcb-damage0-dev",
  "libxcb-randr0-dev",
  "libxcb-render0-dev",
  "libxcb-shape0-dev",
  "libxcb-shm0-dev",
  "libxcb-xfixes0-dev",
];

/** What each backend includes, relative to the headers folder; build.zig asks for the same. */
const PROBES: Record<string, string> = {
  PipeWire: "pipewire-0.3/pipewire/pipewire.h",
  PulseAudio: "pulse/pulseaudio.h",
  "D-Bus": "dbus-1.0-arch/dbus/dbus-arch-deps.h",
  XCB: "xcb/xcb.h",
};

export interface Headers {
  readonly folder: string;
  /** Libraries whose headers could not be had. */
  readonly missing: readonly string[];
}

/** Makes the headers folder once; a failure to download leaves it out and is reported. */
export async function ensureHeaders(): Promise<Headers> {
  const chosen = Deno.env.get("MINIAV_HEADERS_DIR");
  const folder = chosen !== undefined && chosen !== "" ? chosen : join(CACHE, "headers");
  if (folder !== chosen) {
    await createOnce(folder, async (scratch) => {
      if (await succeeds("apt-get", ["--version"])) await fromPackages(scratch);
      else await fromSystem(scratch);
    }).catch((error: unknown) => {
      if (!(error instanceof HeadersUnavailable)) throw error;
    });
  }
  const missing: string[] = [];
  for (const [name, probe] of Object.entries(PROBES)) {
    if (!(await exists(join(folder, probe)))) missing.push(name);
  }
  return { folder, missing };
}

/** Not kept as a result: the next run tries again. */
class HeadersUnavailable extends Error {}

async function fromPackages(folder: string): Promise<void> {
  const debs = join(folder, "debs");
  const unpacked = join(folder, "unpacked");
  await Deno.mkdir(debs);
  if (!(await aptDownload(debs, []))) {
    const lists = await privateLists();
    if (lists === null || !(await aptDownload(debs, lists))) throw new HeadersUnavailable();
  }
  for (const deb of await listFiles(debs)) await run("dpkg-deb", ["-x", deb, unpacked]);
  for await (const entry of Deno.readDir(join(unpacked, "usr", "include"))) {
    await Deno.rename(join(unpacked, "usr", "include", entry.name), join(folder, entry.name));
  }
  // The one header of all these that Debian keeps in a folder of the architecture.
  const archHeader = (await listFiles(join(unpacked, "usr", "lib"))).find((path) =>
    path.endsWith("dbus-arch-deps.h")
  );
  if (archHeader === undefined) throw new Error("libdbus-1-dev holds no dbus-arch-deps.h");
  await Deno.rename(dirname(dirname(archHeader)), join(folder, "dbus-1.0-arch"));
  await Deno.remove(debs, { recursive: true });
  await Deno.remove(unpacked, { recursive: true });
}

async function aptDownload(folder: string, options: readonly string[]): Promise<boolean> {
  const result = await tryRun("apt-get", [...options, "--quiet", "download", ...PACKAGES], {
    cwd: folder,
  });
  return result?.code === 0;
}

/** apt options that use package lists of our own, for a user who may not refresh the system's. */
async function privateLists(): Promise<string[] | null> {
  const state = join(CACHE, "apt");
  await Deno.mkdir(join(state, "lists", "partial"), { recursive: true });
  await Deno.mkdir(join(state, "cache", "archives", "partial"), { recursive: true });
  const options = [
    `Dir::State::Lists=${join(state, "lists")}`,
    `Dir::Cache=${join(state, "cache")}`,
    "Acquire::Languages=none",
    "APT::Sandbox::User=root",
    "APT::Update::Post-Invoke::=true",
    "APT::Update::Post-Invoke-Success::=true",
  ].flatMap((option) => ["-o", option]);
  const result = await tryRun("apt-get", [...options, "--quiet", "update"]);
  return result?.code === 0 ? options : null;
}

/** Links to the installed headers, so that nothing else of the system's folder is visible. */
async function fromSystem(folder: string): Promise<void> {
  const links: [string, readonly string[]][] = [
    ["pipewire-0.3", ["/usr/include/pipewire-0.3"]],
    ["spa-0.2", ["/usr/include/spa-0.2"]],
    ["pulse", ["/usr/include/pulse"]],
    ["xcb", ["/usr/include/xcb"]],
    ["dbus-1.0", ["/usr/include/dbus-1.0"]],
    ["dbus-1.0-arch", ["/usr/lib64/dbus-1.0/include", "/usr/lib/dbus-1.0/include"]],
  ];
  let found = false;
  for (const [name, candidates] of links) {
    for (const candidate of candidates) {
      if (!(await exists(candidate))) continue;
      await Deno.symlink(candidate, join(folder, name));
      found = true;
      break;
    }
  }
  if (!found) throw new HeadersUnavailable();
}
