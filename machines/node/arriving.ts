/**
 * Receives packets, from links and from this node itself, and routes them by the ring as the peer last reported it.
 *
 *   link, or our own --> routeOf --+-- forward --> the next link
 *                                  +-- deliver --> fragments joined --> verified --+-- request --> served
 *                                  |                                               +-- answer ---> the request that waits
 *                                  |                                               +-- its certificate is missing: fetched
 *                                  +-- refuse ---> an error, signed and sent back
 *
 * RFC 6940 §6.1, §6.3.
 * Requirements: RFC 6940 §6.1.1, §6.3.3.1, §6.3.4, §6.5.2.2.
 */
import {
  type Body,
  codeOf,
  type ErrorName,
  endpointOf,
  errorBody,
  type IceCandidate,
  messageCode,
  type NodeId,
  Packet,
  packetBytes,
  type Request,
  sequenceAny,
} from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { decodeViews, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type Asked,
  gather,
  isAnswer,
  isFirstFragment,
  isFromNeighbour,
  type ReplyTo,
  refusalOf,
  replyTo,
  routeOf,
  type Signers,
} from "../reload/mod.ts";
import { awaitCertificates, wantedFor } from "./certificates.ts";
import { draw } from "./chance.ts";
import { type Core, drop, note } from "./core.ts";
import { close, free } from "./link-frames.ts";
import { type Link, learnAddress, newestLink } from "./link-table.ts";
import { dispatch, hand, OURSELVES, tooLong } from "./outgoing.ts";
import { isBare, requestAnswered } from "./requests.ts";
import { answerSeen, seeRequest } from "./seen-requests.ts";
import { sign } from "./signing.ts";
import { verifyMessage, verifyValues } from "./verifying.ts";
import type { Delivery, RejectedMessage, ToVerify, Verified, VerifiedMessage } from "./work.ts";

/** Between two warnings of forged messages, so that a flood of them does not fill the log. */
const WARNING_MS = 1_000;
/** Values verified in one Store; a longer one is refused. */
export const VALUES_MAX = 128;

const OTHER_LINK = "the link of another Node-ID";

/** A message from a link. One that an honest neighbour cannot have sent closes the link. */
export const arrive = (core: Core, link: Link, message: Uint8Array): void => {
  const node = link.node!;
  const read = decodeViews(Packet, message);
  if (!read.ok) {
    core.counters.garbage++;
    const why = wireErrorText(read.error);
    note(core, "warning", "reload.garbage", { from: nodeIdText(node), why });
    close(core, link, why);
    return;
  }
  const packet = read.value;
  const verdict = verdictOn(core, packet, node);
  const isPassed = verdict.type === "deliver" || verdict.type === "forward";
  if (isPassed && !allows(core, link, packet)) refuse(core, packet, node, "forbidden", "no Attach yet");
  else if (verdict.type === "deliver") {
    deliver(core, packet, node, link.id);
    return;
  } else if (verdict.type === "forward") {
    core.counters.forwarded++;
    // With us on its Via List it may have become too long.
    if (!hand(core, verdict.to, verdict.packet)) refuse(core, packet, node, "messageTooLarge", tooLong(core));
  } else if (verdict.type === "refuse") refuse(core, packet, node, verdict.error, verdict.info);
  else drop(core, verdict.why);
  free(core, link);
};

/** The beginning of a message over the limit: refused by its header, if that is a request of this overlay. */
export const oversized = (core: Core, { node }: Link, packet: Packet): void => {
  if (node === undefined) return;
  const { type } = verdictOn(core, packet, node);
  if (type === "deliver" || type === "forward") refuse(core, packet, node, "messageTooLarge", tooLong(core));
};

const verdictOn = (core: Core, packet: Packet, from: NodeId) =>
  routeOf(core.view, { overlay: core.overlayHash, initialTtl: core.overlay.initialTtl }, packet, from);

/**
 * "If a node with a certificate with multiple Node-IDs attempts to route a message other than a Ping or Attach through a node
 * without performing an Attach, the receiving node MUST reject the request with an Error_Forbidden error." §6.1.2; it may have
 * sent its Attach another way.
 */
