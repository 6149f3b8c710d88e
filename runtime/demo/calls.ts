/** The demonstration's calls: replayed over the PSTN, placed again when routes are known, and once more after a cut. */
import { Clock, Effect } from "effect";
import type { PstnShape } from "../../actors/ports/mod.ts";
import type { CdrCall } from "../../codecs/cdr/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import type { RunningCompany } from "./company.ts";
import type { Federation } from "./federation.ts";
import { countCall } from "./tally.ts";
import type { DemoListener } from "./watcher.ts";

const CALLS_AT_ONCE = 24;
const AT_ONCE = { concurrency: CALLS_AT_ONCE, discard: true } as const;
/** How long two people talk when a call is placed. */
const TALK_MS = 30;
const VALIDATION_MS_MAX = 150_000;
const PROGRESS_MS = 1_000;
const AFTER_CUT_CALLS = 3;

export interface PlayedCalls {
  /** From one company to a number outside it. */
  readonly outward: ReadonlyArray<CdrCall>;
  /** By a caller of no company. */
  readonly foreign: ReadonlyArray<CdrCall>;
}

/** A call within one company is in neither list: it never leaves its PBX. */
export const sortCalls = (calls: ReadonlyArray<CdrCall>, ownerOf: Federation["ownerOf"]): PlayedCalls => {
  const callerOf = ({ calling }: CdrCall) => (calling === undefined ? undefined : ownerOf(calling));
  return {
    outward: calls.filter((call) => callerOf(call) !== undefined && callerOf(call) !== ownerOf(call.called)),
    foreign: calls.filter((call) => callerOf(call) === undefined),
  };
};

/** Carries all calls over the telephone network, with the times of their records. */
export const replay = Effect.fn("demo.replay")(function* (
  { outward, foreign }: PlayedCalls,
  { ownerOf }: Federation,
  network: PstnShape,
) {
  const place = (call: CdrCall) => ownerOf(call.calling!)!.agent.placeCall({ ...call, talkMs: TALK_MS });
  yield* Effect.forEach(outward, place, AT_ONCE);
  yield* Effect.forEach(foreign, (call) => network.place(call, () => Effect.void), AT_ONCE);
});

/** Waits until no call is left to validate, and none is being validated. */
export const validated = Effect.fn("demo.validated")(function* (
  { companies, thief }: Federation,
  listener: DemoListener,
) {
  const untilMs = (yield* Clock.currentTimeMillis) + VALIDATION_MS_MAX;
  let reportedMs = 0;
  while (true) {
    const counters = yield* Effect.forEach([...companies, thief], ({ server }) => server.counters);
    const left = counters.reduce((sum, { pending, underWay }) => sum + pending + underWay, 0);
    const nowMs = yield* Clock.currentTimeMillis;
    if (left === 0 || nowMs > untilMs) return yield* listener.phase("validated", `${left} calls left to validate`);
    if (nowMs - reportedMs >= PROGRESS_MS) {
      reportedMs = nowMs;
      yield* listener.phase("validating", `${left} calls left`);
    }
    yield* Effect.sleep(100);
  }
});

/** The second time: over IP where a route was learned. */
export const callAgain = Effect.fn("demo.callAgain")(function* (
  outward: ReadonlyArray<CdrCall>,
  federation: Federation,
  listener: DemoListener,
) {
  const place = ({ calling, called }: CdrCall) =>
    placeCounted(federation.ownerOf(calling!)!, { calling, called }, federation, listener);
  yield* Effect.forEach(outward, place, AT_ONCE);
});

/** A border element goes away: calls to its company fall back to the PSTN, and none fails. */
export const afterCut = Effect.fn("demo.afterCut")(function* (federation: Federation, listener: DemoListener) {
  const { companies } = federation;
  const routesTo = ({ numbers }: RunningCompany) =>
    companies.flatMap(({ routes }) => routes.all()).filter(({ number }) => numbers.has(number)).length;
  const gone = [...companies].sort((a, b) => routesTo(b) - routesTo(a))[0]!;
  yield* gone.cutBorder;
  const calls = companies
    .filter((company) => company !== gone)
    .flatMap((from) => from.routes.all().map(({ number }) => ({ from, number })))
    .filter(({ number }) => gone.numbers.has(number))
    .slice(0, AFTER_CUT_CALLS);
  for (const { from, number } of calls)
    yield* placeCounted(from, { calling: [...from.numbers][0], called: number }, federation, listener);
  yield* listener.phase("cut", `${gone.domain}'s border element went away: ${calls.length} calls to it took the PSTN`);
});

