/** The few path functions the scripts need, from Node's own module, under one name each. */

import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export { basename, dirname, join, relative };

/** `file:` URL to a path of this OS, without a trailing separator. */
export function fromFileUrl(url: URL): string {
  return fileURLToPath(url).replace(/[\\/]$/, "");
}

/** True when the path exists, whatever it is. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Every regular file under `folder`, recursively, sorted; none when the folder is not there. */
export async function listFiles(folder: string): Promise<string[]> {
  if (!(await exists(folder))) return [];
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) files.push(...await listFiles(path));
    else if (entry.isFile) files.push(path);
  }
  return files.sort();
}
