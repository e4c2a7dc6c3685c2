/** The public types that all four sources share. */

import type { Intrinsics, Rectangle } from "../ffi/mod.ts";

export type { Intrinsics, Rectangle };

/** Order of bytes in memory; the alpha of an X format is undefined. */
export type PixelFormat =
  | "I420"
  | "NV12"
  | "NV21"
  | "YUY2"
  | "UYVY"
  | "RGB24"
  | "BGR24"
  | "RGBA"
  | "BGRA"
  | "ARGB"
  | "ABGR"
  | "MJPEG"
  | "BGRX"
  | "RGBX"
  | "XRGB"
  | "XBGR"
  | "GRAY8"
  | "P010"
  | "X2RGB10"
  | "X2BGR10"
  | "H264";

/** Samples are interleaved and little-endian; `s24` is three packed bytes. */
export type SampleFormat = "u8" | "s16" | "s24" | "s32" | "f32";

/** What a video device offers, or what comes. */
export interface VideoFormat {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  /** Frames per second; 0 when the source has no rate of its own. */
  readonly frameRate: number;
  /** The same, exact: numerator and denominator. */
  readonly frameRateFraction: readonly [number, number];
}

/** What an audio device offers, or what comes. */
export interface AudioFormat {
  readonly sampleRate: number;
  readonly channelCount: number;
  readonly format: SampleFormat;
}

/**
 * A wish. A bare value and `exact` must be met, or opening fails with a list of what there is;
 * `ideal` is met as nearly as the device can.
 */
export type Constraint<T> = T | {
  readonly exact?: T | undefined;
  readonly ideal?: T | undefined;
};

/** A wish for a number; `min` and `max` must be met too. */
export type NumberConstraint = number | {
  readonly exact?: number | undefined;
  readonly ideal?: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
};

/** The four kinds of source. */
export type DeviceKind = "camera" | "screen" | "microphone" | "loopback";

/** A camera, display, window, microphone or loopback target. */
export interface DeviceInfo {
  /** "backend:name"; stable where the system has stable names. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly kind: DeviceKind;
  /** Who lists it: "pipewire", "v4l2", "test". */
  readonly backend: string;
  /** What opening without an id means now. */
  readonly isDefault: boolean;
  /** A loopback target that plays now. */
  readonly isPlaying: boolean;
  /** No hardware stands behind it. */
  readonly isVirtual: boolean;
  /** One of the built-in test devices. */
  readonly isTest: boolean;
  /** Windows and processes: the owner. */
  readonly processId: number | null;
  /** Displays and windows: the place in the desktop, in pixels. */
  readonly rectangle: Rectangle | null;
  /** Displays: pixels per logical unit. */
  readonly scale: number | null;
  /** Displays: pictures per second. */
  readonly refreshRate: number | null;
  /** Cameras: where they look. */
  readonly facing: "user" | "environment" | "external" | null;
  readonly model: string;
  readonly manufacturer: string;
  /** An icon name of the desktop's theme, or "". */
  readonly icon: string;
}

/** Whether this process may use a kind of source. */
export type PermissionState = "granted" | "denied" | "undetermined" | "not-needed" | "unknown";

/** What ends an operation that waits. */
export interface WaitOptions {
  /** Aborting it ends the operation with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the operation ends with TIMEOUT. Without it there is no limit. */
  readonly timeout?: number | undefined;
}

/** What a server does when a device is lost. */
export interface ReconnectOptions {
  /** Milliseconds before the first try; doubles with each. Default 250. */
  readonly delay?: number | undefined;
  /** The longest pause between tries. Default 5000. */
  readonly maximumDelay?: number | undefined;
  /** Tries before the capture counts as lost. Default: no limit. */
  readonly attempts?: number | undefined;
}

/** What every `open` takes. */
export interface CaptureOptions extends WaitOptions {
  /** Only the newest frame is kept: a slow consumer skips, and is never late. */
  readonly latest?: boolean | undefined;
  /** Frames that may be queued and held at once, 2 to 64; default 16, of sound 64. */
  readonly queue?: number | undefined;
  /**
   * `lease`: frames show native memory, without a copy; Deno then needs all of `--allow-ffi`.
   * `fill`: each frame is copied once into memory of JavaScript's; `--allow-ffi=<path>` is enough.
   * By default `lease` where it is permitted.
   */
  readonly access?: "lease" | "fill" | undefined;
  /** Opens the same again when the device is lost; no window, whose id may be another's then. */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
}

/** What every video source takes besides. */
export interface VideoCaptureOptions extends CaptureOptions {
  readonly width?: NumberConstraint | undefined;
  readonly height?: NumberConstraint | undefined;
  readonly format?: Constraint<PixelFormat> | undefined;
  readonly frameRate?: NumberConstraint | undefined;
  /** `gpu`: frames are handles of GPU memory where the system has them. Default `memory`. */
  readonly output?: "memory" | "gpu" | undefined;
}

/** What every audio source takes besides. Any format in range can be had; it is then converted. */
export interface AudioCaptureOptions extends CaptureOptions {
  /** 8000 to 192000 hertz. */
  readonly sampleRate?: NumberConstraint | undefined;
  /** 1 to 8. */
  readonly channelCount?: NumberConstraint | undefined;
  readonly format?: Constraint<SampleFormat> | undefined;
  /** Milliseconds of sound in each buffer; by default what the device gives. */
  readonly chunkMs?: number | undefined;
}

/** Counters of a capture, in one snapshot, from `open` on and over all reconnects. */
export interface CaptureStats {
  /** delivered + dropped + queued */
  readonly produced: number;
  /** released + outstanding */
  readonly delivered: number;
  /** The sum of `droppedBy`. */
  readonly dropped: number;
  /** Waiting for the consumer now. */
  readonly queued: number;
  readonly released: number;
  /** Frames not closed yet, and stolen ones. */
  readonly outstanding: number;
  readonly droppedBy: {
    /** The consumer was slower than the source. */
    readonly queueFull: number;
    /** The consumer held every buffer. */
    readonly buffersHeld: number;
    /** Still queued when the capture stopped. */
    readonly stopped: number;
    /** Strides, offsets or sizes that cannot be true. */
    readonly invalid: number;
    /** Lost before the library saw them. */
    readonly late: number;
    /** A copy or conversion failed. */
    readonly failed: number;
  };
  readonly formatChanges: number;
  readonly stalls: number;
  /** Of the newest frame, microseconds; 0 before the first. */
  readonly lastTimestamp: number;
  /** Frames whose memory was carried off; see `planes[].data`. */
  readonly stolen: number;
  /** Frames closed while the runtime still reads them. */
  readonly pinned: number;
  /** Frames that were never closed and that the collector found. */
  readonly forgotten: number;
  readonly reconnects: number;
}
