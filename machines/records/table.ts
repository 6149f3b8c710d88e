/**
 * Rows that belong together become telephone calls: one for each trunk leg, from its first answer to its last end.
 *
 *   row --leg--> open call of that key --> longer, or earlier begun
 *            +--> none, or one that was over long before --> a new one; the old one is complete
 *   complete: nothing came for it since SETTLE_MS; the table is full; the file has ended
 *
 * A table that is changed in place, as a file has millions of rows; what it holds is plain data, so that it can be kept
 * beside the place in the file. DECISIONS.md D-095.
 */
import type { Bridge, CdrRow, Dialler, Leg, NumberText } from "../../codecs/cdr/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { type Fifo, fifo, firstOf, putLast, takeFirst } from "./fifo.ts";

/** How long a call waits for further rows of its own: Asterisk writes batches up to five minutes late by default. */
export const SETTLE_MS = 600_000;
/** Calls that wait for further rows; beyond it the one that waits longest is taken for complete. */
export const OPEN_CALLS_MAX = 20_000;
/** Calls that are complete, of which a row may still come, too late. */
export const SETTLED_CALLS_MAX = 20_000;
/** Lines of one call that are remembered. */
export const CALL_LINES_MAX = 64;
/** Local channels whose maker is remembered. */
export const BRIDGES_MAX = 8_192;
/** A part of a call begins when the part before it ends. A name that comes again later is another call's. */
const GAP_MS = 30_000;

/** A telephone call as its rows have it. Plain data. */
export interface RecordedCall {
  readonly key: string;
  /** Of which its first row came. */
  readonly file: string;
  readonly lines: ReadonlyArray<number>;
  /** Where its first row begins. */
  readonly offset: number;
  readonly trunk: string | undefined;
  readonly side: Leg["side"];
  /** Of the earliest part that shows a side. */
  readonly startMs: number;
  readonly sequence: number | undefined;
  readonly calling: NumberText | undefined;
  readonly called: NumberText | undefined;
  readonly from: Dialler | undefined;
  /** Undefined: nobody answered. */
  readonly answerMs: number | undefined;
  /** The last end of a part that was answered. */
  readonly endMs: number | undefined;
  /** The last end of any part. */
  readonly lastMs: number;
  /** The row with its begin has not come. */
  readonly isRest: boolean;
  /** When a conference that it was in was over, as far as is known. */
  readonly joinedMs: number | undefined;
  /** Where no trunk is known: the rows, of which the side of the call will choose. The first one is the call's begin. */
  readonly parts: ReadonlyArray<Leg> | undefined;
  /** By the clock that settles: when its last row came. */
  readonly touchedMs: number;
  /** It was complete before this row came. */
  readonly isLate?: boolean;
}

export interface CallTable {
  readonly open: Map<string, RecordedCall>;
  /** The one that was touched longest ago is first; one that is not in `open` any more as it stands here is over. */
  readonly order: Fifo<RecordedCall>;
  readonly bridges: Map<string, { readonly from: string | undefined; readonly isTrunk: boolean }>;
  /** Calls that are complete, with their last end; and their keys, the oldest first. */
  readonly settled: Map<string, number>;
  readonly settledOrder: Fifo<string>;
  /** Keys of calls that have changed since whoever keeps the table on disk looked; undefined: nobody does. */
  readonly changed: Set<string> | undefined;
  readonly callsMax: number;
}

export const callTable = ({
  callsMax = OPEN_CALLS_MAX,
  isKept = false,
}: {
  readonly callsMax?: number;
  readonly isKept?: boolean;
} = {}): CallTable => ({
  open: new Map(),
  order: fifo(),
  bridges: new Map(),
  settled: new Map(),
  settledOrder: fifo(),
  changed: isKept ? new Set() : undefined,
  callsMax,
});

/** Takes a row in. Gives the calls that are complete by that: of a name that comes again, and for want of room. */
export const takeRow = (table: CallTable, file: string, row: CdrRow, nowMs: number): ReadonlyArray<RecordedCall> => {
  for (const bridge of row.bridges) keepBridge(table, bridge);
  if (row.legs.length === 0) return NONE;
  let complete: Array<RecordedCall> | undefined;
  for (const leg of row.legs) {
    const before = table.open.get(leg.key);
    const settledMs = before === undefined ? table.settled.get(leg.key) : undefined;
    if (settledMs !== undefined && leg.startMs <= settledMs + GAP_MS) {
      complete ??= [];
      complete.push({ ...begun(leg, file, row, nowMs), isLate: true });
      continue;
    }
    table.changed?.add(leg.key);
    const isSame =
      before !== undefined && leg.startMs <= before.lastMs + GAP_MS && before.startMs <= endOf(leg) + GAP_MS;
    if (before !== undefined && !isSame) {
      complete ??= [];
      complete.push(settledCall(table, before));
    }
    keepOpen(table, isSame ? joined(before, leg, row, nowMs) : begun(leg, file, row, nowMs));
    if (table.open.size > table.callsMax) {
      complete ??= [];
      complete.push(takeOldest(table)!);
    }
  }
  return complete ?? NONE;
};
const NONE: ReadonlyArray<RecordedCall> = [];

/** What a changed bridge is called among the changed calls: no channel's name begins so. */
export const BRIDGE_KEY = "bridge ";
export const keepBridge = ({ bridges, changed }: CallTable, { name, from, isTrunk }: Bridge): void => {
  const [oldest] = bridges.size >= BRIDGES_MAX ? bridges.keys() : [];
  if (oldest !== undefined) changed?.add(BRIDGE_KEY + oldest);
  keepNewest(bridges, BRIDGES_MAX, name, { from, isTrunk });
  changed?.add(BRIDGE_KEY + name);
};