const allows = ({ table }: Core, link: Link, packet: Packet): boolean => {
  if (link.isAttached || isAnswer(packet)) return true;
  const code = codeOf(packet.payload);
  link.isAttached = table.addresses.has(link.node!) || (code === messageCode.attachReq && isFromNeighbour(packet));
  return link.isAttached || code === messageCode.pingReq;
};

/** The next packet from this node to itself. */
export const deliverOwn = (core: Core): void => {
  const packet = core.isLooping ? undefined : core.loopback.shift();
  if (packet === undefined) return;
  core.isLooping = true;
  deliver(core, packet, core.settings.self, OURSELVES);
};

const deliver = (core: Core, packet: Packet, from: NodeId, link: number): void => {
  const { held, whole, dropped } = gather(core.fragments, packet, from, core.nowMs, core.overlay.maxMessageSize);
  core.fragments = held;
  if (dropped !== undefined) drop(core, dropped);
  if (whole === undefined) {
    release(core, link);
    return;
  }
  verifyMessage(core, { packet: whole, from, link, fetched: undefined });
};

/** The link that brought a message has waited for it long enough. */
export const release = (core: Core, id: number | undefined): void => {
  if (id === OURSELVES) {
    core.isLooping = false;
    return void core.work.push({ type: "goOn", link: OURSELVES });
  }
  const link = id === undefined ? undefined : core.table.links.get(id);
  if (link !== undefined) free(core, link);
};

export const verified = (core: Core, delivery: Delivery, message: Verified): void => {
  const wanted = delivery.fetched === undefined ? wantedFor(core, message, delivery) : [];
  if (wanted.length > 0) awaitCertificates(core, wanted, delivery);
  else if ("rejected" in message) rejected(core, delivery, message);
  else if (received(core, delivery, message)) return; // its values are verified first
  release(core, delivery.link);
};

/** Counts and logs a message whose signature does not hold, and closes the link of a neighbour that has forged it. */
const rejected = (core: Core, { packet, from }: Delivery, { rejected: why, unknown }: RejectedMessage): void => {
  const of = ++core.counters.badSignatures;
  if (core.nowMs >= core.quietUntilMs) {
    core.quietUntilMs = core.nowMs + WARNING_MS;
    note(core, "warning", "reload.unbelievable", { from: nodeIdText(from), why, of });
  }
  // "the implementation SHOULD simply drop the message"; but a message that was not forwarded was forged by our neighbour.
  if (isFromNeighbour(packet) && unknown === undefined && from !== core.settings.self)
    for (const link of [...(core.table.byNode.get(from) ?? [])]) close(core, link, why);
};

/** True when its link has to wait for more: for the values of a Store. */
const received = (core: Core, delivery: Delivery, message: VerifiedMessage): boolean => {
  const { packet, from } = delivery;
  core.counters.delivered++;
  const { body, contents, signer } = message;
  const { sequence } = core.overlay;
  if (packet.configurationSequence !== sequence && packet.configurationSequence !== sequenceAny)
    core.orders.push({ type: "heard", node: signer.nodeId, sequence: packet.configurationSequence });
  if (isAnswer(packet)) {
    const isTaken = body !== undefined && requestAnswered(core, delivery, message, body);
    if (!isTaken) drop(core, "an answer nobody waits for");
    else if (body.type === "attachAns") learn(core, signer.nodeId, body.value.candidates);
    return false;
  }
  const refusal = refusalOf(packet, contents, sequence);
  if (refusal !== undefined) refuse(core, packet, from, refusal);
  else if (isOfOtherLink(core, packet, from, signer.nodeId)) refuse(core, packet, from, "forbidden", OTHER_LINK);
  else if (body === undefined) refuse(core, packet, from, "invalidMessage", message.why);
  else return serve(core, delivery, message, body as Request);
  return false;
};

