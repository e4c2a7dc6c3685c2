/** The one gate through which result codes become exceptions. */

import { RESULT_TEXTS, ResultCode } from "./layout.gen.ts";
import { hintFor } from "./hints.ts";

/** The name of a result code without its prefix, or LOAD_FAILED when there is no library at all. */
export type MiniAVErrorCode = Exclude<keyof typeof ResultCode, "SUCCESS"> | "LOAD_FAILED";

/** What an error says besides its code. */
export interface MiniAVErrorDetails {
  /** What was asked, in words of the API: "Camera.open". */
  readonly operation: string;
  /** Who refused: "pipewire", "alsa", "test"; "" when nobody got that far. */
  readonly backend?: string;
  /** What the backend said. */
  readonly detail?: string;
  /** What a person can do; by default from the code, the operation and the system. */
  readonly hint?: string;
}

/** Everything that this package throws on its own account. */
export class MiniAVError extends Error {
  override readonly name = "MiniAVError";
  /** What went wrong; stable, for programs. */
  readonly code: MiniAVErrorCode;
  /** What was asked, in words of the API: "Camera.open". */
  readonly operation: string;
  /** Who refused: "pipewire", "alsa", "test"; "" when nobody got that far. */
  readonly backend: string;
  /** What a person can do about it, or "". */
  readonly hint: string;

  constructor(code: MiniAVErrorCode, details: MiniAVErrorDetails) {
    const backend = details.backend ?? "";
    const hint = details.hint ?? hintFor(code, details.operation, backend);
    super(messageOf(code, details, hint));
    this.code = code;
    this.operation = details.operation;
    this.backend = backend;
    this.hint = hint;
  }
}

function messageOf(code: MiniAVErrorCode, details: MiniAVErrorDetails, hint: string): string {
  const text = code === "LOAD_FAILED"
    ? "the native library could not be loaded"
    : `${RESULT_TEXTS[ResultCode[code]]}`;
  // Programs have no ids: which of them does not play is all there is to say.
  if (code === "DEVICE_NOT_FOUND" && details.operation.startsWith("Loopback.") && details.detail) {
    return messageWith(code, details, details.detail, hint);
  }
  return messageWith(code, details, details.detail ? `${text}: ${details.detail}` : text, hint);
}

function messageWith(
  code: MiniAVErrorCode,
  details: MiniAVErrorDetails,
  text: string,
  hint: string,
): string {
  const backend = details.backend ? `, ${details.backend}` : "";
  return `${details.operation}: ${text} (${code}${backend})${hint ? `\n${hint}` : ""}`;
}

const NAMES: ReadonlyMap<number, MiniAVErrorCode> = new Map(
  Object.entries(ResultCode)
    .filter(([name]) => name !== "SUCCESS")
    .map(([name, value]) => [value, name as MiniAVErrorCode]),
);

/** The name of a result code that is not success. */
export function errorCodeName(code: number): MiniAVErrorCode {
  return NAMES.get(code) ?? "UNKNOWN";
}

/** The error for a result code. */
export function errorFrom(
  code: number,
  operation: string,
  backend = "",
  detail = "",
): MiniAVError {
  return new MiniAVError(errorCodeName(code), { operation, backend, detail });
}

/** Throws unless the code is success. */
export function unwrap(code: number, operation: string, backend = ""): void {
  if (code !== ResultCode.SUCCESS) throw errorFrom(code, operation, backend);
}
