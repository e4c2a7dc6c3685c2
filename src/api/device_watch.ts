/** Devices that come and go, defaults that change, permissions that are given or taken. */

import { EventType, waiter } from "../ffi/mod.ts";
import type { DeviceWatch, NativeEvent } from "../ffi/mod.ts";
import { KINDS } from "./kinds.ts";
import type { KindName } from "./kinds.ts";
import { permissionStateFrom } from "./permission.ts";
import type { DeviceKind, PermissionState } from "./types.ts";

/** What changed. */
export type DeviceChange =
  /** The list is another now: enumerate again. */
  | { readonly type: "devices"; readonly kind: DeviceKind }
  /** What opening without an id means. */
  | { readonly type: "default"; readonly kind: DeviceKind; readonly deviceId: string }
  | { readonly type: "permission"; readonly kind: DeviceKind; readonly state: PermissionState };

/** A subscription; it keeps the process alive until it is closed or `unref` is called. */
export interface DeviceChangeSubscription extends Disposable {
  close(): void;
  /** The process may end although the subscription is open. */
  unref(): this;
  ref(): this;
}

export function watchDeviceChanges(
  name: KindName,
  handler: (change: DeviceChange) => void,
): DeviceChangeSubscription {
  const { number, device } = KINDS[name];
  const loop = waiter();
  const watch: DeviceWatch = {
    kinds: 1 << number,
    ref: true,
    onEvent: (event) => {
      const change = changeFrom(event, device);
      if (change !== null) handler(change);
    },
  };
  loop.watchDevices(watch);
  return {
    close: () => loop.unwatchDevices(watch),
    unref() {
      watch.ref = false;
      loop.refresh();
      return this;
    },
    ref() {
      watch.ref = true;
      loop.refresh();
      return this;
    },
    [Symbol.dispose]() {
      loop.unwatchDevices(watch);
    },
  };
}

function changeFrom(event: NativeEvent, kind: DeviceKind): DeviceChange | null {
  switch (event.type) {
    case EventType.DEVICES_CHANGED:
      return { type: "devices", kind };
    case EventType.DEFAULT_CHANGED:
      return { type: "default", kind, deviceId: event.text };
    case EventType.PERMISSION_CHANGED:
      return { type: "permission", kind, state: permissionStateFrom(event.detail) };
    default:
      return null;
  }
}
