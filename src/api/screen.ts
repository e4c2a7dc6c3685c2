/** Displays, windows and parts of displays, with their sound if wanted. */

import {
  allocate,
  audioInfoAt,
  AudioInfoLayout,
  encodeAudioInfo,
  encodeText,
  encodeVideoInfo,
  errorCodeName,
  hintFor,
  i32,
  MiniAVError,
  ResultCode,
  unwrap,
  videoInfoAt,
  VideoInfoLayout,
} from "../ffi/mod.ts";
import type { Handle, MiniAVErrorCode, Native, NativeEvent, OperationOptions } from "../ffi/mod.ts";
import type { CapturedAudio } from "./audio_data.ts";
import { Capture, openCapture } from "./capture.ts";
import type { AnyFrame, CaptureParts } from "./capture.ts";
import {
  audioWishes,
  chooseVideoFormat,
  exactVideo,
  formatError,
  isRateRange,
  rateLimit,
} from "./constraints.ts";
import { watchDeviceChanges } from "./device_watch.ts";
import type { DeviceChange, DeviceChangeSubscription } from "./device_watch.ts";
import { audioFormatFrom, audioRequest, videoFormatFrom, videoRequest } from "./formats.ts";
import { grabFrame } from "./grab.ts";
import { encodeId, listDevices, listVideoFormats, operationOptions, waitOptions } from "./lists.ts";
import {
  chunkEntries,
  invalidOption,
  queueEntries,
  requireKnownOptions,
  VIDEO_OPTION_NAMES,
} from "./options.ts";
import type { Names } from "./options.ts";
import { getPermission, requestPermission } from "./permission.ts";
import type { Properties } from "./properties.ts";
import { requireScreenValues, requireTargetValues } from "./screen_options.ts";
import type { PropertyEntry } from "./session.ts";
import type {
  AudioCaptureOptions,
  AudioFormat,
  DeviceInfo,
  PermissionState,
  Rectangle,
  VideoCaptureOptions,
  VideoFormat,
  WaitOptions,
} from "./types.ts";
import type { CapturedVideoFrame } from "./video_frame.ts";

/** What `Screen.open` takes. */
export interface ScreenOptions extends VideoCaptureOptions {
  /** A display of `Screen.enumerateDisplays()`; without it the default one. */
  readonly displayId?: string | undefined;
  /** A window of `Screen.enumerateWindows()`, also while it is covered. */
  readonly windowId?: string | undefined;
  /** A part of the display, in its pixels. */
  readonly region?: Rectangle | undefined;
  /** What happens to the mouse pointer; by default it is painted into the picture. */
  readonly cursor?: Properties["cursorMode"] | undefined;
  /** Windows that are not shown, by ids of the platform. */
  readonly excludedWindows?: readonly number[] | undefined;
  /** A steady stream while nothing changes. */
  readonly repeatLastFrame?: boolean | undefined;
  /** Which sound: of the target, or of the system. */
  readonly audioSource?: Properties["audioSource"] | undefined;
  /** Linux: how long the user's choice holds. */
  readonly persist?: Properties["persistMode"] | undefined;
  /** Linux: the choice of an earlier capture, `getProperty("restoreToken")`. */
  readonly restoreToken?: string | undefined;
  /**
   * The sound too; frames are then pictures and sound, told apart by `type`, those captured first
   * before the others. Sound that cannot be had fails `open`, unless it is `optional`; sound that
   * ends later is a `format` event, and the pictures go on.
   */
  readonly audio?: boolean | ScreenAudioOptions | undefined;
}

const OPTION_NAMES: Names<ScreenOptions> = {
  displayId: true,
  windowId: true,
  region: true,
  cursor: true,
  excludedWindows: true,
  repeatLastFrame: true,
  audioSource: true,
  persist: true,
  restoreToken: true,
  audio: true,
  ...VIDEO_OPTION_NAMES,
};

/** What the other sources, and the properties, call it. */
const CALLED_HERE: Readonly<Record<string, string>> = {
  deviceId: "displayId",
  cursorMode: "cursor",
  persistMode: "persist",
};

/** Wishes about the sound of a screen. */
export interface ScreenAudioOptions
  extends Pick<AudioCaptureOptions, "sampleRate" | "channelCount" | "format" | "chunkMs"> {
  /** Opens without sound when there is none to be had; `format.audioError` then says why. */
  readonly optional?: boolean | undefined;
}

/** What a screen capture gives. */
export interface ScreenFormat {
  readonly video: VideoFormat;
  /** Null: without sound. */
  readonly audio: AudioFormat | null;
  /** Why there is no sound (any more) although it was asked for; null otherwise. */
  readonly audioError: MiniAVErrorCode | null;
}

