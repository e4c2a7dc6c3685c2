/** Installs what the tests need where that is possible, otherwise says exactly what is missing. */

import { SYSTEM_PACKAGES, type SystemPackage } from "../debian_packages.ts";
import { run, succeeds, tryRun } from "../process.ts";

/** Returns a remark; throws with the list and the command that installs it. */
export async function installSystemPackages(log: string): Promise<string> {
  if (Deno.build.os !== "linux") return "nothing to do here";
  const missing = await findMissing();
  if (missing.length === 0) return "all there";
  const names = missing.map((each) => each.name);
  const isDebian = await succeeds("apt-get", ["--version"]);
  if (!isDebian || Deno.uid() !== 0) {
    const hint = isDebian ? `sudo apt-get install --no-install-recommends ${names.join(" ")}` : "";
    throw new Error(`missing: ${names.join(", ")}${hint === "" ? "" : `; install with: ${hint}`}`);
  }
  const options = ["-o", "DPkg::Lock::Timeout=300", "--quiet"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", [...options, "update"], { log, env });
  const install = ["install", "-y", "--no-install-recommends", ...names];
  await run("apt-get", [...options, ...install], { log, env });
  return `installed ${names.length}`;
}

async function findMissing(): Promise<readonly SystemPackage[]> {
  const query = await tryRun("dpkg-query", ["-W", "-f=${binary:Package} ${db:Status-Abbrev}\\n"]);
  if (query !== null) {
    const installed = new Set<string>();
    for (const line of query.output.split("\n")) {
      const [name, status] = line.split(" ");
      if (name !== undefined && status?.startsWith("ii")) installed.add(name.split(":")[0] ?? name);
    }
    return SYSTEM_PACKAGES.filter((each) => !installed.has(each.name));
  }
  const missing: SystemPackage[] = [];
  for (const each of SYSTEM_PACKAGES) {
    if (each.command !== undefined && await tryRun(each.command, ["--version"]) === null) {
      missing.push(each);
    }
  }
  return missing;
}
