// A sandbox as Flatpak makes it, as far as the desktop's portal can tell: a root of its own that has
// /.flatpak-info.

import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The portal and the process itself are told this name. */
export const SANDBOXED_APPLICATION = "org.example.Rig";

/** The command that runs the rest of its arguments in it; `directory` keeps a file as long. */
export function sandboxWrapper(directory: string): string[] {
  const info = join(directory, "flatpak-info");
  writeFileSync(info, `[Application]\nname=${SANDBOXED_APPLICATION}\n`);
  const wrapper = ["bwrap", "--die-with-parent", "--dev", "/dev", "--proc", "/proc"];
  for (const entry of readdirSync("/", { withFileTypes: true })) {
    const path = `/${entry.name}`;
    if (path === "/dev" || path === "/proc") continue;
    if (entry.isSymbolicLink()) wrapper.push("--symlink", readlinkSync(path), path);
    else if (entry.isDirectory()) wrapper.push("--bind", path, path);
  }
  return [...wrapper, "--ro-bind", info, "/.flatpak-info"];
}
