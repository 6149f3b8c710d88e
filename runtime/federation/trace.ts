/** What happened in a run, in order, and its hash: two runs of one plan have the same. */
import { createHash } from "node:crypto";

export interface TraceEvent {
  /** Milliseconds of the true time, from the moment at which all had published; before it negative. */
  readonly atMs: number;
  readonly from: string;
  /** Whom it reached; undefined: it concerns one alone. */
  readonly to?: string | undefined;
  readonly what: string;
  readonly detail?: string | undefined;
}

/** Events that are kept for the file; the hash has all of them. */
const EVENTS_MAX = 200_000;

export interface Trace {
  readonly events: ReadonlyArray<TraceEvent>;
  readonly record: (from: string, what: string, more?: { readonly to?: string; readonly detail?: string }) => void;
  readonly hash: () => string;
}

export const makeTrace = (nowMs: () => number): Trace => {
  const events: Array<TraceEvent> = [];
  const hash = createHash("sha256");
  return {
    events,
    record: (from, what, { to, detail } = {}) => {
      const event: TraceEvent = {
        atMs: nowMs(),
        from,
        ...(to === undefined ? {} : { to }),
        what,
        ...(detail === undefined ? {} : { detail }),
      };
      hash.update(`${JSON.stringify(event)}\n`);
      if (events.length < EVENTS_MAX) events.push(event);
    },
    hash: () => hash.copy().digest("hex"),
  };
};
