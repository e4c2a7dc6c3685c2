/**
 * The C library as it is: every exported function, the layouts of its structs, and what it takes to
 * call them safely. `miniav` is built on this and is what most programs want.
 *
 * ```ts
 * import { allocate, library, ResultCode } from "miniav/ffi";
 *
 * const { native, runtime } = library();
 * const memory = allocate(8);
 * if (native.MiniAV_Camera_CreateContext(memory.bytes) === ResultCode.SUCCESS) {
 *   const context = runtime.handleAt(memory.view, 0);
 *   native.MiniAV_Camera_DestroyContext(context);
 * }
 * ```
 *
 * @module
 */

export * from "./layout.gen.ts";
export { parametersOf, SYMBOLS } from "./symbols.ts";
export type {
  FunctionPointer,
  Handle,
  Native,
  ParameterType,
  ResultType,
  SymbolName,
} from "./symbols.ts";
export { candidates, library, libraryFile, setLibraryPath, targetNames } from "./load.ts";
export type { Candidate, Library } from "./load.ts";
export { currentRuntime } from "./runtime.ts";
export type { NativeCallback, Platform, Runtime } from "./adapter.ts";
export { errorCodeName, errorFrom, MiniAVError, unwrap } from "./errors.ts";
export type { MiniAVErrorCode } from "./error_codes.ts";
export type { MiniAVErrorDetails } from "./errors.ts";
export { distributionFamily, hintFor, installCommand, installScreenPortal } from "./hints.ts";
export { allocate, encodeText, f32, f64, i32, i64, textAt, textField, u32, u64 } from "./memory.ts";
export type { Memory } from "./memory.ts";
export * from "./structs.ts";
export { bufferAt } from "./buffer.ts";
export type {
  NativeBuffer,
  NativeColor,
  NativeDmabuf,
  NativeMetadata,
  NativePlane,
} from "./buffer.ts";
export type { NativeEvent } from "./events.ts";
export { eventAt } from "./events.ts";
export { LONGEST_TIMER_MS } from "./operations.ts";
export type { FreeList, OperationOptions } from "./operations.ts";
export { eventError, Waiter, waiter } from "./waiter.ts";
export type { DeviceWatch, Wait } from "./waiter.ts";
export { Lease, leaseSource, now, retryPinned } from "./lease.ts";
export type { LeaseSource } from "./lease.ts";
export { BufferPool, copyToOwned, LeasedMemory, OwnedMemory } from "./frame_memory.ts";
export type { FrameMemory, PlaneLayout, PlaneShape } from "./frame_memory.ts";
export { insideScope, runInScope } from "./scope.ts";
export { warn } from "./log.ts";
export type { LogHandler, LogLevelName, LogLine } from "./log.ts";
export { createCallback } from "./callbacks.ts";
export type { CallbackKind } from "./callbacks.ts";
