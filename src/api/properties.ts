/** Properties of captures under friendly names and with values of JavaScript. */

import {
  allocate,
  CursorMode,
  f64,
  i64,
  intrinsicsAt,
  library,
  PersistMode,
  PROPERTY_MAX_HANDLES,
  PROPERTY_TYPES,
  PropertyFlags,
  PropertyInfoLayout,
  PropertyKey,
  PropertyType,
  PropertyValueLayout,
  putText,
  rectangleAt,
  ScreenAudioSource,
  setIntrinsicsAt,
  setRectangleAt,
  textField,
  u32,
  unwrap,
} from "../ffi/mod.ts";
import { ResultCode } from "../ffi/mod.ts";
import type { Handle, Intrinsics, Memory, Rectangle } from "../ffi/mod.ts";
import { requireIntrinsics } from "./intrinsics.ts";
import { KINDS } from "./kinds.ts";
import type { KindName } from "./kinds.ts";
import {
  describeValue,
  invalidOption,
  isWholeWithin,
  requireRegion,
  requireText,
} from "./options.ts";

/** What properties there are, and the type of each. Not every device has every one. */
export interface Properties {
  /** Frames that may be queued and held at once; before start. */
  queueCapacity: number;
  /** Only the newest frame is kept; before start. */
  queueLatest: boolean;
  /** Who captures: "pipewire", "v4l2", "test". */
  readonly backendName: string;
  /** The device that is really used. */
  readonly deviceId: string;
  brightness: number;
  contrast: number;
  saturation: number;
  hue: number;
  gamma: number;
  sharpness: number;
  gain: number;
  /** Kelvin. */
  whiteBalance: number;
  /** Microseconds. */
  exposureTime: number;
  /** EV. */
  exposureCompensation: number;
  /** 0 is near. */
  focus: number;
  zoom: number;
  /** Arc seconds. */
  pan: number;
  /** Arc seconds. */
  tilt: number;
  backlightCompensation: number;
  powerLineFrequency: "off" | "auto" | "50Hz" | "60Hz";
  /** Rides on frames once it is set. */
  intrinsics: Intrinsics;
  cursorMode: "hidden" | "embedded" | "metadata";
  /** Frames per second; 0 is no limit. */
  frameRateLimit: number;
  /** Window ids of the platform. */
  excludedWindows: readonly number[];
  /** Pixels of the display. */
  region: Rectangle;
  audioSource: "target" | "system";
  /** A steady stream while nothing changes. */
  repeatLastFrame: boolean;
  persistMode: "none" | "application" | "revoked";
  /** Set before, read after open: shows the same screen without another dialog. */
  restoreToken: string;
  /** Linear, 0 to 16, of this capture only. */
  audioGain: number;
  /** Of this capture only. */
  audioMute: boolean;
  /** Microseconds of sound in each buffer. */
  chunkDuration: number;
  /** Nothing but the asked processes is heard. */
  readonly perProcess: boolean;
  readonly streamVolume: number;
  readonly streamMute: boolean;
}

/** The name of a property. */
export type PropertyName = keyof Properties;

/** What a device says about one of its properties. */
export interface PropertyInfo {
  readonly name: PropertyName;
  readonly readable: boolean;
  readonly writable: boolean;
  /** It can be set to "auto". */
  readonly hasAuto: boolean;
  /** The device chooses the value now. */
  readonly isAuto: boolean;
  /** It cannot be set while the capture runs: give it to `open`. */
  readonly stoppedOnly: boolean;
  /** Of numbers; 0 for the other types. */
  readonly minimum: number;
  readonly maximum: number;
  /** 0 means continuous. */
  readonly step: number;
  readonly default: number;
}

type KeyName = keyof typeof PropertyKey;

/** "WHITE_BALANCE" to "whiteBalance" */
function friendly(key: string): PropertyName {
  return key.toLowerCase().replace(
    /_(\w)/g,
    (_, letter: string) => letter.toUpperCase(),
  ) as PropertyName;
}

const KEYS: ReadonlyMap<PropertyName, KeyName> = new Map(
  (Object.keys(PropertyKey) as KeyName[]).map((key) => [friendly(key), key]),
);

