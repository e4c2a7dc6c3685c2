/** Microphones and other audio inputs. */

import { encodeAudioInfo, encodeText } from "../ffi/mod.ts";
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
  /**
   * Of `Microphone.enumerateDevices()`; without it the default one, also when that changes. A prefix
   * alone (`"pulse:"`) is the default of that backend.
   */
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
  static async supportedFormats(deviceId?: string, options?: WaitOptions): Promise<AudioFormat[]> {
    const waiting = waitOptions("Microphone.supportedFormats", options);
    return await supportedAudioFormats("Audio", deviceId, waiting);
  }

  /** What opening it without wishes gives. DEVICE_NOT_FOUND. */
  static async defaultFormat(deviceId?: string, options?: WaitOptions): Promise<AudioFormat> {
    const waiting = waitOptions("Microphone.defaultFormat", options);
    return await defaultAudioFormat("Audio", deviceId, waiting);
  }

  /** Opens and starts a microphone. DEVICE_NOT_FOUND, DEVICE_BUSY, PERMISSION_DENIED, TIMEOUT. */
  static async open(options: MicrophoneOptions = {}): Promise<Microphone> {
    requireKnownOptions("Microphone.open", options, OPTION_NAMES);
    const waiting = operationOptions("Microphone.open", options);
    const { deviceId } = options;
    const own = needsDefaultAudio(options)
      ? await defaultAudioFormat("Audio", deviceId, waiting)
      : null;
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
        readFormat: (native, context) => configuredAudioFormat("Audio", native, context),
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
