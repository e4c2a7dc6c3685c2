/** The four kinds of source, spoken to in one way. */

import { Camera, isCompressed, Loopback, Microphone, MiniAVError, Screen } from "../mod.ts";
import type {
  AudioCaptureOptions,
  AudioFormat,
  CapturedVideoFrame,
  CaptureStats,
  DeviceInfo,
  DeviceKind,
  PermissionState,
  ScreenOptions,
  VideoCaptureOptions,
  VideoFormat,
} from "../mod.ts";
import { CommandError } from "./failure.ts";
import type { Programs } from "./programs.ts";
import { nearest } from "./suggest.ts";

export const KINDS = ["camera", "screen", "microphone", "loopback"] as const;
export const VIDEO_KINDS = ["camera", "screen"] as const;
export const AUDIO_KINDS = ["microphone", "loopback"] as const;
export type VideoKind = (typeof VIDEO_KINDS)[number];
export type AudioKind = (typeof AUDIO_KINDS)[number];

/** A daemon that does not answer must not hold a command up for longer. */
export const LIST_TIMEOUT_MS = 10_000;

/** A device, and whether it is a window, which is opened in another way than a display. */
export interface Listed {
  readonly device: DeviceInfo;
  readonly isWindow: boolean;
}

/** What there is of one kind; the error when that could not be found out. */
export interface Listing {
  readonly kind: DeviceKind;
  readonly devices: readonly Listed[];
  readonly error: MiniAVError | null;
}

const WAITING = { timeout: LIST_TIMEOUT_MS };

const plain = (devices: readonly DeviceInfo[]): Listed[] =>
  devices.map((device) => ({ device, isWindow: false }));

const LISTERS: Readonly<Record<DeviceKind, () => Promise<Listed[]>>> = {
  camera: async () => plain(await Camera.enumerateDevices(WAITING)),
  screen: async () => {
    const windows = await whenSupported(Screen.enumerateWindows(WAITING));
    // Not every system lists both: XWayland has windows alone.
    const displays = windows === null
      ? await Screen.enumerateDisplays(WAITING)
      : await whenSupported(Screen.enumerateDisplays(WAITING)) ?? [];
    return [
      ...plain(displays),
      ...(windows ?? []).map((device) => ({ device, isWindow: true })),
    ];
  },
  microphone: async () => plain(await Microphone.enumerateDevices(WAITING)),
  loopback: async () => plain(await Loopback.enumerateDevices(WAITING)),
};

function whenSupported(listing: Promise<DeviceInfo[]>): Promise<DeviceInfo[] | null> {
  return listing.catch((error) => {
    if (error instanceof MiniAVError && error.code === "NOT_SUPPORTED") return null;
    throw error;
  });
}

/** The devices of one kind. A failure of that kind is a part of the answer. */
export async function list(kind: DeviceKind): Promise<Listing> {
  try {
    return { kind, devices: await LISTERS[kind](), error: null };
  } catch (error) {
    const isOfThisKind = error instanceof MiniAVError && error.code !== "LOAD_FAILED";
    if (!isOfThisKind) throw error;
    return { kind, devices: [], error };
  }
}

const PERMISSIONS: Readonly<Record<DeviceKind, () => Promise<PermissionState>>> = {
  camera: () => Camera.permission(WAITING),
  screen: () => Screen.permission(WAITING),
  microphone: () => Microphone.permission(WAITING),
  loopback: () => Loopback.permission(WAITING),
};

export function permission(kind: DeviceKind): Promise<PermissionState> {
  return PERMISSIONS[kind]();
}

/** What to open: a device, or the default one of a kind. */
export interface Target<Kind extends DeviceKind = DeviceKind> {
  readonly kind: Kind;
  readonly id: string | undefined;
  readonly isWindow: boolean;
}

/** What `Screen.open` is told of a target. */
export type ScreenPlace = Pick<ScreenOptions, "displayId" | "windowId" | "region" | "cursor">;

