/** What the machine plays: everything, or certain applications only. */

import {
  allocate,
  audioInfoAt,
  AudioInfoLayout,
  encodeAudioInfo,
  encodeLoopbackTargets,
  encodeText,
  LoopbackMode,
  LoopbackTargetFlags,
  LoopbackTargetType,
  MiniAVError,
  unwrap,
} from "../ffi/mod.ts";
import type { Handle, Native, NativeLoopbackTarget, OperationOptions } from "../ffi/mod.ts";
import type { CapturedAudio } from "./audio_data.ts";
import { Capture, openCapture } from "./capture.ts";
import type { CaptureParts } from "./capture.ts";
import { audioWishes, needsDefaultAudio } from "./constraints.ts";
import { watchDeviceChanges } from "./device_watch.ts";
import type { DeviceChange, DeviceChangeSubscription } from "./device_watch.ts";
import { audioFormatFrom, audioRequest } from "./formats.ts";
import { listAudioFormats, listDevices, operationOptions } from "./lists.ts";
import { audioEntries } from "./options.ts";
import { getPermission, requestPermission } from "./permission.ts";
import type {
  AudioCaptureOptions,
  AudioFormat,
  DeviceInfo,
  PermissionState,
  WaitOptions,
} from "./types.ts";

/** One thing that plays. Exactly one of its first five members says which. */
export interface LoopbackTarget {
  /** The system's mix, whatever its default output is. */
  readonly system?: true | undefined;
  readonly processId?: number | undefined;
  /** The binary's or the application's name, without case; every match counts. */
  readonly name?: string | undefined;
  /** A window's processes: HWND, NSWindow number, XID. */
  readonly windowHandle?: number | undefined;
  /** The system's mix: an id of `enumerateDevices()`, or "" for the default. */
  readonly systemId?: string | undefined;
  /** Its descendants too. */
  readonly tree?: boolean | undefined;
  /** A process that does not play yet is no error. */
  readonly wait?: boolean | undefined;
  /** Joins again when the application comes back. Default true for a name. */
  readonly followName?: boolean | undefined;
}

/** What `Loopback.open` takes. Without a target: the system's mix. */
export interface LoopbackOptions extends AudioCaptureOptions, LoopbackTarget {
  /** An id of `enumerateDevices()` or `Screen.enumerateWindows()`. */
  readonly deviceId?: string | undefined;
  /** The sound of a window's processes: an id of `Screen.enumerateWindows()`. */
  readonly windowId?: string | undefined;
  /** Several targets at once, instead of one in these options. */
  readonly targets?: readonly LoopbackTarget[] | undefined;
  /** `exclude`: everything but the targets. Default `include`. */
  readonly mode?: "include" | "exclude" | undefined;
}

/** What `Loopback.enumerateDevices` can be limited to. */
export type LoopbackType = "system" | "process" | "window";

const TYPES: Readonly<Record<LoopbackType, number>> = {
  system: LoopbackTargetType.SYSTEM_AUDIO,
  process: LoopbackTargetType.PROCESS,
  window: LoopbackTargetType.WINDOW,
};

/**
 * What the machine plays. Without a target: the system's mix. What was asked is never widened: an
 * application that cannot be heard alone is NOT_SUPPORTED.
 */
export class Loopback extends Capture<CapturedAudio, AudioFormat> {
  private constructor(parts: CaptureParts<AudioFormat>) {
    super(parts);
  }

  /** What can be listened to, of one type or of all. */
  static enumerateDevices(
    options: WaitOptions & { readonly type?: LoopbackType | undefined } = {},
  ): Promise<DeviceInfo[]> {
    const filter = options.type === undefined ? LoopbackTargetType.NONE : TYPES[options.type];
    return listDevices(
      "Loopback.enumerateDevices",
      (native, waiter, token) =>
        native.MiniAV_Loopback_EnumerateTargetsAsync(waiter, token, filter),
      operationOptions(options),
    );
  }

  /** What can be listened to: the same as `enumerateDevices`, by the word of the C library. */
  static enumerateTargets(
    options: WaitOptions & { readonly kind?: LoopbackType | undefined } = {},
  ): Promise<DeviceInfo[]> {
    const { kind, ...waiting } = options;
    return Loopback.enumerateDevices({ ...waiting, type: kind });
  }

  /** The native formats of a target; any other in range can be had too. DEVICE_NOT_FOUND. */
  static supportedFormats(deviceId?: string, options?: WaitOptions): Promise<AudioFormat[]> {
    const id = encodeText(deviceId, "deviceId");
    return listAudioFormats(
      "Loopback.supportedFormats",
      (native, waiter, token) => native.MiniAV_Loopback_GetSupportedFormatsAsync(waiter, token, id),
      operationOptions(options),
    );
  }

