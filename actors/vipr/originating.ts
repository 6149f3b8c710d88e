/**
 * Calls that we made, on their way to becoming routes.
 *
 *   upload --> due queue (Tv) --> look the number up --> prove each claim --> ledger --> enough bits --> learned
 *
 * A call at rest is a line in the queue; only what is due has a fiber. VAP draft §9.5, profile §2.
 */
import { Clock, Effect, FiberSet, Queue, type Scope } from "effect";
import { maskE164, nodeIdText, type Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import { type ClaimVerdict, dueQueue, nextDueMs, schedule, takeDue } from "../../machines/validation/mod.ts";
import { credit, openLedger } from "../../machines/vipr/mod.ts";
import { type Arithmetic, type Dialer, Entropy } from "../ports/mod.ts";
import { type ValidateHandlers, validate } from "../validation/mod.ts";
import type { ViprEvent } from "./events.ts";

export interface OriginatingOptions {
  readonly nodeId: bigint;
  /** Tv is drawn uniformly from this. Default 30 s to 24 h. */
  readonly waitBetweenMs: readonly [min: number, max: number];
  readonly requiredBits: number;
  readonly roundMs: number;
  /** The domain on whose behalf a VService's calls were made; undefined once it is no longer published. */
  readonly domainOf: (vservice: bigint) => string | undefined;
  /** What a validation learned, to be told to the VService's agents. */
  readonly learned: (vservice: bigint, info: ValInfo) => Effect.Effect<void>;
  readonly watch: (event: ViprEvent) => Effect.Effect<void>;
}

/** Validations under way at once; what else is due waits its turn. */
export const VALIDATIONS_MAX = 8;

export interface Originating {
  /** False: the queue is full. */
  readonly take: (vcr: Vcr) => Effect.Effect<boolean>;
  /** Calls waiting for their Tv. */
  readonly pending: () => number;
  readonly underWay: Effect.Effect<number>;
}

export const openOriginating = Effect.fn("vipr.originating")(function* (
  options: OriginatingOptions,
  handlers: ValidateHandlers,
): Effect.fn.Return<Originating, never, Arithmetic | Dialer | Entropy | Scope.Scope> {
  const { nodeId, waitBetweenMs, requiredBits, roundMs, domainOf, learned, watch } = options;
  const { between } = yield* Entropy;
  const queue = dueQueue<Vcr>();
  const ledger = openLedger(requiredBits);
  const stirred = yield* Queue.sliding<void>(1);
  const running = yield* FiberSet.make<void>();

  const prove = Effect.fnUntraced(function* (vcr: Vcr) {
    const { called, vservice } = vcr;
    const domain = domainOf(vservice);
    if (domain === undefined) return; // "if VService still published", VAP draft §9.5.1
    const watched: ValidateHandlers = {
      ...handlers,
      lookUp: (number) =>
        Effect.tap(handlers.lookUp(number), (claims) => watch({ type: "lookedUp", number, claims: claims.length })),
    };
    const verdicts = yield* validate({ call: vcr, nodeId, domain, waitBetweenMs: [0, 0], roundMs }, watched);
    for (const attempt of verdicts) {
      yield* watch({ type: "attempted", number: called, attempt });
      if (attempt.verdict === "validated") yield* count(vcr, attempt);
    }
  });

  const count = Effect.fnUntraced(function* (vcr: Vcr, attempt: ClaimVerdict & { readonly verdict: "validated" }) {
    const claim = `${vcr.called}/${nodeIdText(attempt.nodeId)}/${attempt.vservice}`;
    const { bits, isRoute } = credit(ledger, claim, `${vcr.start}/${vcr.stop}`, attempt.bits);
    yield* watch({ type: "proved", number: vcr.called, bits, required: requiredBits });
    if (isRoute) yield* learned(vcr.vservice, attempt.info);
  });

  const proveSafely = (vcr: Vcr) =>
    prove(vcr).pipe(
      Effect.catchTag("LookUpFailed", ({ why }) =>
        Effect.andThen(
          Effect.logInfo("vipr.lookUp.failed", maskE164(vcr.called), why),
          watch({ type: "lookUpFailed", number: vcr.called, why }),
        ),
      ),
      Effect.catchCause((cause) => Effect.logError("vipr.validation.died", cause)),
      Effect.ensuring(Queue.offer(stirred, undefined)),
    );

  /** Sleeps until the next call is due, or until something changed. */
  const serve = Effect.gen(function* () {
    while (true) {
      const nowMs = yield* Clock.currentTimeMillis;
      const room = VALIDATIONS_MAX - (yield* FiberSet.size(running));
      for (const vcr of room > 0 ? takeDue(queue, nowMs, room) : []) yield* FiberSet.run(running, proveSafely(vcr));
      const dueMs = room > 0 ? nextDueMs(queue) : undefined;
      const stir = Queue.take(stirred);
      if (dueMs === undefined) yield* stir;
      else if (dueMs > nowMs) yield* Effect.raceFirst(stir, Effect.sleep(dueMs - nowMs));
      else yield* Effect.yieldNow;
    }
  });
  yield* Effect.forkScoped(serve);

  return {
    take: (vcr) =>
      Effect.gen(function* () {
        const dueMs = (yield* Clock.currentTimeMillis) + (yield* between(...waitBetweenMs));
        if (!schedule(queue, vcr, dueMs)) return false;
        yield* watch({ type: "vcr", direction: "sent", number: vcr.called, dueMs });
        yield* Queue.offer(stirred, undefined);
        return true;
      }),
    pending: () => queue.heap.length,
    underWay: FiberSet.size(running),
  };
});
