/**
 * SIP's transport and transactions in one, over TCP within a network of our own: streams that others opened, streams that we
 * open and keep, and what runs on them. RFC 3261 §18.
 *
 *   Listener --> accept --+--> flow --> transactions --> user
 *   to(target) --> dial --+
 */
import { Deferred, Effect } from "effect";
import type { HostPort } from "../../machines/sip/mod.ts";
import { type ByteStreamShape, Dialer, DialFailed } from "../ports/mod.ts";
import { type Flow, type FlowHandlers, runFlow } from "./flow.ts";
import { openTransactions, type Transactions, type TransactionUser } from "./transactions.ts";

/** Streams that we opened, at once. */
export const DIALLED_MAX = 512;

export interface Endpoint extends Pick<Transactions, "ask" | "serve"> {
  /** A stream to there: the one we have, or a new one. */
  readonly to: (target: HostPort) => Effect.Effect<Flow, DialFailed>;
  /** Serves a stream that another opened, until it ends. */
  readonly accept: (stream: ByteStreamShape) => Effect.Effect<void>;
}

/** `userOf`: who is given what comes, made once the endpoint that it answers by is there. */
export const openEndpoint = Effect.fn("sip.endpoint")(function* <U extends TransactionUser, R>(
  userOf: (endpoint: Endpoint) => Effect.Effect<U, never, R>,
) {
  const dialer = yield* Dialer;
  const scope = yield* Effect.scope;
  const transactions = yield* openTransactions();
  const dialled = new Map<string, Deferred.Deferred<Flow, DialFailed>>();
  const handlers = (opened: (flow: Flow) => Effect.Effect<void>): FlowHandlers => ({
    opened,
    receive: (flow, message) => transactions.receive(flow, message, user),
    unreadable: (flow, found) => user.unreadable(flow, found),
    lost: transactions.lost,
  });
  const accept: Endpoint["accept"] = (stream) =>
    runFlow(
      stream,
      handlers(() => Effect.void),
    );

  /** Opens the stream, tells who waits for it, serves it, forgets it. */
  const open = ({ host, port }: HostPort, ready: Deferred.Deferred<Flow, DialFailed>) =>
    dialer.dial({ host, port, timeoutMs: DIAL_TIMEOUT_MS }).pipe(
      Effect.flatMap((stream) =>
        runFlow(
          stream,
          handlers((flow) => Effect.asVoid(Deferred.succeed(ready, flow))),
        ),
      ),
      Effect.scoped,
      Effect.catchTag("DialFailed", (failed) => Effect.asVoid(Deferred.fail(ready, failed))),
    );

  const to: Endpoint["to"] = (target) =>
    Effect.gen(function* () {
      const key = `${target.host}:${target.port}`;
      const known = dialled.get(key);
      if (known !== undefined) return yield* Deferred.await(known);
      if (dialled.size >= DIALLED_MAX) return yield* new DialFailed({ reason: "limit", why: "too many streams" });
      const ready = yield* Deferred.make<Flow, DialFailed>();
      dialled.set(key, ready);
      const forget = Effect.andThen(
        Effect.sync(() => dialled.delete(key)),
        Deferred.fail(ready, new DialFailed({ reason: "closed", why: "closed" })),
      );
      yield* Effect.forkIn(Effect.ensuring(open(target, ready), forget), scope);
      return yield* Deferred.await(ready);
    });
  const endpoint: Endpoint = { to, accept, ask: transactions.ask, serve: transactions.serve };
  const user = yield* userOf(endpoint);
  return { endpoint, user };
});

/** Less than a call agent waits for an attempt. */
const DIAL_TIMEOUT_MS = 1_500;
