/** The names of what can go wrong. */

import type { ResultCode } from "./layout.gen.ts";

/** The name of a result code without its prefix, or LOAD_FAILED when there is no library at all. */
export type MiniAVErrorCode = Exclude<keyof typeof ResultCode, "SUCCESS"> | "LOAD_FAILED";
