/** The demonstration's calls: replayed over the PSTN, placed again when routes are known, and once more after a cut. */
import { Clock, Effect } from "effect";
import type { PstnShape } from "../../actors/ports/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import type { RunningCompany } from "./company.ts";
import type { Federation } from "./federation.ts";
import type { DemoCall } from "./records.ts";
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
  readonly outward: ReadonlyArray<DemoCall>;
  /** By a caller of no company. */
  readonly foreign: ReadonlyArray<DemoCall>;
}

/** A call within one company is in neither list: it never leaves its PBX. */
export const sortCalls = (calls: ReadonlyArray<DemoCall>, ownerOf: Federation["ownerOf"]): PlayedCalls => {
  const callerOf = ({ calling }: DemoCall) => (calling === undefined ? undefined : ownerOf(calling));
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
  const place = (call: DemoCall) => ownerOf(call.calling!)!.agent.placeCall({ ...call, talkMs: TALK_MS });
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
  outward: ReadonlyArray<DemoCall>,
  federation: Federation,
  listener: DemoListener,
) {
  const place = ({ calling, called }: DemoCall) =>
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
  { tallies, ownerOf }: Federation,
  listener: DemoListener,
) {
  const outcome = yield* from.agent.placeCall({ ...call, talkMs: TALK_MS });
  countCall(tallies.get(from.domain)!, outcome, ownerOf(call.called) === undefined);
  const { via } = outcome;
  const why = outcome.via === "sip" ? undefined : outcome.fellBack;
  const event = { type: "called", number: call.called, via, ...(why === undefined ? {} : { why }) };
  yield* listener.event(from.domain, event);
});
