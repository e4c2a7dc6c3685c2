/**
 * Every function of the library, in types that belong to no runtime; the adapters translate them.
 * A test compares this table with the C headers and with what the library exports, both ways.
 *
 * An entry is the result's type and then `"name: type"` of every parameter, named as in C.
 */

/**
 * - `handle`: a context, a waiter or a buffer: a value, never an address.
 * - `address`: an address that only goes back to the library.
 * - `buffer`: memory of the caller's, as a Uint8Array, or null.
 * - `text`: zero-terminated UTF-8 in a Uint8Array, or null.
 * - `function`: a C function pointer, or null.
 * - `pointer`: what a callback gets back untouched.
 */
export type ParameterType =
  | "handle"
  | "address"
  | "buffer"
  | "text"
  | "function"
  | "pointer"
  | "i32"
  | "u32"
  | "i64"
  | "u64"
  | "usize";

/** `code` is a MiniAVResultCode, `string` the address of a static string. */
export type ResultType = "code" | "string";

export type Signature = readonly [ResultType, ...`${string}: ${ParameterType}`[]];

/** The table. */
export const SYMBOLS = {
  // library
  MiniAV_GetVersion: ["code", "major: buffer", "minor: buffer", "patch: buffer"],
  MiniAV_GetVersionString: ["string"],
  MiniAV_GetErrorString: ["string", "code: i32"],
  MiniAV_GetLayoutHash: ["code", "hash: buffer"],
  MiniAV_GetTime: ["code", "now_us: buffer"],
  MiniAV_SetLogCallback: ["code", "callback: function", "user_data: pointer"],
  MiniAV_SetLogLevel: ["code", "level: u32"],
  MiniAV_SetDeviceChangeCallback: [
    "code",
    "callback: function",
    "kinds: u32",
    "user_data: pointer",
  ],
  MiniAV_SetContextLostCallback: ["code", "callback: function", "user_data: pointer"],
  MiniAV_Dispose: ["code"],
  // lists
  MiniAV_FreeDeviceList: ["code", "devices: address", "count: u32"],
  MiniAV_FreeFormatList: ["code", "formats: address", "count: u32"],
  MiniAV_CopyDeviceList: [
    "code",
    "list: address",
    "count: u32",
    "destination: buffer",
    "capacity: u32",
  ],
  MiniAV_CopyFormatList: [
    "code",
    "list: address",
    "count: u32",
    "destination: buffer",
    "capacity_bytes: usize",
  ],
  // buffers
  MiniAV_TakeBuffer: ["code", "context: handle", "buffer: buffer"],
  MiniAV_WaitBuffer: ["code", "context: handle", "timeout_ms: u32", "buffer: buffer"],
  MiniAV_ReleaseBuffer: ["code", "internal_handle: handle"],
  MiniAV_CopyBuffer: [
    "code",
    "internal_handle: handle",
    "destination: buffer",
    "capacity_bytes: usize",
    "layout: buffer",
  ],
  MiniAV_CopyMetadata: ["code", "internal_handle: handle", "metadata: buffer"],
  MiniAV_CopyCursorPixels: [
    "code",
    "internal_handle: handle",
    "destination: buffer",
    "capacity_bytes: usize",
  ],
  // waiters
  MiniAV_CreateWaiter: ["code", "waiter: buffer"],
  MiniAV_DestroyWaiter: ["code", "waiter: handle"],
  MiniAV_WaiterAdd: ["code", "waiter: handle", "context: handle"],
  MiniAV_WaiterRemove: ["code", "waiter: handle", "context: handle"],
  MiniAV_WaitAny: ["code", "waiter: handle", "timeout_ms: u32"],
  MiniAV_WaiterKick: ["code", "waiter: handle"],
  MiniAV_WaiterFd: ["code", "waiter: handle", "fd: buffer"],
  MiniAV_WaiterSetWake: ["code", "waiter: handle", "wake: function", "user_data: pointer"],
  MiniAV_NextEvent: ["code", "waiter: handle", "event: buffer"],
  MiniAV_WaiterWatchDevices: ["code", "waiter: handle", "kinds: u32"],
  MiniAV_WaiterWatchLog: ["code", "waiter: handle", "level: u32"],
  MiniAV_WaiterCancel: ["code", "waiter: handle", "token: u64"],
  // camera
  MiniAV_Camera_EnumerateDevices: ["code", "devices: buffer", "count: buffer"],
  MiniAV_Camera_EnumerateDevicesAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Camera_GetSupportedFormats: [
    "code",
    "device_id: text",
    "formats: buffer",
    "count: buffer",
  ],
  MiniAV_Camera_GetSupportedFormatsAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "device_id: text",
  ],
  MiniAV_Camera_GetDefaultFormat: ["code", "device_id: text", "format: buffer"],
  MiniAV_Camera_GetDefaultFormatAsync: ["code", "waiter: handle", "token: u64", "device_id: text"],
  MiniAV_Camera_CreateContext: ["code", "context: buffer"],
  MiniAV_Camera_DestroyContext: ["code", "context: handle"],
  MiniAV_Camera_DestroyContextAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Camera_Configure: ["code", "context: handle", "device_id: text", "format: buffer"],
  MiniAV_Camera_ConfigureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "device_id: text",
    "format: buffer",
  ],
  MiniAV_Camera_GetConfiguredFormat: ["code", "context: handle", "format: buffer"],
  MiniAV_Camera_StartCapture: [
    "code",
    "context: handle",
    "callback: function",
    "user_data: pointer",
  ],
  MiniAV_Camera_StartCaptureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "callback: function",
    "user_data: pointer",
  ],
  MiniAV_Camera_StopCapture: ["code", "context: handle"],
  MiniAV_Camera_StopCaptureAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Camera_GetStats: ["code", "context: handle", "stats: buffer"],
  MiniAV_Camera_GetPropertyInfo: ["code", "context: handle", "key: u32", "info: buffer"],
  MiniAV_Camera_GetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Camera_SetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Camera_SetAutoProperty: ["code", "context: handle", "key: u32", "automatic: u32"],
  MiniAV_Camera_GetPermission: ["code", "permission: buffer"],
  MiniAV_Camera_GetPermissionAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Camera_RequestPermission: ["code", "permission: buffer"],
  MiniAV_Camera_RequestPermissionAsync: ["code", "waiter: handle", "token: u64"],
  // screen
  MiniAV_Screen_EnumerateDisplays: ["code", "displays: buffer", "count: buffer"],
  MiniAV_Screen_EnumerateDisplaysAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Screen_EnumerateWindows: ["code", "windows: buffer", "count: buffer"],
  MiniAV_Screen_EnumerateWindowsAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Screen_GetSupportedFormats: [
    "code",
    "device_id: text",
    "formats: buffer",
    "count: buffer",
  ],
  MiniAV_Screen_GetSupportedFormatsAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "device_id: text",
  ],
  MiniAV_Screen_GetDefaultFormats: ["code", "target_id: text", "video: buffer", "audio: buffer"],
  MiniAV_Screen_GetDefaultFormatsAsync: ["code", "waiter: handle", "token: u64", "target_id: text"],
  MiniAV_Screen_CreateContext: ["code", "context: buffer"],
  MiniAV_Screen_DestroyContext: ["code", "context: handle"],
  MiniAV_Screen_DestroyContextAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Screen_ConfigureDisplay: [
    "code",
    "context: handle",
    "display_id: text",
    "video_format: buffer",
  ],
  MiniAV_Screen_ConfigureDisplayAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "display_id: text",
    "video_format: buffer",
  ],
  MiniAV_Screen_ConfigureWindow: [
    "code",
    "context: handle",
    "window_id: text",
    "video_format: buffer",
  ],
  MiniAV_Screen_ConfigureWindowAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "window_id: text",
    "video_format: buffer",
  ],
  MiniAV_Screen_ConfigureRegion: [
    "code",
    "context: handle",
    "display_id: text",
    "x: i32",
    "y: i32",
    "width: i32",
    "height: i32",
    "video_format: buffer",
  ],
  MiniAV_Screen_ConfigureRegionAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "display_id: text",
    "x: i32",
    "y: i32",
    "width: i32",
    "height: i32",
    "video_format: buffer",
  ],
  MiniAV_Screen_GetConfiguredFormats: [
    "code",
    "context: handle",
    "video: buffer",
    "audio: buffer",
    "audio_result: buffer",
  ],
  MiniAV_Screen_StartCapture: [
    "code",
    "context: handle",
    "callback: function",
    "user_data: pointer",
    "optional_audio_format_for_loopback: buffer",
  ],
  MiniAV_Screen_StartCaptureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "callback: function",
    "user_data: pointer",
    "optional_audio_format_for_loopback: buffer",
  ],
  MiniAV_Screen_StopCapture: ["code", "context: handle"],
  MiniAV_Screen_StopCaptureAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Screen_GetStats: ["code", "context: handle", "stats: buffer"],
  MiniAV_Screen_GetPropertyInfo: ["code", "context: handle", "key: u32", "info: buffer"],
  MiniAV_Screen_GetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Screen_SetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Screen_SetAutoProperty: ["code", "context: handle", "key: u32", "automatic: u32"],
  MiniAV_Screen_GetPermission: ["code", "permission: buffer"],
  MiniAV_Screen_GetPermissionAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Screen_RequestPermission: ["code", "permission: buffer"],
  MiniAV_Screen_RequestPermissionAsync: ["code", "waiter: handle", "token: u64"],
  // microphone
  MiniAV_Audio_EnumerateDevices: ["code", "devices: buffer", "count: buffer"],
  MiniAV_Audio_EnumerateDevicesAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Audio_GetSupportedFormats: ["code", "device_id: text", "formats: buffer", "count: buffer"],
  MiniAV_Audio_GetSupportedFormatsAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "device_id: text",
  ],
  MiniAV_Audio_GetDefaultFormat: ["code", "device_id: text", "format: buffer"],
  MiniAV_Audio_GetDefaultFormatAsync: ["code", "waiter: handle", "token: u64", "device_id: text"],
  MiniAV_Audio_CreateContext: ["code", "context: buffer"],
  MiniAV_Audio_DestroyContext: ["code", "context: handle"],
  MiniAV_Audio_DestroyContextAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Audio_Configure: ["code", "context: handle", "device_id: text", "format: buffer"],
  MiniAV_Audio_ConfigureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "device_id: text",
    "format: buffer",
  ],
  MiniAV_Audio_GetConfiguredFormat: ["code", "context: handle", "format: buffer"],
  MiniAV_Audio_StartCapture: [
    "code",
    "context: handle",
    "callback: function",
    "user_data: pointer",
  ],
  MiniAV_Audio_StartCaptureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "callback: function",
    "user_data: pointer",
  ],
  MiniAV_Audio_StopCapture: ["code", "context: handle"],
  MiniAV_Audio_StopCaptureAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Audio_GetStats: ["code", "context: handle", "stats: buffer"],
  MiniAV_Audio_GetPropertyInfo: ["code", "context: handle", "key: u32", "info: buffer"],
  MiniAV_Audio_GetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Audio_SetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Audio_SetAutoProperty: ["code", "context: handle", "key: u32", "automatic: u32"],
  MiniAV_Audio_GetPermission: ["code", "permission: buffer"],
  MiniAV_Audio_GetPermissionAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Audio_RequestPermission: ["code", "permission: buffer"],
  MiniAV_Audio_RequestPermissionAsync: ["code", "waiter: handle", "token: u64"],
  // loopback
  MiniAV_Loopback_EnumerateTargets: [
    "code",
    "target_type_filter: u32",
    "targets: buffer",
    "count: buffer",
  ],
  MiniAV_Loopback_EnumerateTargetsAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "target_type_filter: u32",
  ],
  MiniAV_Loopback_GetSupportedFormats: [
    "code",
    "device_id: text",
    "formats: buffer",
    "count: buffer",
  ],
  MiniAV_Loopback_GetSupportedFormatsAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "device_id: text",
  ],
  MiniAV_Loopback_GetDefaultFormat: ["code", "device_id: text", "format: buffer"],
  MiniAV_Loopback_GetDefaultFormatAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "device_id: text",
  ],
  MiniAV_Loopback_CreateContext: ["code", "context: buffer"],
  MiniAV_Loopback_DestroyContext: ["code", "context: handle"],
  MiniAV_Loopback_DestroyContextAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Loopback_Configure: [
    "code",
    "context: handle",
    "target_device_id: text",
    "format: buffer",
  ],
  MiniAV_Loopback_ConfigureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "target_device_id: text",
    "format: buffer",
  ],
  MiniAV_Loopback_ConfigureWithTargetInfo: [
    "code",
    "context: handle",
    "target_info: buffer",
    "format: buffer",
  ],
  MiniAV_Loopback_ConfigureWithTargetInfoAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "target_info: buffer",
    "format: buffer",
  ],
  MiniAV_Loopback_ConfigureWithTargets: [
    "code",
    "context: handle",
    "targets: buffer",
    "count: u32",
    "mode: u32",
    "format: buffer",
  ],
  MiniAV_Loopback_ConfigureWithTargetsAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "targets: buffer",
    "count: u32",
    "mode: u32",
    "format: buffer",
  ],
  MiniAV_Loopback_GetConfiguredFormat: ["code", "context: handle", "format: buffer"],
  MiniAV_Loopback_StartCapture: [
    "code",
    "context: handle",
    "callback: function",
    "user_data: pointer",
  ],
  MiniAV_Loopback_StartCaptureAsync: [
    "code",
    "waiter: handle",
    "token: u64",
    "context: handle",
    "callback: function",
    "user_data: pointer",
  ],
  MiniAV_Loopback_StopCapture: ["code", "context: handle"],
  MiniAV_Loopback_StopCaptureAsync: ["code", "waiter: handle", "token: u64", "context: handle"],
  MiniAV_Loopback_GetStats: ["code", "context: handle", "stats: buffer"],
  MiniAV_Loopback_GetPropertyInfo: ["code", "context: handle", "key: u32", "info: buffer"],
  MiniAV_Loopback_GetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Loopback_SetProperty: ["code", "context: handle", "key: u32", "value: buffer"],
  MiniAV_Loopback_SetAutoProperty: ["code", "context: handle", "key: u32", "automatic: u32"],
  MiniAV_Loopback_GetPermission: ["code", "permission: buffer"],
  MiniAV_Loopback_GetPermissionAsync: ["code", "waiter: handle", "token: u64"],
  MiniAV_Loopback_RequestPermission: ["code", "permission: buffer"],
  MiniAV_Loopback_RequestPermissionAsync: ["code", "waiter: handle", "token: u64"],
  // test devices
  MiniAV_EnableTestDevices: ["code", "enable: u32"],
  MiniAV_TestSetFault: ["code", "device_id: text", "fault: u32", "value: i64"],
  MiniAV_TestLog: ["code", "level: u32", "message: text"],
} as const satisfies Readonly<Record<string, Signature>>;

