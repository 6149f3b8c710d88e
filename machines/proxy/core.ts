/**
 * A record-routing, transaction-stateful proxy between a PBX, its trunks and our border element. RFC 3261 §16, RFC 6026;
 * docs/protocol/sip.md#the-call-agents-proxy.
 *
 *   receive(source, message) --+--> transactions --> contexts --> orders --> take()
 *   due, unreachable, lost ----+                       |
 *                                                      +--> calls: save, ended
 *
 * It knows no socket, clock or disk: whoever hosts it gives it messages and the time, performs its orders in their order, and
 * calls `due` at `nextMs`. One call of it is one turn: what the turn has produced is taken together.
 * Requirements: RFC 3261 §16.1, §16.2, §16.3, §16.5, §16.10, §17.1.1.3, §17.2.1, §18.1.2; ViPR overview §4, §5.1.
 */
import { type UnixMs, unixMs } from "../../codecs/shared/mod.ts";
import {
  fieldsOf,
  hopsOf,
  listOf,
  printSip,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
  textsOf,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import { clientKeyOf } from "../sip/mod.ts";
import { OwnAddresses } from "./addresses.ts";
import { agentForwarding } from "./agent-forwarding.ts";
import { Calls, type CallView } from "./calls.ts";
import { Context, type CoreHop } from "./context.ts";
import { CORE_LIMITS, CORE_TIMING } from "./defaults.ts";
import { Forwarding } from "./forwarding.ts";
import { callerOf, hopsOfInvite, hopsToSide, hopWithin, isForUs, leadsOn, type Neighbourhood } from "./hops.ts";
import { Ids } from "./ids.ts";
import { isLoop, LoopGuard } from "./loops.ts";
import { Outcomes } from "./outcomes.ts";
import { Peers, type PeerTarget, type Sender } from "./peers.ts";
import { Replies } from "./replies.ts";
import { leaving, type Routed, routed, toStrictRouter, uriFaultOf } from "./route.ts";
import { SipCalls } from "./sip-calls.ts";
import { Transactions } from "./transactions.ts";
import type { CoreCount, CoreLimits, CoreOptions, CoreOrder, Destination, ProxySide, Source } from "./types.ts";
import { completed } from "./via.ts";

export class ProxyCore {
  private readonly options: CoreOptions;
  private readonly limits: CoreLimits;
  private readonly at: Neighbourhood;
  private readonly calls = new Calls();
  private readonly loops: LoopGuard;
  private readonly transactions: Transactions<Context>;
  private readonly ids: Ids;
  private readonly replies: Replies;
  private readonly sipCalls: SipCalls | undefined;
  private readonly outcomes: Outcomes;
  private readonly forwarding: Forwarding<Context, ProxySide>;
  private orders: Array<CoreOrder> = [];
  /** Between the time that timers go by and Unix time: a clock that is set does not touch a timer. */
  private offsetMs = 0;

  constructor(options: CoreOptions, nowMs: number) {
    this.options = options;
    this.limits = { ...CORE_LIMITS, ...options.limits };
    const timing = { ...CORE_TIMING, ...options.timing };
    const own = new OwnAddresses(options.own);
    this.at = { own, peers: new Peers(options.own, options.peers) };
    this.loops = new LoopGuard(this.limits.sameCallMax);
    const order = (order: CoreOrder) => void this.orders.push(order);
    this.transactions = new Transactions<Context>(
      {
        send: (to, bytes) => order({ type: "send", to, bytes }),
        passed: (client, response, nowMs) => this.forwarding.passed(client, response, nowMs),
        failed: (client, why, nowMs) => this.forwarding.failed(client, why, nowMs),
        fired: (context, timer, nowMs) => this.forwarding.fired(context, timer, nowMs),
      },
      timing.t1Ms,
      nowMs,
    );
    this.ids = new Ids(options.mark);
    this.replies = new Replies(this.ids, order);
    const { calls, loops, transactions, ids } = this;
    this.sipCalls = options.fallback && new SipCalls(own, ids, order);
    this.outcomes = new Outcomes({ calls, loops, sipCalls: this.sipCalls, order, unixOf: this.unixOf });
    const user = agentForwarding(own, this.outcomes);
    const send = (to: Destination, bytes: Uint8Array) => order({ type: "send", to, bytes });
    this.forwarding = new Forwarding({ own, user, transactions, timing, ids, send });
  }

  /** Unix time is so many milliseconds ahead of the time that all other functions are given. */
  setOffset(ms: number): void {
    this.offsetMs = ms;
  }

  /** What is to be done, in this order. */
  take(): ReadonlyArray<CoreOrder> {
    const { orders } = this;
    if (orders.length > 0) this.orders = [];
    return orders;
  }

  receive(source: Source, message: SipMessage, nowMs: number) {
    if (message.type === "response") return this.receiveResponse(message, nowMs);
    const request = completed(message, source);
    const sender = callerOf(this.at.peers.senderOf(source));
    if (sender === undefined) return this.refuseStranger(request, source);
    if (request.method === "ACK") return this.receiveAck(source, sender, request, nowMs);
    const same = this.transactions.serverOf(request, source, request.method);
    if (same !== undefined) return this.transactions.tell(same, "repeated", nowMs);
    if (request.method === "CANCEL") return this.receiveCancel(source, request, nowMs);
    this.begin(source, sender, request, nowMs);
  }

  /** A message whose end is known and whose content is not SIP. RFC 3261 §21.4.1. */
  unreadable(source: Source, found: Unreadable): void {
    this.orders.push({ type: "unreadable", from: source, error: found.error });
    if (this.at.peers.senderOf(source) === undefined) return;
    this.replies.refuseUnreadable(found, source);
  }

  /** Nothing can be sent there. */
  unreachable({ transport, host, port }: Pick<Destination, "transport" | "host" | "port">, nowMs: number): void {
    for (const client of [...this.transactions.clients.values()]) {
      const { to } = client;
      if (to.host !== host || to.port !== port || to.transport !== transport) continue;
      // A trunk that rings may come back by a stream of its own; the way over SIP gives way.
      const isRinging =
        client.hasProvisional && client.isInvite && client.context?.hops[client.context.at]?.kind === "peer";
      if (!isRinging) this.transactions.unreachable(client, nowMs);
    }
  }

  due(nowMs: number): void {
    this.transactions.due(nowMs);
  }

  nextMs(): number | undefined {
    return this.transactions.nextMs();
  }

  /** A neighbour, by its name in the configuration, is reached there now. */
  located(peer: string, targets: ReadonlyArray<PeerTarget>): void {
    this.at.peers.located(peer, targets);
  }

  /** A call of before the restart. False: its bytes are none of ours. */
  restore(id: string, bytes: Uint8Array): boolean {
    return this.calls.restore(id, bytes);
  }
  /** Ends a call over SIP, by BYE to both its ends. */
  hangUp(key: string, nowMs: number): void {
    for (const { to, request } of this.sipCalls?.hangUp(key) ?? [])
      this.transactions.ask(request, printSip(request), to, undefined, nowMs);
  }
  /** Forgets calls that cannot be up any more. To be called now and then. */
  expire(nowMs: number): void {
    this.sipCalls?.expire(nowMs);
    for (const { id } of this.calls.expire(this.unixOf(nowMs))) this.orders.push({ type: "forget", id });
  }

  /** The neighbour there; undefined: none of ours. */
  readonly peerAt = (at: Source | Destination): Sender | undefined => this.at.peers.senderOf(at);

  /** Telephone calls under way, those that began last. */
  newestCalls(max: number): ReadonlyArray<CallView> {
    return this.calls.newest(max);
  }

  get size(): { readonly transactions: number; readonly calls: number; readonly bytes: number } {
    const { transactions, calls } = this;
    return { transactions: transactions.size, calls: calls.size, bytes: transactions.bytes };
  }

  private receiveResponse(response: SipResponse, nowMs: number) {
    const client = this.transactions.clients.get(clientKeyOf(response));
    // RFC 6026 §7: a response that belongs to nothing goes nowhere.
    if (client === undefined) return this.count("strayResponses");
    this.transactions.received(client, response, nowMs);
  }

  private receiveAck(source: Source, sender: Sender, ack: SipRequest, nowMs: number) {
    const server = this.transactions.serverOf(ack, source, "INVITE");
    if (server !== undefined && server.snapshot.value !== "accepted")
      return this.transactions.tell(server, "acked", nowMs);
    const way = routed(ack, this.at.own);
    const hop = way && hopWithin(this.at, way, sender.side, this.calls.of(ack, sender.side) !== undefined);
    if (hop === undefined || tagOf(ack, "To")?.startsWith(this.options.mark)) return;
    if (hopsOf(ack) === 0) return;
    // The ACK of a 2xx has no transaction: it passes, each time it comes. RFC 3261 §16.6 and §16.11.
    const via = `${this.at.own.via(hop.to.own)}${this.ids.branch()}`;
    const sent = leaving(toStrictRouter(way!.request), via, [], undefined);
    this.orders.push({ type: "send", to: hop.to, bytes: printSip(sent) });
  }

  private receiveCancel(source: Source, cancel: SipRequest, nowMs: number) {
    const server = this.transactions.serverOf(cancel, source, "INVITE");
    if (server === undefined) return this.replies.refuse(cancel, source, 481);
    this.replies.accept(cancel, source);
    if (server.context !== undefined) this.forwarding.cancelled(server.context, fieldsOf(cancel, "Reason"), nowMs);
  }

  private begin(source: Source, sender: Sender, request: SipRequest, nowMs: number) {
    const refused = this.refusalBefore(request);
    if (refused !== undefined) return this.replies.refuse(request, source, refused);
    const way = routed(request, this.at.own);
    if (way === undefined) return this.replies.refuse(request, source, 400);
    const fault = uriFaultOf(way);
    if (fault !== undefined) return this.replies.refuse(request, source, fault);
    const opens = tagOf(request, "To") === undefined;
    if (isForUs(way, this.at.own)) return this.replies.answerForUs(request, source);
    if (hopsOf(request) === 0) return this.replies.refuse(request, source, 483);
    if (listOf(request, "Proxy-Require").length > 0) return this.replies.refuse(request, source, 420);
    if (!opens) return this.goWithin(source, sender, way, request, nowMs);
    if (request.method === "INVITE") return this.call(source, sender, way, request, nowMs);
    const to = sender.side === "pbx" ? "trunk" : "pbx";
    this.go(source, way, request, leadsOn(this.at, way) ?? hopsToSide(this.at, way.request, to), nowMs);
  }

  /** What is wrong before anything is looked at. */
  private refusalBefore(request: SipRequest): number | undefined {
    const { transactionsMax, bytesMax, callsMax } = this.limits;
    const { transactions, calls } = this;
    const isFull = transactions.size >= transactionsMax || transactions.bytes >= bytesMax;
    const opensCall = request.method === "INVITE" && tagOf(request, "To") === undefined;
    if (isFull || (opensCall && calls.size >= callsMax)) {
      this.count("refusedByLimit");
      return 503;
    }
    return undefined;
  }

  /** A request within a dialog, from either end. */
  private goWithin(source: Source, { side }: Sender, way: Routed, request: SipRequest, nowMs: number) {
    const known = this.calls.of(request, side);
    const hop = hopWithin(this.at, way, side, known !== undefined);
    if (hop === undefined) return this.replies.refuse(request, source, 481);
    const context = this.go(source, way, request, [hop], nowMs);
    if (context !== undefined) this.outcomes.within(context, request, known, nowMs);
  }

  /** An INVITE that opens a dialog. */
  private call(source: Source, sender: Sender, way: Routed, request: SipRequest, nowMs: number) {
    const pair = this.loops.pairOf(request);
    if (isLoop(request, this.options.mark, this.transactions) || this.loops.isFull(pair)) {
      this.count("loops");
      return this.replies.refuse(request, source, 482);
    }
    const about = textsOf(request);
    const { at, options, outcomes, unixOf } = this;
    const ask = { request: way.request, about, sticky: outcomes.challengedBy(way.request), atMs: unixOf(nowMs) };
    const { hops, fellBack } = hopsOfInvite(at, options, sender, ask);
    if (fellBack !== undefined) this.orders.push({ type: "fellBack", reason: fellBack, status: undefined });
    this.go(source, way, request, hops, nowMs, (made) => {
      this.count("calls");
      made.about = about;
      made.pair = pair;
      this.loops.enter(pair);
      const isOut = sender.side === "pbx";
      made.isFromSip = sender.side === "border";
      if (made.isFromSip) return;
      made.call = this.calls.invited(
        request,
        isOut ? "sent" : "received",
        isOut ? "" : sender.peer.name,
        this.ids.tag(),
      );
    });
  }

  /** Sends the request on its way, in transactions of its own. Undefined: there is no way. */
  private go(
    source: Source,
    way: Routed,
    request: SipRequest,
    hops: ReadonlyArray<CoreHop>,
    nowMs: number,
    prepare: (context: Context) => void = () => {},
  ): Context | undefined {
    if (hops.length === 0) {
      this.replies.refuse(request, source, 404);
      return undefined;
    }
    const server = this.transactions.serve(request, source, nowMs);
    const context = new Context(server, source, way.request, hops);
    server.context = context;
    prepare(context);
    this.forwarding.begin(context, request, nowMs);
    return context;
  }

  private refuseStranger(request: SipRequest, source: Source): void {
    this.count("strangers");
    if (request.method !== "ACK") this.replies.refuse(request, source, 403);
  }

  private readonly unixOf = (nowMs: number): UnixMs => unixMs(nowMs + this.offsetMs);
  private count(what: CoreCount): void {
    this.orders.push({ type: "count", what });
  }
}
