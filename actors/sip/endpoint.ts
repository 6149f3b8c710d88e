/**
 * SIP's transport and transactions in one: streams that others opened, streams that we open and keep, and what runs on
 * them. RFC 3261 §18; RFC 5922 §7 for whom a stream leads to.
 *
 *   Listener --> accept --+--> flow --> transactions --> user
 *   to(target) --> dial --+
 */
import { Deferred, Effect } from "effect";
import { domainsOf, type Side } from "../../machines/sip/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, DialFailed, Keys } from "../ports/mod.ts";
import { type Flow, type FlowHandlers, runFlow } from "./flow.ts";
import { openTransactions, type Transactions, type TransactionUser } from "./transactions.ts";

export interface EndpointOptions {
  /** For streams outside. */
  readonly credentials: Credentials | undefined;
  readonly dialTimeoutMs?: number;
  readonly t1Ms?: number;
}

/** Streams that we opened, at once. */
export const DIALLED_MAX = 512;

export interface FlowTarget {
  readonly side: Side;
  readonly host: string;
  readonly port: number;
  /** The peer's certificate must prove it; undefined inside, where there is none. */
  readonly domain: string | undefined;
}

export interface Endpoint extends Pick<Transactions, "ask" | "serve"> {
  /** A stream to there: the one we have, or a new one. */
  readonly to: (target: FlowTarget) => Effect.Effect<Flow, DialFailed>;
  /** Serves a stream that another opened, until it ends. */
  readonly accept: (stream: ByteStreamShape, side: Side) => Effect.Effect<void>;
}

/** `userOf`: who is given what comes, made once the endpoint that it answers by is there. */
export const openEndpoint = Effect.fn("sip.endpoint")(function* <U extends TransactionUser, R>(
  options: EndpointOptions,
  userOf: (endpoint: Endpoint) => Effect.Effect<U, never, R>,
) {
  const dialer = yield* Dialer;
  const keys = yield* Keys;
  const scope = yield* Effect.scope;
  const transactions = yield* openTransactions(options.t1Ms);
  const dialled = new Map<string, Deferred.Deferred<Flow, DialFailed>>();

  const provenBy = (stream: ByteStreamShape) =>
    stream.peer.certificates[0] === undefined
      ? Effect.succeed([])
      : keys.inspect(stream.peer.certificates[0]).pipe(
          Effect.map(domainsOf),
          Effect.catchTag("CertificateError", () => Effect.succeed([])),
        );
  const handlers = (opened: (flow: Flow) => Effect.Effect<void>): FlowHandlers => ({
    opened,
    receive: (flow, message) => transactions.receive(flow, message, user),
    unreadable: (flow, found) => user.unreadable(flow, found),
    lost: transactions.lost,
  });

  const accept: Endpoint["accept"] = (stream, side) =>
    Effect.gen(function* () {
      const domains = side === "inside" ? [] : yield* provenBy(stream);
      if (side === "outside" && domains.length === 0)
        return yield* Effect.logInfo("sip.namelessPeer", { from: stream.peer.host, port: stream.peer.port });
      yield* runFlow(
        stream,
        side,
        domains,
        handlers(() => Effect.void),
      );
    });

  /** Opens the stream, tells who waits for it, serves it, forgets it. */
  const open = (target: FlowTarget, ready: Deferred.Deferred<Flow, DialFailed>) =>
    Effect.gen(function* () {
      const { side, host, port, domain } = target;
      const tls = side === "outside" ? options.credentials : undefined;
      if (side === "outside" && tls === undefined)
        return yield* new DialFailed({ reason: "noCredentials", why: "no credentials" });
      const timeoutMs = options.dialTimeoutMs ?? DIAL_TIMEOUT_MS;
      const stream = yield* dialer.dial({ host, port, timeoutMs, ...(tls === undefined ? {} : { tls }) });
      const domains = side === "outside" ? yield* provenBy(stream) : [];
      if (domain !== undefined && !domains.includes(domain))
        return yield* new DialFailed({ reason: "notTrusted", why: `the certificate there is not ${domain}'s` });
      yield* runFlow(
        stream,
        side,
        domains,
        handlers((flow) => Effect.asVoid(Deferred.succeed(ready, flow))),
      );
    }).pipe(
      Effect.scoped,
      Effect.catchTag("DialFailed", (failed) => Effect.asVoid(Deferred.fail(ready, failed))),
    );

  const to: Endpoint["to"] = (target) =>
    Effect.gen(function* () {
      const key = `${target.side} ${target.domain} ${target.host}:${target.port}`;
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
