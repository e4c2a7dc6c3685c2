/** The one gate through which result codes become exceptions. */

import { RESULT_TEXTS, ResultCode } from "./layout.gen.ts";
import type { MiniAVErrorCode } from "./error_codes.ts";
import { hintFor } from "./hints.ts";

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
  /** What the backend said, or what is wrong with an argument; "" when there is no more to say. */
  readonly detail: string;
  /** What a person can do about it, or "". */
  readonly hint: string;

  constructor(code: MiniAVErrorCode, details: MiniAVErrorDetails) {
    const backend = details.backend ?? "";
    const hint = details.hint ??
      (code === "INVALID_ARG" && !details.detail
        ? rangeHint(details.operation)
        : hintFor(code, details.operation, backend, details.detail));
    super(messageOf(code, details, hint));
    this.code = code;
    this.operation = details.operation;
    this.backend = backend;
    this.detail = details.detail ?? "";
    this.hint = hint;
  }
}

/** What numbers there are, where the library has refused one without a word. */
function rangeHint(operation: string): string {
  if (operation.includes('("chunkDuration")')) return "chunkMs takes 0 to 1000 milliseconds.";
  if (operation.includes('("queueCapacity")')) return "queue takes 2 to 64 frames.";
  if (/^(?:Loopback|Microphone)\.open$/.test(operation)) {
    return "sampleRate takes 8000 to 192000, channelCount 1 to 8.";
  }
  if (operation.includes('.setProperty("region")')) {
    return "A region lies inside its display; x and y are even where colour is subsampled.";
  }
  if (operation.includes('.setProperty("frameRateLimit")')) {
    return "frameRateLimit takes frames a second from 0, which is no limit.";
  }
  return operation.includes(".setProperty(") ? "getPropertyInfo() tells what it takes." : "";
}

function messageOf(code: MiniAVErrorCode, details: MiniAVErrorDetails, hint: string): string {
  const text = code === "LOAD_FAILED"
    ? "the native library could not be loaded"
    : `${RESULT_TEXTS[ResultCode[code]]}`;
  // The general text would only be in the way: "it exists already" needs no daemon that refused, a
  // misspelled option no NULL, and programs neither ids nor plugs.
  const saysItAll = code === "INVALID_ARG" || code === "SYSTEM_CALL_FAILED" || code === "UNKNOWN" ||
    details.operation.startsWith("Loopback") &&
      (code === "DEVICE_NOT_FOUND" || code === "DEVICE_LOST");
  if (saysItAll && details.detail) return messageWith(code, details, details.detail, hint);
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
