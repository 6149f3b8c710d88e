/** What a relay tells of a call: how well its streams come, and what was refused; and the same for a table of calls. */
import type { Call } from "./call.ts";
import type { MediaCall, MediaCounters, MediaStreamReport } from "./relay.ts";
import type { MediaStream } from "./stream.ts";

/** `offsetMs`: from the relay's monotonic clock to Unix time. */
export const reportOf = ({ id, sinceMs, bad, isMoved, dialog, streams }: Call, offsetMs: number): MediaCall => ({
  call: id,
  sinceMs: Math.round(sinceMs + offsetMs),
  ...(bad === undefined ? {} : { bad }),
  ...(isMoved ? { isMoved } : {}),
  ...(dialog === undefined ? {} : { from: dialog.from }),
  streams: streams.flatMap((stream) => (stream === undefined ? [] : streamReport(stream, offsetMs))),
});

const streamReport = ({ kind, path, settled }: MediaStream, offsetMs: number): MediaStreamReport | [] => {
  if (settled === undefined || settled.mode === "refused") return [];
  const counters = (side: "inside" | "outside"): MediaCounters => {
    const { lastSeenMs, ...figures } = path.figures(side);
    return { ...figures, ...(lastSeenMs === undefined ? {} : { lastSeenMs: Math.round(lastSeenMs + offsetMs) }) };
  };
  const { mode, suite } = settled;
  return { kind, mode, suite, fromInside: counters("inside"), fromOutside: counters("outside") };
};

const SIDES = { fromInside: "Inside", fromOutside: "Outside" } as const;

/** All streams of a call together, as a row of `vipr calls` has it: sums, the worst jitter, the worst reported loss in percent. */
export const mediaRowOf = ({ bad, isMoved, streams }: MediaCall): Readonly<Record<string, number>> => {
  const row: Record<string, number> = bad === undefined ? {} : { bad: 1 };
  if (isMoved) row.moved = 1;
  for (const [side, name] of Object.entries(SIDES) as ReadonlyArray<[keyof typeof SIDES, string]>) {
    const all = streams.map((stream) => stream[side]);
    const sum = (of: (one: MediaCounters) => number) => all.reduce((total, one) => total + of(one), 0);
    row[`packetsFrom${name}`] = sum(({ packets }) => packets);
    row[`lostFrom${name}`] = sum(({ lost }) => lost);
    row[`refusedFrom${name}`] = sum(({ refused }) => Object.values(refused).reduce((total, count) => total + count, 0));
    row[`jitterMsFrom${name}`] = Math.round(Math.max(0, ...all.map(({ jitterMs }) => jitterMs)));
    row[`lossPercentFrom${name}`] = Math.round(Math.max(0, ...all.map(({ reportedLoss = 0 }) => reportedLoss / 2.56)));
  }
  return row;
};

/** Of all calls together: packets that went no further, by reason. */
export const mediaRefusedOf = (calls: ReadonlyArray<MediaCall>): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { streams } of calls)
    for (const stream of streams)
      for (const side of Object.keys(SIDES) as ReadonlyArray<keyof typeof SIDES>)
        for (const [why, count] of Object.entries(stream[side].refused)) counts[why] = (counts[why] ?? 0) + count;
  return counts;
};
