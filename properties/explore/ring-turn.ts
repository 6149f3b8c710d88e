/**
 * One event of the small ring, performed to its end: a machine's orders become messages in channels, dials and timers, as the
 * pure node's parts (machines/node) would have them, and what a node sends to itself is taken at once. RFC 6940 §6.1, §6.2.
 *
 *   peer machine <-- event -- link opened, closed; message at its destination; timer
 *        |-- request, answer, refuse --> routeOf, or the link named --> the channel of the newest link there
 *        |-- dial, connect, release ---> dials; a link is closed
 *        +-- startTimer, stopTimer, handOver --> what may happen later
 */
import {
  type Body,
  type Destination,
  errorBody,
  fragmentFor,
  messageCode,
  type Packet,
  reloadVersion,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import { reachable } from "../../machines/node/arriving.ts";
import { LINKS_PER_NODE_MAX } from "../../machines/node/link-table.ts";
import {
  isAnswer,
  isAwaited,
  isBelieved,
  type PeerAction,
  type PeerEvent,
  type ReplyTo,
  type RingView,
  replyTo,
  routeOf,
} from "../../machines/reload/mod.ts";
import {
  type Host,
  type HostState,
  hostOf,
  idAt,
  type Numbered,
  nameAt,
  type Peer,
  type Pending,
  type Place,
  Pool,
  placeAt,
  placeOf,
  type Stepped,
  stepPeer,
  textOf,
} from "./ring-host.ts";

/** A message on its way. Of the packet, what routing reads; the body is not encoded. */
export interface MessageState {
  readonly packet: Packet;
  readonly body: Body;
  readonly signer: Place;
}
export type Message = MessageState & Numbered;

/** What a link carries: that it is open, to the node that was dialled; messages; that the other end is closed. */
export type Carried = Message | "opened" | "closed";

/** How a node stands to a link: it has not seen that it is open; it is in use, the later opened the higher; it is closed. */
export const UNSEEN = -1;
export const SHUT = 0;

/** A link. On each side a rank: UNSEEN, SHUT, or its place among the node's links to the other one, from 1 on. */
export interface LinkState {
  readonly ends: readonly [dialler: Place, dialled: Place];
  readonly ranks: readonly [number, number];
  /** What is on its way to the dialler, and to the one dialled. */
  readonly queues: readonly [ReadonlyArray<Carried>, ReadonlyArray<Carried>];
  /** Of the links that the dialler opened to an address this is the newest. */
  readonly isVisit: boolean;
}
export type LinkOf = LinkState & Numbered;
export type Side = 0 | 1;
export const other = (side: Side): Side => (side === 0 ? 1 : 0);

const messages = new Pool<MessageState>();
const links = new Pool<LinkState>();

export const linkOf = (of: LinkState): LinkOf => {
  const queue = (of: ReadonlyArray<Carried>) => of.map((one) => (typeof one === "string" ? one : one.number)).join();
  const text = `${of.ends}|${of.ranks}|${of.isVisit}|${queue(of.queues[0])}|${queue(of.queues[1])}`;
  return links.of(text, () => of);
};
const messageOf = (of: MessageState): Message => {
  const { transactionId, viaList, destinationList } = of.packet;
  const text = `${of.signer}|${transactionId}|${textOf(viaList)}|${textOf(destinationList)}|${textOf(of.body)}`;
  return messages.of(text, () => of);
};

const OVERLAY = 1;
const TTL = 100;
const ROUTE = { overlay: OVERLAY, initialTtl: TTL } as const;
/** Requests of one node under way at once, more than there ever are: transactions are numbered node by node. */
const TRANSACTIONS = 1_000;
/** Of an Update in the ring: nobody waits for its answer, so that none is sent. */
const UNAWAITED = 0n;

const packetOf = (body: Body, transactionId: bigint, destinationList: ReadonlyArray<Destination>): Packet => ({
  overlay: OVERLAY,
  configurationSequence: 1,
  version: reloadVersion,
  ttl: TTL,
  fragment: fragmentFor({ offset: 0, isLast: true }),
  transactionId,
  maxResponseLength: 0,
  viaList: [],
  destinationList,
  options: [],
  payload: bytesOfBig(BigInt(messageCode[body.type as keyof typeof messageCode]), 2),
});

export const transactionOf = (place: Place, transaction: number): bigint => BigInt(place * TRANSACTIONS + transaction);
export const isLive = ({ peer }: HostState): boolean => peer !== undefined && peer.snapshot.status === "active";
export const viewOf = (peer: Peer): RingView => peer.snapshot.context.table.view;

export type Plant = (action: PeerAction) => boolean;

/** A world in the middle of an event. `plant`: whether an order is performed; all are, unless a test has planted a fault. */
export class Turn {
  readonly hosts: Array<Host>;
  links: Array<LinkOf>;
  /** What nodes have sent to themselves. */
  readonly #own: Array<{ readonly at: Place; readonly message: Message }> = [];
  readonly #events: Array<{ readonly at: Place; readonly name: string; readonly event: () => PeerEvent }> = [];

  readonly #plant: Plant | undefined;

  constructor(hosts: ReadonlyArray<Host>, links: ReadonlyArray<LinkOf>, plant?: Plant) {
    this.#plant = plant;
    this.hosts = [...hosts];
    this.links = [...links];
  }

  change(at: Place, to: Partial<HostState>): void {
    this.hosts[at] = hostOf({ ...this.hosts[at]!, ...to });
  }

  /** Until nothing is left that happens at once. */
  finish(): void {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        this.#take(event.at, event.name, event.event);
        continue;
      }
      const own = this.#own.shift();
      if (own === undefined) return;
      if (isLive(this.hosts[own.at]!)) this.#deliver(own.at, own.message, own.at);
    }
  }

  /** Tells a machine, after what it has been told before. */
  tell(at: Place, event: PeerEvent): void {
    this.#events.push({ at, name: textOf(event), event: () => event });
  }

  #take(at: Place, name: string, event: () => PeerEvent): void {
    const { peer } = this.hosts[at]!;
    if (peer === undefined || !isLive(this.hosts[at]!)) return;
    this.perform(at, stepPeer(peer, name, event));
  }

  perform(at: Place, { peer, actions }: Stepped): void {
    this.change(at, { peer });
    for (const action of actions) if (this.#plant?.(action) !== false) this.#performOne(at, action);
    if (peer.snapshot.status !== "active") this.end(at);
  }

  #performOne(at: Place, action: PeerAction): void {
    const host = this.hosts[at]!;
    switch (action.type) {
      case "dial":
        this.change(at, { dials: [...host.dials, { to: placeAt(action.endpoint.host), isVisit: true }] });
        return;
      case "release":
        for (const link of this.links)
          if (link.isVisit && link.ends[0] === at && link.ends[1] === placeOf(action.node)) this.close(link, 0);
        return;
      case "connect": {
        const endpoint = reachable(action.candidates)!;
        const to = placeAt(endpoint.host);
        const isDialled = host.dials.some((dial) => !dial.isVisit && dial.to === to);
        if (!isDialled && this.newest(at, to) === undefined)
          this.change(at, { dials: [...host.dials, { to, isVisit: false }] });
        return;
      }
      case "request": {
        const { request, destinations, over, body } = action;
        let transactionId = UNAWAITED;
        if (isAwaited(request)) {
          const transaction = this.#unused(at);
          const pending: Pending = { transaction, request, to: destinations.at(-1)! };
          this.change(at, { requests: [...host.requests, pending] });
          transactionId = transactionOf(at, transaction);
        }
        this.#dispatch(at, { packet: packetOf(body, transactionId, destinations), body, signer: at }, over);
        return;
      }
      case "answer":
        this.#answer(at, action.reply, action.body);
        return;
      case "refuse":
        this.#answer(at, action.reply, errorBody(action.error, action.info));
        return;
      case "handOver":
        this.change(at, { handing: [...new Set([...host.handing, action.to])] });
        return;
      case "startTimer":
        this.change(at, { timers: [...new Set([...host.timers, action.timer])].sort() });
        return;
      case "stopTimer":
        this.change(at, { timers: host.timers.filter((timer) => timer !== action.timer) });
        return;
      default: // the view is read where it is needed; reports and notes change nothing
    }
  }

  /** The least number that none of the node's requests has, waiting or on its way. */
  #unused(at: Place): number {
    const used = new Set(this.hosts[at]!.requests.map(({ transaction }) => transactionOf(at, transaction)));
    for (const { queues } of this.links)
      for (const queue of queues)
        for (const one of queue) if (typeof one !== "string") used.add(one.packet.transactionId);
    for (const { message } of this.#own) used.add(message.packet.transactionId);
    for (let transaction = 1; ; transaction++) if (!used.has(transactionOf(at, transaction))) return transaction;
  }

  #answer(at: Place, { transactionId, to }: ReplyTo, body: Body): void {
    if (transactionId !== UNAWAITED)
      this.#dispatch(at, { packet: packetOf(body, transactionId, to), body, signer: at }, undefined);
  }

  /** As machines/node/outgoing.ts: over the link named, over one to the first destination, or by the ring. */
  #dispatch(at: Place, message: MessageState, over: bigint | undefined): void {
    if (over !== undefined && this.#send(at, placeOf(over), message)) return;
    const [first] = message.packet.destinationList;
    if (
      first !== undefined &&
      "type" in first &&
      first.type === "node" &&
      this.#send(at, placeOf(first.data as bigint), message)
    )
      return;
    const verdict = routeOf(viewOf(this.hosts[at]!.peer!), ROUTE, message.packet, idAt(at));
    if (verdict.type === "deliver") this.#own.push({ at, message: messageOf(message) });
    else if (verdict.type === "forward") this.#send(at, placeOf(verdict.to), { ...message, packet: verdict.packet });
  }

  /** False: there is no link. */
  #send(at: Place, to: Place, message: MessageState): boolean {
    const link = this.newest(at, to);
    if (link === undefined) return false;
    const packet = { ...message.packet, ttl: TTL };
    this.#carry(link, link.ends[0] === at ? 1 : 0, messageOf({ ...message, packet }));
    return true;
  }

  /** What is written to an end that is closed is lost. */
  #carry(link: LinkOf, to: Side, what: Carried): void {
    if (link.ranks[to] === SHUT) return;
    const queues = [...link.queues] as [ReadonlyArray<Carried>, ReadonlyArray<Carried>];
    queues[to] = [...queues[to], what];
    this.replace(link, { queues });
  }

  replace(link: LinkOf, to: Partial<LinkState>): LinkOf {
    const made = linkOf({ ...link, ...to });
    if (made.ranks[0] === SHUT && made.ranks[1] === SHUT) this.links = this.links.filter((one) => one !== link);
    else this.links[this.links.indexOf(link)] = made;
    return made;
  }

  #ranksOf(at: Place, to: Place): ReadonlyArray<{ readonly link: LinkOf; readonly rank: number }> {
    return this.links.flatMap((link) => {
      const side =
        link.ends[0] === at && link.ends[1] === to ? 0 : link.ends[1] === at && link.ends[0] === to ? 1 : undefined;
      const rank = side === undefined ? SHUT : link.ranks[side];
      return rank > SHUT ? [{ link, rank }] : [];
    });
  }

  /** The link that is used. */
  newest(at: Place, to: Place): LinkOf | undefined {
    return this.#ranksOf(at, to).toSorted((a, b) => b.rank - a.rank)[0]?.link;
  }

  /** A dial has come through, or there is nobody. */
  dialled(at: Place, dial: Host["dials"][number]): void {
    this.change(at, { dials: this.hosts[at]!.dials.filter((one) => one !== dial) });
    const { to, isVisit } = dial;
    const isThere = isLive(this.hosts[to]!);
    if (!isThere) {
      if (isVisit) this.tell(at, { type: "dialFailed", why: "" });
      return;
    }
    const link = linkOf({ ends: [at, to], ranks: [UNSEEN, UNSEEN], queues: [[], ["opened"]], isVisit: false });
    this.links.push(link);
    this.enter(link, 0, isVisit);
  }

  /** The node at that end uses the link from now on. */
  enter(link: LinkOf, side: Side, isVisit = false): void {
    const [at, to] = [link.ends[side], link.ends[other(side)]];
    const before = this.#ranksOf(at, to);
    if (before.length >= LINKS_PER_NODE_MAX) {
      this.close(link, side);
      if (isVisit) this.tell(at, { type: "dialFailed", why: "" });
      return;
    }
    const ranks = [...link.ranks] as [number, number];
    ranks[side] = 1 + Math.max(0, ...before.map(({ rank }) => rank));
    if (isVisit)
      for (const one of this.links)
        if (one.isVisit && one.ends[0] === at && one.ends[1] === to) this.replace(one, { isVisit: false });
    this.replace(link, { ranks, isVisit });
    if (before.length === 0) this.tell(at, { type: "linked", node: idAt(to), atMs: 0 });
    if (isVisit) this.tell(at, { type: "dialled", node: idAt(to) });
  }

  /** That end is closed: by its node, or because the other one is. */
  close(link: LinkOf, side: Side): void {
    const [at, to] = [link.ends[side], link.ends[other(side)]];
    const wasUsed = link.ranks[side] > SHUT;
    const ranks = [...link.ranks] as [number, number];
    ranks[side] = SHUT;
    const queues = [...link.queues] as [ReadonlyArray<Carried>, ReadonlyArray<Carried>];
    queues[side] = [];
    const isOtherThere = ranks[other(side)] !== SHUT;
    if (isOtherThere) queues[other(side)] = [...queues[other(side)], "closed"];
    this.replace(link, { ranks, queues, isVisit: link.isVisit && side !== 0 });
    if (wasUsed && this.newest(at, to) === undefined && isLive(this.hosts[at]!))
      this.tell(at, { type: "unlinked", node: idAt(to), why: "" });
  }

  /** The node is no more: its links close, its memory is gone. */
  end(at: Place, mayBegin: HostState["mayBegin"] = "never"): void {
    this.change(at, { peer: undefined, mayBegin, timers: [], requests: [], dials: [], handing: [] });
    for (const link of [...this.links]) {
      const side = link.ends.indexOf(at);
      if (side >= 0 && link.ranks[side] !== SHUT) this.close(link, side as Side);
    }
  }

  /** The first thing that is on its way to that end arrives. */
  arrive(link: LinkOf, side: Side): void {
    const [first, ...rest] = link.queues[side];
    const queues = [...link.queues] as [ReadonlyArray<Carried>, ReadonlyArray<Carried>];
    queues[side] = rest;
    const now = this.replace(link, { queues });
    const [at, from] = [link.ends[side], link.ends[other(side)]];
    if (first === "opened") this.enter(now, side);
    else if (first === "closed") this.close(now, side);
    else this.#arrived(at, first!, from);
  }

  /** As machines/node/arriving.ts. */
  #arrived(at: Place, message: Message, from: Place): void {
    const verdict = routeOf(viewOf(this.hosts[at]!.peer!), ROUTE, message.packet, idAt(from));
    switch (verdict.type) {
      case "deliver":
        this.#deliver(at, message, from);
        return;
      case "forward":
        this.#send(at, placeOf(verdict.to), { ...message, packet: verdict.packet });
        return;
      case "refuse":
        if (!isAnswer(message.packet))
          this.#answer(at, replyTo(message.packet, idAt(from)), errorBody(verdict.error, verdict.info));
        return;
      case "drop":
        return;
    }
  }

  #deliver(at: Place, { number, packet, body, signer }: Message, from: Place): void {
    if (isAnswer(packet)) {
      this.#answered(at, packet, body, signer);
      return;
    }
    const event = () => {
      const asked = { from: idAt(from), signer: idAt(signer), reply: replyTo(packet, idAt(from)), atMs: 0, draw: 0n };
      return { type: body.type, asked, body: body.value } as unknown as PeerEvent;
    };
    this.#events.push({ at, name: `message ${number} ${from}`, event });
  }

  #answered(at: Place, packet: Packet, body: Body, signer: Place): void {
    const host = this.hosts[at]!;
    const pending = host.requests.find(({ transaction }) => transactionOf(at, transaction) === packet.transactionId);
    if (pending === undefined) return;
    const error = body.type === "error" ? body.value : undefined;
    if (!isBelieved(viewOf(host.peer!), pending.to, idAt(signer), error)) return;
    if (error !== undefined) this.fail(at, pending, `refused ${error.code}`);
    else {
      this.change(at, { requests: host.requests.filter((one) => one !== pending) });
      this.tell(at, { type: "answered", request: pending.request, signer: idAt(signer), body: body as never });
    }
  }

  fail(at: Place, pending: Pending, why: string): void {
    this.change(at, { requests: this.hosts[at]!.requests.filter((one) => one !== pending) });
    this.tell(at, { type: "failed", request: pending.request, why });
  }
}

/** For the trace. */
export const carriedText = (what: Carried): string => {
  if (what === "opened") return "the link is open";
  if (what === "closed") return "the link is closed";
  const { packet, body, signer } = what;
  const to = packet.destinationList.map((one) => ("type" in one ? textOf(one.data).replaceAll('"', "") : "")).join(",");
  const tables =
    body.type === "updateReq" && body.value.type !== "peerReady"
      ? ` ${JSON.parse(textOf(body.value.tables.predecessors))}<${nameAt(signer)}<${JSON.parse(textOf(body.value.tables.successors))}`
      : "";
  return `${body.type} of ${nameAt(signer)} for ${to}${tables}`;
};
