/** The interface of a call agent to its session, and the callers that wait for results. */
import { Deferred, Effect, type Queue } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo, VService } from "../../codecs/vap/mod.ts";
import type { VapClientEvent, VapResult } from "../../machines/vap/mod.ts";
import type { Mailbox } from "../kit/mod.ts";
import { VapRefused } from "./errors.ts";

export interface VapClient {
  /** Replaces what was published before. Waits until the server has it, however long it is away. */
  readonly publishVService: (
    document: VService,
  ) => Effect.Effect<{ readonly limit: number; readonly current: number } | undefined, VapRefused>;
  /** One after another, and again before the overlay forgets them. Results in the order of the list. */
  readonly publishNumbers: (
    numbers: ReadonlyArray<E164>,
  ) => Effect.Effect<ReadonlyArray<{ readonly number: E164; readonly result: VapResult }>>;
  /** Succeeds when the server has acknowledged it; asked again after a lost connection. */
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void, VapRefused>;
  /** The results of validations, as Notify brings them. When nobody takes them the queue fills, and further ones are dropped with a warning. */
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
  const waiting = new Map<number, Deferred.Deferred<VapResult>>();
  const over: VapResult = { type: "failed", reason: "ended", why: "the session is over" };
  let ended = false;
  let refs = 0;
  const settle = (ref: number, result: VapResult): Effect.Effect<void> =>
    Effect.suspend(() => {
      const job = waiting.get(ref);
      waiting.delete(ref);
      return job === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(job, result));
    });
  const ask: Ask = (eventOf) =>
    Effect.gen(function* () {
      if (ended) return over;
      const ref = ++refs;
      const job = yield* Deferred.make<VapResult>();
      waiting.set(ref, job);
      // A full mailbox of a session that has just ended would take nothing: its end settles the job.
      return yield* Effect.raceFirst(Effect.andThen(box.tell(eventOf(ref)), Effect.never), Deferred.await(job));
    });
  const end = Effect.suspend(() => {
    ended = true;
    return Effect.forEach([...waiting.keys()], (ref) => settle(ref, over), { discard: true });
  });
  return { ask, settle, end };
};

export const clientOf = (ask: Ask, learned: Queue.Dequeue<ValInfo>): VapClient => {
  const done = (eventOf: (ref: number) => Asking) =>
    Effect.flatMap(ask(eventOf), (result) =>
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
    uploadVcr: (vcr) => Effect.asVoid(done((ref) => ({ type: "upload", ref, vcr }))),
    learned,
    unregister: Effect.asVoid(ask((ref) => ({ type: "unregister", ref }))),
  };
};

const refusalOf = ({ reason, code, why }: VapResult & { readonly type: "failed" }): VapRefused =>
  new VapRefused({ reason, ...(code === undefined ? {} : { code }), why });