/** Every property there is. */
export const PROPERTY_NAMES: readonly PropertyName[] = [...KEYS.keys()];

/** Values of C enums under the names that people use. */
const ENUMS: Readonly<Partial<Record<PropertyName, Readonly<Record<string, number>>>>> = {
  powerLineFrequency: { off: 0, auto: 1, "50Hz": 50, "60Hz": 60 },
  cursorMode: {
    hidden: CursorMode.HIDDEN,
    embedded: CursorMode.EMBEDDED,
    metadata: CursorMode.METADATA,
  },
  audioSource: { target: ScreenAudioSource.TARGET, system: ScreenAudioSource.SYSTEM },
  persistMode: {
    none: PersistMode.NONE,
    application: PersistMode.APPLICATION,
    revoked: PersistMode.REVOKED,
  },
};

/** The names of the values of such a property. */
export function valuesOf(name: PropertyName): readonly string[] {
  return Object.keys(ENUMS[name] ?? {});
}

function keyOf(operation: string, name: PropertyName): KeyName {
  const key = KEYS.get(name);
  if (key === undefined) {
    const detail = `${describeValue(name)} is no property`;
    throw invalidOption(operation, detail, `There are ${PROPERTY_NAMES.join(", ")}.`);
  }
  return key;
}

const V = PropertyValueLayout;

export function readProperty<Name extends PropertyName>(
  kind: KindName,
  context: Handle,
  name: Name,
): Properties[Name] {
  const operation = `${KINDS[kind].label}.getProperty("${name}")`;
  const key = keyOf(operation, name);
  const memory = allocate(V.size);
  const get = library().native[`MiniAV_${kind}_GetProperty`];
  const code = get(context, PropertyKey[key], memory.bytes);
  unwrap(code, operation);
  return decodeValue(name, memory) as Properties[Name];
}

export function writeProperty<Name extends PropertyName>(
  kind: KindName,
  context: Handle,
  name: Name,
  value: Properties[Name] | "auto",
): void {
  const { native } = library();
  const operation = `${KINDS[kind].label}.setProperty("${name}")`;
  const key = keyOf(operation, name);
  if (value === "auto" && ENUMS[name]?.auto === undefined) {
    const code = native[`MiniAV_${kind}_SetAutoProperty`](context, PropertyKey[key], 1);
    unwrap(code, operation);
    return;
  }
  const memory = encodeValue(operation, name, value);
  const code = native[`MiniAV_${kind}_SetProperty`](context, PropertyKey[key], memory.bytes);
  unwrap(code, operation);
}

/** Null: the device does not have it. */
export function readPropertyInfo(
  kind: KindName,
  context: Handle,
  name: PropertyName,
): PropertyInfo | null {
  const layout = PropertyInfoLayout;
  const memory = allocate(layout.size);
  const get = library().native[`MiniAV_${kind}_GetPropertyInfo`];
  const operation = `${KINDS[kind].label}.getPropertyInfo("${name}")`;
  const code = get(context, PropertyKey[keyOf(operation, name)], memory.bytes);
  if (code === ResultCode.NOT_SUPPORTED) return null;
  unwrap(code, operation);
  const flags = u32(memory, 0, layout.flags);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    name,
    readable: has(PropertyFlags.READABLE),
    writable: has(PropertyFlags.WRITABLE),
    hasAuto: has(PropertyFlags.HAS_AUTO),
    isAuto: has(PropertyFlags.IS_AUTO),
    stoppedOnly: has(PropertyFlags.STOPPED_ONLY),
    minimum: f64(memory, 0, layout.minimum),
    maximum: f64(memory, 0, layout.maximum),
    step: f64(memory, 0, layout.step),
    default: f64(memory, 0, layout.default_value),
  };
}

