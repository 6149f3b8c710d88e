/**
 * Hosts the originator's side of one call: Tv, the overlay's claims, an attempt at each, and the gate between them.
 *
 *   lookUp ---> the overlay --> found | notFound -----------+
 *   takeTurn -> turn ---------> turned ---------------------+--> mailbox --> step --> settle, settle, ... report
 *   attempt --> attemptClaim -> committed, then attempted --+
 *   open, shut --> its gate
 */
import { Deferred, Effect, FiberSet, Scope } from "effect";
import { type E164, maskE164, type NodeId, nodeIdText, type UnixMs } from "../../codecs/shared/mod.ts";
import {
  ALONE,
  type CallFacts,
  type CallToName,
  type ClaimVerdict,
  callFacts,
  type EndsApart,
  formsFor,
  instantWithin,
  type PvpAttemptInput,
  type PvpClaim,
  type PvpForm,
  type PvpOriginatorAction,
  type PvpOriginatorEvent,
  type PvpOriginatorInput,
  type PvpOutcome,
  pvpOriginator,
  ROUND_MS,
  TV_MS_MAX,
  TV_MS_MIN,
} from "../../machines/validation/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies } from "../kit/mod.ts";
import { type Arithmetic, type Dialer, Entropy } from "../ports/mod.ts";
import { attemptClaim, type Gate, type PvpAddress, type Resolve, whyOf } from "./attempt.ts";
import { LookUpFailed } from "./errors.ts";

export interface ValidateOptions {
  /** A call that we made. */
  readonly call: CallFacts;
  /** Our Node-ID. */
  readonly nodeId: NodeId;
  /** Our domain: the ticket is issued for it. */
  readonly domain: string;
  /** Tv is drawn from this. Default 30 s to 24 h. */
  readonly waitBetweenMs?: readonly [min: number, max: number];
  /** T; all servers of an overlay have the same. Default 10 s. */
  readonly roundMs?: number;
  /** Claimants know that the call ended within a span of this length: `windowOf`. Default Tv's range. */
  readonly windowMs?: number;
  /** Method C only: no claimant receives a telephone number before it has proved the call. Default false. */
  readonly isPrivate?: boolean;
  /** What `nameCall` gave; without it the call is named as if no other one were known. */
  readonly naming?: CallNaming;
  /** How far this call's ends are from those of calls that claimants were asked about before. Default: there were none. */
  readonly apart?: EndsApart;
}

/** The instant that method B names, and the user names to be tried. */
export interface CallNaming {
  readonly instantMs: UnixMs;
  readonly forms: ReadonlyArray<PvpForm>;
}

/** What a validation asks of its server. */
export interface ValidateHandlers {
  /** The claims to the number, from the overlay. */
  readonly lookUp: (number: E164) => Effect.Effect<ReadonlyArray<PvpClaim>, unknown>;
  readonly resolve: Resolve;
  /** Called with each verdict as soon as it is final; calls may overlap. */
  readonly settled?: (verdict: ClaimVerdict) => Effect.Effect<void>;
  /** A limit for the streams of all calls: waits until so many more claims may be tried; they count until the scope closes. */
  readonly turn?: (claims: number) => Effect.Effect<void, never, Scope.Scope>;
}

/** Fractions of 1 are drawn in steps of 2^-30. */
const CHANCES = 2 ** 30;

