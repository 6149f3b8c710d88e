/**
 * Who is at the other end of a link: the node its certificate names; of several, the one that shows itself. RFC 6940 §6.1.2.
 *
 *   one name, or one that was expected --------------------------------------------------------> known
 *   several --> Ping to whoever is there --+-- its answer, or a request of its own, signed --> known
 *                                          +-- anything else waits: 16 messages, 10 s, then the link is closed
 *
 * A TLS certificate with several Node-IDs tells whose node this is, not which. A signature does: over an answer to a Ping
 * that nobody passed on, or over a request that nobody has brought. DECISIONS.md D-015.
 */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { codeOf, messageCode, Packet, toNode } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { isAnswer, isFromNeighbour, WILDCARD } from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { Post } from "./post.ts";

/** Messages that wait until it is known who brought them, and how long that may take. */
export const HELD_MAX = 16;
export const NAMELESS_MS = 10_000;

export interface FarEnd {
  /** The message that asks who is there. */
  readonly greeting: Uint8Array;
  /** What that message tells: who is there, with all that it has brought so far; `late` when too much came before. */
  readonly hear: (
    message: Uint8Array,
  ) => Effect.Effect<
    | { readonly is: "known"; readonly node: NodeId; readonly messages: ReadonlyArray<Uint8Array> }
    | { readonly is: "unknown" }
    | { readonly is: "late" }
  >;
}

/** `names`: the Node-IDs of the certificate at the other end, of which ours may be one. */
export const makeFarEnd = Effect.fn("reload.farEnd")(function* (
  names: ReadonlyArray<NodeId>,
  self: NodeId,
  post: Post,
): Effect.fn.Return<FarEnd, never, Entropy> {
  const { bytes } = yield* Entropy;
  const transactionId = bigOf(yield* bytes(8));
  const body = { type: "pingReq", value: { padding: new Uint8Array() } } as const;
  const greeting = yield* post.seal({ transactionId, destinations: [toNode(WILDCARD)], body });
  const held: Array<Uint8Array> = [];

  const hear: FarEnd["hear"] = Effect.fnUntraced(function* (message) {
    if (held.length >= HELD_MAX) return { is: "late" };
    held.push(message);
    const packet = decode(Packet, message);
    if (!packet.ok || !isItsOwn(packet.value, transactionId)) return { is: "unknown" };
    const opened = yield* post.open(packet.value);
    const node = "refused" in opened ? undefined : opened.signer.nodeId;
    if (node === undefined || node === self || !names.includes(node)) return { is: "unknown" };
    return { is: "known", node, messages: isAnswer(packet.value) ? held.filter((other) => other !== message) : held };
  });
  return { greeting: encode(Packet, { ...greeting, ttl: greeting.ttl - 1 }), hear };
});

/** An answer bears no list of who has passed it on: only one to our own question shows who is there. */
const isItsOwn = (packet: Packet, asked: NodeId): boolean =>
  isFromNeighbour(packet) && (!isAnswer(packet) || packet.transactionId === asked);

/**
 * "If a node with a certificate with multiple Node-IDs attempts to route a message other than a Ping or Attach through a node
 * without performing an Attach, the receiving node MUST reject the request with an Error_Forbidden error." What it may bring,
 * when it has dialled us; `hasAttached` knows of an Attach that came to us another way.
 */
export const guestOf = (names: ReadonlyArray<NodeId>, hasAttached: () => boolean): ((packet: Packet) => boolean) => {
  let isAttached = names.length === 1;
  return (packet) => {
    if (isAttached || isAnswer(packet)) return true;
    const code = codeOf(packet.payload);
    isAttached = hasAttached() || (code === messageCode.attachReq && isFromNeighbour(packet));
    return isAttached || code === messageCode.pingReq;
  };
};
