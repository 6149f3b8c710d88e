/**
 * Calls that we made, on their way to becoming routes.
 *
 *   upload --> due queue (Tv) --> asked before? --> look the number up --> prove each claim --> ledger --> learned
 *
 * A call at rest is a line in the queue; only what is due has a fiber. VAP draft §9.5, profile §2.
 */
import { Clock, Effect, FiberSet, Queue, type Scope, Semaphore } from "effect";
import { type E164, maskE164, msFromNtp, nodeIdText, type Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import {
  type ClaimVerdict,
  dueQueue,
  equivalentBits,
  methodsFor,
  nextDueMs,
  schedule,
  takeDue,
  timesOf,
  windowOf,
} from "../../machines/validation/mod.ts";
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
  type Waiting as WaitingCall,
} from "../../machines/vipr/mod.ts";
import { type Arithmetic, type Dialer, Entropy, type StoreFailed } from "../ports/mod.ts";
import { type ValidateHandlers, validate } from "../validation/mod.ts";
import type { ViprEvent } from "./events.ts";
import type { Records, Waiting } from "./records.ts";

export interface OriginatingOptions {
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
 * Validations under way at once, and claims of them all that are being tried. What else is due waits its turn, which a call
 * has for all its claims or for none, as they wait for one another. Both are far more than honest servers need, so that
 * some who answer slowly do not hold up the rest.
 */
export const VALIDATIONS_MAX = 64;
export const ATTEMPTS_AT_ONCE_MAX = 512;

/** Waiting calls looked at before others have their turn, a few milliseconds. */
const SEEN_AT_ONCE_MAX = 16_384;

export interface Originating {
  /** False: the queue is full. It is kept when this succeeds. */
  readonly take: (vcr: Vcr) => Effect.Effect<boolean, StoreFailed>;
  /** Calls waiting for their Tv. */
  readonly pending: () => number;
  /** How things stand with a number. It looks through all that waits, part by part: some 0.2 s for a million calls. */
  readonly standing: (number: E164) => Effect.Effect<Omit<StandsNow, "isPublished">>;
  readonly underWay: Effect.Effect<number>;
}

export const openOriginating = Effect.fn("vipr.originating")(function* (
  options: OriginatingOptions,
  handlers: ValidateHandlers,
  records: Omit<Records, "received" | "expire">,
): Effect.fn.Return<Originating, never, Arithmetic | Dialer | Entropy | Scope.Scope> {
  const { nodeId, waitBetweenMs, requiredBits, roundMs, domainOf, learned, watch } = options;
  const { between } = yield* Entropy;
  const queue = dueQueue<Waiting>();
  for (const waiting of records.waiting) schedule(queue, waiting, waiting.dueMs);
  const ledger = openLedger(requiredBits, roundMs);
  const asked = askedCalls(roundMs);
  for (const { claim, call, bits, atMs } of records.proofs) credit(ledger, claim, call, bits, atMs);
  const stirred = yield* Queue.sliding<void>(1);
  const running = yield* FiberSet.make<void>();
  let underWay = 0;
  const proving = new Set<Waiting>();

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

  const proveSafely = (vcr: Vcr) =>
    prove(vcr).pipe(
      Effect.catchTag("LookUpFailed", ({ why }) =>
        Effect.andThen(
          Effect.logInfo("vipr.lookUp.failed", maskE164(vcr.called), why),
          watch({ type: "lookUpFailed", number: vcr.called, call: timesOf(vcr), why }),
        ),
      ),
      Effect.catchCause((cause) => Effect.logError("vipr.validation.died", cause)),
    );

  /** Counted from here until the disk knows of it too: whoever waits for room is told when there is some. */
  const begin = (waiting: Waiting) => {
    underWay += 1;
    proving.add(waiting);
    const ended = Effect.suspend(() => {
      underWay -= 1;
      proving.delete(waiting);
      return Queue.offer(stirred, undefined);
    });
    const whole = Effect.andThen(proveSafely(waiting.vcr), records.done(waiting));
    return FiberSet.run(running, Effect.ensuring(whole, ended));
  };

  /** What it will be worth at most: of a VService that is not published again yet nobody knows whether it is private. */
  const shownOf = ({ vcr, dueMs }: Waiting): WaitingCall => {
    const domain = domainOf(vcr.vservice);
    const call = timesOf(vcr);
    const isPrivate = domain !== undefined && options.isPrivate(domain);
    const [method] = methodsFor({ isPrivate, call: vcr });
    const windowMs = windowOf(waitBetweenMs, dueMs - msFromNtp(vcr.stop));
    return { call, dueMs, worthBits: equivalentBits(call, roundMs, method, windowMs) };
  };
  const tellOf = (waiting: Waiting) => {
    const { called: number, calling } = waiting.vcr;
    return watch({ type: "vcr", direction: "sent", number, hasCaller: calling !== undefined, ...shownOf(waiting) });
  };
  // The others wait as they did; whoever tells their story has heard of them.
  for (const late of records.waiting.filter(({ isLate }) => isLate === true))
    yield* watch({ type: "waits", number: late.vcr.called, ...shownOf(late) });

  /** Sleeps until the next call is due, or until something changed. */
  const serve = Effect.gen(function* () {
    while (true) {
      const nowMs = yield* Clock.currentTimeMillis;
      const room = VALIDATIONS_MAX - underWay;
      for (const waiting of takeDue(queue, nowMs, room)) yield* begin(waiting);
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
        const waiting = { vcr, dueMs: (yield* Clock.currentTimeMillis) + (yield* between(...waitBetweenMs)) };
        if (queue.heap.length >= queue.max) return false;
        yield* records.sent(waiting);
        schedule(queue, waiting, waiting.dueMs);
        yield* tellOf(waiting);
        yield* Queue.offer(stirred, undefined);
        return true;
      }),
    pending: () => queue.heap.length,
    standing: Effect.fnUntraced(function* (number) {
      const waiting = [...proving].filter(({ vcr }) => vcr.called === number);
      const all = queue.heap.slice();
      for (let at = 0; at < all.length; at += SEEN_AT_ONCE_MAX) {
        for (const { item } of all.slice(at, at + SEEN_AT_ONCE_MAX)) if (item.vcr.called === number) waiting.push(item);
        yield* Effect.yieldNow;
      }
      const nowMs = yield* Clock.currentTimeMillis;
      const proved: StandsNow["proved"] = (claim) => provedBy(ledger, ledgerName(number, claim), nowMs);
      return { waiting: waiting.map(shownOf), proved };
    }),
    underWay: Effect.sync(() => underWay),
  };
});
