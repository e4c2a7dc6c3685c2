/** Why a file cannot be written, in words. */

import { dirname } from "node:path";
import { MiniAVError } from "../ffi/mod.ts";

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ["its folder does not exist", ""],
  ENOTDIR: ["a part of the path is no folder", ""],
  EISDIR: ["it is a folder", "Give the name of a file in it."],
  EACCES: ["this user may not write there", "Choose a folder of your own."],
  EPERM: ["this user may not write there", "Choose a folder of your own."],
  EROFS: ["the file system is read-only", "Choose another folder."],
  ENOSPC: ["the disk is full", "Make room, or record to another disk."],
  EDQUOT: ["the quota is used up", "Make room, or record to another disk."],
  EFBIG: ["the file may not grow any more", "Raise the limit (ulimit -f), or record less."],
  EIO: ["the disk answers with errors", ""],
  EPIPE: ["whoever read it has gone", ""],
  EEXIST: ["it exists already", "Choose another name, or overwrite it with `overwrite: true`."],
  ENAMETOOLONG: ["the name is too long", ""],
};

/** What a failure means and what helps; the code of the system ("ENOSPC"), or "". */
export function explainFileError(
  path: string,
  error: unknown,
): { readonly code: string; readonly reason: string; readonly hint: string } {
  const told: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  const code = typeof told === "string" ? told : "";
  const [reason, hint] = REASONS[code] ??
    [error instanceof Error ? error.message : String(error), ""];
  if (code !== "ENOENT") return { code, reason, hint };
  return { code, reason, hint: `Make the folder first: mkdir -p ${dirname(path)}` };
}

/** The error of a file: PERMISSION_DENIED where Deno denies it, else SYSTEM_CALL_FAILED. */
export function fileError(path: string, failure: unknown): MiniAVError {
  if (failure instanceof MiniAVError) return failure;
  const denied = failure instanceof Error && failure.name === "NotCapable";
  const { reason, hint } = explainFileError(path, failure);
  const error = new MiniAVError(denied ? "PERMISSION_DENIED" : "SYSTEM_CALL_FAILED", {
    operation: "writing a file",
    detail: denied ? `${path}: Deno may not write it` : `${path}: ${reason}`,
    hint: denied ? `Run Deno with --allow-write=${path}` : hint,
  });
  error.cause = failure;
  return error;
}
