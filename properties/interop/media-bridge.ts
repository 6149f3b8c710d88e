/**
 * A SIP proxy between one telephone inside and one outside that puts each description to a media relay: as much of a border
 * element as a relay needs to be tried by itself. UDP, record-routing; messages one after the other.
 *
 *   telephone inside  <--SIP-->  bridge  <--SIP-->  telephone outside
 *                                  |
 *                                relay
 */
import { Effect, Queue } from "effect";
import type { MediaRelayShape, Side } from "../../actors/media/mod.ts";
import { type DatagramSocket, Datagrams } from "../../actors/ports/mod.ts";
import {
  headerOf,
  listOf,
  parseSip,
  printSdp,
  printSip,
  type Sdp,
  type SipMessage,
  sessionIn,
  tagOf,
  textBody,
  withHeader,
  withList,
} from "../../codecs/sip/mod.ts";

const HOST = "127.0.0.1";
const otherOf = (side: Side): Side => (side === "inside" ? "outside" : "inside");

export interface Bridge {
  /** Descriptions as each side was shown them, in order. */
  readonly shown: ReadonlyArray<{ readonly toward: Side; readonly sdp: Sdp }>;
  readonly refused: ReadonlyArray<string>;
}

/** `ports`: ours on each side. `phones`: theirs. */
export const bridge = Effect.fn("interop.bridge")(function* (
  relay: MediaRelayShape,
  ports: Readonly<Record<Side, number>>,
  phones: Readonly<Record<Side, number>>,
) {
  const datagrams = yield* Datagrams;
  const queue = yield* Queue.unbounded<{ readonly side: Side; readonly bytes: Uint8Array }>();
  const sockets: Partial<Record<Side, DatagramSocket>> = {};
  const shown: Array<{ readonly toward: Side; readonly sdp: Sdp }> = [];
  const refused: Array<string> = [];
  for (const side of ["inside", "outside"] as const)
    sockets[side] = yield* datagrams.open(
      { host: HOST, port: ports[side] },
      { received: (bytes) => void Queue.offerUnsafe(queue, { side, bytes }), failed: () => {} },
    );

  /** With the description that the relay gives for it; undefined where it refuses. */
  const relayed = (message: SipMessage, toward: Side) =>
    Effect.gen(function* () {
      const method = headerOf(message, "CSeq")!.split(" ")[1];
      if (method !== "INVITE" || message.body.length === 0) return message;
      const read = sessionIn(message);
      if (!read.ok) return undefined;
      const to = tagOf(message, "To");
      const asked = {
        call: headerOf(message, "Call-ID")!,
        from: tagOf(message, "From") ?? "",
        ...(to === undefined ? {} : { to }),
        toward,
        sdp: read.value,
      };
      const sdp = yield* message.type === "request" ? relay.offer(asked) : relay.answer(asked);
      shown.push({ toward, sdp });
      return { ...message, body: textBody(printSdp(sdp)) };
    }).pipe(
      Effect.catchTag("MediaRefused", ({ reason, why }) => {
        refused.push(`${reason}: ${why}`);
        return Effect.succeed(undefined);
      }),
    );
  const forward = (side: Side, bytes: Uint8Array) =>
    Effect.gen(function* () {
      const read = parseSip(bytes);
      if (!read.ok) return;
      const toward = otherOf(side);
      const message = yield* relayed(read.value, toward);
      if (message === undefined) return;
      if (message.type === "request" && message.method === "BYE") yield* relay.end(headerOf(message, "Call-ID")!);
      const out = message.type === "request" ? passedOn(message, ports[toward], ports) : returned(message);
      sockets[toward]!.send(printSip(withHeader(out, "Content-Length", String(out.body.length))), HOST, phones[toward]);
    });
  yield* Effect.forkScoped(
    Effect.forever(Effect.flatMap(Queue.take(queue), ({ side, bytes }) => forward(side, bytes))),
  );
  return { shown, refused } satisfies Bridge as Bridge;
});

/** One branch for one hop: made of the one before, so that what is sent again stays itself. */
const passedOn = <M extends SipMessage>(message: M, port: number, ports: Readonly<Record<Side, number>>): M => {
  const vias = listOf(message, "Via");
  const branch = /branch=([^;,]+)/.exec(vias[0]!)?.[1] ?? "z9hG4bK";
  const ours = Object.values(ports).map((one) => `${HOST}:${one}`);
  const routes = listOf(message, "Route").filter((route) => !ours.some((one) => route.includes(one)));
  const added = withList(message, "Via", [`SIP/2.0/UDP ${HOST}:${port};branch=${branch}x`, ...vias]);
  const routed = withList(added, "Route", routes);
  return withList(
    routed,
    "Record-Route",
    ours.map((one) => `<sip:${one};lr>`),
  );
};
const returned = <M extends SipMessage>(message: M): M => withList(message, "Via", listOf(message, "Via").slice(1));
