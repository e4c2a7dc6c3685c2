/** Consent: what the system says, and asking for it. */

import { library, Permission, waiter } from "../ffi/mod.ts";
import { KINDS } from "./kinds.ts";
import type { KindName } from "./kinds.ts";
import { waitOptions } from "./lists.ts";
import type { PermissionState, WaitOptions } from "./types.ts";

const STATES: Readonly<Record<number, PermissionState>> = {
  [Permission.GRANTED]: "granted",
  [Permission.DENIED]: "denied",
  [Permission.UNDETERMINED]: "undetermined",
  [Permission.NOT_NEEDED]: "not-needed",
};

export function permissionStateFrom(number: number): PermissionState {
  return STATES[number] ?? "unknown";
}

export async function getPermission(kind: KindName, options?: WaitOptions) {
  const operation = `${KINDS[kind].label}.permission`;
  const waiting = waitOptions(operation, options);
  const { native } = library();
  const event = await waiter().operation(
    operation,
    (handle, token) => native[`MiniAV_${kind}_GetPermissionAsync`](handle, token),
    waiting,
  );
  return permissionStateFrom(event.detail);
}

export async function requestPermission(kind: KindName, options?: WaitOptions) {
  const operation = `${KINDS[kind].label}.requestPermission`;
  const waiting = waitOptions(operation, options);
  const { native } = library();
  const event = await waiter().operation(
    operation,
    (handle, token) => native[`MiniAV_${kind}_RequestPermissionAsync`](handle, token),
    waiting,
  );
  return permissionStateFrom(event.detail);
}
