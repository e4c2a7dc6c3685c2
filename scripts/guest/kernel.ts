/** A kernel with real drivers: Debian's own, unpacked into the cache and not installed. */

import { CACHE } from "../paths.ts";
import { basename, exists, join, listFiles } from "../path.ts";
import { run, scratchFolder } from "../process.ts";

export interface GuestKernel {
  /** The bootable image. */
  readonly image: string;
  readonly release: string;
  /** A static busybox, the guest's first program. */
  readonly busybox: string;
  /** Its drivers by module name, `-` written as `_`. */
  readonly modules: ReadonlyMap<string, string>;
}

/** Follows the release: mirrors keep only the newest of its kernels, whose signature apt checks. */
const METAPACKAGE = "linux-image-amd64";

/** What of the package the guest may load; the rest is 350 MB. */
const FOLDERS = [
  "drivers/media",
  "drivers/gpu/drm",
  "drivers/virtio",
  "drivers/i2c",
  "fs/9p",
  "fs/fscache",
  "fs/netfs",
  "fs/overlayfs",
  "net/9p",
  "sound",
];

/** Finds it in the cache, or gets it with apt-get. */
export async function prepareKernel(log: string): Promise<GuestKernel> {
  const target = join(CACHE, "guest");
  if (!(await exists(target))) await unpack(target, log);
  const image = (await listFiles(join(target, "boot"))).find((path) => /vmlinuz-/.test(path));
  if (image === undefined) {
    throw new Error(`no kernel in ${target}; remove that folder and try again`);
  }
  const modules = new Map<string, string>();
  for (const path of await listFiles(join(target, "lib"))) {
    if (path.endsWith(".ko")) modules.set(moduleName(basename(path)), path);
  }
  const release = basename(image).replace("vmlinuz-", "");
  return { image, release, busybox: join(target, "bin", "busybox"), modules };
}

/** Unpacks into a scratch folder, which takes the real name only when it is complete. */
async function unpack(target: string, log: string): Promise<void> {
  const work = await scratchFolder("guest");
  const depends = await run("apt-cache", ["depends", "--important", METAPACKAGE], { log });
  const kernel = /Depends: (linux-image-\S+)/.exec(depends.output)?.[1];
  if (kernel === undefined) throw new Error(`apt knows no ${METAPACKAGE}; apt-get update first`);
  // As root, apt would download as the user _apt, who may not write here.
  const options = ["-qq", "-o", "APT::Sandbox::User=root"];
  await run("apt-get", [...options, "download", kernel, "busybox-static"], { cwd: work, log });
  const root = join(work, "root");
  await Deno.mkdir(root);
  for (const package_ of (await listFiles(work)).filter((path) => path.endsWith(".deb"))) {
    const archive = `${package_}.tar`;
    // Only what is wanted is written, so that the cache stays small.
    await run("sh", ["-c", 'dpkg-deb --fsys-tarfile "$1" > "$2"', "sh", package_, archive], {
      log,
    });
    const wanted = FOLDERS.map((folder) => `./lib/modules/*/kernel/${folder}`);
    await run("tar", [
      "-xf",
      archive,
      "-C",
      root,
      "--wildcards",
      ...(package_.includes("busybox") ? ["./bin/busybox"] : ["./boot/vmlinuz-*", ...wanted]),
    ], { log });
    await Deno.remove(archive);
  }
  try {
    await Deno.rename(root, target);
  } catch (error) {
    // Another run may have been first.
    if (!(await exists(target))) throw error;
  }
  await Deno.remove(work, { recursive: true });
}

function moduleName(file: string): string {
  return file.replace(/\.ko$/, "").replaceAll("-", "_");
}

/** The files of these modules and of what they need, each after its needs. */
export async function loadOrder(kernel: GuestKernel, names: readonly string[]): Promise<string[]> {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = async (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const path = kernel.modules.get(name);
    // What is not among the files is built into the kernel, or its absence shows at boot.
    if (path === undefined) return;
    for (const need of await needsOf(path)) await visit(need);
    order.push(path);
  };
  for (const name of names) {
    if (!kernel.modules.has(name)) throw new Error(`the kernel has no module ${name}`);
    await visit(name);
  }
  return order;
}

/** The section .modinfo says `depends=a,b`; Debian's package holds no modules.dep. */
async function needsOf(path: string): Promise<string[]> {
  const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
  const list = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
  return list.split(",").filter((name) => name !== "").map((name) => name.replaceAll("-", "_"));
}
