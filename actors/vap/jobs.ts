/** The interface of a call agent to its session, and the callers that wait for results. */
import { Effect, type Queue, type SubscriptionRef } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo, VService } from "../../codecs/vap/mod.ts";
import type { VapClientEvent, VapResult } from "../../machines/vap/mod.ts";
import { type Mailbox, Replies } from "../kit/mod.ts";
import { VapRefused } from "./errors.ts";

/** Of a session. `why`: of what it is not. */
export interface VapState {
  readonly isUp: boolean;
  readonly why: string;
}

/** A call agent's session with its server, over as many connections as that takes, until the scope closes. */
export interface VapClient {
  /** Whether the server has us registered, and every change of it. */
  readonly state: SubscriptionRef.SubscriptionRef<VapState>;
  /** Replaces what was published before. Waits until the server has it, however long it is away. */
  readonly publishVService: (
    document: VService,
  ) => Effect.Effect<{ readonly limit: number; readonly current: number } | undefined, VapRefused>;
  /** One after another, and again before the overlay forgets them. Results in the order of the list. */
  readonly publishNumbers: (
    numbers: ReadonlyArray<E164>,
  ) => Effect.Effect<ReadonlyArray<{ readonly number: E164; readonly result: VapResult }>>;
  /** They are published no more; the overlay has them until they expire there. */
  readonly unpublishNumbers: (numbers: Iterable<E164>) => Effect.Effect<void>;
  /** Succeeds when the server has acknowledged it; asked again after a lost connection. Interrupted, it is not asked again. */
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void, VapRefused>;
  /** The results of validations, as Notify brings them, unless `learn` takes them. When the queue is full the server sends further ones again later. */
  readonly learned: Queue.Dequeue<ValInfo>;
  /** Ends the session; everything that waits fails. */
  readonly unregister: Effect.Effect<void>;
}

/** Numbers passed to the session together; it publishes them one by one. */
const PUBLISHED_AT_ONCE_MAX = 64;

type Asking = VapClientEvent & { readonly ref: number };
type Ask = (eventOf: (ref: number) => Asking) => Effect.Effect<VapResult>;

/** The caller that waits for each job. However the session ends, each gets a result. */
export const jobTable = (box: Pick<Mailbox<VapClientEvent>, "tell">) => {
  const jobs = new Replies<number, VapResult>();
  const ask: Ask = (eventOf) =>
    Effect.suspend(() => {
      const ref = jobs.nextRef();
      // A full mailbox of a session that has just ended would take nothing: its end answers the job.
      return jobs.ask(ref, Effect.raceFirst(box.tell(eventOf(ref)), jobs.over));
    });
  /** As `ask`; a caller that is interrupted takes its job out of the queue. */
  const withdrawing: Ask = (eventOf) =>
    Effect.suspend(() => {
      let withdraw: Effect.Effect<void> = Effect.void;
      return Effect.onInterrupt(
        ask((ref) => {
          withdraw = Effect.raceFirst(box.tell({ type: "withdraw", ref }), jobs.over);
          return eventOf(ref);
        }),
        () => withdraw,
      );
    });
  const settle = (ref: number, result: VapResult): Effect.Effect<void> => jobs.answer(ref, result);
  const tell = (event: VapClientEvent) => Effect.asVoid(Effect.raceFirst(box.tell(event), jobs.over));
  return {
    ask,
    withdrawing,
    tell,
    settle,
    end: jobs.end({ type: "failed", reason: "ended", why: "the session is over" }),
  };
};

interface Asker {
  readonly ask: Ask;
  readonly withdrawing: Ask;
  readonly tell: (event: VapClientEvent) => Effect.Effect<void>;
}

export const clientOf = (
  { ask, withdrawing, tell }: Asker,
  results: Pick<VapClient, "learned" | "state">,
): VapClient => {
  const done = (eventOf: (ref: number) => Asking, by = ask) =>
    Effect.flatMap(by(eventOf), (result) =>
      result.type === "done" ? Effect.succeed(result.quota) : Effect.fail(refusalOf(result)),
    );
  return {
    publishVService: (document) => done((ref) => ({ type: "publishService", ref, content: document })),
    publishNumbers: (numbers) =>
      Effect.forEach(
        numbers,
        (number) =>
          Effect.map(
            ask((ref) => ({ type: "publishNumber", ref, number })),
            (result) => ({ number, result }),
          ),
        { concurrency: PUBLISHED_AT_ONCE_MAX },
      ),
    unpublishNumbers: (numbers) =>
      Effect.forEach(numbers, (number) => tell({ type: "unpublishNumber", number }), { discard: true }),
    uploadVcr: (vcr) => Effect.asVoid(done((ref) => ({ type: "upload", ref, vcr }), withdrawing)),
    ...results,
    unregister: Effect.asVoid(ask((ref) => ({ type: "unregister", ref }))),
  };
};

const refusalOf = ({ reason, code, why }: VapResult & { readonly type: "failed" }): VapRefused =>
  new VapRefused({ reason, ...(code === undefined ? {} : { code }), why });
