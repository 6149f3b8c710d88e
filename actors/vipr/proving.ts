/**
 * Validates one call that we made, and adds what it proves to the ledger.
 *
 *   due --> attempted before? --> look up the number --> remove its row --> validate each claim --> ledger --> learned
 *
 * A claimant that is asked about a call a second time may know what its guess at the first attempt was worth, or the instant of
 * method B. So the call's row is removed from the store before the first claimant is asked: a crash costs this call's proof.
 * VAP draft §9.5.1, docs/protocol/pvp.md#when-and-with-whom. DECISIONS.md D-043, D-045.
 */
import { Clock, Deferred, Effect, Semaphore } from "effect";
import {
  type E164,
  maskE164,
  type NodeId,
  nodeIdText,
  unixMs,
  type Vcr,
  type VServiceId,
} from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import { CLAIMS_MAX, type ClaimVerdict, callFacts, type PvpForm, windowOf } from "../../machines/validation/mod.ts";
import {
  askAbout,
  callNameOf,
  claimName,
  credit,
  discredit,
  forgetClaims,
  forgetLines,
  giveUp,
  isTaken,
  ledgerName,
  noteSent,
  openLedger,
  type PresentState,
  partOf,
  provedBy,
  queueOf,
  sentCalls,
  setShared,
  takeBack,
} from "../../machines/vipr/mod.ts";
import type { Arithmetic, Dialer, Entropy, StoreFailed } from "../ports/mod.ts";
import { nameCall, type ValidateHandlers, validate } from "../validation/mod.ts";
import type { ViprWatch } from "./events.ts";
import type { Records } from "./records.ts";
import { ownerOfClaim, type StoredWork, type Waiting } from "./stored-records.ts";

export interface ProvingOptions {
  readonly nodeId: NodeId;
  /** Tv is drawn uniformly from this. Default 30 s to 24 h. */
  readonly waitBetweenMs: readonly [min: number, max: number];
  readonly requiredBits: number;
  readonly roundMs: number;
  /** Domains of ours that reveal no telephone number to claimants: their calls are proved by method C. */
  readonly isPrivate: (domain: string) => boolean;
  /** The domain on whose behalf a VService's calls were made; undefined once it is no longer published. */
  readonly domainOf: (vservice: VServiceId) => string | undefined;
  /** Whose a VService is, and each company's part of what may run at once. Default: all is one's. */
  readonly companies?: Companies;
  /** A validated route, to be sent to the VService's agents. */
  readonly learned: (vservice: VServiceId, info: ValInfo) => Effect.Effect<void>;
  readonly watch: ViprWatch;
}

export interface Companies {
  readonly of: (vservice: VServiceId) => string;
  /** 0 to 1. */
  readonly partOf: (company: string) => number;
}
export const oneCompany: Companies = { of: () => "", partOf: () => 1 };

/**
 * Claims that are attempted at once, of all calls; of a company its part, and as many as a call may have at least. A call
 * begins with all of its claims or with none, since they wait for each other.
 */
export const ATTEMPTS_AT_ONCE_MAX = 512;

export interface Proving {
  /** A call that we made and that waits: the names of the others must not mean it. */
  readonly note: (vcr: Vcr, atMs: number) => void;
  /** This very record waits already, or claimants were asked about it. */
  readonly isTaken: (vcr: Vcr) => boolean;
  /** It is not validated after all, and may come again. */
  readonly giveUp: (vcr: Vcr) => void;
  /**
   * Ends when each claim has its verdict and the store has the result. It never fails: errors are logged. False: no claimant
   * was asked, since the store did not remove the call. `found` is run when the overlay has answered who claims the number.
   */
  readonly prove: (
    waiting: Waiting,
    found: Effect.Effect<void>,
  ) => Effect.Effect<boolean, never, Arithmetic | Dialer | Entropy>;
  /** What the store has, of before the start or of another member. */
  readonly load: (work: StoredWork, nowMs: number) => void;
  /** Of those VServices another member proves the calls from now on. */
  readonly forget: (isGone: (vservice: VServiceId) => boolean) => void;
  /** What the claims to a number have proved until now. */
  readonly proved: (number: E164) => Effect.Effect<PresentState["proved"]>;
}

/**
 * The length of the interval in which the call is known to have ended. Claimants can see why we were late with it: they see
 * when we are down, and they are the ones who make other calls wait. So the time at which the call was due counts, and for a
 * call that fell due while we were down only the range of Tv.
 */
