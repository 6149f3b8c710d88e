/**
 * The newest events of a program, numbered, for its page: GET /happenings/N gives those after the Nth, without whole numbers.
 *
 *   record --> the newest HAPPENINGS_MAX --> after(N): those that are still kept, and how many are not
 */
import { Effect } from "effect";
import { type AdminHandle, objectionTo, refused } from "./request.ts";

/** Kept; a page that asks twice a second misses none below a thousand events a second. */
export const HAPPENINGS_MAX = 1_024;
export const HAPPENINGS_PATH = "/happenings/";

export type HappeningField = string | number | boolean | null;

export interface Happening {
  /** From 1 on, since the program started. */
  readonly n: number;
  readonly atMs: number;
  readonly type: string;
  readonly [field: string]: HappeningField;
}

export interface HappeningsReport {
  /** The number of the newest one; 0 before there was any. */
  readonly last: number;
  /** Of those asked for, how many are kept no longer. */
  readonly missed: number;
  /** In order. */
  readonly happenings: ReadonlyArray<Happening>;
}

export interface Happenings {
  /** `fields` are made when somebody asks: most events are asked for by nobody. */
  readonly record: (atMs: number, type: string, fields: () => Readonly<Record<string, HappeningField>>) => void;
  readonly after: (n: number) => HappeningsReport;
}

export const makeHappenings = (): Happenings => {
  const kept: Array<() => Happening> = [];
  let last = 0;
  return {
    record: (atMs, type, fields) => {
      const n = ++last;
      kept.push(() => ({ ...fields(), n, atMs, type }));
      if (kept.length > HAPPENINGS_MAX) kept.shift();
    },
    after: (n) => {
      const oldest = last - kept.length;
      // A page that knows a later number has seen another run of this program.
      const from = n > last ? oldest : Math.max(n, oldest);
      return {
        last,
        missed: n > last ? 0 : Math.max(0, oldest - n),
        happenings: kept.slice(from - oldest).map((make) => make()),
      };
    },
  };
};

export const withHappenings =
  (happenings: Happenings, next: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      if (!request.path.startsWith(HAPPENINGS_PATH)) return next(request);
      const objection = objectionTo(request, "GET");
      if (objection !== undefined) return Effect.succeed(objection);
      const after = request.path.slice(HAPPENINGS_PATH.length);
      return Effect.succeed(
        /^\d{1,15}$/.test(after)
          ? { status: 200, body: happenings.after(Number(after)) }
          : refused(400, `${HAPPENINGS_PATH}N: the number of the last event known`),
      );
    });
