import process from "node:process";

/** Signals a process that may have ended already: a runtime tells of an end later than it is. */
export function signalIfThere(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
