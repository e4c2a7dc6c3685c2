/** Events of the library as plain objects. */

import { EventLayout as E } from "./layout.gen.ts";
import { i32, i64, textField, u32 } from "./memory.ts";
import type { Memory } from "./memory.ts";
import type { Runtime } from "./adapter.ts";
import type { Handle } from "./symbols.ts";

/** MiniAVEvent */
export interface NativeEvent {
  readonly type: number;
  readonly result: number;
  readonly kind: number;
  readonly token: number;
  readonly context: Handle;
  readonly timestamp: number;
  readonly list: Handle;
  readonly count: number;
  readonly detail: number;
  readonly coalesced: number;
  readonly backend: string;
  readonly text: string;
}

/** Reads an event; the memory may be used again at once. */
export function eventAt(memory: Memory, runtime: Runtime): NativeEvent {
  return {
    type: u32(memory, 0, E.type),
    result: i32(memory, 0, E.result),
    kind: u32(memory, 0, E.kind),
    token: i64(memory, 0, E.token),
    context: runtime.handleAt(memory.view, E.context.offset),
    timestamp: i64(memory, 0, E.timestamp_us),
    list: runtime.handleAt(memory.view, E.list.offset),
    count: u32(memory, 0, E.count),
    detail: u32(memory, 0, E.detail),
    coalesced: u32(memory, 0, E.coalesced),
    backend: textField(memory, 0, E.backend),
    text: textField(memory, 0, E.text),
  };
}
