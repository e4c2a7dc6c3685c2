/**
 * A guest that boots Debian's kernel over this machine's own files: read-only by 9p, below a layer
 * in memory that takes what is written and is gone at the end. No network, no disk.
 *
 *     deno run -A scripts/guest/guest.ts -- COMMAND...     a command in the guest, by hand
 */

import { CACHE, ROOT } from "../paths.ts";
import { join } from "../path.ts";
import { file, folder, writeCpio } from "./cpio.ts";
import { type GuestKernel, loadOrder, prepareKernel } from "./kernel.ts";

/** What the guest cannot start without: its file systems, over virtio. */
const BASE_MODULES = [
  "virtio_pci",
  "9p",
  "9pnet_virtio",
  "overlay",
];

export interface GuestOptions {
  readonly kernel: GuestKernel;
  /** Modules with their parameters, loaded before the script runs: "vivid n_devs=2". */
  readonly modules: readonly string[];
  /** A shell script. */
  readonly script: string;
  /** Of both boots, if there are two. */
  readonly timeoutMs: number;
  readonly log: string;
}

export const GUEST_UP = "== guest up";
export const GUEST_END = "== guest end";

/** A kernel that starts prints all the time, on a busy machine too; one that is silent for this long
 * hangs. */
const SILENCE_MS = 60_000;

/** Boots, runs the script as root, and returns everything that came over the serial line. A boot
 * that hangs is tried once more. */
export async function runGuest(options: GuestOptions): Promise<string> {
  const deadline = Date.now() + options.timeoutMs;
  const scratch = await Deno.makeTempDir({ dir: CACHE, prefix: "guest-run-" });
  try {
    const initramfs = join(scratch, "initramfs");
    await Deno.writeFile(initramfs, await makeInitramfs(options));
    const first = await bootGuest(options, initramfs, deadline);
    if (first.includes(GUEST_UP)) return first;
    return `${first}\n== second boot\n${await bootGuest(options, initramfs, deadline)}`;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function bootGuest(
  options: GuestOptions,
  initramfs: string,
  deadline: number,
): Promise<string> {
  const child = new Deno.Command("qemu-system-x86_64", {
    args: qemuArguments(options, initramfs),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  let last = Date.now();
  let reason = "";
  const timer = setInterval(() => {
    const silent = Date.now() - last > SILENCE_MS && !output.includes(GUEST_UP);
    if (reason !== "" || (!silent && Date.now() < deadline)) return;
    reason = `\n== ended from outside: ${silent ? "it does not boot" : "out of time"}\n`;
    child.kill("SIGKILL");
  }, 500);
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    last = Date.now();
    await Deno.writeTextFile(options.log, text, { append: true });
  }
  await child.status;
  clearInterval(timer);
  return output + reason;
}

function qemuArguments({ kernel }: GuestOptions, initramfs: string): string[] {
  // Software emulation: a guest under KVM inside of many sandboxes hangs.
  const machine = ["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "3072"];
  const share = "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap";
  const commandLine = "console=ttyS0 panic=-1 rdinit=/init no_timer_check mitigations=off";
  return [
    ...machine,
    ...["-kernel", kernel.image, "-initrd", initramfs],
    ...["-append", commandLine],
    ...["-nographic", "-monitor", "none", "-no-reboot", "-nodefaults", "-serial", "stdio"],
    ...["-net", "none", "-vga", "none"],
    ...["-fsdev", share, "-device", "virtio-9p-pci,fsdev=root,mount_tag=root"],
  ];
}

/** Busybox, the modules, the script, and what starts them. */
async function makeInitramfs({ kernel, modules, script }: GuestOptions): Promise<Uint8Array> {
  const parameters = new Map(modules.map((line) => {
    const [name = "", ...rest] = line.split(" ");
    return [name.replaceAll("-", "_"), rest.join(" ")];
  }));
  const order = await loadOrder(kernel, [
    ...BASE_MODULES.map((name) => name.replaceAll("-", "_")),
    ...parameters.keys(),
  ]);
  const names = order.map((path) => (path.split("/").pop() ?? "").replace(/\.ko$/, ""));
  const loads = names.map((name) =>
    `busybox insmod /modules/${name}.ko ${parameters.get(name.replaceAll("-", "_")) ?? ""}`
  );
  const bytes = (text: string) => new TextEncoder().encode(text);
  return writeCpio([
    ...["bin", "proc", "sys", "dev", "modules", "host", "layer", "root"].map(folder),
    file("bin/busybox", await Deno.readFile(kernel.busybox)),
    ...await Promise.all(
      order.map(async (path, index) =>
        file(`modules/${names[index]}.ko`, await Deno.readFile(path))
      ),
    ),
    file("script", bytes(script)),
    file("init", bytes(initScript(loads))),
  ]);
}

function initScript(loads: readonly string[]): string {
  return `#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
${loads.join("\n")}
nine=trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro
busybox mount -t 9p -o $nine root /host
busybox mount -t tmpfs tmpfs /layer
busybox mkdir /layer/upper /layer/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
busybox cp /script /layer/upper/guest-script
for each in proc sys dev; do busybox mount --move /$each /root/$each; done
busybox mkdir -p /root/dev/pts /root/dev/shm
busybox mount -t devpts devpts /root/dev/pts
for each in dev/shm run; do busybox mount -t tmpfs tmpfs /root/$each; done
busybox dmesg -n 1
echo "${GUEST_UP} $(busybox cut -d' ' -f1 /root/proc/uptime) s"
cd /root
busybox chroot /root /bin/bash -c '
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
  mkdir -p /run/lock; cd "${ROOT}"; source /guest-script' < /root/dev/null
echo "${GUEST_END} $(busybox cut -d' ' -f1 /root/proc/uptime) s"
echo o > /root/proc/sysrq-trigger
busybox sleep 10
`;
}

if (import.meta.main) {
  const log = join(CACHE, "guest.log");
  const output = await runGuest({
    kernel: await prepareKernel(log),
    modules: [
      "vivid n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0x00,0x03 multiplanar=1,2",
      "snd-aloop",
      "vgem",
    ],
    script: Deno.args.filter((argument) => argument !== "--").join(" "),
    timeoutMs: 280_000,
    log,
  });
  console.log(output);
}
