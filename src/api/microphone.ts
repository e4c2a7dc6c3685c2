/** Microphones and other audio inputs. */

import {
  allocate,
  audioInfoAt,
  AudioInfoLayout,
  encodeAudioInfo,
  encodeText,
  MiniAVError,
  unwrap,
} from "../ffi/mod.ts";
import type { Handle, Native, OperationOptions } from "../ffi/mod.ts";
import type { CapturedAudio } from "./audio_data.ts";
import { Capture, openCapture } from "./capture.ts";
import type { CaptureParts } from "./capture.ts";
import { audioWishes, needsDefaultAudio } from "./constraints.ts";
import { watchDeviceChanges } from "./device_watch.ts";
import type { DeviceChange, DeviceChangeSubscription } from "./device_watch.ts";
import { audioFormatFrom, audioRequest } from "./formats.ts";
import { encodeId, listAudioFormats, listDevices, operationOptions, waitOptions } from "./lists.ts";
import { AUDIO_OPTION_NAMES, audioEntries, requireKnownOptions } from "./options.ts";
import type { Names } from "./options.ts";
import { getPermission, requestPermission } from "./permission.ts";
import type {
  AudioCaptureOptions,
  AudioFormat,
  DeviceInfo,
  PermissionState,
  WaitOptions,
} from "./types.ts";

/** What `Microphone.open` takes. */
export interface MicrophoneOptions extends AudioCaptureOptions {
  /** Of `Microphone.enumerateDevices()`; without it the default one, also when that changes. */
  readonly deviceId?: string | undefined;
}

const OPTION_NAMES: Names<MicrophoneOptions> = { deviceId: true, ...AUDIO_OPTION_NAMES };

/** A running microphone. */
export class Microphone extends Capture<CapturedAudio, AudioFormat> {
  private constructor(parts: CaptureParts<AudioFormat>) {
    super(parts);
  }

  /** Microphones and other inputs. */
  static enumerateDevices(options?: WaitOptions): Promise<DeviceInfo[]> {
    return listDevices(
      "Microphone.enumerateDevices",
      (native, waiter, token) => native.MiniAV_Audio_EnumerateDevicesAsync(waiter, token),
      options,
    );
  }

  /** The native formats of a device; any other in range can be had too. DEVICE_NOT_FOUND. */
  static async supportedFormats(
    deviceId?: string,
    options?: WaitOptions,
  ): Promise<AudioFormat[]> {
    const operation = "Microphone.supportedFormats";
    const id = encodeId(operation, deviceId);
    return await listAudioFormats(
      operation,
      (native, waiter, token) => native.MiniAV_Audio_GetSupportedFormatsAsync(waiter, token, id),
      waitOptions(operation, options),
    );
  }

  /** What opening it without wishes gives. DEVICE_NOT_FOUND. */
  static async defaultFormat(deviceId?: string, options?: WaitOptions): Promise<AudioFormat> {
    return await defaultFormat(deviceId, waitOptions("Microphone.defaultFormat", options));
  }

  /** Opens and starts a microphone. DEVICE_NOT_FOUND, DEVICE_BUSY, PERMISSION_DENIED, TIMEOUT. */
  static async open(options: MicrophoneOptions = {}): Promise<Microphone> {
    requireKnownOptions("Microphone.open", options, OPTION_NAMES);
    const waiting = operationOptions("Microphone.open", options);
    const { deviceId } = options;
    const own = needsDefaultAudio(options) ? await defaultFormat(deviceId, waiting) : null;
    const request = audioRequest(audioWishes(options, own));
    const parts = await openCapture<AudioFormat>(
      {
        kind: "Audio",
        operation: "Microphone.open",
        name: `Microphone "${deviceId ?? "default"}"`,
        early: audioEntries(options),
        late: [],
        configure: (native, waiter, token, context) =>
          native.MiniAV_Audio_ConfigureAsync(
            waiter,
            token,
            context,
            encodeText(deviceId, "deviceId"),
            encodeAudioInfo(request),
          ),
        start: (native, waiter, token, context) =>
          native.MiniAV_Audio_StartCaptureAsync(waiter, token, context, null, null),
        readFormat,
      },
      options,
      waiting,
    );
    return new Microphone(parts);
  }

  /** Whether this process may use microphones. */
  static permission(options?: WaitOptions): Promise<PermissionState> {
    return getPermission("Audio", options);
  }

  /** Asks, which may show a dialog and wait for a person. */
  static requestPermission(options?: WaitOptions): Promise<PermissionState> {
    return requestPermission("Audio", options);
  }

  /** Microphones that come and go. Keeps the process alive until it is closed or unref'd. */
  static onDeviceChange(handler: (change: DeviceChange) => void): DeviceChangeSubscription {
    return watchDeviceChanges("Audio", handler);
  }
}

async function defaultFormat(
  deviceId: string | undefined,
  waiting: OperationOptions,
): Promise<AudioFormat> {
  const id = encodeId("Microphone.defaultFormat", deviceId);
  const [format] = await listAudioFormats(
    "Microphone.defaultFormat",
    (native, waiter, token) => native.MiniAV_Audio_GetDefaultFormatAsync(waiter, token, id),
    waiting,
  );
  if (format === undefined) {
    throw new MiniAVError("FORMAT_NOT_SUPPORTED", { operation: "Microphone.defaultFormat" });
  }
  return format;
}

function readFormat(native: Native, context: Handle): AudioFormat {
  const memory = allocate(AudioInfoLayout.size);
  unwrap(native.MiniAV_Audio_GetConfiguredFormat(context, memory.bytes), "Microphone.format");
  return audioFormatFrom(audioInfoAt(memory, 0));
}
