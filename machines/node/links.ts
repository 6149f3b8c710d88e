/**
 * Links that others dial to us and links that we dial, each bound to a Node-ID of the certificate at its other end.
 * "The certificate exchanged during the TLS or DTLS handshake MUST match the node which sent the AttachReqAns", RFC 6940
 * §6.5.1.11.
 *
 *   stream --> its chain checked --+-- one Node-ID, or one that was expected -------------------------> open
 *                                  +-- several --> a Ping to the other end --+-- its answer, or a
 *                                  |                                         |   request of its own, signed --> open
 *                                  |                                         +-- anything else is buffered
 *                                  +-- none, ours, or not the one expected --> closed
 *
 * A TLS certificate with several Node-IDs shows who owns the node, not which node it is. A signature shows that: over the
 * answer to a Ping that was not forwarded, or over a request that was not forwarded. DECISIONS.md D-015.
 * Requirements: RFC 6940 §6.5.1.2, §6.5.1.13.
 */
import { type Endpoint, type NodeId, Packet, toNode } from "../../codecs/reload/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { decode, emptyRemainder, encode } from "../../codecs/wire/mod.ts";
import { isAnswer, isFromNeighbour, type Signer, WILDCARD } from "../reload/mod.ts";
import { draw } from "./chance.ts";
import { begin, type Core, note } from "./core.ts";
import { close, free, opened, openLink, sendOn, startTimer, stopTimer } from "./link-frames.ts";
import { LINKS_PER_NODE_MAX, type Link } from "./link-table.ts";
import { sign } from "./signing.ts";
import { type CertifiedFacts, learnNames, memberFacts } from "./trust.ts";
import type { NodeStream } from "./types.ts";
import { verifyGreeted } from "./verifying.ts";
import type { Job } from "./work.ts";

/** Messages that are buffered until their sender is identified, and how long that may take. */
export const UNIDENTIFIED_MESSAGES_MAX = 16;
/** From the greeting of an unknown peer to the answer that identifies it. */
export const IDENTIFY_MS = 10_000;
/** In TLS 1.3 a client is done before its certificate has been looked at: so long the other one has for that. */
const SHOWN_MS = 1_000;

const linkOf = (id: number, dialled: Link["dialled"]): Link => ({
  id,
  dialled,
  stream: undefined,
  names: [],
  node: undefined,
  isEntered: false,
  snapshot: undefined,
  remainder: emptyRemainder,
  frames: [],
  early: [],
  isBusy: false,
  held: undefined,
  isPaused: true,
  fault: undefined,
  isEnding: false,
  isShowing: false,
  greeting: undefined,
  isAttached: false,
});

export const visit = (core: Core, endpoint: Endpoint): void => dial(core, endpoint, undefined);

/** Dials that node, unless it is linked or being dialled already. */
export const connect = (core: Core, node: NodeId, endpoint: Endpoint): void => {
  const { byNode, links } = core.table;
  if (byNode.has(node)) return;
  for (const { dialled, isEntered } of links.values()) if (dialled?.expected === node && !isEntered) return;
  dial(core, endpoint, node);
};

const dial = (core: Core, endpoint: Endpoint, expected: NodeId | undefined): void => {
  const link = linkOf(++core.table.lastId, { endpoint, expected });
  core.table.links.set(link.id, link);
  core.orders.push({ type: "dial", link: link.id, endpoint });
};

/** Closes the link that a visit brought; other links to that node stay. */
export const endVisit = (core: Core, node: NodeId): void => {
  const link = core.table.visits.get(node);
  if (link !== undefined) close(core, link, "needed no more");
};

export const accepted = (core: Core, id: number, stream: NodeStream): void => {
  if (id >= 0 || core.table.links.has(id)) return; // the numbers from 1 on are of links that we dial
  const link = linkOf(id, undefined);
  core.table.links.set(id, link);
  connected(core, link, stream);
};

/** Its names come once the chain is checked. */
export const connected = (core: Core, link: Link, stream: NodeStream): void => {
  if (link.stream !== undefined) return;
  link.stream = stream;
  if (stream.certificates.length === 0) {
    certified(core, link, stream, undefined);
    return;
  }
  const token = begin(core, { type: "names", link: link.id, stream });
  core.orders.push({ type: "verifyChain", token, chain: stream.certificates, roots: core.roots });
};

