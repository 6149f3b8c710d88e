/** A neighbour of the proxy on a UDP socket of its own: what it hears waits to be looked at. */
import { Effect, Queue } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { printSip, readDatagram, type SipMessage, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";

const HEAR_MS = 20_000;

export const openPhone = Effect.fn("test.phone")(function* (host: string, port = 0) {
  const heard = yield* Queue.unbounded<SipMessage>();
  const socket = yield* (yield* Datagrams).open(
    { host, port },
    {
      received: (bytes) => {
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