/** A running capture of a display, a window or a region. */
export class Screen<Frame extends AnyFrame = CapturedVideoFrame>
  extends Capture<Frame, ScreenFormat> {
  private constructor(parts: CaptureParts<ScreenFormat>) {
    super(parts);
  }

  /** Displays, the primary first; where the desktop asks the person itself, one "ask" entry. */
  static enumerateDisplays(options?: WaitOptions): Promise<DeviceInfo[]> {
    return listDevices(
      "Screen.enumerateDisplays",
      (native, waiter, token) => native.MiniAV_Screen_EnumerateDisplaysAsync(waiter, token),
      options,
    );
  }

  /** Windows, the top one first. NOT_SUPPORTED where the system lists none. */
  static enumerateWindows(options?: WaitOptions): Promise<DeviceInfo[]> {
    return listDevices(
      "Screen.enumerateWindows",
      (native, waiter, token) => native.MiniAV_Screen_EnumerateWindowsAsync(waiter, token),
      options,
    );
  }

  /** The native formats of a display or window, at its own rate; any other rate is a limit. DEVICE_NOT_FOUND. */
  static async supportedFormats(id?: string, options?: WaitOptions): Promise<VideoFormat[]> {
    return await supportedFormats(id, waitOptions("Screen.supportedFormats", options));
  }

  /**
   * Opens and starts. Where the desktop wants it, a dialog asks the person. A target that is there
   * and has no value is INVALID_ARG, not the display. DEVICE_NOT_FOUND,
   * FORMAT_NOT_SUPPORTED, PERMISSION_DENIED, USER_CANCELLED, PORTAL_FAILED, TIMEOUT.
   */
  static open(options?: ScreenOptions & { readonly audio?: false | undefined }): Promise<Screen>;
  static open(options: ScreenOptions): Promise<Screen<CapturedVideoFrame | CapturedAudio>>;
  static async open(options: ScreenOptions = {}): Promise<Screen<AnyFrame>> {
    requireKnownOptions("Screen.open", options, OPTION_NAMES, CALLED_HERE);
    requireTargetValues("Screen.open", options);
    requireScreenValues("Screen.open", options);
    const waiting = operationOptions("Screen.open", options);
    const request = encodeVideoInfo(
      videoRequest(await resolveRequest(options, waiting), options.output),
    );
    const wishes = soundWishes(options.audio);
    const audio = audioMemory(wishes);
    const parts = await openCapture<ScreenFormat>(
      {
        kind: "Screen",
        operation: "Screen.open",
        name: `Screen "${options.windowId ?? options.displayId ?? "default"}"`,
        early: [...queueEntries(options), ...chunkEntries(wishes)],
        late: lateEntries(options),
        configure: configureCall(options, request),
        start: (native, waiter, token, context) =>
          native.MiniAV_Screen_StartCaptureAsync(waiter, token, context, null, null, audio),
        readFormat,
        isFinal: isWindowOfSystem(options.windowId),
        check: wishes?.optional === true ? () => {} : checkSound,
      },
      options,
      waiting,
    ).catch((error) => explainFormat(error, options, waiting));
    return new Screen<AnyFrame>(parts);
  }

  /** One picture, as memory of your own; the capture is closed again. */
  static grab(options: ScreenOptions = {}): Promise<CapturedVideoFrame> {
    return grabFrame("Screen.grab", () => Screen.open({ ...options, audio: false }), options);
  }

  /** Whether this process may see the screen. */
  static permission(options?: WaitOptions): Promise<PermissionState> {
    return getPermission("Screen", options);
  }

  /** Asks, which may show a dialog and wait for a person. */
  static requestPermission(options?: WaitOptions): Promise<PermissionState> {
    return requestPermission("Screen", options);
  }

  /** Displays that come and go. Keeps the process alive until it is closed or unref'd. */
  static onDeviceChange(handler: (change: DeviceChange) => void): DeviceChangeSubscription {
    return watchDeviceChanges("Screen", handler);
  }
}

/**
 * Window systems give the number of a closed window to the next one, of whatever program. What the
 * portal lets see is no number, and the person's choice.
 */
function isWindowOfSystem(windowId: string | undefined): boolean {
  return windowId !== undefined && !windowId.startsWith("portal:");
}

function supportedFormats(
  id: string | undefined,
  waiting: OperationOptions,
): Promise<VideoFormat[]> {
  const text = encodeId("Screen.supportedFormats", id);
  return listVideoFormats(
    "Screen.supportedFormats",
    (native, waiter, token) => native.MiniAV_Screen_GetSupportedFormatsAsync(waiter, token, text),
    waiting,
  );
}

/**
 * The size is the target's; the list is looked at only for wishes that leave a choice. The rate is
 * none of the list's: it is a limit, and may be any.
 */
async function resolveRequest(
  options: ScreenOptions,
  waiting: OperationOptions,
): Promise<Partial<VideoFormat>> {
  const { frameRate, ...size } = options;
  const exact = exactVideo(size);
  const names = ["width", "height", "format"] as const;
  const isClear = names.every((name) => size[name] === undefined || exact[name] !== undefined);
  const offered = isClear && !isRateRange(frameRate)
    ? []
    : await supportedFormats(options.windowId ?? options.displayId, waiting);
  const chosen = isClear ? exact : chooseVideoFormat(size, offered, null);
  if (chosen === null) throw formatError("Screen.open", "", offered);
  const { frameRate: _rate, frameRateFraction: _fraction, ...request } = chosen;
  const limit = rateLimit(frameRate, offered[0]?.frameRate ?? 0);
  return limit === undefined ? request : { ...request, frameRate: limit };
}

