// How late a timer fires while something else goes on.

export const TICK_MS = 10;

/** The most milliseconds that a timer of TICK_MS was late, from before `work` begins to its end. */
export async function longestSlip(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let due = performance.now() + TICK_MS;
  let timer: ReturnType<typeof setTimeout>;
  const look = () => {
    longest = Math.max(longest, performance.now() - due);
  };
  const tick = () => {
    look();
    due = performance.now() + TICK_MS;
    timer = setTimeout(tick, TICK_MS);
  };
  timer = setTimeout(tick, TICK_MS);
  try {
    await work();
  } finally {
    clearTimeout(timer);
  }
  // What kept the timer from firing may have ended the work as well.
  look();
  return longest;
}
