/**
 * The redirect server of a call agent over UDP and TCP, for a proxy that asks by SIP before it sends a call to the trunk.
 * RFC 3261 §8.3 and §18.2.
 *
 *   datagram, stream --> read --> redirectAnswer --> back where it came from
 */
import { Effect, Option, type Scope } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import {
  badRequestOf,
  cutSip,
  emptySipRemainder,
  printSip,
  readDatagram,
  SIP_BYTES_MAX,
  type SipMessage,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import { type RedirectOptions, redirectAnswer } from "../../machines/agent/mod.ts";
import { completed, replyTo, type Source } from "../../machines/proxy/mod.ts";
import {
  type ByteStreamShape,
  type DatagramSocket,
  Datagrams,
  Entropy,
  Listener,
  type ListenFailed,
  type Listening,
} from "../ports/mod.ts";

const STREAMS_MAX = 256;
/** A proxy that has nothing to ask for so long opens another stream when it has. */
const STREAM_IDLE_MS = 300_000;
const TAG_BYTES = 8;

export interface RedirectListen extends Listening {
  readonly transport: "UDP" | "TCP";
}

/** Serves until the scope closes. */
export const serveRedirects = Effect.fn("proxy.redirects")(function* (
  on: RedirectListen,
  options: RedirectOptions,
): Effect.fn.Return<Listening, ListenFailed, Datagrams | Entropy | Listener | Scope.Scope> {
  const tag = hexOf(yield* (yield* Entropy).bytes(TAG_BYTES));
  /** What goes back, and where to. */
  const answered = (found: SipMessage | Unreadable, source: Source) => {
    if (!("type" in found)) {
      const refused = badRequestOf(found, tag);
      return refused === undefined || found.request === undefined
        ? undefined
        : { bytes: printSip(refused), to: replyTo(found.request, source) };
    }
    if (found.type === "response") return undefined;
    const request = completed(found, source);
    const answer = redirectAnswer(request, tag, options);
    return answer === undefined ? undefined : { bytes: printSip(answer), to: replyTo(request, source) };
  };
  if (on.transport === "TCP")
    return yield* (yield* Listener).listen({ host: on.host, port: on.port, streamsMax: STREAMS_MAX }, (stream) =>
      serveStream(stream, (found) => {
        const { host, port } = stream.peer;
        return answered(found, { transport: "TCP", own: 0, host, port, stream: 1 })?.bytes;
      }),
    );
  let socket: DatagramSocket | undefined;
  socket = yield* (yield* Datagrams).open(on, {
    received: (bytes, host, port) => {
      const found = readDatagram(bytes);
      if (found === undefined) return;
      const answer = answered(found, { transport: "UDP", own: 0, host, port, stream: 0 });
      if (answer !== undefined) socket?.send(answer.bytes, answer.to.host, answer.to.port);
    },
    failed: () => {},
  });
  return { host: socket.host, port: socket.port };
});

const serveStream = Effect.fn("proxy.redirects.stream")(
  function* (stream: ByteStreamShape, answered: (found: SipMessage | Unreadable) => Uint8Array | undefined) {
    let remainder = emptySipRemainder;
    while (true) {
      const chunk = yield* Effect.timeoutOption(stream.read, STREAM_IDLE_MS);
      if (Option.isNone(chunk)) return yield* stream.close;
      const cut = cutSip(remainder, chunk.value, SIP_BYTES_MAX);
      for (const found of [...cut.messages, ...cut.unreadable]) {
        const bytes = answered(found);
        if (bytes !== undefined) yield* stream.write(bytes);
      }
      if (cut.error !== undefined) return yield* stream.close;
      remainder = cut.rest;
    }
  },
  Effect.catchTag("StreamClosed", () => Effect.void),
);
