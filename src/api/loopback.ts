/** What the machine plays: everything, or certain applications only. */

import {
  encodeAudioInfo,
  encodeLoopbackTargets,
  encodeText,
  LoopbackMode,
  LoopbackTargetType,
} from "../ffi/mod.ts";
import type { Handle, Native } from "../ffi/mod.ts";
import type { CapturedAudio } from "./audio_data.ts";
import { Capture, openCapture } from "./capture.ts";
import type { CaptureParts } from "./capture.ts";
import { audioWishes, needsDefaultAudio } from "./constraints.ts";
import { watchDeviceChanges } from "./device_watch.ts";
import type { DeviceChange, DeviceChangeSubscription } from "./device_watch.ts";
import { audioRequest } from "./formats.ts";
import {
  configuredAudioFormat,
  defaultAudioFormat,
  listDevices,
  operationOptions,
  supportedAudioFormats,
  waitOptions,
} from "./lists.ts";
import { isOfWindow, wantedSound } from "./loopback_options.ts";
import type { LoopbackOptions, WantedSound } from "./loopback_options.ts";
import { audioEntries, describeValue, invalidOption, requireKnownOptions } from "./options.ts";
import { getPermission, requestPermission } from "./permission.ts";
import type { AudioFormat, DeviceInfo, PermissionState, WaitOptions } from "./types.ts";

/** What `Loopback.enumerateDevices` can be limited to. */
export type LoopbackType = "system" | "process" | "window";

const TYPES: Readonly<Record<LoopbackType, number>> = {
  system: LoopbackTargetType.SYSTEM_AUDIO,
  process: LoopbackTargetType.PROCESS,
  window: LoopbackTargetType.WINDOW,
};

/**
 * What the machine plays: one application, several, everything but some, or the system's mix. What
 * was asked is never widened: an application that cannot be heard alone is NOT_SUPPORTED.
 */
export class Loopback extends Capture<CapturedAudio, AudioFormat> {
  private constructor(parts: CaptureParts<AudioFormat>) {
    super(parts);
  }

  /** What can be listened to, of one type or of all. */
  static enumerateDevices(
    options: WaitOptions & { readonly type?: LoopbackType | undefined } = {},
  ): Promise<DeviceInfo[]> {
    return listTargets("Loopback.enumerateDevices", "type", options);
  }

  /** What can be listened to: the same as `enumerateDevices`, by the word of the C library. */
  static enumerateTargets(
    options: WaitOptions & { readonly kind?: LoopbackType | undefined } = {},
  ): Promise<DeviceInfo[]> {
    return listTargets("Loopback.enumerateTargets", "kind", options);
  }

  /** The native formats of a target; any other in range can be had too. DEVICE_NOT_FOUND. */
  static async supportedFormats(deviceId?: string, options?: WaitOptions): Promise<AudioFormat[]> {
    const waiting = waitOptions("Loopback.supportedFormats", options);
    return await supportedAudioFormats("Loopback", deviceId, waiting);
  }

  /** What opening it without wishes gives. DEVICE_NOT_FOUND. */
  static async defaultFormat(deviceId?: string, options?: WaitOptions): Promise<AudioFormat> {
    const waiting = waitOptions("Loopback.defaultFormat", options);
    return await defaultAudioFormat("Loopback", deviceId, waiting);
  }

  /**
   * Opens and starts. `open()` is the system's mix, as `open({ system: true })` is; a target that is
   * there and has no value is INVALID_ARG, not the mix. DEVICE_NOT_FOUND, NOT_SUPPORTED, PERMISSION_DENIED,
   * TIMEOUT.
   */
  static async open(options: LoopbackOptions = {}): Promise<Loopback> {
    const wanted = wantedSound(options);
    const waiting = operationOptions("Loopback.open", options);
    const id = wanted.type === "device" ? wanted.id : undefined;
    const own = needsDefaultAudio(options)
      ? await defaultAudioFormat("Loopback", id, waiting)
      : null;
    const request = audioRequest(audioWishes(options, own));
    const parts = await openCapture<AudioFormat>(
      {
        kind: "Loopback",
        operation: "Loopback.open",
        name: `Loopback "${wanted.name}"`,
        early: audioEntries(options),
        late: [],
        configure: configureCall(wanted, encodeAudioInfo(request)),
        start: (native, waiter, token, context) =>
          native.MiniAV_Loopback_StartCaptureAsync(waiter, token, context, null, null),
        readFormat: (native, context) => configuredAudioFormat("Loopback", native, context),
        isFinal: isOfWindow(wanted),
      },
      options,
      waiting,
    );
    return new Loopback(parts);
  }

  /** Whether this process may listen. */
  static permission(options?: WaitOptions): Promise<PermissionState> {
    return getPermission("Loopback", options);
  }

  /** Asks, which may show a dialog and wait for a person. */
  static requestPermission(options?: WaitOptions): Promise<PermissionState> {
    return requestPermission("Loopback", options);
  }

  /** Outputs and applications that come and go. Keeps the process alive until closed or unref'd. */
  static onDeviceChange(handler: (change: DeviceChange) => void): DeviceChangeSubscription {
    return watchDeviceChanges("Loopback", handler);
  }
}

async function listTargets(
  operation: string,
  key: "type" | "kind",
  options: WaitOptions & { readonly type?: unknown; readonly kind?: unknown },
): Promise<DeviceInfo[]> {
  requireKnownOptions(operation, options, { signal: true, timeout: true, [key]: true });
  const wanted = options[key];
  if (wanted !== undefined && !(typeof wanted === "string" && Object.hasOwn(TYPES, wanted))) {
    const detail = `${key} takes "system", "process" or "window", not ${describeValue(wanted)}`;
    throw invalidOption(operation, detail);
  }
  const filter = wanted === undefined ? LoopbackTargetType.NONE : TYPES[wanted as LoopbackType];
  return await listDevices(
    operation,
    (native, waiter, token) => native.MiniAV_Loopback_EnumerateTargetsAsync(waiter, token, filter),
    { signal: options.signal, timeout: options.timeout },
  );
}

type ConfigureCall = (native: Native, waiter: Handle, token: Handle, context: Handle) => number;

function configureCall(wanted: WantedSound, format: Uint8Array): ConfigureCall {
  if (wanted.type === "device") {
    const id = encodeText(wanted.id, "deviceId");
    return (native, waiter, token, context) =>
      native.MiniAV_Loopback_ConfigureAsync(waiter, token, context, id, format);
  }
  const { targets } = wanted;
  const memory = encodeLoopbackTargets(targets);
  const mode = wanted.mode === "exclude" ? LoopbackMode.EXCLUDE : LoopbackMode.INCLUDE;
  return (native, waiter, token, context) =>
    native.MiniAV_Loopback_ConfigureWithTargetsAsync(
      waiter,
      token,
      context,
      memory,
      targets.length,
      mode,
      format,
    );
}