/** The name of an exported function. */
export type SymbolName = keyof typeof SYMBOLS;

/**
 * A 64-bit value of the library: a bigint in Deno and a number in Bun (its values stay below 2^52),
 * so that each runtime gets the kind that it passes fastest. Compare with `===`; do not compute.
 */
export type Handle = bigint | number;

/** An address that is nobody's; also the value of a handle that was never set. */
export type FunctionPointer = Handle | null;

type ArgumentOf<Type> = Type extends "buffer" | "text" ? Uint8Array | null
  : Type extends "function" | "pointer" ? FunctionPointer
  : Type extends "handle" | "address" ? Handle
  : Type extends "i64" | "u64" | "usize" ? bigint | number
  : number;

type TypeOf<Text> = Text extends `${string}: ${infer Type}` ? Type : never;

type ArgumentsOf<List extends readonly string[]> = {
  -readonly [Index in keyof List]: ArgumentOf<TypeOf<List[Index]>>;
};

type CallOf<Entry> = Entry extends readonly [infer Result, ...infer List extends readonly string[]]
  ? (...args: ArgumentsOf<List>) => Result extends "code" ? number : Handle
  : never;

/** The opened library: one function for each entry of the table. */
export type Native = { readonly [Name in SymbolName]: CallOf<(typeof SYMBOLS)[Name]> };

/** The parameters of an entry, taken apart. */
export function parametersOf(name: SymbolName): { name: string; type: ParameterType }[] {
  const [, ...list] = SYMBOLS[name] as Signature;
  return list.map((text) => {
    const [parameter = "", type] = text.split(": ");
    return { name: parameter, type: type as ParameterType };
  });
}