function decodeValue(name: PropertyName, memory: Memory): unknown {
  switch (u32(memory, 0, V.type)) {
    case PropertyType.BOOLEAN:
      return i64(memory, 0, V.value_integer) !== 0;
    case PropertyType.INTEGER:
      return i64(memory, 0, V.value_integer);
    case PropertyType.NUMBER:
      return f64(memory, 0, V.value_number);
    case PropertyType.ENUM: {
      const number = i64(memory, 0, V.value_integer);
      const names = Object.entries(ENUMS[name] ?? {});
      return names.find(([, value]) => value === number)?.[0] ?? String(number);
    }
    case PropertyType.TEXT:
      return textField(memory, 0, V.value_text);
    case PropertyType.RECTANGLE:
      return rectangleAt(memory, V.value_rectangle.offset);
    case PropertyType.INTRINSICS:
      return intrinsicsAt(memory, V.value_intrinsics.offset);
    case PropertyType.HANDLES:
      return Array.from(
        { length: Math.min(u32(memory, 0, V.count), PROPERTY_MAX_HANDLES) },
        (_, index) => Number(memory.view.getBigUint64(V.value_handles.offset + 8 * index, true)),
      );
    default:
      return null;
  }
}

/** INVALID_ARG: not a value of this property. */
function encodeValue(operation: string, name: PropertyName, value: unknown): Memory {
  const memory = allocate(V.size);
  const type = PROPERTY_TYPES[keyOf(operation, name)];
  memory.view.setUint32(V.type.offset, PropertyType[type], true);
  const wrong = () =>
    invalidOption(
      operation,
      `${name} takes ${describeType(name, type)}, not ${describeValue(value)}`,
    );
  switch (type) {
    case "BOOLEAN":
      if (typeof value !== "boolean") throw wrong();
      memory.view.setBigInt64(V.value_integer.offset, value ? 1n : 0n, true);
      return memory;
    case "INTEGER":
      if (!Number.isSafeInteger(value)) throw wrong();
      memory.view.setBigInt64(V.value_integer.offset, BigInt(value as number), true);
      return memory;
    case "NUMBER":
      if (typeof value !== "number") throw wrong();
      memory.view.setFloat64(V.value_number.offset, value, true);
      return memory;
    case "ENUM": {
      const numbers = ENUMS[name] ?? {};
      if (typeof value !== "string" || !Object.hasOwn(numbers, value)) throw wrong();
      const number = numbers[value]!;
      memory.view.setBigInt64(V.value_integer.offset, BigInt(number), true);
      return memory;
    }
    case "TEXT":
      requireText(operation, name, value);
      putText(memory, 0, V.value_text, value as string);
      return memory;
    case "RECTANGLE":
      requireRegion(operation, value);
      setRectangleAt(memory, V.value_rectangle.offset, value);
      return memory;
    case "INTRINSICS":
      requireIntrinsics(operation, value);
      setIntrinsicsAt(memory, V.value_intrinsics.offset, value);
      return memory;
    case "HANDLES": {
      if (!isHandles(value)) throw wrong();
      memory.view.setUint32(V.count.offset, value.length, true);
      value.forEach((handle, index) => {
        memory.view.setBigUint64(V.value_handles.offset + 8 * index, BigInt(handle), true);
      });
      return memory;
    }
  }
}

/** Numbers of windows, as many as the library takes. */
export function isHandles(value: unknown): value is readonly number[] {
  const isHandle = (handle: unknown) => isWholeWithin(handle, 0, Number.MAX_SAFE_INTEGER);
  return Array.isArray(value) && value.length <= PROPERTY_MAX_HANDLES &&
    Array.from(value).every(isHandle);
}

/** What numbers they may be, the library says. */
function describeType(name: PropertyName, type: string): string {
  const names = ENUMS[name];
  if (names !== undefined) return Object.keys(names).map((text) => `"${text}"`).join(" or ");
  switch (type) {
    case "BOOLEAN":
      return "true or false";
    case "INTEGER":
      return "a whole number";
    case "RECTANGLE":
      return "{ x, y, width, height }";
    case "INTRINSICS":
      return "intrinsics: width, height, focalX, focalY, centreX, centreY, distortion";
    case "HANDLES":
      return `at most ${PROPERTY_MAX_HANDLES} window ids, which are numbers`;
    default:
      return `a ${type.toLowerCase()}`;
  }
}
