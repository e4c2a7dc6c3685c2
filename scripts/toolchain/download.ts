/** What every download shares: finished ones are recognised, half ones never are. */

import { scratchFolder } from "../process.ts";
import { CommandError, run, type RunOptions, succeeds } from "../process.ts";
import { dirname, exists, listFiles } from "../path.ts";

/**
 * Fills a scratch folder and moves it to `destination` in one rename, so that an interrupted run
 * leaves nothing that looks finished. Returns at once when `destination` is already there.
 */
export async function createOnce(
  destination: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  if (await exists(destination)) return;
  const folder = await scratchFolder("download");
  try {
    await fill(folder);
    await Deno.mkdir(dirname(destination), { recursive: true });
    await renameUnlessThere(folder, destination);
  } finally {
    await removeIfThere(folder);
  }
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    // Another run of the same script was quicker: its result is as good.
    if (!(await exists(to))) throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** SHA-256 of a file, in lower-case hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Throws unless the file's SHA-256 is the pinned one. */
export async function verifySha256(path: string, expected: string): Promise<void> {
  const actual = await sha256(path);
  if (actual !== expected) throw new Error(`${path}: SHA-256 is ${actual}, expected ${expected}`);
}

/** The Python that is there, by its name on PATH. */
export async function findPython(): Promise<string> {
  for (const name of ["python3", "python"]) {
    try {
      if (await succeeds(name, ["--version"])) return name;
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  throw new Error("Python 3 is needed to fetch the toolchain: install python3 and python3-pip");
}

/** `pip download` of one package without its dependencies; returns the path of the one file. */
export async function pipDownload(
  requirement: string,
  folder: string,
  args: readonly string[] = [],
): Promise<string> {
  const pipArgs = ["download", "--no-deps", "--disable-pip-version-check", "--no-input"];
  pipArgs.push(...args, "--dest", folder, requirement);
  // A system's pip command may be missing, stale or of another Python: then the module serves.
  const commands: [string, string[]][] = [["pip", []], [await findPython(), ["-m", "pip"]]];
  let failure: unknown;
  for (const [command, prefix] of commands) {
    try {
      await run(command, [...prefix, ...pipArgs]);
      const [file] = await listFiles(folder);
      if (file !== undefined) return file;
    } catch (error) {
      failure = error;
    }
  }
  const detail = failure instanceof CommandError ? failure.output.trim() : String(failure);
  throw new Error(`pip could not download ${requirement}\n${detail}`);
}

/** Unpacks a zip file with Python, which is there when pip is. */
export async function unzip(archive: string, folder: string, options?: RunOptions): Promise<void> {
  await run(await findPython(), ["-m", "zipfile", "-e", archive, folder], options);
}
