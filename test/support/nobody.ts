// Becoming a user without rights, for tests of what is denied.

import process from "node:process";

/** Debian's, and everybody's. */
const NOBODY = 65534;

/** From root to nobody, for good; a user who is not root stays who that is. */
export function becomeNobody(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
  if (process.getuid?.() !== NOBODY) throw new Error("this process is still root");
}
