/**
 * A neighbour of the proxy on a UDP socket of its own: what it hears waits to be looked at. What is sent again is heard once:
 * on a loaded machine a test is slower than T1.
 */
import { Effect, Queue } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { printSip, readDatagram, type SipMessage, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";

const HEAR_MS = 20_000;

export const openPhone = Effect.fn("test.phone")(function* (host: string, port = 0) {
  const heard = yield* Queue.unbounded<SipMessage>();
  const before = new Set<string>();
  const socket = yield* (yield* Datagrams).open(
    { host, port },
    {
      received: (bytes) => {
        const text = new TextDecoder("latin1").decode(bytes);
        if (before.has(text)) return;
        before.add(text);
        const found = readDatagram(bytes);
        if (found !== undefined && "type" in found) Queue.offerUnsafe(heard, found);
      },
      failed: () => {},
    },
  );
  const hear = Effect.timeout(Queue.take(heard), HEAR_MS);
  return {
    host,
    port: socket.port,
    via: `SIP/2.0/UDP ${host}:${socket.port}`,
    contact: `<sip:phone@${host}:${socket.port}>`,
    /** The next message. */
    hear,
    /** The next request, whatever responses come before it. */
    request: Effect.map(
      Effect.repeat(hear, { until: (message) => message.type === "request" }),
      (found) => found as SipRequest,
    ),
    /** The next response but 100. */
    response: Effect.map(
      Effect.repeat(hear, { until: (message) => message.type === "response" && message.status > 100 }),
      (found) => found as SipResponse,
    ),
    send: (message: SipMessage, to: { readonly host: string; readonly port: number }) =>
      Effect.sync(() => socket.send(printSip(message), to.host, to.port)),
  };
});
