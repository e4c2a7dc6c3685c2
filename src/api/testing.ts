/** The built-in test devices: cameras, screens and microphones for tests without hardware. */

import { encodeText, library, TestFault, TestHang, unwrap } from "../ffi/mod.ts";
import { ResultCode } from "../ffi/mod.ts";
import type { MiniAVErrorCode } from "../ffi/mod.ts";
import type { LogLevelName } from "../ffi/mod.ts";
import { LogLevel, Permission } from "../ffi/mod.ts";
import type { PermissionState } from "./types.ts";

/**
 * Lists and serves the test devices besides the real ones, for the whole process:
 * cameras `test:bars`, `test:bars2`, `test:flood`; screens `test:display`, `test:window`;
 * microphones `test:tone`, `test:tone2`; loopback `test:system`, `test:process`.
 */
export function enableTestDevices(enable = true): void {
  unwrap(library().native.MiniAV_EnableTestDevices(enable ? 1 : 0), "enableTestDevices");
}

/** What of a test device can hang. */
export type TestOperation = "enumerate" | "formats" | "configure" | "start" | "permission";

/** What a test device does wrong. */
export type TestDeviceFault =
  /** Clears every fault. */
  | { readonly type: "none" }
  /** The device vanishes; running captures are lost. */
  | { readonly type: "lose" }
  | { readonly type: "stall"; readonly stalled: boolean }
  | { readonly type: "change-format"; readonly width: number; readonly height: number }
  | { readonly type: "change-format"; readonly sampleRate: number }
  | { readonly type: "deliver-late"; readonly microseconds: number }
  /** The next frames claim strides that cannot be true. */
  | { readonly type: "bad-stride"; readonly frames: number }
  | { readonly type: "fail-open"; readonly code: MiniAVErrorCode }
  | { readonly type: "fail-start"; readonly code: MiniAVErrorCode }
  | { readonly type: "permission"; readonly state: PermissionState }
  | { readonly type: "unplug" }
  | { readonly type: "plug" }
  /** These operations hang until they are cancelled or the fault is cleared. */
  | { readonly type: "hang"; readonly operations: readonly TestOperation[] }
  | { readonly type: "make-default" }
  | { readonly type: "corrupt"; readonly frames: number }
  /** The next frames are lost before they are delivered. */
  | { readonly type: "skip"; readonly frames: number }
  /** A screen brings no sound itself, as real ones: the library adds the loopback's. */
  | { readonly type: "soundless"; readonly soundless: boolean };

/** Makes a test device misbehave, in every capture of it and for new ones. */
export function setTestFault(deviceId: string, fault: TestDeviceFault): void {
  const [number, value] = encodeFault(fault);
  const code = library().native.MiniAV_TestSetFault(
    encodeText(deviceId, "deviceId"),
    number,
    value,
  );
  unwrap(code, "setTestFault", "test");
}

/** Writes a log line. */
export function writeTestLog(level: LogLevelName, message: string): void {
  const number = LogLevel[level.toUpperCase() as Uppercase<LogLevelName>];
  unwrap(library().native.MiniAV_TestLog(number, encodeText(message, "message")), "writeTestLog");
}

const HANGS: Readonly<Record<TestOperation, number>> = {
  enumerate: TestHang.ENUMERATE,
  formats: TestHang.FORMATS,
  configure: TestHang.CONFIGURE,
  start: TestHang.START,
  permission: TestHang.PERMISSION,
};

const PERMISSIONS: Readonly<Record<PermissionState, number>> = {
  granted: Permission.GRANTED,
  denied: Permission.DENIED,
  undetermined: Permission.UNDETERMINED,
  "not-needed": Permission.NOT_NEEDED,
  unknown: Permission.UNKNOWN,
};

const resultCode = (code: MiniAVErrorCode): number =>
  code === "LOAD_FAILED" ? ResultCode.UNKNOWN : ResultCode[code];

function encodeFault(fault: TestDeviceFault): [number: number, value: bigint] {
  switch (fault.type) {
    case "none":
      return [TestFault.NONE, 0n];
    case "lose":
      return [TestFault.LOSE, 0n];
    case "stall":
      return [TestFault.STALL, fault.stalled ? 1n : 0n];
    case "change-format":
      return [
        TestFault.CHANGE_FORMAT,
        "width" in fault
          ? (BigInt(fault.width) << 32n) | BigInt(fault.height)
          : BigInt(fault.sampleRate),
      ];
    case "deliver-late":
      return [TestFault.DELIVER_LATE, BigInt(fault.microseconds)];
    case "bad-stride":
      return [TestFault.BAD_STRIDE, BigInt(fault.frames)];
    case "fail-open":
      return [TestFault.FAIL_OPEN, BigInt(resultCode(fault.code))];
    case "fail-start":
      return [TestFault.FAIL_START, BigInt(resultCode(fault.code))];
    case "permission":
      return [TestFault.PERMISSION, BigInt(PERMISSIONS[fault.state])];
    case "unplug":
      return [TestFault.UNPLUG, 0n];
    case "plug":
      return [TestFault.PLUG, 0n];
    case "hang":
      return [
        TestFault.HANG,
        BigInt(fault.operations.reduce((set, operation) => set | HANGS[operation], 0)),
      ];
    case "make-default":
      return [TestFault.MAKE_DEFAULT, 0n];
    case "corrupt":
      return [TestFault.CORRUPT, BigInt(fault.frames)];
    case "skip":
      return [TestFault.SKIP, BigInt(fault.frames)];
    case "soundless":
      return [TestFault.SOUNDLESS, fault.soundless ? 1n : 0n];
  }
}
