/**
 * Calls that are due, one company after another, until each is validated or put off.
 *
 *   due --> switched off, or forgotten? --> its call queue --> proving.ts, which removes it from the store
 *    ^                                         |      |
 *    +---- put off: the store failed ----------+      +-- crowded: again later, or given up
 */
import { Clock, Effect, Fiber, FiberSet, Queue, type Scope } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import { DUE_MAX, RETENTION_MS } from "../../machines/validation/mod.ts";
import {
  callNameOf,
  dropBehind,
  dropTurns,
  enqueueTurn,
  enter,
  leave,
  nextTurnMs,
  openCallQueues,
  openTurns,
  queueOf,
  takeTurn,
  turnBegun,
  turnEnded,
  turnFound,
} from "../../machines/vipr/mod.ts";
import type { Arithmetic, Dialer, Entropy } from "../ports/mod.ts";
import type { HeldParts } from "./held-parts.ts";
import { ATTEMPTS_AT_ONCE_MAX, oneCompany, type Proving, type ProvingOptions } from "./proving.ts";
import type { Records } from "./records.ts";
import type { Waiting } from "./stored-records.ts";
import { waitingCalls } from "./waiting-calls.ts";

/** Calls in validation at once. Each has a claim at least, and claims are what is limited: slow claimants must have many. */
export const VALIDATIONS_MAX = ATTEMPTS_AT_ONCE_MAX;
/** Of them those that are looked up in the overlay, which limits the rate of each node. */
export const LOOK_UPS_MAX = 64;
/** The wait of a call that the store did not remove, or whose queue was full. */
export const PUT_OFF_MS = 600_000;

export interface ValidatingOptions
  extends Pick<ProvingOptions, "companies" | "watch">,
    Pick<Proving, "prove" | "giveUp"> {
  readonly records: Pick<Records, "done">;
  readonly parts: HeldParts;
  /** Whether the parts are sure to be ours at this moment; otherwise nothing is begun. */
  readonly isSure: () => boolean;
  /** Whether calls to that number are not to be validated; asked when one is due. */
  readonly isOff: (number: E164) => boolean;
}

export const openValidating = Effect.fnUntraced(function* (options: ValidatingOptions) {
  const { records, parts, isSure, watch, giveUp, companies = oneCompany } = options;
  const turns = openTurns<Waiting>({
    validationsMax: VALIDATIONS_MAX,
    lookUpsMax: LOOK_UPS_MAX,
    waitingMax: DUE_MAX,
    partOf: companies.partOf,
  });
  const schedule = (waiting: Waiting, dueMs: number): boolean =>
    enqueueTurn(turns, companies.of(waiting.vcr.vservice), waiting, dueMs);
  const stirred = yield* Queue.sliding<void>(1);
  const stir = Effect.asVoid(Queue.offer(stirred, undefined));
  const running = yield* FiberSet.make<void>();
  const behind = openCallQueues<Waiting>();
  /** Each with its fiber, once it has one. */
  const proving = new Map<Waiting, Fiber.Fiber<void> | undefined>();
  const [lookingUp, forgotten] = [new Set<Waiting>(), new WeakSet<Waiting>()];

  /** In validation from here until the store has the result: then `stirred` wakes `serve`, which may wait for room. */
  const begin = (waiting: Waiting, company: string) => {
    proving.set(waiting, undefined);
    lookingUp.add(waiting);
    turnBegun(turns, company);
    const isFound = () => {
      const isNew = lookingUp.delete(waiting);
      if (isNew) turnFound(turns, company);
      return isNew;
    };
    const ended = Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      proving.delete(waiting);
      isFound();
      turnEnded(turns, company);
      for (const next of leave(behind, queueOf(waiting.vcr))) schedule(next, nowMs);
      yield* stir;
    });
    const found = Effect.suspend(() => (isFound() ? stir : Effect.void));
    const putOff = Effect.map(Clock.currentTimeMillis, (nowMs) => {
      if (parts.isOurs(waiting.vcr.vservice)) schedule(waiting, nowMs + PUT_OFF_MS);
    });
    const whole = Effect.flatMap(options.prove(waiting, found), (isOver) => {
      if (isOver) parts.remove(waiting);
      return isOver ? Effect.void : putOff;
    });
    return Effect.map(FiberSet.run(running, Effect.ensuring(whole, ended)), (fiber) => {
      if (proving.has(waiting)) proving.set(waiting, fiber);
    });
  };

  const forget = (waiting: Waiting): Effect.Effect<void> => {
    forgotten.add(waiting);
    parts.remove(waiting);
    giveUp(waiting.vcr);
    return records.done(waiting);
  };
  const left = (vcr: Vcr, type: "dropped" | "crowded") =>
    watch({ type, number: vcr.called, call: callNameOf(vcr) }, vcr.vservice);
  /** The call is due; another call to the same number may still be in validation. */
  const goOn = (waiting: Waiting, company: string, nowMs: number): Goes => {
    const { vcr } = waiting;
    if (forgotten.has(waiting)) return Effect.void;
    if (options.isOff(vcr.called)) return Effect.andThen(forget(waiting), left(vcr, "dropped"));
    switch (enter(behind, queueOf(vcr), waiting)) {
      case "first":
        return begin(waiting, company);
      case "behind":
        return Effect.void;
      case "crowded":
        // Until the called side deletes its record: what it cannot prove then would count against it.
        return nowMs - vcr.stopMs < RETENTION_MS
          ? Effect.sync(() => void schedule(waiting, nowMs + PUT_OFF_MS))
          : Effect.andThen(forget(waiting), left(vcr, "crowded"));
    }
  };

  /** Sleeps until the next call is due that may begin, or until something changed. */
  const serve: Effect.Effect<never, never, Arithmetic | Dialer | Entropy> = Effect.gen(function* () {
    while (true) {
      const nowMs = yield* Clock.currentTimeMillis;
      const next = () => (isSure() ? takeTurn(turns, nowMs) : undefined);
      for (let turn = next(); turn !== undefined; turn = next()) yield* goOn(turn.item, turn.company, nowMs);
      const dueMs = isSure() ? nextTurnMs(turns) : undefined;
      const woken = Queue.take(stirred);
      if (dueMs === undefined) yield* woken;
      else if (dueMs > nowMs) yield* Effect.raceFirst(woken, Effect.sleep(dueMs - nowMs));
      else yield* Effect.yieldNow;
    }
  });
  /** To be run once whoever opened it has told what waits. */
  const serving: Effect.Effect<unknown, never, Arithmetic | Dialer | Entropy | Scope.Scope> = Effect.forkScoped(serve);

  return {
    serving,
    schedule,
    stir,
    forget,
    /** In validation now. */
    proving: (): ReadonlyArray<Waiting> => [...proving.keys()],
    /** Those that wait, and not those in validation. */
    drop: (isGone: (waiting: Waiting) => boolean): void => {
      dropTurns(turns, isGone);
      dropBehind(behind, isGone);
    },
    /** Ends their validations. */
    interrupt: (isEnded: (waiting: Waiting) => boolean): Effect.Effect<void> =>
      Effect.suspend(() =>
        Fiber.interruptAll([...proving].flatMap(([waiting, fiber]) => (fiber && isEnded(waiting) ? [fiber] : []))),
      ),
    pending: () => turns.waiting + behind.count,
    ...waitingCalls({ turns, behind, forgotten }),
  };
});

type Goes = Effect.Effect<unknown, never, Arithmetic | Dialer | Entropy>;

export type Validating = Effect.Success<ReturnType<typeof openValidating>>;