  /** What opening it without wishes gives. DEVICE_NOT_FOUND. */
  static defaultFormat(deviceId?: string, options?: WaitOptions): Promise<AudioFormat> {
    return defaultFormat(deviceId, operationOptions(options));
  }

  /** Opens and starts. DEVICE_NOT_FOUND, NOT_SUPPORTED, PERMISSION_DENIED, TIMEOUT. */
  static async open(options: LoopbackOptions = {}): Promise<Loopback> {
    const waiting = operationOptions(options);
    const own = needsDefaultAudio(options) ? await defaultFormat(options.deviceId, waiting) : null;
    const request = audioRequest(audioWishes(options, own));
    const parts = await openCapture<AudioFormat>(
      {
        kind: "Loopback",
        operation: "Loopback.open",
        name: `Loopback "${describeTarget(options)}"`,
        early: audioEntries(options),
        late: [],
        configure: configureCall(options, encodeAudioInfo(request)),
        start: (native, waiter, token, context) =>
          native.MiniAV_Loopback_StartCaptureAsync(waiter, token, context, null, null),
        readFormat,
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

type ConfigureCall = (native: Native, waiter: Handle, token: Handle, context: Handle) => number;

function configureCall(options: LoopbackOptions, format: Uint8Array): ConfigureCall {
  const targets = options.targets ?? (isTarget(options) ? [options] : []);
  if (targets.length === 0) {
    if (options.mode === "exclude") throw targetError("mode: exclude needs a target to leave out");
    const id = encodeText(options.deviceId ?? options.windowId, "deviceId");
    return (native, waiter, token, context) =>
      native.MiniAV_Loopback_ConfigureAsync(waiter, token, context, id, format);
  }
  if (options.deviceId !== undefined || options.windowId !== undefined) {
    throw targetError("deviceId or windowId and another target");
  }
  const memory = encodeLoopbackTargets(targets.map(encodeTarget));
  const mode = options.mode === "exclude" ? LoopbackMode.EXCLUDE : LoopbackMode.INCLUDE;
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

const TARGET_KEYS = ["system", "processId", "name", "windowHandle", "systemId"] as const;

function isTarget(target: LoopbackTarget): boolean {
  return TARGET_KEYS.some((key) => target[key] !== undefined);
}

function encodeTarget(target: LoopbackTarget): NativeLoopbackTarget {
  const given = TARGET_KEYS.filter((key) => target[key] !== undefined);
  if (given.length !== 1) {
    throw targetError(`a target has exactly one of ${TARGET_KEYS.join(", ")}`);
  }
  const { processId, name, windowHandle, systemId } = target;
  return {
    type: processId !== undefined
      ? LoopbackTargetType.PROCESS
      : name !== undefined
      ? LoopbackTargetType.NAME
      : windowHandle !== undefined
      ? LoopbackTargetType.WINDOW
      : LoopbackTargetType.SYSTEM_AUDIO,
    flags: (target.tree ? LoopbackTargetFlags.TREE : 0) |
      (target.wait ? LoopbackTargetFlags.WAIT : 0) |
      (target.followName ?? name !== undefined ? LoopbackTargetFlags.FOLLOW_NAME : 0),
    processId: processId ?? 0,
    windowHandle: windowHandle ?? 0,
    name: name ?? systemId ?? "",
  };
}

function targetError(detail: string): MiniAVError {
  return new MiniAVError("INVALID_ARG", { operation: "Loopback.open", detail });
}

function describeTarget(options: LoopbackOptions): string {
  const { deviceId, name, processId, targets } = options;
  if (targets !== undefined) return `${targets.length} targets`;
  return deviceId ?? name ?? (processId === undefined ? "system" : `process ${processId}`);
}

async function defaultFormat(
  deviceId: string | undefined,
  waiting: OperationOptions,
): Promise<AudioFormat> {
  const id = encodeText(deviceId, "deviceId");
  const [format] = await listAudioFormats(
    "Loopback.defaultFormat",
    (native, waiter, token) => native.MiniAV_Loopback_GetDefaultFormatAsync(waiter, token, id),
    waiting,
  );
  if (format === undefined) {
    throw new MiniAVError("FORMAT_NOT_SUPPORTED", { operation: "Loopback.defaultFormat" });
  }
  return format;
}

function readFormat(native: Native, context: Handle): AudioFormat {
  const memory = allocate(AudioInfoLayout.size);
  unwrap(native.MiniAV_Loopback_GetConfiguredFormat(context, memory.bytes), "Loopback.format");
  return audioFormatFrom(audioInfoAt(memory, 0));
}
