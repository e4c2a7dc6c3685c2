/** One line a piece of work: when it ends on a pipe, live as well on a terminal. */

const live = Deno.stderr.isTerminal();
const running = new Map<symbol, { label: string; started: number }>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Runs `work` and prints one line with what it returned (a short remark) and its time. */
export async function progress<T>(
  label: string,
  work: () => Promise<T>,
  remark: (result: T) => string = () => "",
): Promise<T> {
  const key = Symbol(label);
  const started = performance.now();
  running.set(key, { label, started });
  redraw();
  timer ??= live ? setInterval(redraw, 500) : undefined;
  try {
    const result = await work();
    finish(key, "ok  ", label, started, remark(result));
    return result;
  } catch (error) {
    finish(key, "FAIL", label, started, error instanceof Error ? firstLine(error.message) : "");
    throw error;
  }
}

/** Prints a line above whatever is in progress. */
export function say(line: string): void {
  write(live ? `\r\x1b[K${line}\n` : `${line}\n`);
  redraw();
}

function finish(key: symbol, mark: string, label: string, started: number, remark: string): void {
  running.delete(key);
  if (running.size === 0) {
    clearInterval(timer);
    timer = undefined;
  }
  const line = `${mark} ${label.padEnd(34)} ${seconds(performance.now() - started).padStart(8)}`;
  say(remark === "" ? line : `${line}  ${remark}`);
}

function redraw(): void {
  if (!live) return;
  const now = performance.now();
  const parts = [...running.values()].map((work) => `${work.label} ${seconds(now - work.started)}`);
  write(`\r\x1b[K${parts.join(" · ").slice(0, 110)}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function firstLine(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