/** A screen, and what of it. */
export interface ScreenTarget extends Target<"screen"> {
  readonly place: ScreenPlace;
}

export function placeOf(target: Target<VideoKind> | ScreenTarget): ScreenPlace {
  const place = "place" in target
    ? target.place
    : target.isWindow
    ? { windowId: target.id }
    : { displayId: target.id };
  // What is there without a value is refused, so that no display is shown instead.
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
}

/**
 * The target that `--device` and `--kind` name; `id` is an id or a name that only one device has.
 * `insteadOf` says what to do with a device of another kind.
 */
export async function findTarget<Kind extends DeviceKind>(
  id: string | undefined,
  kinds: readonly Kind[],
  insteadOf: (kind: DeviceKind) => string = (kind) => `Say --kind ${kind}.`,
): Promise<Target<Kind>> {
  if (id === undefined) {
    const [kind] = kinds;
    if (kind === undefined) throw new TypeError("no kind to look for");
    return { kind, id, isWindow: false };
  }
  const all = await listAll(kinds);
  const [found, second] = matches(id, all);
  if (found !== undefined) {
    if (second !== undefined) throw ambiguous(id, matches(id, all));
    return { kind: found.kind, id: found.device.id, isWindow: found.isWindow };
  }
  // Backends that are not listed are reached by their prefix.
  const [onlyKind] = kinds;
  if (kinds.length === 1 && onlyKind !== undefined && id.includes(":")) {
    return { kind: onlyKind, id, isWindow: false };
  }
  const [other] = matches(id, await listAll(KINDS.filter((kind) => !isAmong(kind, kinds))));
  if (other !== undefined) {
    throw new CommandError(`"${id}" is a ${other.kind}, no ${kinds.join(" or ")}`, {
      code: "INVALID_ARG",
      hint: insteadOf(other.kind),
    });
  }
  throw unknownDevice(id, kinds, all);
}

const isAmong = (kind: DeviceKind, kinds: readonly DeviceKind[]): boolean => kinds.includes(kind);

async function listAll<Kind extends DeviceKind>(
  kinds: readonly Kind[],
): Promise<(Listed & { readonly kind: Kind })[]> {
  const listings = await Promise.all(
    kinds.map(async (kind) => ({ kind, listing: await list(kind) })),
  );
  return listings.flatMap(({ kind, listing }) =>
    listing.devices.map((listed) => ({ ...listed, kind }))
  );
}

/** Those with that id, or else with that name. */
function matches<One extends Listed>(id: string, all: readonly One[]): readonly One[] {
  const exact = all.filter(({ device }) => device.id === id);
  if (exact.length > 0) return exact;
  const wanted = id.toLowerCase();
  return all.filter(({ device }) => device.name.toLowerCase() === wanted);
}

function ambiguous(
  id: string,
  found: readonly { readonly device: DeviceInfo; readonly kind: DeviceKind }[],
): CommandError {
  const kinds = new Set(found.map(({ kind }) => kind));
  const ids = new Set(found.map(({ device }) => device.id));
  const hint = ids.size > 1
    ? `Name it by its id: ${[...ids].join(", ")}`
    : `Say which with ${[...kinds].map((kind) => `--kind ${kind}`).join(" or ")}.`;
  return new CommandError(`more than one device is called "${id}"`, {
    code: "DEVICE_NOT_FOUND",
    hint,
  });
}

function unknownDevice(
  id: string,
  kinds: readonly DeviceKind[],
  all: readonly Listed[],
): CommandError {
  if (id.startsWith("test:") && !all.some(({ device }) => device.isTest)) {
    return new CommandError(`there is no ${kinds.join(" or ")} "${id}"`, {
      code: "DEVICE_NOT_FOUND",
      hint: "--test-devices turns the test devices on.",
    });
  }
  const close = nearest(id, all.flatMap(({ device }) => [device.id, device.name]));
  const [only] = kinds.length === 1 ? kinds : [];
  const list = only === undefined ? "miniav devices" : `miniav devices --kind ${only}`;
  const meant = close === null ? "" : ` Did you mean ${close}?`;
  return new CommandError(`there is no ${kinds.join(" or ")} "${id}"`, {
    code: "DEVICE_NOT_FOUND",
    hint: `${list} lists what there is.${meant}`,
  });
}

