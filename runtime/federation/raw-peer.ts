/**
 * A client of nodes that is none itself: it signs by any key under any name, and sends what it likes. It uses the codecs
 * alone, since what it is to find are faults of the node.
 *
 *   body --> signed --> [another body in its place] --> packet --> frame --> a node --> what it answers, if anything
 */
import { Effect } from "effect";
import { Replies } from "../../actors/kit/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, Keys, type PrivateKey } from "../../actors/ports/mod.ts";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  Certificates,
  type Destination,
  decodeBody,
  type Endpoint,
  encodeBody,
  encodeRegistration,
  encodeRegistrationKey,
  FramedMessage,
  fragmentWhole,
  isRequestCode,
  kindId,
  MessageContents,
  messageSignatureInput,
  type NodeId,
  overlayHash,
  Packet,
  Payload,
  type Request,
  reloadVersion,
  type SignerIdentity,
  type StoredData,
  sealedPayload,
  signatureBy,
  signedBytesOf,
  valueSignatureInput,
  x509,
} from "../../codecs/reload/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { cut, decode, emptyRemainder, encode } from "../../codecs/wire/mod.ts";

const FRAME_BYTES_MAX = 0xff_ffff;
/** Two round trips of a slow link with losses. */
const ANSWER_MS_MAX = 4_000;

/** A key, and the certificate whose holder it says it is. */
export interface Signs {
  readonly key: PrivateKey;
  readonly identity: SignerIdentity;
  readonly certificates: ReadonlyArray<Uint8Array>;
}

export interface RawMessage {
  readonly by: Signs;
  readonly to: Destination;
  readonly transactionId: bigint;
  readonly body: Request;
  /** Sent in the place of what was signed. */
  readonly altered?: Request;
  /** Default: the configuration's. */
  readonly sequence?: number;
}

export const rawPacket = Effect.fn("federation.rawPacket")(function* (
  { name, sequence, initialTtl }: OverlayConfiguration,
  { by, to, transactionId, body, altered = body, sequence: shown = sequence }: RawMessage,
) {
  const overlay = overlayHash(name);
  const contents = (of: Request) => encode(MessageContents, encodeBody(of));
  const bytes = messageSignatureInput(overlay, transactionId, contents(body), by.identity);
  const value = yield* (yield* Keys).sign(by.key, bytes);
  const bucket = encode(Certificates, by.certificates.map(x509));
  const packet: Packet = {
    overlay,
    configurationSequence: shown,
    version: reloadVersion,
    ttl: initialTtl,
    fragment: fragmentWhole,
    transactionId,
    maxResponseLength: 0,
    viaList: [],
    destinationList: [to],
    options: [],
    payload: sealedPayload(contents(altered), bucket, signatureBy(by.key.algorithm, by.identity, value)),
  };
  return packet;
});

export interface RawClaim {
  readonly by: Signs;
  readonly resource: Uint8Array;
  /** Of the key and of the value. */
  readonly node: NodeId;
  /** Its storage time is this and `ahead`. */
  readonly atMs: bigint;
  readonly ahead?: bigint;
  readonly lifetimeS: number;
}
/** A claim to a number. */
export const rawClaim = Effect.fn("federation.rawClaim")(function* ({
  by,
  resource,
  node,
  atMs,
  ahead = 0n,
  lifetimeS,
}: RawClaim) {
  const storageTime = atMs + ahead;
  const value = {
    key: encodeRegistrationKey({ nodeId: node, vservice: VSERVICE }),
    value: { exists: true, value: encodeRegistration(node) },
  };
  const bytes = valueSignatureInput(resource, kindId.viprRegistration, storageTime, signedBytesOf(value), by.identity);
  const made = yield* (yield* Keys).sign(by.key, bytes);
  const signature = signatureBy(by.key.algorithm, by.identity, made);
  return { storageTime, lifetime: lifetimeS, value, signature } satisfies StoredData as StoredData;
});
const VSERVICE = vserviceId(1n);

export interface RawPeer {
  /** Undefined: nothing came, or the stream has ended. */
  readonly ask: (packet: Packet) => Effect.Effect<Body | undefined>;
}

/** A stream to a node, until the scope closes; requests of the node's own are acknowledged and not answered. */
export const openRawPeer = Effect.fn("federation.rawPeer")(function* (to: Endpoint, tls: Credentials) {
  const { dial } = yield* Dialer;
  const stream = yield* dial({ host: to.host, port: to.port, tls });
  const waiting = new Replies<bigint, Body | undefined>();
  yield* Effect.forkScoped(Effect.ignore(readAnswers(stream, waiting)));
  let sequence = 0;
  const ask: RawPeer["ask"] = (packet) => {
    const frame = { sequence: sequence++, message: encode(Packet, packet) };
    const writing = Effect.ignore(stream.write(encode(FramedMessage, { type: "data", frame })));
    return Effect.timeoutOrElse(waiting.ask(packet.transactionId, writing), {
      duration: ANSWER_MS_MAX,
      orElse: () => Effect.succeed(undefined),
    });
  };
  return { ask } satisfies RawPeer as RawPeer;
});

const readAnswers = Effect.fnUntraced(function* (stream: ByteStreamShape, waiting: Replies<bigint, Body | undefined>) {
  let remainder = emptyRemainder;
  while (true) {
    const { messages, rest } = cut(FramedMessage, remainder, yield* stream.read, FRAME_BYTES_MAX);
    remainder = rest;
    for (const { type, frame } of messages) {
      if (type !== "data") continue;
      const { sequence, message } = frame;
      yield* stream.write(encode(FramedMessage, { type: "ack", frame: { sequence, received: 0 } }));
      const packet = decode(Packet, message);
      const payload = packet.ok ? decode(Payload, packet.value.payload) : undefined;
      if (!packet.ok || !payload?.ok || isRequestCode(payload.value.contents.code)) continue;
      const body = decodeBody(payload.value.contents);
      yield* waiting.answer(packet.value.transactionId, body?.ok ? body.value : undefined);
    }
  }
});
