/**
 * Call records to the ViPR server: each waits for its turn, for the server, and for its acknowledgement.
 * draft-jennings-vipr-vap-02 §9.5.
 *
 *   exchange, file --> upload --(UPLOADS_AT_ONCE_MAX at a time)--> UploadVCR --> acknowledged
 *                        ^                                          |-- 481, too many wait: again, later and later
 *                        +-- UPLOADS_WAITING_MAX wait: `full`       +-- anything else: UploadFailed
 *
 * While the server is away nothing is lost: the session connects again, and what waits goes on waiting. Whoever reads a
 * file is held up by it, so that a file of any length takes little memory.
 */
import { Data, Effect, Schedule, Semaphore } from "effect";
import type { CdrCall } from "../../codecs/cdr/mod.ts";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import { errorCode } from "../../codecs/vap/mod.ts";
import { vcrOf } from "../../machines/agent/mod.ts";
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

export interface UploadReport {
  readonly acknowledged: number;
  readonly failed: number;
  /** Calls that none of our numbers had a part in, or that stayed in the house. */
  readonly passedOver: number;
}

export interface Uploads {
  /** Succeeds when the server has acknowledged it. */
  readonly upload: (vcr: Vcr) => Effect.Effect<void, UploadFailed>;
  /** The calls of a billing file: waits until each is acknowledged or has failed, which is logged. */
  readonly uploadCalls: (
    calls: Iterable<CdrCall>,
    of: { readonly serves: (number: E164) => boolean; readonly vservice: Vcr["vservice"] },
  ) => Effect.Effect<UploadReport>;
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
  const uploadCalls: Uploads["uploadCalls"] = Effect.fn("agent.uploadCalls")(function* (calls, { serves, vservice }) {
    const report = { acknowledged: 0, failed: 0, passedOver: 0 };
    const count = (what: keyof UploadReport) =>
      Effect.sync(() => {
        report[what] += 1;
      });
    const one = (call: CdrCall) => {
      const vcr = vcrOf(call, serves, vservice);
      if (vcr === undefined) return count("passedOver");
      return Effect.matchEffect(upload(vcr), {
        onSuccess: () => count("acknowledged"),
        onFailure: ({ reason, why }) =>
          Effect.andThen(count("failed"), Effect.logWarning("agent.upload.failed", { line: call.line, reason, why })),
      });
    };
    yield* Effect.forEach(calls, one, { concurrency: UPLOADS_AT_ONCE_MAX, discard: true });
    return report;
  });
  return { upload, uploadCalls } satisfies Uploads as Uploads;
});

/** 481 says that the server has no room or that its disk refused; `full` that the session has too many. Both may pass. */
const mayPass = ({ reason, code }: VapRefused): boolean =>
  reason === "full" || (reason === "refused" && code === errorCode.publicationFailed);
const failureOf = (refused: VapRefused): UploadFailed => {
  const { reason, why } = refused;
  const isFinal = reason === "refused" && !mayPass(refused);
  return new UploadFailed({ reason: reason === "replaced" ? "ended" : reason, why, isFinal });
};
