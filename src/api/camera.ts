/** Cameras. */

import {
  encodeText,
  encodeVideoInfo,
  MiniAVError,
  unwrap,
  videoInfoAt,
  VideoInfoLayout,
} from "../ffi/mod.ts";
import { allocate } from "../ffi/mod.ts";
import type { Handle, Native, OperationOptions } from "../ffi/mod.ts";
import { Capture, openCapture } from "./capture.ts";
import type { CaptureParts } from "./capture.ts";
import {
  chooseVideoFormat,
  directVideoRequest,
  formatError,
  unlistedVideoRequest,
} from "./constraints.ts";
import { watchDeviceChanges } from "./device_watch.ts";
import type { DeviceChange, DeviceChangeSubscription } from "./device_watch.ts";
import { videoFormatFrom, videoRequest } from "./formats.ts";
import { grabFrame } from "./grab.ts";
import type { GrabOptions } from "./grab.ts";
import { requireIntrinsics } from "./intrinsics.ts";
import { encodeId, listDevices, listVideoFormats, operationOptions, waitOptions } from "./lists.ts";
import { getPermission, requestPermission } from "./permission.ts";
import type { Intrinsics } from "./types.ts";
import type {
  DeviceInfo,
  PermissionState,
  VideoCaptureOptions,
  VideoFormat,
  WaitOptions,
} from "./types.ts";
import { queueEntries, requireKnownOptions, VIDEO_OPTION_NAMES } from "./options.ts";
import type { Names } from "./options.ts";
import type { PropertyEntry } from "./session.ts";
import type { CapturedVideoFrame } from "./video_frame.ts";

/** What `Camera.open` takes. */
export interface CameraOptions extends VideoCaptureOptions {
  /**
   * Of `Camera.enumerateDevices()`; without it the default camera, also when that changes. A prefix
   * alone (`"pipewire:"`) is the default of that backend.
   */
  readonly deviceId?: string | undefined;
  /** Optics that ride on every frame. */
  readonly intrinsics?: Intrinsics | undefined;
}

const OPTION_NAMES: Names<CameraOptions> = {
  deviceId: true,
  intrinsics: true,
  ...VIDEO_OPTION_NAMES,
};
const GRAB_OPTION_NAMES: Names<CameraOptions & GrabOptions> = { skip: true, ...OPTION_NAMES };

/** A running camera. */
export class Camera extends Capture<CapturedVideoFrame, VideoFormat> {
  private constructor(parts: CaptureParts<VideoFormat>) {
    super(parts);
  }

  /** Cameras, the default first. */
  static enumerateDevices(options?: WaitOptions): Promise<DeviceInfo[]> {
    return listDevices(
      "Camera.enumerateDevices",
      (native, waiter, token) => native.MiniAV_Camera_EnumerateDevicesAsync(waiter, token),
      options,
    );
  }

  /** The native formats of a camera. DEVICE_NOT_FOUND. */
  static async supportedFormats(
    deviceId?: string,
    options?: WaitOptions,
  ): Promise<VideoFormat[]> {
    return await supportedFormats(deviceId, waitOptions("Camera.supportedFormats", options));
  }

  /** What opening it without wishes gives. DEVICE_NOT_FOUND. */
  static async defaultFormat(deviceId?: string, options?: WaitOptions): Promise<VideoFormat> {
    return await defaultFormat(deviceId, waitOptions("Camera.defaultFormat", options));
  }

