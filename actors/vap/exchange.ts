/**
 * Messages on one byte stream, for client and server: cut out of the bytes, and each response matched with its request.
 *
 *   stream.read -> cut -> response -> the transaction that waits for it
 *                      +-> request -> `take`                 stream.write <- protect <- transactions, answers
 */
import { Effect, FiberSet } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { MESSAGE_BYTES_MAX, TRANSACTION_ID_BYTES, type VapContent, VapMessage } from "../../codecs/vap/mod.ts";
import { cutViews, emptyRemainder, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type VapOutcome,
  type VapTransactionAction,
  type VapTransactionEvent,
  type VapTransactionInput,
  vapTransaction,
} from "../../machines/vap/mod.ts";
import { Stepper, stepperParts } from "../kit/mod.ts";
import { type ByteStreamShape, Entropy } from "../ports/mod.ts";
import { Garbage } from "./errors.ts";

/** Reads one chunk after the other, and gives each message with its bytes; what it returns is why it cannot go on. */
export const messageReader = (
  take: (message: VapMessage, bytes: Uint8Array) => void,
): ((chunk: Uint8Array) => Garbage | undefined) => {
  let remainder = emptyRemainder;
  return (chunk) => {
    const { messages, raw, rest, error } = cutViews(VapMessage, remainder, chunk, MESSAGE_BYTES_MAX);
    remainder = rest;
    for (const [i, message] of messages.entries()) take(message, raw[i]!);
    return error === undefined ? undefined : new Garbage({ why: wireErrorText(error) });
  };
};

/** Passes every message with its bytes to `take`, until the stream closes or its bytes cannot be read. */
export const readMessages = <R>(
  stream: ByteStreamShape,
  take: (message: VapMessage, bytes: Uint8Array) => Effect.Effect<void, never, R>,
) =>
  Effect.gen(function* () {
    const taking: Array<Effect.Effect<void, never, R>> = [];
    const read = messageReader((message, bytes) => void taking.push(take(message, bytes)));
    while (true) {
      const garbage = read(yield* stream.read);
      for (const next of taking.splice(0)) yield* next;
      if (garbage !== undefined) return yield* garbage;
    }
  });

/** Requests on one connection that are not answered yet. */
export interface VapRequests {
  /** Sends a request; its outcome is reported when it is answered, when Ti has passed, or when the connection ends. */
  readonly request: (ask: number, content: VapContent) => Effect.Effect<void>;
  /** A response, for the request with its transaction id: reported before this returns. Ignored when there is none. */
  readonly answer: (response: VapMessage, genuine: boolean) => Effect.Effect<void>;
  /** Ends all requests with "lost", and all that come later. */
  readonly lose: (why: string) => Effect.Effect<void>;
}

/** Of one connection; more than our own machines ever send at once. */
export const REQUESTS_MAX = 256;

type Request = Stepper<VapTransactionInput, VapTransactionEvent, VapTransactionAction, unknown>;

/** `send` waits for nothing. `report` is run in the order of what happened. */
export const vapRequests = Effect.fnUntraced(function* (
  send: (content: VapContent, transactionId: Uint8Array) => void,
  timeoutMs: number,
  report: (ask: number, outcome: VapOutcome) => Effect.Effect<void>,
) {
  const entropy = yield* Entropy;
  const steps = yield* stepperParts;
  const run = yield* FiberSet.makeRuntime<never>();
  const waiting = new Map<string, Request>();
  let outcomes: Array<readonly [ask: number, VapOutcome]> = [];
  let lost: string | undefined;
  const reportAll = Effect.suspend(() => {
    const all = outcomes;
    outcomes = [];
    return Effect.forEach(all, ([ask, outcome]) => report(ask, outcome), { discard: true });
  });

  const open = (ask: number, id: string): Request => {
    const request: Request = new Stepper(vapTransaction as never, steps, {
      instance: id,
      perform: (action) => {
        if (action.type === "send") send(action.content, action.transactionId);
        else outcomes.push([ask, action.outcome]);
      },
      fired: (timer) => {
        run(Effect.andThen(Effect.yieldNow, reportAll)); // once the machine has taken it
        return { type: "timerFired", timer } as VapTransactionEvent;
      },
      noted: (unexpected) => {
        run(Effect.logDebug("vap.unexpected", unexpected));
      },
      over: () => waiting.delete(id),
    });
    return request;
  };
  const tell = (id: string, event: VapTransactionEvent): Effect.Effect<void> =>
    Effect.suspend(() => {
      const request = waiting.get(id);
      if (request === undefined) return Effect.logDebug("vap.unexpected", event.type);
      request.tell(event);
      return reportAll;
    });
  const requests: VapRequests = {
    request: (ask, content) =>
      Effect.gen(function* () {
        const why = lost ?? (waiting.size >= REQUESTS_MAX ? "too many requests at once" : undefined);
        if (why !== undefined) return void run(report(ask, { type: "lost", why }));
        const transactionId = yield* entropy.bytes(TRANSACTION_ID_BYTES);
        const id = hexOf(transactionId);
        const request = open(ask, id);
        waiting.set(id, request);
        request.start({ request: content, transactionId, timeoutMs });
      }),
    answer: (response, genuine) => tell(hexOf(response.transactionId), { type: "answered", response, genuine }),
    lose: (why) =>
      Effect.suspend(() => {
        lost = why;
        for (const request of [...waiting.values()]) request.tell({ type: "lost", why });
        run(reportAll); // the session's own orders lead here: they must not wait for its mailbox
        return Effect.void;
      }),
  };
  yield* Effect.addFinalizer(() => Effect.sync(() => waiting.forEach((request) => request.stop())));
  return requests;
});
