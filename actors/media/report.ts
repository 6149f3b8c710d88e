/** What our relay tells of a call: how well its streams come, and what was refused. */
import type { MediaCall, MediaCounters, MediaStreamReport } from "./relay.ts";
import type { MediaStream } from "./stream.ts";

/** `offsetMs`: from the relay's monotonic clock to Unix time. */
export const reportOf = (
  call: string,
  sinceMs: number,
  streams: ReadonlyArray<MediaStream | undefined>,
  offsetMs: number,
): MediaCall => ({
  call,
  sinceMs: Math.round(sinceMs + offsetMs),
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
