/** The four kinds of source: their names in C, in this API, and for people. */

import { Kind } from "../ffi/mod.ts";
import type { DeviceKind } from "./types.ts";

/** The middle part of the C functions' names. */
export type KindName = "Camera" | "Screen" | "Audio" | "Loopback";

export interface KindInfo {
  /** MiniAVKind */
  readonly number: number;
  /** The class of this API. */
  readonly label: string;
  readonly device: DeviceKind;
}

export const KINDS: Readonly<Record<KindName, KindInfo>> = {
  Camera: { number: Kind.CAMERA, label: "Camera", device: "camera" },
  Screen: { number: Kind.SCREEN, label: "Screen", device: "screen" },
  Audio: { number: Kind.AUDIO, label: "Microphone", device: "microphone" },
  Loopback: { number: Kind.LOOPBACK, label: "Loopback", device: "loopback" },
};

export function deviceKindFrom(number: number): DeviceKind {
  const found = Object.values(KINDS).find((kind) => kind.number === number);
  return found?.device ?? "camera";
}
