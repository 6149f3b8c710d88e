/** Requests of our own that wait for an answer: signed once, sent again as needed, answered by a node that may answer. */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Body, type Destination, type Packet, packetBytes, type Request } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import {
  isBelieved,
  type ReloadOutcome,
  type ReloadTransactionEvent,
  type RingView,
} from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { MessageSecurity, VerifiedMessage } from "./message-security.ts";
import { requestOnce } from "./transaction.ts";

/** Requests that wait at once; one more fails at once. */
export const REQUESTS_MAX = 1_024;

/** How a request ended; `message` verifies the values in its answer. */
export interface Reply {
  readonly outcome: ReloadOutcome;
  readonly message: VerifiedMessage | undefined;
}

export interface RequestOptions {
  /** The link to send it on; by routing when absent, or when there is no such link. */
  readonly over?: NodeId | undefined;
  /** Certificates of the signers of values in the body. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  /** The request carries our certificate, and its answer must carry all that it needs: none is fetched for either. */
  readonly selfContained?: boolean;
}

export interface Requests {
  readonly request: (to: ReadonlyArray<Destination>, body: Request, options?: RequestOptions) => Effect.Effect<Reply>;
  /** False when no request waits for that answer, or its signer may not answer it. */
  readonly answered: (transactionId: bigint, message: VerifiedMessage, body: Body) => Effect.Effect<boolean>;
  /** Where the request was sent, unless its answer is to be self-contained. */
  readonly destinationOf: (transactionId: bigint) => Destination | undefined;
}

interface Waiting {
  readonly target: Destination | undefined;
  readonly receive: (message: VerifiedMessage, body: Body) => Effect.Effect<boolean>;
}

export const makeRequests = Effect.fn("reload.requests")(function* (
  retransmitMs: () => number,
  security: MessageSecurity,
  view: () => RingView,
  messageBytesMax: () => number,
  /** Whether our certificate may be left out on the way there. */
  isBare: (destinations: ReadonlyArray<Destination>) => boolean,
  send: (packet: Packet, over: NodeId | undefined) => Effect.Effect<void>,
): Effect.fn.Return<Requests, never, Entropy> {
  const entropy = yield* Entropy;
  const waiting = new Map<bigint, Waiting>();

  const request: Requests["request"] = Effect.fnUntraced(function* (destinations, body, options = {}) {
    const { over, certificates = [], selfContained = false } = options;
    if (waiting.size >= REQUESTS_MAX)
      return { outcome: { type: "lost" as const, why: "too many requests" }, message: undefined };
    const transactionId = bigOf(yield* entropy.bytes(8));
    const unsigned = { transactionId, destinations, body, certificates };
    const bare = !selfContained && isBare(destinations);
    const packet = yield* security.sign({ ...unsigned, bare });
    if (packetBytes(packet) > messageBytesMax()) {
      const why = `a message over ${messageBytesMax()} bytes`;
      return { outcome: { type: "lost" as const, why }, message: undefined };
    }
    const target = destinations[destinations.length - 1]!;
    let message: VerifiedMessage | undefined;
    const listen = (tell: (event: ReloadTransactionEvent) => Effect.Effect<void>) =>
      waiting.set(transactionId, {
        target: selfContained ? undefined : target,
        receive: (received, answer) => {
          const { nodeId: signer } = received.signer;
          const error = answer.type === "error" ? answer.value : undefined;
          if (answer.type.endsWith("Req") || !isBelieved(view(), target, signer, error)) return Effect.succeed(false);
          message = received;
          return Effect.as(tell({ type: "answered", signer, body: answer as never }), true);
        },
      });
    let isSent = false;
    /** The second time with our certificate: a silent receiver may have lacked it, and not have found it. */
    const transmit = Effect.suspend(() => {
      if (isSent && bare) return Effect.flatMap(security.sign(unsigned), (carrying) => send(carrying, over));
      isSent = true;
      return send(packet, over);
    });
    const outcome = yield* Effect.ensuring(
      requestOnce({ retransmitMs: retransmitMs() }, listen, transmit),
      Effect.sync(() => waiting.delete(transactionId)),
    );
    return { outcome, message };
  });

  return {
    request,
    answered: (transactionId, message, body) =>
      waiting.get(transactionId)?.receive(message, body) ?? Effect.succeed(false),
    destinationOf: (transactionId) => waiting.get(transactionId)?.target,
  };
});