export const windowFor = (waitBetweenMs: ProvingOptions["waitBetweenMs"], { vcr, dueMs, isLate }: Waiting): number =>
  isLate === true ? waitBetweenMs[1] - waitBetweenMs[0] : windowOf(waitBetweenMs, dueMs - vcr.stopMs);

/** Our VService and the number, out of the ledger's name of a claim. */
const lineOfClaim = (claim: string): { readonly line: string; readonly called: E164 } => {
  const [by, called] = claim.split("/") as [string, string];
  return { line: `${by}/${called}`, called: called as E164 };
};

/**
 * Whether B shall have bits of the times the next time. If nobody proved a call by B without them, others may have called
 * the number as well; if nobody did with them, its owner may know version 1 only.
 */
const isSharedBy = (
  verdicts: ReadonlyArray<ClaimVerdict>,
  forms: ReadonlyArray<PvpForm>,
  isShared: boolean,
): boolean => {
  const byB = verdicts.filter(({ method }) => method === "B");
  const isKnown = byB.some(({ verdict }) => verdict === "validated" || verdict === "declined");
  if (byB.length === 0 || isKnown) return isShared;
  return forms.find(({ method }) => method === "B")?.version === 1;
};

/** Room for a call's claims until the scope closes. */
const attemptRoom = ({ of, partOf: part }: Companies) => {
  const all = new Map<string, { readonly turns: Semaphore.Semaphore; readonly inOrder: Semaphore.Semaphore }>();
  return Effect.fnUntraced(function* (vservice: VServiceId, claims: number) {
    const company = of(vservice);
    const permits = Math.max(CLAIMS_MAX, partOf(ATTEMPTS_AT_ONCE_MAX, part(company)));
    const made = all.get(company) ?? { turns: Semaphore.makeUnsafe(permits), inOrder: Semaphore.makeUnsafe(1) };
    all.set(company, made);
    yield* made.turns.resize(permits);
    // A semaphore serves whoever needs no more than is free: without an order a call with many claims would wait for ever.
    yield* made.inOrder.withPermits(1)(Semaphore.takeScoped(made.turns, claims));
  });
};

