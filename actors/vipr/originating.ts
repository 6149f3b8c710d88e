/**
 * Calls that we made, until they are due to be validated.
 *
 *   upload --> store --> its company's due queue (Tv) --> its call queue --> proving.ts, which removes it from the store
 *                               ^------ put off: the store failed, or its call queue is full
 *
 * A call that waits is an entry of a due queue; only a call in validation has a fiber (validating.ts). VAP draft §9.5,
 * docs/protocol/pvp.md#when-and-with-whom. DECISIONS.md D-037.
 * Requirements: ViPR overview §5.1.
 */
import { Clock, Effect, type Scope } from "effect";
import { type E164, unixMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import { DUE_MAX, equivalentBits, methodsFor } from "../../machines/validation/mod.ts";
import { callNameOf, type PresentState, type Waiting as WaitingCall } from "../../machines/vipr/mod.ts";
import { Shared } from "../kit/mod.ts";
import {
  type Arithmetic,
  type ClusterShape,
  type Dialer,
  Entropy,
  type SharedRow,
  type StoreFailed,
  type Work,
} from "../ports/mod.ts";
import type { ValidateHandlers } from "../validation/mod.ts";
import { heldParts, recordName } from "./held-parts.ts";
import { placedWork } from "./placed-work.ts";
import { makeProving, type ProvingOptions, windowFor } from "./proving.ts";
import type { Records } from "./records.ts";
import type { Waiting } from "./stored-records.ts";
import { openValidating } from "./validating.ts";
import type { WaitingCalls } from "./waiting-calls.ts";

/** A record that comes again while it is being written shares the outcome of the first. So many at once: more than all sessions together may have under way. */
const WRITING_MAX = 262_144;
export interface Originating {
  /** False: the queue is full, or the same record is being written and could not be. True: it is stored. A record that comes again, over a restart too, changes nothing. */
  readonly take: (vcr: Vcr) => Effect.Effect<boolean, StoreFailed>;
  /** Calls that wait for their Tv, or in a call queue. */
  readonly pending: () => number;
  /** The present state of a number. */
  readonly presentState: (
    number: E164,
    isOurs?: (vservice: VServiceId) => boolean,
  ) => Effect.Effect<Omit<PresentState, "isPublished">>;
  readonly underWay: Effect.Effect<number>;
  /** What waits and is not being validated yet, by number, the first that is due in front. Searches all, in parts. */
  readonly waiting: Effect.Effect<ReadonlyMap<E164, WaitingCalls>>;
  /** Those to that number are gone, from the store too; how many. */
  readonly forget: (number: E164) => Effect.Effect<number>;
  /** What it does for the parts of the VServices that this member of a cluster holds. */
  readonly work: Work;
  /** A row that another member has written. */
  readonly follow: (row: SharedRow) => Effect.Effect<void>;
}
export interface OriginatingLimits {
  /** Whether calls to that number are not to be validated; asked when one is due. */
  readonly isOff?: (number: E164) => boolean;
  /** Default: there is none, and all that the store has is this server's work. */
  readonly cluster?: Pick<ClusterShape, "isSure"> | undefined;
}
export const openOriginating = Effect.fn("vipr.originating")(function* (
  options: ProvingOptions,
  handlers: ValidateHandlers,
  records: Omit<Records, "received" | "expire">,
  { isOff = () => false, cluster }: OriginatingLimits = {},
): Effect.fn.Return<Originating, never, Arithmetic | Dialer | Entropy | Scope.Scope> {
  const { waitBetweenMs, watch } = options;
  const { between } = yield* Entropy;
  const prover = yield* makeProving(options, handlers, records);
  const parts = heldParts(cluster !== undefined);
  const isSure = cluster?.isSure ?? (() => true);
  const validating = yield* openValidating({ ...options, ...prover, records, parts, isSure, isOff });
  const { forget, pending, those, byNumber } = validating;
  const shownOf = shownBy(options);
  const tellOf = (waiting: Waiting) => {
    const { called: number, calling, vservice } = waiting.vcr;
    const hasCaller = calling !== undefined;
    return watch({ type: "vcr", direction: "sent", number, hasCaller, ...shownOf(waiting) }, vservice);
  };
  const tellLate = (late: Waiting) => {
    const { called: number, vservice } = late.vcr;
    return watch({ type: "waits", number, ...shownOf(late) }, vservice);
  };
  const placed = placedWork({ validating, parts, records, prover, tellLate });
  yield* placed.resume(records);
  if (cluster !== undefined) yield* placed.haltUnless(isSure);
  yield* validating.serving;

  const store = Effect.fnUntraced(function* (vcr: Vcr) {
    const dueMs = unixMs((yield* Clock.currentTimeMillis) + (yield* between(...waitBetweenMs)));
    const waiting = { vcr, dueMs };
    if (pending() >= DUE_MAX) return false;
    yield* records.sent(waiting);
    // Another member validates it, or it was read from the store as the part was taken over meanwhile.
    if (!parts.isOurs(vcr.vservice)) return yield* Effect.as(tellOf(waiting), true);
    const was = parts.add(waiting);
    if (was !== "new") return yield* Effect.as(was === "twice" ? records.done(waiting) : Effect.void, true);
    prover.note(vcr, yield* Clock.currentTimeMillis);
    if (!validating.schedule(waiting, waiting.dueMs)) return yield* Effect.as(forget(waiting), false);
    yield* tellOf(waiting);
    yield* validating.stir;
    return true;
  });
  const writing = new Shared<boolean>({ keysMax: WRITING_MAX, waitersMax: WRITING_MAX });

  return {
    take: (vcr) =>
      Effect.suspend(() =>
        prover.isTaken(vcr) ? Effect.succeed(true) : writing.share(recordName(vcr), store(vcr), false),
      ),
    pending,
    presentState: Effect.fnUntraced(function* (number, isOurs = () => true) {
      const isWanted = ({ vcr }: Waiting) => vcr.called === number && isOurs(vcr.vservice);
      const waiting = [...validating.proving().filter(isWanted), ...(yield* those(isWanted))];
      return { waiting: waiting.map(shownOf), proved: yield* prover.proved(number) };
    }),
    underWay: Effect.sync(() => validating.proving().length),
    work: placed,
    follow: placed.follow,
    waiting: byNumber,
    forget: (number) =>
      Effect.flatMap(
        those(({ vcr }) => vcr.called === number),
        (all) => Effect.as(Effect.forEach(all, forget, { discard: true }), all.length),
      ),
  };
});

/** What it will be worth at most. Until its VService is published again, whether its domain is private is not known. */
const shownBy =
  (options: ProvingOptions) =>
  (waiting: Waiting): WaitingCall => {
    const { domainOf, roundMs, waitBetweenMs } = options;
    const { vcr, dueMs } = waiting;
    const domain = domainOf(vcr.vservice);
    const call = callNameOf(vcr);
    const isPrivate = domain !== undefined && options.isPrivate(domain);
    const [method] = methodsFor({ isPrivate, call: vcr });
    return { call, dueMs, worthBits: equivalentBits(vcr, roundMs, method, windowFor(waitBetweenMs, waiting)) };
  };