/** The chain of the other end is checked. */
export const certified = (
  core: Core,
  link: Link,
  { certificates, host }: NodeStream,
  chain: CertifiedFacts | undefined,
): void => {
  const facts = memberFacts(chain, core.overlay, core.nowMs);
  if (facts !== undefined) learnNames(core.trust, certificates[0]!, facts);
  link.names = facts?.nodeIds ?? [];
  const isSameNode =
    link.names.includes(core.settings.self) && !equalBytes(certificates[0]!, core.settings.certificates[0]!);
  if (isSameNode && link.dialled !== undefined) {
    link.isShowing = true;
    startTimer(core, link, "shown", SHOWN_MS);
    return;
  }
  if (isSameNode) core.orders.push({ type: "sameNode", host });
  admit(core, link);
};

/** The other end has had time to look at our certificate. */
export const shown = (core: Core, link: Link): void => {
  if (!link.isShowing || link.stream === undefined) return;
  link.isShowing = false;
  core.orders.push({ type: "sameNode", host: link.stream.host });
  admit(core, link);
};

/** Closed when its certificate names no node of this overlay, this node itself, or not the one expected. */
const admit = (core: Core, link: Link): void => {
  const { names, dialled } = link;
  const { self } = core.settings;
  const expected = dialled?.expected;
  const node = names.length === 1 ? names[0] : names.find((id) => id === expected);
  const isOther = names.length > 0 && node !== self && (expected === undefined || node === expected);
  if (!isOther && dialled === undefined) note(core, "warning", "reload.link.stranger", { host: link.stream!.host });
  if (!isOther) {
    close(core, link, "not the node that was meant");
    return;
  }
  link.isAttached = dialled !== undefined || names.length === 1;
  if (node === undefined && !greet(core, link)) {
    close(core, link, "unidentified");
    return;
  }
  link.node = node;
  openLink(core, link);
};

/** Asks the other end which of its names it is. False when too many streams of that certificate wait already. */
const greet = (core: Core, link: Link): boolean => {
  const { links } = core.table;
  let others = 0;
  for (const { greeting, names } of links.values()) if (greeting !== undefined && names[0] === link.names[0]) others++;
  if (others >= LINKS_PER_NODE_MAX * link.names.length) return false;
  const transactionId = draw(core.chance);
  link.greeting = { transactionId, buffered: [] };
  startTimer(core, link, "identify", IDENTIFY_MS);
  const body = { type: "pingReq", value: { padding: new Uint8Array() } } as const;
  sign(core, { transactionId, destinations: [toNode(WILDCARD)], body }, { type: "greeting", link: link.id });
  return true;
};

/** The Ping is signed. A message of our own that is not routed: its TTL is reduced for the first link as well, §6.3.2. */
export const greetingSigned = (core: Core, link: Link, packet: Packet): void => {
  if (link.greeting !== undefined) sendOn(core, link, encode(Packet, { ...packet, ttl: packet.ttl - 1 }));
};

/** A message of an end that is not identified yet. */
export const buffered = (core: Core, link: Link, message: Uint8Array): void => {
  const { buffered, transactionId } = link.greeting!;
  if (buffered.length >= UNIDENTIFIED_MESSAGES_MAX) {
    close(core, link, "messages of an unidentified node");
    return;
  }
  buffered.push(message);
  const packet = decode(Packet, message);
  const isOwn = packet.ok && isFromNeighbour(packet.value) && isAnswerTo(packet.value, transactionId);
  if (!isOwn || !verifyGreeted(core, link.id, message, packet.value, isAnswer(packet.value))) free(core, link);
};
/** Signed by the other end itself. An answer has no Via List that would show forwarding: only one to our Ping counts. */
const isAnswerTo = (packet: Packet, transactionId: bigint): boolean =>
  !isAnswer(packet) || packet.transactionId === transactionId;

/** The message is verified, or not: then the end stays unidentified. */
export const identified = (
  core: Core,
  link: Link,
  { message, isAnswer }: Job & { readonly type: "greeted" },
  signer: Signer | undefined,
): void => {
  const { greeting, names } = link;
  const node = signer?.nodeId;
  free(core, link);
  if (greeting === undefined || node === undefined || node === core.settings.self || !names.includes(node)) return;
  link.greeting = undefined;
  stopTimer(core, link, "identify");
  link.node = node;
  opened(core, link);
  // All that has come so far, as if it came now; the link goes on after the last of it.
  link.early.push(...(isAnswer ? greeting.buffered.filter((other) => other !== message) : greeting.buffered));
};