const placeCounted = Effect.fnUntraced(function* (
  from: RunningCompany,
  call: { readonly calling: E164 | undefined; readonly called: E164 },
  { tallies }: Federation,
  listener: DemoListener,
) {
  const outcome = yield* from.agent.placeCall({ ...call, talkMs: TALK_MS });
  countCall(tallies.get(from.domain)!, outcome);
  const { via } = outcome;
  const why = outcome.via === "sip" ? undefined : outcome.fellBack;
  const event = { type: "called", number: call.called, via, ...(why === undefined ? {} : { why }) };
  yield* listener.event(from.domain, event);
});
/** The calls of the demonstration: an Asterisk file of whole international numbers, and each line that is no call. */
import { asteriskReader, FILE_BEGIN, zoneOf } from "../../codecs/cdr/mod.ts";
import { type DialPlan, dialPlan, readNumber } from "../../codecs/numbers/mod.ts";
import { type E164, type UnixMs, unixMs } from "../../codecs/shared/mod.ts";
import { callTable, type RecordedCall, takeRow, takeSettled } from "../../machines/records/mod.ts";

/** One answered call. */
export interface DemoCall {
  readonly line: number;
  /** Undefined: the caller withheld the number, or the file has none. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly startMs: UnixMs;
  readonly durationMs: number;
}

export interface DemoProblem {
  readonly line: number;
  /** `skipped`: a valid line of a call that was not answered. */
  readonly kind: "error" | "skipped";
  /** A sentence for people; it never contains a telephone number. */
  readonly reason: string;
}

export interface DemoReading {
  readonly calls: ReadonlyArray<DemoCall>;
  readonly problems: ReadonlyArray<DemoProblem>;
}

/** Nobody has told the demonstration of a country: digits are international, with `+`, with `00`, or bare. */
const PLAN = dialPlan({ international: ["00"], trunks: { any: { plus: "never" } } }).plan as DialPlan;
const PIECE_BYTES = 65_536;

/** Undefined: the zone is unknown. */
export const readDemoCalls = (bytes: Uint8Array, zone = "UTC"): DemoReading | undefined => {
  const known = zoneOf(zone);
  if (known === undefined) return undefined;
  const reader = asteriskReader(
    { zone: known, trunkOf: () => undefined, byNumbers: true, mapping: undefined },
    FILE_BEGIN,
  )!;
  const table = callTable();
  const calls: Array<DemoCall> = [];
  const problems: Array<DemoProblem> = [];
  const take = (complete: ReadonlyArray<RecordedCall>) => {
    for (const call of complete) {
      const read = demoCallOf(call);
      if ("called" in read) calls.push(read);
      else problems.push(read);
    }
  };
  const takeRows = (rows: ReturnType<typeof reader.push>) => {
    for (const row of rows) {
      if (row.fault !== undefined)
        problems.push({ line: row.place.line, kind: "error", reason: row.detail ?? row.fault });
      else take(takeRow(table, "", row, 0));
    }
  };
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) takeRows(reader.push(bytes.subarray(at, at + PIECE_BYTES)));
  takeRows(reader.end());
  take(takeSettled(table, Number.POSITIVE_INFINITY));
  const byLine = (a: { readonly line: number }, b: { readonly line: number }) => a.line - b.line;
  return { calls: calls.sort(byLine), problems: problems.sort(byLine) };
};

const demoCallOf = ({ lines, answerMs, endMs, calling, called }: RecordedCall): DemoCall | DemoProblem => {
  const line = lines[0]!;
  if (answerMs === undefined || endMs === undefined) return { line, kind: "skipped", reason: "not answered" };
  const to = readNumber(PLAN, called?.text ?? "", { source: "calledFromTrunk", trunk: "any" }).number;
  if (to === undefined) return { line, kind: "error", reason: "the number called is not an international one" };
  const from = readNumber(PLAN, calling?.text ?? "", { source: "callerFromTrunk", trunk: "any" }).number;
  return { line, calling: from, called: to, startMs: unixMs(answerMs), durationMs: endMs - answerMs };
};
