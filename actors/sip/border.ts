/**
 * A border element: the only door between a domain's call agent and the Internet. ViPR overview §6.3;
 * docs/protocol/sip.md#the-border-element.
 *
 *   other domains == mutual TLS ==> outside --> admission --> relay --> inside -- TCP --> call agent
 *   other domains <= mutual TLS === outside <-- relay <---------------- inside <- TCP --- call agent
 *
 * A proxy with Record-Route, not a back-to-back agent: what it does not understand it passes on unharmed.
 * DECISIONS.md D-038.
 */
import { Deferred, Effect } from "effect";
import { borderSelf, type HostPort, type OnReject } from "../../machines/sip/mod.ts";
import { type ByteStreamShape, type Credentials, Listener, type Listening } from "../ports/mod.ts";
import { openTicketChecker, type TicketChecker, type TicketSecret } from "../ticket/mod.ts";
import { type Endpoint, openEndpoint } from "./endpoint.ts";
import { type BorderReason, openProxy } from "./proxy.ts";

export interface BorderOptions {
  /** Our domain: lower case, A-labels. */
  readonly domain: string;
  /** With a certificate that proves the domain, RFC 5922. */
  readonly credentials: Credentials;
  /** Port 0 takes a free one. The host is told to other domains as the way back. */
  readonly outside: HostPort;
  /** Where the call agent connects to: loopback, or a network that is ours alone. */
  readonly inside: HostPort;
  readonly callAgent: HostPort;
  /** What the ViPR server seals tickets with, newest epoch last. */
  readonly secrets: ReadonlyArray<TicketSecret>;
  /** Default `silence`. */
  readonly onReject?: OnReject;
  /** Default 1 500, less than a call agent waits for an attempt. */
  readonly dialTimeoutMs?: number;
}

export interface BorderCounters {
  /** INVITEs let in. */
  readonly admitted: number;
  /** Requests from outside that were not, by reason; and calls, either way, whose answer was not secured. */
  readonly refused: Readonly<Partial<Record<BorderReason, number>>>;
  /** INVITEs passed on, in either direction. */
  readonly forwarded: number;
  /** Requests whose next hop could not be reached or did not answer. */
  readonly failed: number;
  /** Calls that were let through and are not over. */
  readonly underWay: number;
}

export interface Border {
  readonly outside: Listening;
  readonly inside: Listening;
  readonly counters: Effect.Effect<BorderCounters>;
  /** For a new epoch, or to void an old one. */
  readonly tickets: TicketChecker;
}

/** Serves until the scope closes. Fails with ListenFailed. */
export const serveBorder = Effect.fn("sip.border")(function* (options: BorderOptions) {
  const listener = yield* Listener;
  const tickets = yield* openTicketChecker(options.secrets);
  const tally = { admitted: 0, refused: {} as Record<string, number>, forwarded: 0, failed: 0 };
  // A stream may come before there is an endpoint, which must know our own ports: it waits.
  const ready = yield* Deferred.make<Endpoint>();
  const serve = (side: "inside" | "outside") => (stream: ByteStreamShape) =>
    Effect.flatMap(Deferred.await(ready), (endpoint) => endpoint.accept(stream, side));
  const outside = yield* listener.listen({ ...options.outside, tls: options.credentials }, serve("outside"));
  const inside = yield* listener.listen(options.inside, serve("inside"));

  const { credentials, dialTimeoutMs } = options;
  const dialling = { credentials, ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }) };
  const { endpoint, user: proxy } = yield* openEndpoint(dialling, (endpoint) =>
    openProxy({
      endpoint,
      self: borderSelf({ domain: options.domain, outside, inside }),
      callAgent: options.callAgent,
      onReject: options.onReject ?? "silence",
      checker: tickets,
      count: (what) => {
        tally[what] += 1;
      },
      refused: (why) => {
        tally.refused[why] = (tally.refused[why] ?? 0) + 1;
      },
    }),
  );
  yield* Deferred.succeed(ready, endpoint);
  const counters = Effect.sync(
    (): BorderCounters => ({
      ...tally,
      refused: { ...tally.refused },
      underWay: proxy.underWay(),
    }),
  );
  return { outside, inside, counters, tickets } satisfies Border as Border;
});
