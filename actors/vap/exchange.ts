/**
 * Messages on one byte stream, for client and server: cut out of the bytes, and each response matched with its request.
 *
 *   stream.read -> cut -> response -> the transaction that waits for it
 *                      +-> request -> `take`                 stream.write <- protect <- transactions, answers
 */
import { Deferred, Effect } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { MESSAGE_BYTES_MAX, TRANSACTION_ID_BYTES, type VapContent, VapMessage } from "../../codecs/vap/mod.ts";
import { cutViews, emptyRemainder, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type VapOutcome,
  type VapTransactionAction,
  type VapTransactionEvent,
  vapTransaction,
} from "../../machines/vap/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { type ByteStreamShape, Entropy } from "../ports/mod.ts";
import { Garbage } from "./errors.ts";

/** Passes every message with its bytes to `take`, until the stream closes or its bytes cannot be read. */
export const readMessages = <R>(
  stream: ByteStreamShape,
  take: (message: VapMessage, bytes: Uint8Array) => Effect.Effect<void, never, R>,
) =>
  Effect.gen(function* () {
    let remainder = emptyRemainder;
    while (true) {
      const { messages, raw, rest, error } = cutViews(VapMessage, remainder, yield* stream.read, MESSAGE_BYTES_MAX);
      for (const [i, message] of messages.entries()) yield* take(message, raw[i]!);
      if (error !== undefined) return yield* new Garbage({ why: wireErrorText(error) });
      remainder = rest;
    }
  });

/** Requests on one connection that are not answered yet. */
export interface VapRequests {
  /** Sends a request and waits for its answer, for Ti, or for the end of the connection. */
  readonly request: (content: VapContent) => Effect.Effect<VapOutcome>;
  /** A response, for the request with its transaction id; ignored when there is none. */
  readonly answer: (response: VapMessage, genuine: boolean) => Effect.Effect<void>;
  /** Ends all requests with "lost", and all that come later. */
  readonly lose: (why: string) => Effect.Effect<void>;
}

/** Of one connection; more than our own machines ever send at once. */
export const REQUESTS_MAX = 256;

export const vapRequests = Effect.fnUntraced(function* (
  send: (content: VapContent, transactionId: Uint8Array) => Effect.Effect<void>,
  timeoutMs: number,
) {
  const entropy = yield* Entropy;
  const waiting = new Map<string, (event: VapTransactionEvent) => Effect.Effect<void>>();
  let lost: string | undefined;

  const request = (content: VapContent): Effect.Effect<VapOutcome> =>
    Effect.gen(function* () {
      const transactionId = yield* entropy.bytes(TRANSACTION_ID_BYTES);
      const id = hexOf(transactionId);
      const box = yield* mailbox<VapTransactionEvent>(4);
      const outcome = yield* Deferred.make<VapOutcome>();
      const perform = (action: OwnOrder<VapTransactionAction>): Effect.Effect<void> => {
        switch (action.type) {
          case "send":
            return send(action.content, action.transactionId);
          case "report":
            return Effect.asVoid(Deferred.succeed(outcome, action.outcome));
        }
      };
      if (lost !== undefined) return { type: "lost" as const, why: lost };
      if (waiting.size >= REQUESTS_MAX) return { type: "lost" as const, why: "too many requests at once" };
      waiting.set(id, box.tell);
      yield* Effect.ensuring(
        drive(
          vapTransaction,
          { request: content, transactionId, timeoutMs },
          box,
          performing(box, { unexpected: "vap.unexpected" }, perform),
          id,
        ),
        Effect.sync(() => waiting.delete(id)),
      );
      return yield* Deferred.await(outcome);
    }).pipe(Effect.scoped);

  const tell = (id: string, event: VapTransactionEvent): Effect.Effect<void> =>
    waiting.get(id)?.(event) ?? Effect.logDebug("vap.unexpected", event.type);
  const requests: VapRequests = {
    request,
    answer: (response, genuine) => tell(hexOf(response.transactionId), { type: "answered", response, genuine }),
    lose: (why) =>
      Effect.suspend(() => {
        lost = why;
        return Effect.forEach([...waiting.keys()], (id) => tell(id, { type: "lost", why }), { discard: true });
      }),
  };
  return requests;
});
