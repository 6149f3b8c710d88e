/**
 * A telephone network of our own, for demonstrations and tests: it carries calls between the lines attached to it.
 *
 *   place --> setup delay --> incoming at the called line --> answered, both ends --> ended, both ends
 *
 * It is as inexact as the real one: each line's exchange has a clock of its own, signalling takes its time, and the
 * caller's number arrives missing or wrong now and then. A call's times come from the record that is placed and not from
 * the clock, so that a day's calls can be carried in a second. A call to a number that no line serves is
 * answered too, so that its caller has a record of it, and nobody else has.
 */
import { Effect } from "effect";
import { type E164, maskE164, normalizeE164, unixMs } from "../../codecs/shared/mod.ts";
import { Entropy, type PstnCall, type PstnEvent, type PstnLine, type PstnShape } from "../ports/mod.ts";

export interface PstnOptions {
  /** How long, in real time, until a call is answered, and again until it ends. Default [5, 40]. */
  readonly setupMs?: readonly [min: number, max: number];
  /** Calls last as long as their records say; default: as long as `setupMs`, so that a day's calls are carried in a second. */
  readonly lasting?: boolean;
  /** From one exchange to the other, per event. Default [20, 400]. */
  readonly signallingMs?: readonly [min: number, max: number];
  /** A line's clock is at most this far from the true time. Default 2 000. */
  readonly skewMsMax?: number;
  /** Two lines' clocks are at most this far from each other. Default 2 000: with signalling, PVP's T/4 of 2 500. */
  readonly skewBetweenMsMax?: number;
  /** Of 100 calls, how many arrive without the caller's number, and how many with a wrong one. Defaults 10 and 5. */
  readonly callerMissingPercent?: number;
  readonly callerWrongPercent?: number;
}

/** Calls under way at once; a further one fails as congestion. */
export const PSTN_CALLS_MAX = 4_096;

interface Attached {
  readonly line: PstnLine;
  readonly skewMs: number;
}

/** Reports to one end of a call. */
type Tell = (event: PstnEvent) => Effect.Effect<void>;

export const makePstn = Effect.fnUntraced(function* (
  options: PstnOptions = {},
): Effect.fn.Return<PstnShape, never, Entropy> {
  const entropy = yield* Entropy;
  const skewMax = options.skewMsMax ?? 2_000;
  // All clocks lie within `half` of one middle, and so within twice of it from each other.
  const half = Math.min(skewMax, Math.floor((options.skewBetweenMsMax ?? 2_000) / 2));
  const middle = yield* entropy.between(half - skewMax, skewMax - half);
  const lines = new Set<Attached>();
  const carry = yield* makeCarrier(options, lines);
  let underWay = 0;

  const placeFrom = (from: Attached | undefined) => (call: PstnCall, tell: Tell) =>
    Effect.suspend(() => {
      if (underWay >= PSTN_CALLS_MAX) return tell({ type: "failed", why: "congestion" });
      underWay += 1;
      return Effect.ensuring(
        carry(from, call, tell),
        Effect.sync(() => {
          underWay -= 1;
        }),
      );
    });

  const attach = (line: PstnLine) =>
    Effect.gen(function* () {
      const attached = { line, skewMs: middle + (yield* entropy.between(-half, half)) };
      lines.add(attached);
      yield* Effect.addFinalizer(() => Effect.sync(() => lines.delete(attached)));
      return { place: placeFrom(attached) };
    });
  return { attach, place: placeFrom(undefined) };
});

/** One call, from its setup to its end. */
const makeCarrier = Effect.fnUntraced(function* (options: PstnOptions, lines: ReadonlySet<Attached>) {
  const { between } = yield* Entropy;
  const deliveredOf = yield* makeCallerDelivery(options);
  const [setupMin, setupMax] = options.setupMs ?? [5, 40];
  const [signalMin, signalMax] = options.signallingMs ?? [20, 400];

  return Effect.fn("pstn.call")(function* (from: Attached | undefined, call: PstnCall, tell: Tell) {
    // Everything is drawn before anything is waited for: the same seed and the same order of calls give the same calls.
    const setUpMs = yield* between(setupMin, setupMax);
    const tearDownMs = yield* between(setupMin, setupMax);
    const calling = yield* deliveredOf(call.calling);
    // Whoever answers or hangs up sees it at once; the other end sees it after the signalling delay.
    const answerDelay = yield* between(signalMin, signalMax);
    const endDelay = yield* between(signalMin, signalMax);
    const callerEnds = (yield* between(0, 1)) === 1;
    yield* Effect.sleep(setUpMs);
    const to = [...lines].find(({ line }) => line.serves(call.called));
    const tellThere = to === undefined ? () => Effect.void : yield* to.line.incoming({ calling, called: call.called });
    const here = (from?.skewMs ?? 0) + call.startMs;
    const there = (to?.skewMs ?? 0) + call.startMs;
    yield* tellThere({ type: "answered", atMs: unixMs(there) });
    yield* tell({ type: "answered", atMs: unixMs(here + answerDelay) });
    yield* Effect.sleep(options.lasting === true ? call.durationMs : tearDownMs);
    yield* tellThere({ type: "ended", atMs: unixMs(there + call.durationMs + (callerEnds ? endDelay : 0)) });
    yield* tell({ type: "ended", atMs: unixMs(here + call.durationMs + (callerEnds ? 0 : endDelay)) });
    yield* Effect.logDebug("pstn.carried", maskE164(call.called));
  });
});

/** The caller's number as it arrives: whole, missing or wrong. */
const makeCallerDelivery = Effect.fnUntraced(function* (options: PstnOptions) {
  const { between } = yield* Entropy;
  const missing = options.callerMissingPercent ?? 10;
  const wrong = options.callerWrongPercent ?? 5;
  return Effect.fnUntraced(function* (calling: E164 | undefined) {
    if (calling === undefined) return undefined;
    const lot = yield* between(1, 100);
    if (lot <= missing) return undefined;
    return lot <= missing + wrong ? otherNumber(calling, yield* between(1, 9_999)) : calling;
  });
});

/** Another number of the same length: `by` is added to the last four digits. */
const otherNumber = (number: E164, by: number) => {
  const digits = Math.min(4, number.length - 2);
  const moved = (Number(number.slice(-digits)) + by) % 10 ** digits;
  return normalizeE164(number.slice(0, -digits) + String(moved).padStart(digits, "0"));
};
