// Waiting for something to become true, where no event tells of it.

/** Waits `milliseconds`. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Calls `condition` every few milliseconds until it returns something true, and returns that. After
 * `timeoutMs` an error with `message`, and with what a `message` function finds out at that time.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  timeoutMs: number,
  message: string | (() => string),
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const value = await condition();
    if (value) return value;
    if (performance.now() >= deadline) {
      const text = typeof message === "string" ? message : message();
      throw new Error(`not within ${timeoutMs} ms: ${text}`);
    }
    await delay(5);
  }
}

/** The result of `promise`, or an error with `message` when it takes longer than `timeoutMs`. */
export async function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  message: string,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not within ${timeoutMs} ms: ${message}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
