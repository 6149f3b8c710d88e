/**
 * Which node is at the other end of a link: the one its certificate names, or of several the one that signs. RFC 6940 §6.1.2.
 *
 *   one Node-ID, or one that was expected ------------------------------------------------------> identified
 *   several --> a Ping to the other end --+-- its answer, or a request of its own, signed -----> identified
 *                                         +-- anything else is buffered: 16 messages, 10 s, then the link is closed
 *
 * A TLS certificate with several Node-IDs shows who owns the node, not which node it is. A signature shows that: over the
 * answer to a Ping that was not forwarded, or over a request that was not forwarded. DECISIONS.md D-015.
 */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { codeOf, messageCode, Packet, toNode } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { isAnswer, isFromNeighbour, WILDCARD } from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { MessageSecurity } from "./message-security.ts";

/** Messages that are buffered until their sender is identified, and how long that may take. */
export const UNIDENTIFIED_MESSAGES_MAX = 16;
export const IDENTIFY_MS = 10_000;

export interface LinkPeer {
  /** The Ping that makes the other end identify itself. */
  readonly greeting: Uint8Array;
  /** `identified`: with all messages received so far. `tooMany`: it sent too much without identifying itself. */
  readonly receive: (
    message: Uint8Array,
  ) => Effect.Effect<
    | { readonly type: "identified"; readonly node: NodeId; readonly messages: ReadonlyArray<Uint8Array> }
    | { readonly type: "unidentified" }
    | { readonly type: "tooMany" }
  >;
}

/** `names`: the Node-IDs of the certificate at the other end; ours may be one of them. */
export const identifyLinkPeer = Effect.fn("reload.linkPeer")(function* (
  names: ReadonlyArray<NodeId>,
  self: NodeId,
  security: MessageSecurity,
): Effect.fn.Return<LinkPeer, never, Entropy> {
  const { bytes } = yield* Entropy;
  const transactionId = bigOf(yield* bytes(8));
  const body = { type: "pingReq", value: { padding: new Uint8Array() } } as const;
  const greeting = yield* security.sign({ transactionId, destinations: [toNode(WILDCARD)], body });
  const buffered: Array<Uint8Array> = [];

  const receive: LinkPeer["receive"] = Effect.fnUntraced(function* (message) {
    if (buffered.length >= UNIDENTIFIED_MESSAGES_MAX) return { type: "tooMany" };
    buffered.push(message);
    const packet = decode(Packet, message);
    if (!packet.ok || !isOwnMessage(packet.value, transactionId)) return { type: "unidentified" };
    const verified = yield* security.verify(packet.value);
    const node = "rejected" in verified ? undefined : verified.signer.nodeId;
    if (node === undefined || node === self || !names.includes(node)) return { type: "unidentified" };
    const messages = isAnswer(packet.value) ? buffered.filter((other) => other !== message) : buffered;
    return { type: "identified", node, messages };
  });
  return { greeting: encode(Packet, { ...greeting, ttl: greeting.ttl - 1 }), receive };
});

/** Signed by the other end itself. An answer has no Via List that would show forwarding: only one to our Ping counts. */
const isOwnMessage = (packet: Packet, pingTransaction: bigint): boolean =>
  isFromNeighbour(packet) && (!isAnswer(packet) || packet.transactionId === pingTransaction);

/**
 * "If a node with a certificate with multiple Node-IDs attempts to route a message other than a Ping or Attach through a node
 * without performing an Attach, the receiving node MUST reject the request with an Error_Forbidden error." Which messages such
 * a node may send over a link that it dialled; `hasAttached`: whether an Attach of it came another way.
 */
export const guestAllowance = (
  names: ReadonlyArray<NodeId>,
  hasAttached: () => boolean,
): ((packet: Packet) => boolean) => {
  let isAttached = names.length === 1;
  return (packet) => {
    if (isAttached || isAnswer(packet)) return true;
    const code = codeOf(packet.payload);
    isAttached = hasAttached() || (code === messageCode.attachReq && isFromNeighbour(packet));
    return isAttached || code === messageCode.pingReq;
  };
};