  /**
   * Opens and starts a camera. DEVICE_NOT_FOUND, DEVICE_BUSY, FORMAT_NOT_SUPPORTED (with a list of
   * what there is), PERMISSION_DENIED, TIMEOUT.
   */
  static async open(options: CameraOptions = {}): Promise<Camera> {
    requireKnownOptions("Camera.open", options, OPTION_NAMES);
    const waiting = operationOptions("Camera.open", options);
    const { deviceId, intrinsics } = options;
    if (intrinsics !== undefined) requireIntrinsics("Camera.open", intrinsics);
    const request = await resolveRequest(options, waiting);
    const late: PropertyEntry[] = intrinsics === undefined
      ? []
      : [{ name: "intrinsics", value: intrinsics }];
    try {
      const parts = await openCapture<VideoFormat>(
        {
          kind: "Camera",
          operation: "Camera.open",
          name: `Camera "${deviceId ?? "default"}"`,
          early: queueEntries(options),
          late,
          configure: (native, waiter, token, context) =>
            native.MiniAV_Camera_ConfigureAsync(
              waiter,
              token,
              context,
              encodeText(deviceId, "deviceId"),
              encodeVideoInfo(videoRequest(request, options.output)),
            ),
          start: (native, waiter, token, context) =>
            native.MiniAV_Camera_StartCaptureAsync(waiter, token, context, null, null),
          readFormat,
        },
        options,
        waiting,
      );
      return new Camera(parts);
    } catch (error) {
      if (!(error instanceof MiniAVError) || error.code !== "FORMAT_NOT_SUPPORTED") throw error;
      const offered = await supportedFormats(deviceId, waiting);
      throw formatError("Camera.open", error.backend, offered);
    }
  }

  /** One picture, as memory of your own; the camera is closed again. */
  static async grab(
    options: CameraOptions & { readonly skip?: number } = {},
  ): Promise<CapturedVideoFrame> {
    requireKnownOptions("Camera.grab", options, GRAB_OPTION_NAMES);
    const { skip: _, ...rest } = options;
    return await grabFrame("Camera.grab", () => Camera.open(rest), options);
  }

  /** Whether this process may use cameras. */
  static permission(options?: WaitOptions): Promise<PermissionState> {
    return getPermission("Camera", options);
  }

  /** Asks, which may show a dialog and wait for a person. */
  static requestPermission(options?: WaitOptions): Promise<PermissionState> {
    return requestPermission("Camera", options);
  }

  /** Cameras that come and go. Keeps the process alive until it is closed or `unref` is called. */
  static onDeviceChange(handler: (change: DeviceChange) => void): DeviceChangeSubscription {
    return watchDeviceChanges("Camera", handler);
  }
}

function supportedFormats(
  deviceId: string | undefined,
  waiting: OperationOptions,
): Promise<VideoFormat[]> {
  const id = encodeId("Camera.supportedFormats", deviceId);
  return listVideoFormats(
    "Camera.supportedFormats",
    (native, waiter, token) => native.MiniAV_Camera_GetSupportedFormatsAsync(waiter, token, id),
    waiting,
  );
}

async function defaultFormat(
  deviceId: string | undefined,
  waiting: OperationOptions,
): Promise<VideoFormat> {
  const id = encodeId("Camera.defaultFormat", deviceId);
  const [format] = await listVideoFormats(
    "Camera.defaultFormat",
    (native, waiter, token) => native.MiniAV_Camera_GetDefaultFormatAsync(waiter, token, id),
    waiting,
  );
  if (format === undefined) {
    throw new MiniAVError("FORMAT_NOT_SUPPORTED", { operation: "Camera.defaultFormat" });
  }
  return format;
}

async function resolveRequest(
  options: CameraOptions,
  waiting: OperationOptions,
): Promise<Partial<VideoFormat>> {
  const direct = directVideoRequest(options);
  if (direct !== null) return direct;
  const [offered, preferred] = await Promise.all([
    supportedFormats(options.deviceId, waiting),
    defaultFormat(options.deviceId, waiting).catch(() => null),
  ]);
  const chosen = chooseVideoFormat(options, offered, preferred);
  if (chosen !== null) return chosen;
  const unlisted = unlistedVideoRequest(options, preferred);
  if (unlisted !== null) return unlisted;
  throw formatError("Camera.open", "", offered);
}

function readFormat(native: Native, context: Handle): VideoFormat {
  const memory = allocate(VideoInfoLayout.size);
  unwrap(native.MiniAV_Camera_GetConfiguredFormat(context, memory.bytes), "Camera.format");
  return videoFormatFrom(videoInfoAt(memory, 0));
}
