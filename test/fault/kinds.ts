// The four kinds of source as one table, so that a fault is tested on each of them.

import { Camera, Loopback, Microphone, Screen } from "../../src/mod.ts";
import type {
  AnyFrame,
  Capture,
  DeviceChange,
  DeviceChangeSubscription,
  DeviceInfo,
  PermissionState,
  WaitOptions,
} from "../../src/mod.ts";

/** What all captures can do, whatever they capture. */
export type AnyCapture = Capture<AnyFrame, unknown>;

export interface Opening extends WaitOptions {
  readonly queue?: number;
  readonly reconnect?: { readonly delay: number; readonly attempts: number };
}

export interface Kind {
  readonly name: string;
  /** A device that can be the default. */
  readonly device: string;
  /** Another device, to which the default can move; null: there is only one. */
  readonly other: string | null;
  /** Milliseconds from one buffer to the next. */
  readonly intervalMs: number;
  enumerate(options?: WaitOptions): Promise<DeviceInfo[]>;
  formats(id: string, options?: WaitOptions): Promise<readonly object[]>;
  permission(options?: WaitOptions): Promise<PermissionState>;
  requestPermission(options?: WaitOptions): Promise<PermissionState>;
  open(deviceId: string | undefined, options?: Opening): Promise<AnyCapture>;
  watch(handler: (change: DeviceChange) => void): DeviceChangeSubscription;
}

const PICTURE = { width: 160, height: 120, frameRate: 100, format: "NV12" } as const;
const SOUND = { sampleRate: 48000, channelCount: 2, format: "f32", chunkMs: 10 } as const;

export const KINDS: readonly Kind[] = [
  {
    name: "camera",
    device: "test:bars",
    other: "test:bars2",
    intervalMs: 10,
    enumerate: (options) => Camera.enumerateDevices(options),
    formats: (id, options) => Camera.supportedFormats(id, options),
    permission: (options) => Camera.permission(options),
    requestPermission: (options) => Camera.requestPermission(options),
    open: async (deviceId, options) =>
      await Camera.open({ ...PICTURE, ...options, deviceId }) as AnyCapture,
    watch: (handler) => Camera.onDeviceChange(handler),
  },
  {
    name: "screen",
    device: "test:display",
    other: null,
    intervalMs: 10,
    enumerate: (options) => Screen.enumerateDisplays(options),
    formats: (id, options) => Screen.supportedFormats(id, options),
    permission: (options) => Screen.permission(options),
    requestPermission: (options) => Screen.requestPermission(options),
    open: async (displayId, options) =>
      await Screen.open({
        ...PICTURE,
        ...options,
        ...(displayId === undefined ? {} : { displayId }),
      }) as AnyCapture,
    watch: (handler) => Screen.onDeviceChange(handler),
  },
  {
    name: "microphone",
    device: "test:tone",
    other: "test:tone2",
    intervalMs: 10,
    enumerate: (options) => Microphone.enumerateDevices(options),
    formats: (id, options) => Microphone.supportedFormats(id, options),
    permission: (options) => Microphone.permission(options),
    requestPermission: (options) => Microphone.requestPermission(options),
    open: async (deviceId, options) =>
      await Microphone.open({ ...SOUND, ...options, deviceId }) as AnyCapture,
    watch: (handler) => Microphone.onDeviceChange(handler),
  },
  {
    name: "loopback",
    device: "test:system",
    other: null,
    intervalMs: 10,
    enumerate: (options) => Loopback.enumerateDevices(options),
    formats: (id, options) => Loopback.supportedFormats(id, options),
    permission: (options) => Loopback.permission(options),
    requestPermission: (options) => Loopback.requestPermission(options),
    open: async (deviceId, options) =>
      await Loopback.open({
        ...SOUND,
        ...options,
        ...(deviceId === undefined ? { system: true } : { deviceId }),
      }) as AnyCapture,
    watch: (handler) => Loopback.onDeviceChange(handler),
  },
];
