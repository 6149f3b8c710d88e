/** Requests of our own on their way: sealed once, sent as often as needed, answered by who may answer. */

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
import type { Opened, Post } from "./post.ts";
import { requestOnce } from "./transaction.ts";

/** Under way at once; further ones fail at once. */
export const REQUESTS_MAX = 1_024;

/** How a request ended; `opened` verifies the values in its answer. */
export interface Reply {
  readonly outcome: ReloadOutcome;
  readonly opened: Opened | undefined;
}

export interface RequestOptions {
  /** The link to send it on; by routing when absent, or when there is no such link. */
  readonly over?: NodeId | undefined;
  /** Of those who signed values in the body. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  /** It carries our certificate, and its answer must carry every one it needs: none is fetched for either. */
  readonly selfContained?: boolean;
}

export interface Requests {
  readonly ask: (to: ReadonlyArray<Destination>, body: Request, options?: RequestOptions) => Effect.Effect<Reply>;
  /** False when nobody waits for that answer, or it is not that node's to give. */
  readonly answered: (transactionId: bigint, opened: Opened, body: Body) => Effect.Effect<boolean>;
  /** Whom the request was sent to, unless its answer is to be self-contained. */
  readonly askedOf: (transactionId: bigint) => Destination | undefined;
}

interface Waiting {
  readonly target: Destination | undefined;
  readonly hear: (opened: Opened, body: Body) => Effect.Effect<boolean>;
}

export const makeRequests = Effect.fn("reload.requests")(function* (
  retransmitMs: () => number,
  post: Post,
  view: () => RingView,
  messageBytesMax: () => number,
  /** Whether our certificate may be left out on the way there. */
  isBare: (destinations: ReadonlyArray<Destination>) => boolean,
  send: (packet: Packet, over: NodeId | undefined) => Effect.Effect<void>,
): Effect.fn.Return<Requests, never, Entropy> {
  const entropy = yield* Entropy;
  const waiting = new Map<bigint, Waiting>();

  const ask: Requests["ask"] = Effect.fnUntraced(function* (destinations, body, options = {}) {
    const { over, certificates = [], selfContained = false } = options;
    if (waiting.size >= REQUESTS_MAX)
      return { outcome: { type: "lost" as const, why: "too many requests" }, opened: undefined };
    const transactionId = bigOf(yield* entropy.bytes(8));
    const letter = { transactionId, destinations, body, certificates };
    const bare = !selfContained && isBare(destinations);
    const packet = yield* post.seal({ ...letter, bare });
    if (packetBytes(packet) > messageBytesMax()) {
      const why = `a message over ${messageBytesMax()} bytes`;
      return { outcome: { type: "lost" as const, why }, opened: undefined };
    }
    const target = destinations[destinations.length - 1]!;
    let opened: Opened | undefined;
    const listen = (tell: (event: ReloadTransactionEvent) => Effect.Effect<void>) =>
      waiting.set(transactionId, {
        target: selfContained ? undefined : target,
        hear: (found, answer) => {
          const { nodeId: signer } = found.signer;
          const error = answer.type === "error" ? answer.value : undefined;
          if (answer.type.endsWith("Req") || !isBelieved(view(), target, signer, error)) return Effect.succeed(false);
          opened = found;
          return Effect.as(tell({ type: "answered", signer, body: answer as never }), true);
        },
      });
    let isSent = false;
    /** Who was silent may have missed our certificate, and not have found it. */
    const transmit = Effect.suspend(() => {
      if (isSent && bare) return Effect.flatMap(post.seal(letter), (carrying) => send(carrying, over));
      isSent = true;
      return send(packet, over);
    });
    const outcome = yield* Effect.ensuring(
      requestOnce({ retransmitMs: retransmitMs() }, listen, transmit),
      Effect.sync(() => waiting.delete(transactionId)),
    );
    return { outcome, opened };
  });

  return {
    ask,
    answered: (transactionId, opened, body) => waiting.get(transactionId)?.hear(opened, body) ?? Effect.succeed(false),
    askedOf: (transactionId) => waiting.get(transactionId)?.target,
  };
});
