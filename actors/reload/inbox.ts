/**
 * From a packet that has reached its destination to a message whose signature holds.
 *
 *   packet --> fragments joined --> verify --+-- verified -------------------------> received
 *                                            +-- its certificate is missing: fetched, and verified once more
 *                                            +-- not valid ------------------------> rejected
 *
 * "Intermediate nodes do not verify signatures. Upon receipt (and fragment reassembly, if needed), the destination node MUST
 * verify the signature and the authorizing certificate." RFC 6940 §6.3.4. A message that waits for a certificate does not hold
 * up its link: later ones may overtake it.
 */

import { Clock, Effect, FiberSet, type Scope } from "effect";
import type { Destination, NodeId, Packet } from "../../codecs/reload/mod.ts";
import { gather, isAnswer, nothingGathered, WILDCARD } from "../../machines/reload/mod.ts";
import { FETCHES_MAX, makeCertificateFetcher, missingOf, type WantedCertificate } from "./certificate-fetcher.ts";
import type { MessageSecurity, RejectedMessage, VerifiedMessage } from "./message-security.ts";

/** Messages that wait for certificates, of one neighbour and of all. */
const WAITING_OF_NEIGHBOUR_MAX = 8;
const WAITING_MAX = 64;
/** Certificates fetched at once for one neighbour's messages: half of all fetches, so that none takes all of them. */
const WANTED_OF_NEIGHBOUR_MAX = FETCHES_MAX / 2;

const NONE_WAITING = { messages: 0, wanted: 0 };

export interface InboxHooks {
  readonly received: (packet: Packet, from: NodeId, message: VerifiedMessage) => Effect.Effect<void>;
  readonly rejected: (packet: Packet, from: NodeId, message: RejectedMessage) => Effect.Effect<void>;
  readonly drop: (why: string) => Effect.Effect<void>;
  /** Where that transaction's request was sent, when its answer may name a certificate that it does not carry. */
  readonly destinationOf: (transactionId: bigint) => Destination | undefined;
  /** What is stored under a Node-ID as CERTIFICATE_BY_NODE. */
  readonly certificatesAt: (nodeId: NodeId) => Effect.Effect<ReadonlyArray<Uint8Array>>;
}

export interface Inbox {
  readonly deliver: (packet: Packet, from: NodeId) => Effect.Effect<void>;
}

export const makeInbox = Effect.fn("reload.inbox")(function* (
  security: MessageSecurity,
  messageBytesMax: () => number,
  hooks: InboxHooks,
): Effect.fn.Return<Inbox, never, Scope.Scope> {
  const fetcher = makeCertificateFetcher(hooks.certificatesAt);
  const waiting = yield* FiberSet.make();
  const waitingOf = new Map<NodeId, { readonly messages: number; readonly wanted: number }>();
  let fragments = nothingGathered;

  const verify = (packet: Packet, from: NodeId, fetched: ReadonlyArray<Uint8Array> | undefined): Effect.Effect<void> =>
    Effect.gen(function* () {
      const message = yield* security.verify(packet, fetched);
      const missing = fetched === undefined ? wantedFor(message, packet, from, hooks.destinationOf) : [];
      if (missing.length > 0) return yield* verifyLater(missing, packet, from);
      yield* "rejected" in message ? hooks.rejected(packet, from, message) : hooks.received(packet, from, message);
    });

  const verifyLater = Effect.fnUntraced(function* (
    missing: ReadonlyArray<WantedCertificate>,
    packet: Packet,
    from: NodeId,
  ) {
    const { messages, wanted } = waitingOf.get(from) ?? NONE_WAITING;
    const all = [...waitingOf.values()].reduce((sum, one) => sum + one.messages, 0);
    const hasRoom = messages < WAITING_OF_NEIGHBOUR_MAX && wanted + missing.length <= WANTED_OF_NEIGHBOUR_MAX;
    if (!hasRoom || all >= WAITING_MAX) return yield* hooks.drop("too many wait for certificates");
    waitingOf.set(from, { messages: messages + 1, wanted: wanted + missing.length });
    const work = Effect.gen(function* () {
      const fetched = yield* Effect.forEach(missing, fetcher.fetch, { concurrency: missing.length });
      yield* verify(packet, from, fetched.flat());
    });
    const done = Effect.sync(() => {
      const { messages, wanted } = waitingOf.get(from) ?? NONE_WAITING;
      if (messages <= 1) waitingOf.delete(from);
      else waitingOf.set(from, { messages: messages - 1, wanted: wanted - missing.length });
    });
    yield* FiberSet.run(waiting, Effect.ensuring(work, done));
  });

  const deliver: Inbox["deliver"] = Effect.fnUntraced(function* (packet, from) {
    const atMs = yield* Clock.currentTimeMillis;
    const { held, whole, dropped } = gather(fragments, packet, from, atMs, messageBytesMax());
    fragments = held;
    if (dropped !== undefined) yield* hooks.drop(dropped);
    if (whole !== undefined) yield* verify(whole, from, undefined);
  });
  return { deliver };
});

/** Certificates without which this message, or values in it, cannot be verified. */
const wantedFor = (
  message: VerifiedMessage | RejectedMessage,
  packet: Packet,
  from: NodeId,
  destinationOf: InboxHooks["destinationOf"],
): ReadonlyArray<WantedCertificate> => {
  if ("rejected" in message) {
    const nodeId = message.unknown === undefined ? undefined : supposedSigner(packet, from, destinationOf);
    return nodeId === undefined ? [] : [{ identity: message.unknown!, nodeId }];
  }
  return isAnswer(packet) && destinationOf(packet.transactionId) === undefined ? [] : missingOf(message);
};

/** The node that supposedly signed: the one that was asked, or the first of the Via List, or else the neighbour itself. */
const supposedSigner = (
  packet: Packet,
  from: NodeId,
  destinationOf: InboxHooks["destinationOf"],
): NodeId | undefined => {
  const asked = isAnswer(packet) ? destinationOf(packet.transactionId) : undefined;
  if (isAnswer(packet) && asked === undefined) return undefined;
  const source = asked ?? packet.viaList[0];
  // A node that answers for a resource sends its certificate along, unless it is our neighbour.
  if (source === undefined || !("type" in source) || source.type === "resource") return from;
  return source.type === "node" && source.data !== WILDCARD ? source.data : from;
};
