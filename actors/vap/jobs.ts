/** The interface of a call agent to its session, and the callers that wait for results. */
import { Effect, type Queue } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo, VService } from "../../codecs/vap/mod.ts";
import type { VapClientEvent, VapResult } from "../../machines/vap/mod.ts";
import { type Mailbox, Replies } from "../kit/mod.ts";
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
  const jobs = new Replies<number, VapResult>();
  const ask: Ask = (eventOf) =>
    Effect.suspend(() => {
      const ref = jobs.nextRef();
      // A full mailbox of a session that has just ended would take nothing: its end answers the job.
      return jobs.ask(ref, Effect.raceFirst(box.tell(eventOf(ref)), jobs.over));
    });
  const settle = (ref: number, result: VapResult): Effect.Effect<void> => jobs.answer(ref, result);
  return { ask, settle, end: jobs.end({ type: "failed", reason: "ended", why: "the session is over" }) };
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