/** Gives the verdicts on all claims, after `settled` was run for each; none if nobody claims the number. Interruptible. */
export const validate = Effect.fn("pvp.validate")(function* (
  options: ValidateOptions,
  { lookUp, resolve, settled = () => Effect.void, turn = () => Effect.void }: ValidateHandlers,
): Effect.fn.Return<ReadonlyArray<ClaimVerdict>, LookUpFailed, Arithmetic | Dialer | Entropy> {
  const { call } = options;
  const input = yield* inputOf(options);
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      const box = yield* mailbox<PvpOriginatorEvent>(16);
      const reported = yield* Deferred.make<PvpOutcome>();
      const running = yield* FiberSet.make<void>();
      const run = yield* FiberSet.runtime(running)<Arithmetic | Dialer | Entropy>();
      const later = (event: Effect.Effect<PvpOriginatorEvent, never, Arithmetic | Dialer | Entropy>) =>
        Effect.sync(() => run(Effect.flatMap(event, box.tell)));
      const gates = gatesOf((claim) => box.tell({ type: "committed", claim }));
      const resolveOnce = once(resolve);

      const perform = (action: OwnOrder<PvpOriginatorAction>): Effect.Effect<unknown> => {
        switch (action.type) {
          case "lookUp":
            return later(
              Effect.match(lookUp(action.number), {
                onSuccess: (claims): PvpOriginatorEvent => ({ type: "found", claims }),
                onFailure: (error): PvpOriginatorEvent => ({ type: "notFound", why: whyOf(error) }),
              }),
            );
          case "takeTurn":
            return later(
              Effect.as(Effect.provideService(turn(action.claims), Scope.Scope, scope), { type: "turned" } as const),
            );
          case "attempt":
            return later(
              Effect.map(attemptSafely(action.input, resolveOnce, gates.before(action.input.claim)), (verdict) => ({
                type: "attempted",
                verdict,
              })),
            );
          case "open":
            return gates.tell(action.claim, "opened");
          case "shut":
            return gates.tell(action.claim, "shut");
          case "settle":
            return Effect.sync(() =>
              run(
                Effect.andThen(logVerdict(call.called, action.verdict), settled(action.verdict)).pipe(
                  Effect.catchCause((cause) => Effect.logError("pvp.settle.died", cause)),
                ),
              ),
            );
          case "report":
            return Deferred.succeed(reported, action.outcome);
        }
      };

      yield* drive(pvpOriginator, input, box, performing(box, { unexpected: "pvp.unexpected" }, perform));
      const outcome = yield* Deferred.await(reported);
      if (outcome.type === "notFound") return yield* new LookUpFailed({ reason: outcome.reason, why: outcome.why });
      yield* FiberSet.awaitEmpty(running);
      return outcome.verdicts;
    }),
  );
});

/** Draws the instant that method B names, and chooses the user names. */
export const nameCall = Effect.fnUntraced(function* (
  of: Omit<CallToName, "instantMs">,
): Effect.fn.Return<CallNaming, never, Entropy> {
  const { between } = yield* Entropy;
  const instantMs = instantWithin(of.call, (yield* between(0, CHANCES - 1)) / CHANCES);
  return { instantMs, forms: formsFor({ ...of, instantMs }) };
});

const inputOf = Effect.fnUntraced(function* ({
  call,
  nodeId,
  domain,
  waitBetweenMs = [TV_MS_MIN, TV_MS_MAX],
  roundMs = ROUND_MS,
  windowMs = waitBetweenMs[1] - waitBetweenMs[0],
  isPrivate = false,
  naming,
  apart = ALONE,
}: ValidateOptions): Effect.fn.Return<PvpOriginatorInput, never, Entropy> {
  const { between } = yield* Entropy;
  const known = callFacts(call);
  const { instantMs, forms } = naming ?? (yield* nameCall({ call: known, roundMs, isPrivate }));
  const lot = yield* between(0, CHANCES - 1);
  const waitMs = yield* between(...waitBetweenMs);
  return { call: known, nodeId, domain, instantMs, forms, apart, lot, roundMs, windowMs, waitMs };
});

/** One gate for each attempt, opened by the machine. */
const gatesOf = (committed: (claim: PvpClaim) => Effect.Effect<void>) => {
  const gates = new Replies<string, "opened" | "shut">();
  const nameOf = ({ nodeId, vservice }: PvpClaim) => `${nodeId}/${vservice}`;
  return {
    before: (claim: PvpClaim): Gate => ({ committed: committed(claim), opened: gates.expect(nameOf(claim)) }),
    tell: (claim: PvpClaim, what: "opened" | "shut") => gates.answer(nameOf(claim), what),
  };
};

/** A node that has answered its AppAttach is not asked again for this call. */
const once = (resolve: Resolve): Resolve => {
  const known = new Map<NodeId, PvpAddress>();
  return (nodeId) =>
    Effect.suspend(() => {
      const address = known.get(nodeId);
      if (address !== undefined) return Effect.succeed(address);
      return Effect.tap(resolve(nodeId), (found) => Effect.sync(() => known.set(nodeId, found)));
    });
};

/** A defect of this program ends one attempt, not the validation. */
const attemptSafely = (input: PvpAttemptInput, resolve: Resolve, gate: Gate) =>
  Effect.scoped(attemptClaim(input, resolve, gate)).pipe(
    Effect.catchCause((cause) =>
      Effect.as(Effect.logError("pvp.attempt.died", cause), {
        ...input.claim,
        method: input.form.method,
        bits: 0,
        verdict: "broken",
        why: "a fault of this program",
      } satisfies ClaimVerdict as ClaimVerdict),
    ),
  );

const logVerdict = (called: E164, { nodeId, method, verdict, bits }: ClaimVerdict) =>
  Effect.logInfo("pvp.verdict", { called: maskE164(called), node: nodeIdText(nodeId), method, verdict, bits });
