/** Lists that the library enumerates: devices and formats, through memory of our own. */

import {
  allocate,
  audioInfoAt,
  AudioInfoLayout,
  deviceAt,
  DeviceFlags,
  DeviceInfoLayout,
  encodeText,
  Facing,
  library,
  MiniAVError,
  unwrap,
  videoInfoAt,
  VideoInfoLayout,
  waiter,
} from "../ffi/mod.ts";
import type {
  FreeList,
  Handle,
  Memory,
  Native,
  NativeDevice,
  NativeEvent,
  OperationOptions,
} from "../ffi/mod.ts";
import { audioFormatFrom, videoFormatFrom } from "./formats.ts";
import { deviceKindFrom, KINDS } from "./kinds.ts";
import {
  describeValue,
  invalidOption,
  requireKnownOptions,
  requireMilliseconds,
  requireText,
  WAITING,
} from "./options.ts";
import type { AudioFormat, DeviceInfo, VideoFormat, WaitOptions } from "./types.ts";

/** An Async call of the library, given its waiter and token. */
export type BeginCall = (native: Native, waiter: Handle, token: Handle) => number;

const freeDevices: FreeList = (native, list, count) => {
  native.MiniAV_FreeDeviceList(list, count);
};
const freeFormats: FreeList = (native, list, count) => {
  native.MiniAV_FreeFormatList(list, count);
};

/** `timeout` counts from now; Infinity is no limit. INVALID_ARG. */
export function operationOptions(
  operation: string,
  options: WaitOptions | undefined,
): OperationOptions {
  const signal = options?.signal ?? undefined;
  const timeout = options?.timeout ?? undefined;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    const detail = `signal is an AbortSignal, not ${describeValue(signal)}`;
    throw invalidOption(operation, detail);
  }
  if (timeout !== undefined) requireMilliseconds(operation, timeout, "timeout");
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeout === undefined ? {} : { deadline: performance.now() + timeout }),
  };
}

/** The same of what takes no other options. */
export function waitOptions(
  operation: string,
  options: WaitOptions | undefined,
): OperationOptions {
  if (options !== undefined) requireKnownOptions(operation, options, WAITING);
  return operationOptions(operation, options);
}

/** An id that is an argument of its own; undefined is the default device. INVALID_ARG. */
export function encodeId(operation: string, id: unknown): Uint8Array | null {
  if (id === undefined || id === null) return null;
  requireText(operation, "id", id);
  return encodeText(id as string, "id");
}

export async function listDevices(
  operation: string,
  begin: BeginCall,
  options: WaitOptions | undefined,
): Promise<DeviceInfo[]> {
  const waiting = waitOptions(operation, options);
  const { native } = library();
  const event = await waiter().operation(
    operation,
    (handle, token) => begin(native, handle, token),
    waiting,
    freeDevices,
  );
  const memory = allocate(event.count * DeviceInfoLayout.size);
  try {
    if (event.count > 0) {
      const code = native.MiniAV_CopyDeviceList(
        event.list,
        event.count,
        memory.bytes,
        event.count,
      );
      unwrap(code, operation);
    }
  } finally {
    native.MiniAV_FreeDeviceList(event.list, event.count);
  }
  return Array.from(
    { length: event.count },
    (_, index) => deviceFrom(deviceAt(memory, index * DeviceInfoLayout.size)),
  );
}

export async function listVideoFormats(
  operation: string,
  begin: BeginCall,
  options: OperationOptions,
): Promise<VideoFormat[]> {
  const { memory, count } = await copyFormats(operation, begin, options, VideoInfoLayout.size);
  return Array.from(
    { length: count },
    (_, index) => videoFormatFrom(videoInfoAt(memory, index * VideoInfoLayout.size)),
  );
}

async function listAudioFormats(
  operation: string,
  begin: BeginCall,
  options: OperationOptions,
): Promise<AudioFormat[]> {
  const { memory, count } = await copyFormats(operation, begin, options, AudioInfoLayout.size);
  return Array.from(
    { length: count },
    (_, index) => audioFormatFrom(audioInfoAt(memory, index * AudioInfoLayout.size)),
  );
}

/** Sources of sound, by the middle part of their functions' names. */
type SoundKind = "Audio" | "Loopback";

export function supportedAudioFormats(
  kind: SoundKind,
  deviceId: string | undefined,
  options: OperationOptions,
): Promise<AudioFormat[]> {
  const operation = `${KINDS[kind].label}.supportedFormats`;
  const id = encodeId(operation, deviceId);
  return listAudioFormats(
    operation,
    (native, waiter, token) => native[`MiniAV_${kind}_GetSupportedFormatsAsync`](waiter, token, id),
    options,
  );
}

export async function defaultAudioFormat(
  kind: SoundKind,
  deviceId: string | undefined,
  options: OperationOptions,
): Promise<AudioFormat> {
  const operation = `${KINDS[kind].label}.defaultFormat`;
  const id = encodeId(operation, deviceId);
  const [format] = await listAudioFormats(
    operation,
    (native, waiter, token) => native[`MiniAV_${kind}_GetDefaultFormatAsync`](waiter, token, id),
    options,
  );
  if (format === undefined) throw new MiniAVError("FORMAT_NOT_SUPPORTED", { operation });
  return format;
}

/** What a configured context gives. */
export function configuredAudioFormat(
  kind: SoundKind,
  native: Native,
  context: Handle,
): AudioFormat {
  const memory = allocate(AudioInfoLayout.size);
  const code = native[`MiniAV_${kind}_GetConfiguredFormat`](context, memory.bytes);
  unwrap(code, `${KINDS[kind].label}.format`);
  return audioFormatFrom(audioInfoAt(memory, 0));
}

async function copyFormats(
  operation: string,
  begin: BeginCall,
  options: OperationOptions,
  size: number,
): Promise<{ memory: Memory; count: number }> {
  const { native } = library();
  const event: NativeEvent = await waiter().operation(
    operation,
    (handle, token) => begin(native, handle, token),
    options,
    freeFormats,
  );
  const memory = allocate(event.count * size);
  try {
    if (event.count > 0) {
      const code = native.MiniAV_CopyFormatList(
        event.list,
        event.count,
        memory.bytes,
        event.count * size,
      );
      unwrap(code, operation);
    }
  } finally {
    native.MiniAV_FreeFormatList(event.list, event.count);
  }
  return { memory, count: event.count };
}

const FACINGS: Readonly<Record<number, DeviceInfo["facing"]>> = {
  [Facing.USER]: "user",
  [Facing.ENVIRONMENT]: "environment",
  [Facing.EXTERNAL]: "external",
};

function deviceFrom(device: NativeDevice): DeviceInfo {
  const { rectangle } = device;
  const has = (flag: number): boolean => (device.flags & flag) !== 0;
  return {
    id: device.id,
    name: device.name,
    kind: deviceKindFrom(device.kind),
    backend: device.id.includes(":") ? device.id.slice(0, device.id.indexOf(":")) : "",
    isDefault: has(DeviceFlags.DEFAULT),
    isPlaying: has(DeviceFlags.PLAYING),
    isVirtual: has(DeviceFlags.VIRTUAL),
    isTest: has(DeviceFlags.TEST),
    processId: device.processId === 0 ? null : device.processId,
    rectangle: rectangle.width === 0 ? null : rectangle,
    scale: device.scale === 0 ? null : device.scale,
    refreshRate: device.refreshRateMillihertz === 0 ? null : device.refreshRateMillihertz / 1000,
    facing: FACINGS[device.facing] ?? null,
    model: device.model,
    manufacturer: device.manufacturer,
    icon: device.icon,
  };
}
