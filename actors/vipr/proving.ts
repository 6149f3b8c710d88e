/**
 * One call that we made, put to the proof; and what its proofs bring.
 *
 *   due --> asked before? --> look the number up --> prove each claim --> ledger --> learned
 *
 * VAP draft §9.5.1, profile §2.
 */
import { Clock, Effect, Semaphore } from "effect";
import { type E164, maskE164, msFromNtp, nodeIdText, type Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import { type ClaimVerdict, methodsFor, timesOf, windowOf } from "../../machines/validation/mod.ts";
import {
  ask,
  askedCalls,
  callName,
  claimName,
  credit,
  discredit,
  ledgerName,
  openLedger,
  provedBy,
  type StandsNow,
  unask,
} from "../../machines/vipr/mod.ts";
import type { Arithmetic, Dialer, Entropy } from "../ports/mod.ts";
import { type ValidateHandlers, validate } from "../validation/mod.ts";
import type { ViprEvent } from "./events.ts";
import type { Records } from "./records.ts";

export interface ProvingOptions {
  readonly nodeId: bigint;
  /** Tv is drawn uniformly from this. Default 30 s to 24 h. */
  readonly waitBetweenMs: readonly [min: number, max: number];
  readonly requiredBits: number;
  readonly roundMs: number;
  /** Domains of ours that show no telephone number to claimants: their calls are proved by method C. */
  readonly isPrivate: (domain: string) => boolean;
  /** The domain on whose behalf a VService's calls were made; undefined once it is no longer published. */
  readonly domainOf: (vservice: bigint) => string | undefined;
  /** What a validation learned, to be told to the VService's agents. */
  readonly learned: (vservice: bigint, info: ValInfo) => Effect.Effect<void>;
  readonly watch: (event: ViprEvent) => Effect.Effect<void>;
}

/**
 * Claims of all calls that are tried at once. A call has its turn for all of its claims or for none, as they wait for one
 * another.
 */
export const ATTEMPTS_AT_ONCE_MAX = 512;

export interface Proving {
  /** Ends when each claim has its verdict and what that changed is on disk. It never fails: what goes wrong is told. */
  readonly prove: (vcr: Vcr) => Effect.Effect<void, never, Arithmetic | Dialer | Entropy>;
  /** What claims to the number have proved up to now. */
  readonly proved: (number: E164) => Effect.Effect<StandsNow["proved"]>;
}

export const makeProving = Effect.fnUntraced(function* (
  options: ProvingOptions,
  handlers: ValidateHandlers,
  records: Pick<Records, "proved" | "disproved" | "proofs">,
) {
  const { nodeId, waitBetweenMs, requiredBits, roundMs, domainOf, learned, watch } = options;
  const ledger = openLedger(requiredBits, roundMs);
  const asked = askedCalls(roundMs);
  for (const { claim, call, bits, atMs } of records.proofs) credit(ledger, claim, call, bits, atMs);
  const turns = yield* Semaphore.make(ATTEMPTS_AT_ONCE_MAX);

  const prove = Effect.fnUntraced(function* (vcr: Vcr) {
    const { called: number, vservice } = vcr;
    const domain = domainOf(vservice);
    const call = timesOf(vcr);
    // "if VService still published", VAP draft §9.5.1
    if (domain === undefined) return yield* watch({ type: "dropped", number, call });
    const line = `${vservice}/${number}`;
    const atMs = yield* Clock.currentTimeMillis;
    if (!ask(asked, line, call, atMs)) return yield* watch({ type: "repeated", number, call });
    const isPrivate = options.isPrivate(domain);
    const tries = methodsFor({ isPrivate, call: vcr }).length;
    const windowMs = windowOf(waitBetweenMs, atMs - msFromNtp(vcr.stop));
    const verdicts = yield* validate(
      { call: vcr, nodeId, domain, waitBetweenMs: [0, 0], windowMs, roundMs, isPrivate },
      {
        ...handlers,
        lookUp: (of) =>
          Effect.tap(handlers.lookUp(of), (claimants) =>
            watch({ type: "lookedUp", number, call, claims: claimants.length, claimants }),
          ),
        turn: (claims) => Semaphore.takeScoped(turns, claims),
        settled: (attempt) =>
          Effect.andThen(watch({ type: "attempted", number, by: vservice, call, attempt, tries }), judge(vcr, attempt)),
      },
    ).pipe(Effect.tapError(() => Effect.sync(() => unask(asked, line, call))));
    if (verdicts.every(({ verdict }) => verdict === "unreachable")) unask(asked, line, call);
  });

  const judge = Effect.fnUntraced(function* (vcr: Vcr, attempt: ClaimVerdict) {
    const { nodeId, vservice, verdict } = attempt;
    const name = claimName({ by: vcr.vservice, number: vcr.called, nodeId: nodeIdText(nodeId), vservice });
    // Neither gave the proof that it was asked for. Whoever was not reached knows nothing of the call: see the ledger.
    if ((verdict === "refused" || verdict === "broken") && discredit(ledger, name)) yield* records.disproved(name);
    if (verdict !== "validated") return;
    const proof = {
      claim: name,
      call: callName(vcr),
      bits: attempt.bits,
      atMs: yield* Clock.currentTimeMillis,
    };
    yield* records.proved(proof);
    const { bits, calls, isRoute } = credit(ledger, name, proof.call, proof.bits, proof.atMs);
    const claim = { nodeId, vservice };
    yield* watch({ type: "proved", number: vcr.called, by: vcr.vservice, claim, bits, calls, required: requiredBits });
    if (isRoute) yield* learned(vcr.vservice, attempt.info);
  });

  return {
    prove: (vcr) =>
      prove(vcr).pipe(
        Effect.catchTag("LookUpFailed", ({ why }) =>
          Effect.andThen(
            Effect.logInfo("vipr.lookUp.failed", maskE164(vcr.called), why),
            watch({ type: "lookUpFailed", number: vcr.called, call: timesOf(vcr), why }),
          ),
        ),
        Effect.catchCause((cause) => Effect.logError("vipr.validation.died", cause)),
      ),
    proved: (number) =>
      Effect.map(
        Clock.currentTimeMillis,
        (nowMs): StandsNow["proved"] =>
          (claim) =>
            provedBy(ledger, ledgerName(number, claim), nowMs),
      ),
  } satisfies Proving as Proving;
});
