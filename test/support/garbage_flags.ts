import { runtime } from "./process.ts";

/** What makes `collectGarbage` work in a child. */
export const GARBAGE_FLAGS: readonly string[] = runtime === "deno"
  ? ["--v8-flags=--expose-gc"]
  : [];
