/**
 * Call records to the ViPR server: each waits for its turn, for the server, and for its acknowledgement.
 * draft-jennings-vipr-vap-02 §9.5.
 *
 *   exchange, outbox --> upload --(UPLOADS_AT_ONCE_MAX at a time)--> UploadVCR --> acknowledged
 *                        ^                                          |-- 481, too many wait: again, later and later
 *                        +-- UPLOADS_WAITING_MAX wait: `full`       +-- anything else: UploadFailed
 *
 * While the server is away nothing is lost: the session connects again, and what waits goes on waiting. Records that must
 * outlive the process wait in an outbox (outbox.ts).
 */
import { Data, Effect, Schedule, Semaphore } from "effect";
import type { Vcr } from "../../codecs/shared/mod.ts";
import { errorCode } from "../../codecs/vap/mod.ts";
import type { VapClient, VapRefused } from "../vap/mod.ts";

/** UploadVCR requests given to the session together; it sends some of them at once. */
export const UPLOADS_AT_ONCE_MAX = 64;
/** Records that wait for their turn. */
export const UPLOADS_WAITING_MAX = 10_000;
/** Attempts after a refusal that may pass, such as a server whose queue is full. */
const UPLOAD_RETRIES_MAX = 5;
const RETRY_FIRST = "1 second";

/** `full`: too many wait here. `refused`: the server would not have it. `ended`: the session is over. */
export type UploadFailure = "full" | "refused" | "ended";
export class UploadFailed extends Data.TaggedError("UploadFailed")<{
  readonly reason: UploadFailure;
  readonly why: string;
  /** The server refused this very record: asking again changes nothing. */
  readonly isFinal: boolean;
}> {}

export interface Uploads {
  /** Succeeds when the server has acknowledged it. */
  readonly upload: (vcr: Vcr) => Effect.Effect<void, UploadFailed>;
}

export const openUploads = Effect.fn("agent.uploads")(function* (
  client: Pick<VapClient, "uploadVcr">,
  waitingMax: number = UPLOADS_WAITING_MAX,
) {
  const turns = yield* Semaphore.make(UPLOADS_AT_ONCE_MAX);
  let waiting = 0;
  const attempts = (vcr: Vcr) =>
    Effect.retry(client.uploadVcr(vcr), {
      while: mayPass,
      schedule: Schedule.exponential(RETRY_FIRST),
      times: UPLOAD_RETRIES_MAX,
    });
  const upload: Uploads["upload"] = Effect.fn("agent.upload")(function* (vcr) {
    if (waiting >= waitingMax)
      return yield* new UploadFailed({ reason: "full", why: "too many records wait", isFinal: false });
    waiting += 1;
    yield* Effect.mapError(turns.withPermits(1)(attempts(vcr)), failureOf).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          waiting -= 1;
        }),
      ),
    );
  });
  return { upload } satisfies Uploads as Uploads;
});

/** Only 400 is said of the record itself. All else is of the session, of room or of a disk, and may pass: a record is kept. */
const mayPass = ({ reason, code }: VapRefused): boolean =>
  reason === "full" || (reason === "refused" && code !== errorCode.badRequest);
const failureOf = (refused: VapRefused): UploadFailed => {
  const { reason, why } = refused;
  const isFinal = reason === "refused" && !mayPass(refused);
  return new UploadFailed({ reason: reason === "replaced" ? "ended" : reason, why, isFinal });
};