/** The formats that a device offers, and which of them it would choose by itself. */
export interface OfferedFormats<Format> {
  readonly formats: readonly Format[];
  readonly preferred: Format | null;
}

export async function videoFormats(target: Target): Promise<OfferedFormats<VideoFormat>> {
  if (target.kind === "screen") {
    return { formats: await Screen.supportedFormats(target.id, WAITING), preferred: null };
  }
  const [formats, preferred] = await Promise.all([
    Camera.supportedFormats(target.id, WAITING),
    Camera.defaultFormat(target.id, WAITING),
  ]);
  return { formats, preferred };
}

export async function audioFormats(target: Target): Promise<OfferedFormats<AudioFormat>> {
  const source = target.kind === "loopback" ? Loopback : Microphone;
  const [formats, preferred] = await Promise.all([
    source.supportedFormats(target.id, WAITING),
    source.defaultFormat(target.id, WAITING),
  ]);
  return { formats, preferred };
}

/**
 * The wishes for a camera whose pictures are to be looked at: where it would send compressed ones
 * by itself (as many do), a raw format near its default instead, unless a format was asked for.
 */
export async function rawPictures(
  target: Target<VideoKind>,
  options: VideoCaptureOptions,
): Promise<VideoCaptureOptions> {
  if (target.kind !== "camera" || options.format !== undefined) return options;
  const waiting = { ...WAITING, signal: options.signal };
  // What is wrong with the camera, opening it says better.
  const standard = await Camera.defaultFormat(target.id, waiting).catch(() => null);
  return standard === null ? options : preferRaw(standard, options);
}

/** An ideal makes the choice among what is listed; raw ones then come before compressed ones. */
export function preferRaw(
  standard: Pick<VideoFormat, "format">,
  options: VideoCaptureOptions,
): VideoCaptureOptions {
  return isCompressed(standard.format) ? { ...options, format: { ideal: "NV12" } } : options;
}

/** A running capture of pictures. */
export interface VideoSource extends AsyncIterable<CapturedVideoFrame>, AsyncDisposable {
  readonly video: VideoFormat;
  stats(): CaptureStats;
  stop(): Promise<void>;
  /** Nothing comes, or it comes again. */
  onStall(listener: (stalled: boolean) => void): void;
}

export async function openVideo(
  target: Target<VideoKind> | ScreenTarget,
  options: VideoCaptureOptions,
): Promise<VideoSource> {
  if (target.kind === "camera") {
    const wishes = await rawPictures(target, options);
    const camera = await Camera.open({ ...wishes, deviceId: target.id });
    return videoSource(camera, () => camera.format);
  }
  const screen = await Screen.open({ ...options, ...placeOf(target), audio: false });
  return videoSource(screen, () => screen.format.video);
}

function videoSource(capture: Camera | Screen, format: () => VideoFormat): VideoSource {
  return {
    get video() {
      return format();
    },
    stats: () => capture.stats(),
    stop: () => capture.stop(),
    onStall: (listener) => {
      capture.on("stalled", () => listener(true));
      capture.on("resumed", () => listener(false));
    },
    [Symbol.asyncIterator]: () => capture[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => capture.stop(),
  };
}

export function openAudio(
  { kind, id }: Target<AudioKind>,
  options: AudioCaptureOptions,
  programs: Programs | null = null,
): Promise<Microphone | Loopback> {
  if (kind === "microphone") return Microphone.open({ ...options, deviceId: id });
  if (programs !== null) return Loopback.open({ ...options, ...programs });
  return Loopback.open({ ...options, ...(id === undefined ? { system: true } : { deviceId: id }) });
}
