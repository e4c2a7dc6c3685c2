/** The single header miniaudio.h, one exact version: the system's, or from a pinned archive. */

import { createOnce, findPython, pipDownload, verifySha256 } from "./download.ts";
import { CACHE } from "../paths.ts";
import { exists, join } from "../path.ts";
import { run } from "../process.ts";

const VERSION = "0.11.25";
const PACKAGE = "miniaudio==1.71";
const ARCHIVE_SHA256 = "ff51e2887bb673e2e757752b586b3dc924d59aa5fbcae9bbc45f4a111bd3262b";
const HEADER_SHA256 = "ac7af4de748b7e26b777f37e01cee313a308a7296a3eb080e2906b320cc55c89";
const SYSTEM_FOLDERS = ["/usr/include", "/usr/local/include", "/usr/include/miniaudio"];

/** Returns a folder that holds miniaudio.h and nothing that could shadow a system header. */
export async function ensureMiniaudio(): Promise<string> {
  const chosen = Deno.env.get("MINIAV_MINIAUDIO_DIR");
  if (chosen !== undefined && chosen !== "") {
    const found = await headerVersion(chosen);
    if (found === VERSION) return chosen;
    throw new Error(
      `MINIAV_MINIAUDIO_DIR=${chosen} holds ${found ?? "no miniaudio.h"}, need ${VERSION}`,
    );
  }
  const destination = join(CACHE, `miniaudio-${VERSION}`);
  await createOnce(destination, async (folder) => {
    for (const system of SYSTEM_FOLDERS) {
      if (await headerVersion(system) !== VERSION) continue;
      // Copied, because `-I/usr/include` would give a cross build the host's headers.
      return await Deno.copyFile(join(system, "miniaudio.h"), join(folder, "miniaudio.h"));
    }
    await fetchArchive(folder);
  });
  return destination;
}

async function fetchArchive(folder: string): Promise<void> {
  // Source for this one package only: with `:all:` pip would also build its build tools.
  const archive = await pipDownload(PACKAGE, folder, ["--no-binary", "miniaudio"]);
  await verifySha256(archive, ARCHIVE_SHA256);
  const extract = [
    "import sys, tarfile",
    "with tarfile.open(sys.argv[1]) as archive:",
    "    names = [n for n in archive.getnames() if n.endswith('/miniaudio.h')]",
    "    open(sys.argv[2], 'wb').write(archive.extractfile(names[0]).read())",
  ].join("\n");
  const header = join(folder, "miniaudio.h");
  await run(await findPython(), ["-c", extract, archive, header]);
  await verifySha256(header, HEADER_SHA256);
  await Deno.remove(archive);
}

async function headerVersion(folder: string): Promise<string | null> {
  const path = join(folder, "miniaudio.h");
  if (!(await exists(path))) return null;
  const text = await Deno.readTextFile(path);
  const part = (name: string) =>
    new RegExp(`#define\\s+MA_VERSION_${name}\\s+(\\d+)`).exec(text)?.[1] ?? "?";
  return ["MAJOR", "MINOR", "REVISION"].map(part).join(".");
}