export const makeProving = Effect.fnUntraced(function* (
  options: ProvingOptions,
  handlers: ValidateHandlers,
  records: Pick<Records, "asking" | "unasked" | "done" | "proved" | "disproved" | "failed">,
) {
  const { nodeId, waitBetweenMs, requiredBits, roundMs, domainOf, learned, watch } = options;
  const ledger = openLedger(requiredBits);
  const sent = sentCalls(roundMs);
  const load: Proving["load"] = ({ proofs, asked, waiting }, nowMs) => {
    for (const { claim, call, bits, atMs } of proofs) {
      credit(ledger, claim, call, bits, atMs);
      const { line, called } = lineOfClaim(claim);
      askAbout(sent, line, { ...call, called, calling: undefined }, atMs);
    }
    for (const vcr of asked) askAbout(sent, queueOf(vcr), callFacts(vcr), nowMs);
    for (const { vcr } of waiting) noteSent(sent, queueOf(vcr), callFacts(vcr), nowMs);
  };
  const attemptsOf = attemptRoom(options.companies ?? oneCompany);

  const dropped = (vcr: Vcr) => {
    giveUp(sent, queueOf(vcr), vcr);
    return watch({ type: "dropped", number: vcr.called, call: callNameOf(vcr) }, vcr.vservice);
  };
  /** Nobody was reached: no claimant knows of the call, and its record may come again. */
  const notAsked = (waiting: Waiting) => {
    takeBack(sent, queueOf(waiting.vcr), waiting.vcr);
    return records.unasked(waiting);
  };

  const prove = Effect.fnUntraced(function* (waiting: Waiting, found: Effect.Effect<void>) {
    const { vcr } = waiting;
    const { called: number, vservice } = vcr;
    const domain = domainOf(vservice);
    const call = callNameOf(vcr);
    // "if VService still published", VAP draft §9.5.1
    const line = queueOf(vcr);
    if (domain === undefined) return yield* dropped(vcr);
    const among = askAbout(sent, line, vcr, yield* Clock.currentTimeMillis);
    if (among === undefined) return yield* watch({ type: "repeated", number, call }, vservice);
    const { apart, ...known } = among;
    const isPrivate = options.isPrivate(domain);
    const naming = yield* nameCall({ call: callFacts(vcr), ...known, roundMs, isPrivate });
    const { forms } = naming;
    if (forms.length === 0) {
      takeBack(sent, line, vcr);
      return yield* watch({ type: "ambiguous", number, call }, vservice);
    }
    const tries = forms.length;
    const windowMs = windowFor(waitBetweenMs, waiting);
    const halt = yield* Deferred.make<never, StoreFailed>();
    const whole = validate(
      { call: vcr, nodeId, domain, waitBetweenMs: [0, 0], windowMs, roundMs, naming, apart },
      {
        ...handlers,
        lookUp: (of) =>
          Effect.tap(Effect.ensuring(handlers.lookUp(of), found), (claimants) =>
            watch({ type: "lookedUp", number, call, claims: claimants.length, claimants }, vservice),
          ),
        turn: (claims) =>
          attemptsOf(vservice, claims).pipe(
            Effect.andThen(records.asking(waiting)),
            Effect.catchTag("StoreFailed", (fault) => Effect.andThen(Deferred.fail(halt, fault), Effect.never)),
          ),
        settled: (attempt) =>
          Effect.andThen(
            watch({ type: "attempted", number, by: vservice, call, attempt, tries }, vservice),
            judge(vcr, attempt),
          ),
      },
    );
    const verdicts = yield* Effect.raceFirst(whole, Deferred.await(halt)).pipe(
      Effect.tapError(() => Effect.sync(() => takeBack(sent, line, vcr))),
    );
    setShared(sent, line, isSharedBy(verdicts, forms, known.isShared));
    if (verdicts.every(({ verdict }) => verdict === "unreachable")) yield* notAsked(waiting);
  });

  const judge = Effect.fnUntraced(function* (vcr: Vcr, attempt: ClaimVerdict) {
    const { nodeId, vservice, verdict } = attempt;
    const name = claimName({ by: vcr.vservice, number: vcr.called, nodeId: nodeIdText(nodeId), vservice });
    // It did not give the proof. A claimant that could not be reached learns nothing of the call: see the ledger.
    if ((verdict === "refused" || verdict === "broken") && discredit(ledger, name)) yield* records.disproved(name);
    if (verdict !== "validated") return;
    const proof = {
      claim: name,
      call: { startMs: vcr.startMs, stopMs: vcr.stopMs },
      bits: attempt.bits,
      atMs: unixMs(yield* Clock.currentTimeMillis),
    };
    yield* records.proved(proof);
    const { bits, calls, isRoute } = credit(ledger, name, proof.call, proof.bits, proof.atMs);
    const claim = { nodeId, vservice };
    yield* watch(
      { type: "proved", number: vcr.called, by: vcr.vservice, claim, bits, calls, required: requiredBits },
      vcr.vservice,
    );
    if (isRoute) yield* learned(vcr.vservice, attempt.info);
  });

  return {
    load,
    forget: (isGone) => {
      forgetLines(sent, (line) => isGone(ownerOfClaim(line)));
      forgetClaims(ledger, (claim) => isGone(ownerOfClaim(claim)));
    },
    note: (vcr, atMs) => noteSent(sent, queueOf(vcr), callFacts(vcr), atMs),
    isTaken: (vcr) => isTaken(sent, queueOf(vcr), callFacts(vcr)),
    giveUp: (vcr) => giveUp(sent, queueOf(vcr), callFacts(vcr)),
    prove: (waiting, found) => {
      const { called: number } = waiting.vcr;
      const over = Effect.as(records.done(waiting), true);
      return prove(waiting, found).pipe(
        Effect.catchTag("LookUpFailed", ({ why }) =>
          Effect.andThen(
            Effect.logInfo("vipr.lookUp.failed", maskE164(number), why),
            watch({ type: "lookUpFailed", number, call: callNameOf(waiting.vcr), why }, waiting.vcr.vservice),
          ),
        ),
        Effect.andThen(over),
        Effect.catchTag("StoreFailed", (fault) => Effect.as(records.failed(fault), false)),
        Effect.catchCause((cause) => Effect.andThen(Effect.logError("vipr.validation.died", cause), over)),
      );
    },
    proved: (number) =>
      Effect.map(
        Clock.currentTimeMillis,
        (nowMs): PresentState["proved"] =>
          (claim) =>
            provedBy(ledger, ledgerName(number, claim), nowMs),
      ),
  } satisfies Proving as Proving;
});