/** Throws the error again; one about formats with what there is. */
async function explainFormat(
  error: unknown,
  options: ScreenOptions,
  waiting: OperationOptions,
): Promise<never> {
  if (!(error instanceof MiniAVError) || error.code !== "FORMAT_NOT_SUPPORTED") throw error;
  const { operation, backend, detail } = error;
  const id = options.windowId ?? options.displayId;
  const offered = await supportedFormats(id, waiting).catch(() => []);
  // A portal does not tell before the person has chosen.
  const told = offered.filter(({ width }) => width > 0);
  if (told.length === 0) throw error;
  const advice = 'frame.copyTo(destination, { format: "RGBA" }) converts any of them.';
  throw formatError(operation, backend, told, { detail, advice });
}

function soundWishes(audio: ScreenOptions["audio"]): ScreenAudioOptions | null {
  if (!audio) return null;
  return audio === true ? {} : audio;
}

function audioMemory(wishes: ScreenAudioOptions | null): Uint8Array | null {
  return wishes === null ? null : encodeAudioInfo(audioRequest(audioWishes(wishes, null)));
}

/** The library starts a screen without its sound; whoever asked for both gets both or neither. */
function checkSound({ audioError }: ScreenFormat, started: NativeEvent): void {
  if (audioError === null) return;
  const { backend, text } = started;
  const hint = soundHint(audioError, backend, text);
  throw new MiniAVError(audioError, {
    operation: "Screen.open: sound",
    backend,
    detail: text,
    hint: `${hint}${hint && "\n"}audio: { optional: true } opens without it.`,
  });
}

function soundHint(code: MiniAVErrorCode, backend: string, text: string): string {
  if (code !== "NOT_SUPPORTED") return hintFor(code, "Loopback.open", backend);
  // Of the sound, nobody got that far: what is missing is its server.
  if (text.startsWith("no loopback backend")) return hintFor(code, "Loopback.open", "");
  return 'audioSource: "system" takes the system\'s sound instead.';
}

type ConfigureCall = (native: Native, waiter: Handle, token: Handle, context: Handle) => number;

function configureCall(options: ScreenOptions, format: Uint8Array): ConfigureCall {
  const { displayId, windowId, region } = options;
  if (windowId !== undefined) {
    if (displayId !== undefined) {
      throw invalidOption(
        "Screen.open",
        "windowId does not go with displayId",
        "Name one of them: a window is on whichever display it is.",
      );
    }
    if (region !== undefined) {
      throw invalidOption(
        "Screen.open",
        "windowId does not go with region",
        "A region is a part of a display: leave windowId out, or capture the whole window.",
      );
    }
    const id = encodeText(windowId, "windowId");
    return (native, waiter, token, context) =>
      native.MiniAV_Screen_ConfigureWindowAsync(waiter, token, context, id, format);
  }
  const id = encodeText(displayId, "displayId");
  if (region === undefined) {
    return (native, waiter, token, context) =>
      native.MiniAV_Screen_ConfigureDisplayAsync(waiter, token, context, id, format);
  }
  const { x, y, width, height } = region;
  return (native, waiter, token, context) =>
    native.MiniAV_Screen_ConfigureRegionAsync(
      waiter,
      token,
      context,
      id,
      x,
      y,
      width,
      height,
      format,
    );
}

/** Options that become properties of the configured context, and what those are called. */
const LATE = {
  cursor: "cursorMode",
  excludedWindows: "excludedWindows",
  repeatLastFrame: "repeatLastFrame",
  audioSource: "audioSource",
  persist: "persistMode",
  restoreToken: "restoreToken",
} as const;

function lateEntries(options: ScreenOptions): PropertyEntry[] {
  const names = Object.keys(LATE) as (keyof typeof LATE)[];
  return names.flatMap((option) => {
    const value = options[option];
    return value === undefined ? [] : [{ name: LATE[option], value }];
  });
}

function readFormat(native: Native, context: Handle): ScreenFormat {
  const video = allocate(VideoInfoLayout.size);
  const audio = allocate(AudioInfoLayout.size);
  const result = allocate(4);
  const code = native.MiniAV_Screen_GetConfiguredFormats(
    context,
    video.bytes,
    audio.bytes,
    result.bytes,
  );
  unwrap(code, "Screen.format");
  const sound = i32(result, 0, { offset: 0, type: "i32" });
  return {
    video: videoFormatFrom(videoInfoAt(video, 0)),
    audio: sound === ResultCode.SUCCESS ? audioFormatFrom(audioInfoAt(audio, 0)) : null,
    audioError: sound === ResultCode.SUCCESS || sound === ResultCode.NO_BUFFER
      ? null
      : errorCodeName(sound),
  };
}
