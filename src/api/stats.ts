/** Counters of a capture over all the contexts it had. */

import type { LeaseSource, NativeStats } from "../ffi/mod.ts";
import type { CaptureStats } from "./types.ts";

/** A context that has ended; frames of it may still be closed. */
export interface EndedSession {
  readonly last: NativeStats;
  readonly source: LeaseSource;
}

/** Adds up the context that runs and those before it. */
export function combineStats(
  running: { readonly stats: NativeStats; readonly source: LeaseSource } | null,
  ended: readonly EndedSession[],
  reconnects: number,
): CaptureStats {
  const parts = ended.map(({ last, source }) => ({ stats: afterEnd(last, source), source }));
  if (running !== null) parts.push(running);
  const sum = (pick: (stats: NativeStats) => number): number =>
    parts.reduce((total, { stats }) => total + pick(stats), 0);
  const count = (pick: (source: LeaseSource) => number): number =>
    parts.reduce((total, { source }) => total + pick(source), 0);
  return {
    produced: sum((stats) => stats.produced),
    delivered: sum((stats) => stats.delivered),
    dropped: sum((stats) => stats.dropped),
    queued: sum((stats) => stats.queued),
    released: sum((stats) => stats.released),
    outstanding: sum((stats) => stats.outstanding),
    droppedBy: {
      queueFull: sum((stats) => stats.dropped_queue_full),
      buffersHeld: sum((stats) => stats.dropped_buffers_held),
      stopped: sum((stats) => stats.dropped_stopped),
      invalid: sum((stats) => stats.dropped_invalid),
      late: sum((stats) => stats.dropped_late),
      failed: sum((stats) => stats.dropped_failed),
    },
    formatChanges: sum((stats) => stats.format_changes),
    stalls: sum((stats) => stats.stalls),
    lastTimestamp: Math.max(0, ...parts.map(({ stats }) => stats.last_timestamp_us)),
    stolen: count((source) => source.stolen),
    pinned: count((source) => source.pinned),
    forgotten: count((source) => source.forgotten),
    reconnects,
  };
}

/** The last snapshot, with what was given back since. */
export function afterEnd(last: NativeStats, { releasedAfterStop }: LeaseSource): NativeStats {
  return {
    ...last,
    released: last.released + releasedAfterStop,
    outstanding: last.outstanding - releasedAfterStop,
  };
}

/** Merges old contexts that nothing can change any more, so that weeks of reconnects stay small. */
export function compactEnded(ended: EndedSession[]): void {
  const settled = ended.filter(({ last, source }) =>
    last.outstanding === source.releasedAfterStop && source.pinned === 0
  );
  if (settled.length < 2) return;
  const [first, second] = settled as [EndedSession, EndedSession];
  const left = afterEnd(first.last, first.source);
  const right = afterEnd(second.last, second.source);
  const last: Record<string, number> = {};
  for (const [name, value] of Object.entries(left)) {
    const other = right[name as keyof NativeStats];
    last[name] = name === "last_timestamp_us" ? Math.max(value, other) : value + other;
  }
  const source = {
    ...first.source,
    releasedAfterStop: 0,
    stolen: first.source.stolen + second.source.stolen,
    forgotten: first.source.forgotten + second.source.forgotten,
  };
  ended.splice(ended.indexOf(second), 1);
  ended[ended.indexOf(first)] = { last: last as NativeStats, source };
}