/** Signed by another Node-ID of the neighbour's certificate: that node needs a link of its own. */
const isOfOtherLink = ({ table }: Core, packet: Packet, from: NodeId, signer: NodeId): boolean =>
  isFromNeighbour(packet) && signer !== from && newestLink(table, from)?.names.includes(signer) === true;

/** True when the signers of its values are to be found first. */
const serve = (core: Core, delivery: Delivery, { signer, bucket }: VerifiedMessage, request: Request): boolean => {
  const { packet, from, link } = delivery;
  const reply = replyTo(packet, from);
  const before = seeRequest(core.seen, signer.nodeId, request.type, reply, core.nowMs);
  if (before.is === "old") {
    core.counters.repeated++;
    if (before.again === undefined) drop(core, "a request that was answered long ago");
    else dispatch(core, { ...before.again, destinationList: reply.to }, undefined);
    return false;
  }
  if (request.type === "attachReq") learn(core, signer.nodeId, request.value.candidates);
  const asked: Asked = { from, signer: signer.nodeId, reply, atMs: core.nowMs, draw: draw(core.chance) };
  const { users } = signer;
  if (request.type !== "storeReq") {
    core.work.push({ type: "serve", asked, request, signers: [], users });
    return false;
  }
  const { kinds, resource } = request.value;
  const values = kinds.reduce((sum, { values }) => sum + (values instanceof Uint8Array ? 0 : values.length), 0);
  if (values > VALUES_MAX) {
    answer(core, reply, errorBody("dataTooLarge", "count"), []);
    return false;
  }
  verifyValues(core, bucket, resource, kinds, { type: "serve", link, asked, request, users });
  return true;
};

export const valuesVerified = (
  core: Core,
  { link, asked, request, users }: ToVerify & { readonly type: "serve" },
  signers: Signers,
): void => {
  core.work.push({ type: "serve", asked, request, signers, users });
  release(core, link);
};

const learn = ({ table }: Core, node: NodeId, candidates: ReadonlyArray<IceCandidate>): void => {
  const endpoint = reachable(candidates);
  if (endpoint !== undefined) learnAddress(table, node, endpoint);
};
/** The address of the candidate that we can dial: TLS over TCP, without ICE. */
export const reachable = (candidates: ReadonlyArray<IceCandidate>) => {
  const found = candidates.find(({ type, overlayLink }) => type === "host" && overlayLink === "tlsTcpFhNoIce");
  return found === undefined ? undefined : endpointOf(found.address);
};

/** Sends an error, except for answers and errors, and for fragments that do not show which of these they are. */
const refuse = (core: Core, packet: Packet, from: NodeId, error: ErrorName, info = ""): void => {
  core.counters.refused++;
  if (isAnswer(packet) || !isFirstFragment(packet)) {
    drop(core, error);
    return;
  }
  answer(core, replyTo(packet, from), errorBody(error, info), []);
};

export const answer = (core: Core, reply: ReplyTo, body: Body, certificates: ReadonlyArray<Uint8Array>): void => {
  const { transactionId, to: destinations, options } = reply;
  const bare = isBare(core, destinations);
  const unsigned = { transactionId, destinations, body, certificates, options, bare };
  if (!sign(core, unsigned, { type: "answer", reply })) drop(core, "too many signatures");
};

/** The answer is signed; where it is longer than the asker or the overlay allows, an error goes instead. */
export const answerSigned = (core: Core, reply: ReplyTo, packet: Packet, isError: boolean): void => {
  const { maxMessageSize } = core.overlay;
  const limit = Math.min(maxMessageSize, reply.maxResponseLength === 0 ? maxMessageSize : reply.maxResponseLength);
  const size = packetBytes(packet);
  if (size > limit && !isError) {
    const { transactionId, to: destinations, options } = reply;
    const body = errorBody("responseTooLarge", `${size} bytes`);
    const bare = isBare(core, destinations);
    if (!sign(core, { transactionId, destinations, body, options, bare }, { type: "tooLong", reply }))
      drop(core, "too many signatures");
    return;
  }
  answerSeen(core.seen, reply, packet);
  dispatch(core, packet, undefined);
};
