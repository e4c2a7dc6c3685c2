/** How commands fail: wrong usage, or an error with a hint. */

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Something could not be done: exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** What a person can do about it, or "". */
  readonly hint: string;
  /** As in MiniAVError, or the system's: "ENOSPC". */
  readonly code: string;

  constructor(
    message: string,
    details: { readonly hint?: string; readonly code?: string; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.hint = details.hint ?? "";
    this.code = details.code ?? "";
  }
}

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The code of a system error such as "ENOSPC", or "". */
export function systemCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}
