/**
 * Hosts the originator's side of one call: Tv, the overlay's claims, an attempt at each.
 *
 *   lookUp --> the overlay --> found | notFound --+
 *   attempt -> attemptClaim -> attempted ---------+--> mailbox --> step --> settle, settle, ... report
 */
import { Data, Deferred, Effect, FiberSet } from "effect";
import { type E164, maskE164, nodeIdText, type Vcr } from "../../codecs/shared/mod.ts";
import {
  type ClaimVerdict,
  instantWithin,
  knownCall,
  methodsFor,
  type PvpAttemptInput,
  type PvpClaim,
  type PvpOriginatorAction,
  type PvpOriginatorEvent,
  type PvpOutcome,
  pvpOriginator,
  ROUND_MS,
  TV_MS_MAX,
  TV_MS_MIN,
} from "../../machines/validation/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import { type Arithmetic, type Dialer, Entropy } from "../ports/mod.ts";
import { attemptClaim, type Resolve, whyOf } from "./attempt.ts";

export interface ValidateOptions {
  /** A call that we made. */
  readonly call: Pick<Vcr, "called" | "calling" | "start" | "stop">;
  /** Of ours, under which we validate. */
  readonly nodeId: bigint;
  /** Ours: whom the ticket will be for. */
  readonly domain: string;
  /** Tv is drawn from this. Default 30 s to 24 h. */
  readonly waitBetweenMs?: readonly [min: number, max: number];
  /** T; all servers of an overlay have the same. Default 10 s. */
  readonly roundMs?: number;
  /** Method C only: no claimant sees a telephone number before it has proved the call. Default false. */
  readonly isPrivate?: boolean;
}

/** The world as validation sees it; the overlay answers both. */
export interface ValidateHandlers {
  /** Who claims to serve the number. */
  readonly lookUp: (number: E164) => Effect.Effect<ReadonlyArray<PvpClaim>, unknown>;
  readonly resolve: Resolve;
  /** Hears each verdict as it comes, while slower claims are still being tried. Several may be told at once. */
  readonly settled?: (verdict: ClaimVerdict) => Effect.Effect<void>;
  /** Waits for its turn before a claim is dialled: who validates many calls at once bounds its streams so. */
  readonly inTurn?: <A, R>(attempt: Effect.Effect<A, never, R>) => Effect.Effect<A, never, R>;
}

/** The overlay did not say who claims the number. */
export class LookUpFailed extends Data.TaggedError("LookUpFailed")<{ readonly why: string }> {}

const CHANCES = 2 ** 30;

/** Ends when every claim has its verdict and each was told; none when nobody claims the number. Interruptible throughout. */
export const validate = Effect.fn("pvp.validate")(function* (
  { call, nodeId, domain, waitBetweenMs = [TV_MS_MIN, TV_MS_MAX], roundMs = ROUND_MS, isPrivate }: ValidateOptions,
  { lookUp, resolve, settled = () => Effect.void, inTurn = (attempt) => attempt }: ValidateHandlers,
): Effect.fn.Return<ReadonlyArray<ClaimVerdict>, LookUpFailed, Arithmetic | Dialer | Entropy> {
  const { between } = yield* Entropy;
  const known = knownCall({ ...call, direction: "sent", vservice: 0n });
  const at = (yield* between(0, CHANCES - 1)) / CHANCES;
  const waitMs = yield* between(...waitBetweenMs);
  const input = {
    call: known,
    nodeId,
    domain,
    instant: instantWithin(known, at),
    roundMs,
    waitMs,
    isPrivate: isPrivate === true,
  };
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const box = yield* mailbox<PvpOriginatorEvent>(16);
      const outcome = yield* Deferred.make<PvpOutcome>();
      const running = yield* FiberSet.make<void>();
      const run = yield* FiberSet.runtime(running)<Arithmetic | Dialer | Entropy>();
      const later = (event: Effect.Effect<PvpOriginatorEvent, never, Arithmetic | Dialer | Entropy>) =>
        Effect.sync(() => run(Effect.flatMap(event, box.tell)));

      const perform = (action: PvpOriginatorAction): Effect.Effect<unknown> => {
        switch (action.type) {
          case "lookUp":
            return later(
              Effect.match(lookUp(action.number), {
                onSuccess: (claims): PvpOriginatorEvent => ({ type: "found", claims }),
                onFailure: (error): PvpOriginatorEvent => ({ type: "notFound", why: whyOf(error) }),
              }),
            );
          case "attempt":
            return later(
              Effect.map(inTurn(attemptSafely(action.input, resolve)), (verdict) => ({ type: "attempted", verdict })),
            );
          case "settle":
            return Effect.sync(() =>
              run(
                Effect.andThen(logVerdict(call.called, action.verdict), settled(action.verdict)).pipe(
                  Effect.catchCause((cause) => Effect.logError("pvp.settle.died", cause)),
                ),
              ),
            );
          case "report":
            return Deferred.succeed(outcome, action.outcome);
          case "startTimer":
            return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
          case "stopTimer":
            return box.stopTimer(action.timer);
          case "note":
            return Effect.logDebug("pvp.unexpected", action.unexpected);
        }
      };

      yield* drive(pvpOriginator, input, box, (action) => Effect.asVoid(perform(action)));
      const said = yield* Deferred.await(outcome);
      if (said.type === "notFound") return yield* new LookUpFailed({ why: said.why });
      yield* FiberSet.awaitEmpty(running);
      return said.verdicts;
    }),
  );
});

/** A fault of ours ends one claim, and not the wait for all. */
const attemptSafely = (input: PvpAttemptInput, resolve: Resolve) =>
  Effect.scoped(attemptClaim(input, resolve)).pipe(
    Effect.catchCause((cause) =>
      Effect.as(Effect.logError("pvp.attempt.died", cause), {
        ...input.claim,
        method: methodsFor(input)[0]!,
        bits: 0,
        verdict: "broken",
        why: "a fault of this program",
      } satisfies ClaimVerdict as ClaimVerdict),
    ),
  );

const logVerdict = (called: E164, { nodeId, method, verdict, bits }: ClaimVerdict) =>
  Effect.logInfo("pvp.verdict", { called: maskE164(called), node: nodeIdText(nodeId), method, verdict, bits });
