/**
 * Requests to the overlay within its rates, repeated while the ring changes.
 *
 *   request --> a token, of stores or of fetches --> sender --+-- answered
 *                  ^                                          +-- refused, or no answer: the error
 *                  +-- a pause <-- not responsible -----------+
 */
import { Clock, Effect, Schedule } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Answer, type Destination, errorNameOf, type Request } from "../../codecs/reload/mod.ts";
import { type Bucket, fullBucket, NOT_A_PEER, NOT_RESPONSIBLE, take, waitMs } from "../../machines/reload/mod.ts";
import { type OverlayError, OverlayRefused, OverlayUnreachable } from "./errors.ts";
import type { Reply, Sender } from "./sender.ts";

/** A ring that has just changed may route a request to a peer that is not responsible any more: it is repeated. */
const ATTEMPTS_MAX = 4;
const REPEAT_MS = 200;
/** Stores and fetches that wait for a token; further ones fail at once. */
const WAITING_MAX = 4_096;

/** Which of the overlay's two rates a request counts against; others are not limited. */
export type Rate = "stores" | "fetches";

export interface RequestOutcome {
  readonly answer: Answer;
  readonly signer: NodeId;
  readonly signers: Reply["signers"];
}
/** Each attempt is a request of its own to the overlay, and takes a token of its own. */
export type PacedRequest = (to: Destination, body: Request, of?: Rate) => Effect.Effect<RequestOutcome, OverlayError>;

/** The ring is settling: a repeated request may find the peer that is responsible. */
const isTransient = (error: OverlayError): boolean =>
  error._tag === "OverlayRefused" && (error.info === NOT_RESPONSIBLE || error.info === NOT_A_PEER);

export const makePacedRequests = Effect.fnUntraced(function* (
  overlay: () => OverlayConfiguration,
  sender: Pick<Sender, "request">,
) {
  const takeToken = yield* makeTokens(overlay);
  const attempt = Effect.fnUntraced(function* (to: Destination, body: Request, of?: Rate) {
    if (of !== undefined) yield* takeToken(of);
    const { outcome, signers } = yield* sender.request([to], body, { verifiesValues: body.type === "fetchReq" });
    if (outcome.type === "answer") return { answer: outcome.body, signer: outcome.signer, signers };
    if (outcome.type === "timedOut") return yield* new OverlayUnreachable({ reason: "timedOut", why: "no answer" });
    if (outcome.type === "lost") return yield* new OverlayUnreachable({ reason: "lost", why: outcome.why });
    return yield* new OverlayRefused({ code: errorNameOf(outcome.error.code), info: infoOf(outcome.error.info) });
  });
  const schedule = Schedule.spaced(REPEAT_MS);
  const request: PacedRequest = (to, body, of) =>
    Effect.retry(attempt(to, body, of), { schedule, times: ATTEMPTS_MAX - 1, while: isTransient });
  return request;
});

/** Keeps requests within the overlay's rates, whatever a server's clients ask. docs/protocol/overlay.md#storage. */
const makeTokens = Effect.fnUntraced(function* (overlay: () => OverlayConfiguration) {
  const startedMs = yield* Clock.currentTimeMillis;
  const perSecond = (of: Rate) => (of === "stores" ? overlay().storesPerSecond : overlay().fetchesPerSecond);
  const buckets: Record<Rate, Bucket> = {
    stores: fullBucket(perSecond("stores"), startedMs),
    fetches: fullBucket(perSecond("fetches"), startedMs),
  };
  let waiting = 0;
  const token = Effect.fnUntraced(function* (of: Rate) {
    while (true) {
      const atMs = yield* Clock.currentTimeMillis;
      const left = take(buckets[of], perSecond(of), atMs);
      if (left !== undefined) {
        buckets[of] = left;
        return;
      }
      yield* Effect.sleep(waitMs(buckets[of], perSecond(of), atMs));
    }
  });
  return (of: Rate): Effect.Effect<void, OverlayUnreachable> =>
    Effect.suspend(() => {
      if (waiting >= WAITING_MAX)
        return Effect.fail(new OverlayUnreachable({ reason: "busy", why: `${WAITING_MAX} requests wait their turn` }));
      waiting += 1;
      return Effect.ensuring(
        token(of),
        Effect.sync(() => {
          waiting -= 1;
        }),
      );
    });
});

const INFO_BYTES_MAX = 200;
const infoOf = (info: Uint8Array): string => new TextDecoder().decode(info.slice(0, INFO_BYTES_MAX));