/** Also for whoever fills the table from the disk: the one that was touched longest ago first. */
export const keepOpen = ({ open, order }: CallTable, call: RecordedCall): void => {
  open.set(call.key, call);
  putLast(order, call);
};
export const keepSettled = ({ settled, settledOrder }: CallTable, key: string, lastMs: number): void => {
  if (!settled.has(key)) putLast(settledOrder, key);
  settled.set(key, lastMs);
};

/** The one that was touched longest ago. */
const oldestOf = ({ open, order }: CallTable): RecordedCall | undefined => {
  for (let call = firstOf(order); call !== undefined; call = firstOf(order)) {
    if (open.get(call.key) === call) return call;
    takeFirst(order);
  }
  return undefined;
};

/** Takes out the calls that have not been touched since then. */
export const takeSettled = (
  table: CallTable,
  untilMs: number,
  callsMax: number = Number.POSITIVE_INFINITY,
): ReadonlyArray<RecordedCall> => {
  const settled: Array<RecordedCall> = [];
  while (settled.length < callsMax) {
    const call = oldestOf(table);
    if (call === undefined || call.touchedMs > untilMs) break;
    settled.push(takeOldest(table)!);
  }
  return settled;
};

const takeOldest = (table: CallTable): RecordedCall | undefined => {
  const first = oldestOf(table);
  if (first === undefined) return undefined;
  takeFirst(table.order);
  table.open.delete(first.key);
  return settledCall(table, first);
};

const settledCall = (table: CallTable, call: RecordedCall): RecordedCall => {
  const { settled, settledOrder, changed } = table;
  keepSettled(table, call.key, call.lastMs);
  changed?.add(call.key);
  if (settled.size > SETTLED_CALLS_MAX) {
    const oldest = firstOf(settledOrder)!;
    takeFirst(settledOrder);
    settled.delete(oldest);
    changed?.add(oldest);
  }
  return call;
};

const endOf = ({ endMs, startMs }: Leg): number => endMs ?? startMs;

const begun = (leg: Leg, file: string, row: CdrRow, nowMs: number): RecordedCall => ({
  key: leg.key,
  file,
  lines: linesOf(row),
  offset: row.place.offset,
  trunk: leg.trunk,
  side: leg.side,
  startMs: leg.startMs,
  sequence: leg.sequence,
  calling: leg.calling,
  called: leg.called,
  from: leg.from,
  answerMs: leg.answerMs,
  endMs: leg.answerMs === undefined ? undefined : leg.endMs,
  lastMs: endOf(leg),
  isRest: leg.kind !== undefined,
  joinedMs: leg.kind === "joined" ? row.atMs : undefined,
  parts: leg.party === undefined ? undefined : [leg],
  touchedMs: nowMs,
});

const joined = (call: RecordedCall, leg: Leg, row: CdrRow, nowMs: number): RecordedCall => {
  const isFirst = isBefore(leg, call);
  const begin = isFirst
    ? {
        side: leg.side,
        startMs: leg.startMs,
        sequence: leg.sequence,
        calling: leg.calling,
        from: leg.from,
        trunk: leg.trunk,
      }
    : undefined;
  return {
    ...call,
    ...begin,
    called: isFirst
      ? (leg.called ?? (call.side === leg.side ? call.called : undefined))
      : (call.called ?? numberOf(call, leg)),
    lines: call.lines.length < CALL_LINES_MAX ? [...call.lines, ...linesOf(row)].sort((a, b) => a - b) : call.lines,
    answerMs: least(call.answerMs, leg.answerMs),
    endMs: leg.answerMs === undefined ? call.endMs : most(call.endMs, leg.endMs),
    lastMs: Math.max(call.lastMs, endOf(leg)),
    isRest: call.isRest && leg.kind !== undefined,
    joinedMs: leg.kind === "joined" ? most(call.joinedMs, row.atMs) : call.joinedMs,
    parts: partsOf(call.parts, leg, isFirst),
    touchedMs: nowMs,
  };
};

const partsOf = (parts: RecordedCall["parts"], leg: Leg, isFirst: boolean): RecordedCall["parts"] => {
  if (parts === undefined || parts.length >= CALL_LINES_MAX) return parts;
  return isFirst ? [leg, ...parts] : [...parts, leg];
};

/** A sent call's number may stand in another row than its first. */
const numberOf = (call: RecordedCall, leg: Leg): NumberText | undefined =>
  call.side === "sent" && leg.side === "sent" ? leg.called : undefined;

/** Whether this part shows the call's begin better than what is known: it was earlier, or made the channel in the same second. */
const isBefore = (leg: Leg, call: RecordedCall): boolean => {
  const isRest = leg.kind !== undefined;
  if (isRest !== call.isRest) return call.isRest;
  if (leg.startMs !== call.startMs) return leg.startMs < call.startMs;
  if (leg.sequence !== undefined && call.sequence !== undefined) return leg.sequence < call.sequence;
  return leg.side === "sent" && call.side === "received";
};

const linesOf = ({ place: { line, lines } }: CdrRow): ReadonlyArray<number> =>
  lines === 1 ? [line] : Array.from({ length: Math.min(lines, CALL_LINES_MAX) }, (_, i) => line + i);

const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
const most = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
