/**
 * A border element: the only way between a domain's own SIP network and the Internet. ViPR overview §6.3; RFC 3261 §16,
 * RFC 6026; docs/protocol/sip.md#the-border-element. DECISIONS.md D-120.
 *
 *   outside == TLS ==> admission, tokens --+                             +--> inside: call agents, ends of calls
 *                                          +--> transactions, contexts --+
 *   inside --------> way, tokens ----------+        |        ^           +--> outside: where the Route leads
 *                                                 media --> relay: described
 *
 * It stands on the proxy's transactions (machines/proxy), and knows no socket, clock or chance: whoever hosts it gives it
 * messages and the time, performs its orders in their order, and calls `due` at `nextMs`. Of a call that is answered it keeps
 * a name in a table, to count it; all that it needs to pass the call's messages on stands in them, sealed.
 */
import { type UnixMs, unixMs } from "../../codecs/shared/mod.ts";
import {
  fieldsOf,
  hopsOf,
  printSip,
  requestUriOf,
  responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import {
  CORE_TIMING,
  type CoreTiming,
  completed,
  type Destination,
  Forwarding,
  Ids,
  OwnAddresses,
  Peers,
  Replies,
  type Routed,
  routed,
  Transactions,
} from "../proxy/mod.ts";
import { admit, clientKeyOf, numberIn, type Side } from "../sip/mod.ts";
import { CallsUnderWay } from "./calls.ts";
import { BorderContext, type BorderHop, type CallOf } from "./context.ts";
import { Crossing, HIDDEN_CALL, tagsOf } from "./crossing.ts";
import { MediaSteps } from "./media-steps.ts";
import { type Fault, faultOfCrossing, faultWithin, replaces } from "./rules.ts";
import { Tokens } from "./tokens.ts";
import type {
  BorderCoreOptions,
  BorderCount,
  BorderLimits,
  BorderOrder,
  BorderSource,
  MediaAnswer,
  RefusalReason,
} from "./types.ts";
import { hopInside, hopOutside, hopToAgent, tokenFromInside, tokenFromOutside } from "./ways.ts";

export const BORDER_TIMING: CoreTiming = CORE_TIMING;
export const BORDER_LIMITS: BorderLimits = {
  callsOfDomain: 1_000,
  callsPerSecond: 50,
  calls: 20_000,
  bodyBytes: 32_768,
  transactions: 200_000,
  bytes: 256 * 1_048_576,
};

export class BorderCore {
  private readonly options: BorderCoreOptions;
  private readonly limits: BorderLimits;
  private readonly own: OwnAddresses<Side>;
  private readonly peers: Peers<Side>;
  private readonly calls: CallsUnderWay;
  private readonly tokens: Tokens;
  private readonly crossing: Crossing;
  private readonly transactions: Transactions<BorderContext>;
  private readonly forwarding: Forwarding<BorderContext, Side>;
  private readonly media: MediaSteps;
  private readonly ids: Ids;
  private readonly replies: Replies;
  private orders: Array<BorderOrder> = [];
  private offsetMs = 0;

  constructor(options: BorderCoreOptions, nowMs: number) {
    this.options = options;
    this.limits = { ...BORDER_LIMITS, ...options.limits };
    const timing = { ...BORDER_TIMING, ...options.timing };
    this.own = new OwnAddresses(options.own);
    this.peers = new Peers(options.own, options.callAgents);
    this.calls = new CallsUnderWay(this.limits);
    this.tokens = new Tokens(options.keys);
    this.crossing = new Crossing(this.own, this.tokens, options.domain);
    this.ids = new Ids(options.mark);
    const order = (order: BorderOrder) => void this.orders.push(order);
    this.replies = new Replies(this.ids, order as never);
    const send = (to: Destination, bytes: Uint8Array) => order({ type: "send", to, bytes });
    this.transactions = new Transactions<BorderContext>(
      {
        send,
        passed: (client, response, nowMs) => this.media.passed(client, response, nowMs),
        failed: (client, why, nowMs) => this.forwarding.failed(client, why, nowMs),
        fired: (context, timer, nowMs) => this.forwarding.fired(context, timer, nowMs),
      },
      timing.t1Ms,
      nowMs,
    );
    const { own, transactions, ids, forwardingUser: user } = this;
    this.forwarding = new Forwarding<BorderContext, Side>({ own, user, transactions, timing, ids, send });
    this.media = new MediaSteps({
      hasRelay: options.hasRelay,
      forwarding: this.forwarding,
      order,
      refused: (context, why) => this.refused(why, context.sent, context.from === "outside" ? [context.of.domain] : []),
      answer: (context, status, nowMs) => this.answer(context, status, nowMs),
    });
  }

  setOffset(ms: number) {
    this.offsetMs = ms;
  }

  take(): ReadonlyArray<BorderOrder> {
    const { orders } = this;
    if (orders.length > 0) this.orders = [];
    return orders;
  }

  receive(source: BorderSource, message: SipMessage, nowMs: number) {
    if (message.type === "response") return this.receiveResponse(message, nowMs);
    const request = completed(message, source);
    const side = this.sideOf(source);
    if (side === "inside" && this.peers.senderOf(source) === undefined) return this.refuseStranger(request, source);
    if (request.method === "ACK") return this.receiveAck(source, side, request, nowMs);
    const same = this.transactions.serverOf(request, source, request.method);
    if (same !== undefined) return this.transactions.tell(same, "repeated", nowMs);
    if (request.method === "CANCEL") return this.receiveCancel(source, request, nowMs);
    if (side === "outside") this.fromOutside(source, request, nowMs);
    else this.fromInside(source, request, nowMs);
  }

  /** A message whose end is known and whose content is not SIP: a stranger learns nothing of it. RFC 3261 §21.4.1. */
  unreadable(source: BorderSource, found: Unreadable) {
    this.refusedBy("unreadable", "", source.domains);
    const isTold = this.sideOf(source) === "inside" ? this.peers.senderOf(source) !== undefined : this.tellsReasons;
    if (isTold) this.replies.refuseUnreadable(found, source);
  }

  /** What the relay has made of the description that was shown to it. */
  described(id: number, answer: MediaAnswer, nowMs: number) {
    this.media.described(id, answer, nowMs);
  }

  /** Nothing can be sent there. */
  unreachable(to: Pick<Destination, "transport" | "host" | "port" | "domain">, nowMs: number) {
    const isThere = (other: Destination) =>
      other.host === to.host &&
      other.port === to.port &&
      other.transport === to.transport &&
      other.domain === to.domain;
    for (const client of [...this.transactions.clients.values()])
      if (isThere(client.to)) this.transactions.unreachable(client, nowMs);
  }

  due(nowMs: number) {
    this.transactions.due(nowMs);
  }
  nextMs(): number | undefined {
    return this.transactions.nextMs();
  }
  resolved(host: string, addresses: ReadonlyArray<string>) {
    this.peers.resolved(host, addresses);
  }
  /** Other keys for tokens, newest last: calls that show a token of one that is gone end here. */
  useKeys(keys: BorderCoreOptions["keys"]) {
    this.tokens.use(keys);
  }
  /** Forgets calls that cannot be up any more. To be called now and then. */
  expire(nowMs: number) {
    for (const call of this.calls.expire(nowMs)) this.endMedia(call);
  }

  get size(): {
    readonly transactions: number;
    readonly calls: number;
    readonly bytes: number;
    readonly waiting: number;
  } {
    const { transactions, calls, media } = this;
    return { transactions: transactions.size, calls: calls.size, bytes: transactions.bytes, waiting: media.waiting };
  }

  private receiveResponse(response: SipResponse, nowMs: number) {
    const client = this.transactions.clients.get(clientKeyOf(response));
    // RFC 6026 §7: a response that belongs to nothing goes nowhere.
    if (client === undefined) return this.count("strayResponses");
    this.media.inOrder(client.context?.of.call, () => this.transactions.received(client, response, nowMs));
  }

  /** The ACK of a 2xx has no transaction: it goes the way of its call, each time it comes. */
  private receiveAck(source: BorderSource, side: Side, ack: SipRequest, nowMs: number) {
    const server = this.transactions.serverOf(ack, source, "INVITE");
    if (server !== undefined && server.snapshot.value !== "accepted")
      return this.transactions.tell(server, "acked", nowMs);
    const isOurs = tagOf(ack, "To")?.startsWith(this.options.mark);
    const found = isOurs ? undefined : side === "outside" ? this.wayIn(source, ack) : this.wayOut(ack);
    if (found === undefined || hopsOf(ack) === 0) return this.count("strayAcks");
    const { of, hop } = found;
    this.media.inOrder(of.call, () => {
      const sent = this.crossing.request(found.request, of, hop, hop.to, this.ids.branch(), false);
      this.orders.push({ type: "send", to: hop.to, bytes: printSip(sent) });
    });
  }

  private receiveCancel(source: BorderSource, cancel: SipRequest, nowMs: number) {
    const server = this.transactions.serverOf(cancel, source, "INVITE");
    const context = server?.context;
    if (context === undefined) {
      if (this.sideOf(source) === "inside" || this.tellsReasons) this.replies.refuse(cancel, source, 481);
      return;
    }
    this.replies.accept(cancel, source);
    this.media.inOrder(context.of.call, () => this.forwarding.cancelled(context, fieldsOf(cancel, "Reason"), nowMs));
  }

  private fromOutside(source: BorderSource, request: SipRequest, nowMs: number) {
    if (tagOf(request, "To") !== undefined) return this.withinFromOutside(source, request, nowMs);
    if (request.method !== "INVITE") return this.refuse(source, request, { why: "notAnInvite" });
    const { onReject, epochs } = this.options;
    const { domains } = source;
    const verdict = admit({ invite: request, domains, onReject, epochs: epochs(), atMs: this.unixOf(nowMs) });
    if (verdict.type === "refused")
      return this.refuse(source, request, { why: verdict.why, status: verdict.respond?.status });
    const { domain } = verdict;
    if (request.body.length > this.limits.bodyBytes)
      return this.refuse(source, request, { why: "bodyTooLong", status: 413 });
    if (replaces(request)) return this.refuse(source, request, { why: "replaces", status: 403 });
    const { callAgents } = this.options;
    const hops = callAgents.flatMap((agent) => hopToAgent(this.own, agent, request.uri) ?? []);
    const call = `o${this.ids.tag()}`;
    this.open(source, request, request, hops, { call, domain, number: numberIn(request) ?? "" }, nowMs);
  }

  private withinFromOutside(source: BorderSource, request: SipRequest, nowMs: number) {
    const found = this.wayIn(source, request);
    if (found === undefined) {
      const why = this.isOthers(source, request) ? "otherDomain" : "unknownDialog";
      return this.refuse(source, request, { why, ...(this.tellsReasons ? { status: 481 } : {}) });
    }
    const fault = faultWithin(request, found.of.number) ?? this.bodyFault(request);
    if (fault !== undefined) return this.refuse(source, request, fault);
    this.go(source, request, found.request, [found.hop], found.of, false, nowMs);
  }

  private fromInside(source: BorderSource, request: SipRequest, nowMs: number) {
    const way = routed(request, this.own);
    if (way === undefined) return this.replies.refuse(request, source, 400);
    if (tagOf(request, "To") !== undefined) return this.withinFromInside(source, request, nowMs);
    if (this.isForUs(way)) return this.replies.answerForUs(request, source);
    if (request.method !== "INVITE") return this.replies.refuse(request, source, 405);
    const hop = hopOutside(way.request, undefined);
    if (hop === undefined) return this.replies.refuse(request, source, 404);
    const call = `${this.options.hidesCallIds ? HIDDEN_CALL : "i"}${this.ids.tag()}`;
    const of = { call, domain: hop.to.domain!, number: numberIn(request) ?? "" };
    this.open(source, request, way.request, [hop], of, nowMs);
  }

  private withinFromInside(source: BorderSource, request: SipRequest, nowMs: number) {
    const found = this.wayOut(request);
    if (found === undefined) return this.replies.refuse(request, source, 481);
    if (request.method === "REGISTER") return this.replies.refuse(request, source, 405);
    this.go(source, request, found.request, [found.hop], found.of, false, nowMs);
  }

  /** Within a call, inwards: by the token, and only for the domain whose call it is. */
  private wayIn(
    source: BorderSource,
    request: SipRequest,
  ): { readonly of: CallOf; readonly hop: BorderHop; readonly request: SipRequest } | undefined {
    const token = tokenFromOutside(this.tokens, request);
    if (token === undefined || !source.domains.includes(token.domain)) return undefined;
    const hop = hopInside(this.own, token);
    return hop && { of: token, hop, request };
  }

  /** Within a call, outwards: by the Routes behind ours, to the domain that our token names. */
  private wayOut(
    request: SipRequest,
  ): { readonly of: CallOf; readonly hop: BorderHop; readonly request: SipRequest } | undefined {
    const token = tokenFromInside(this.tokens, request);
    const way = token === undefined ? undefined : routed(request, this.own);
    if (token === undefined || way === undefined) return undefined;
    const hop = hopOutside(way.request, token.domain);
    // Back to ourselves: it has lost the Route that leads on.
    const target = requestUriOf(way.request);
    if (
      hop === undefined ||
      (hop.routes.length === 0 && target.ok && this.own.of(target.value) >= 0 && token.domain !== this.options.domain)
    )
      return undefined;
    return { of: { ...token, number: "" }, hop, request: way.request };
  }

  private isOthers(_: BorderSource, request: SipRequest): boolean {
    return tokenFromOutside(this.tokens, request) !== undefined;
  }

  /** A call begins, if there is room for it. */
  private open(
    source: BorderSource,
    came: SipRequest,
    request: SipRequest,
    hops: ReadonlyArray<BorderHop>,
    of: CallOf,
    nowMs: number,
  ) {
    const isFromOutside = this.sideOf(source) === "outside";
    const why = this.isFull ? "full" : this.calls.refusal(of.domain, isFromOutside, nowMs);
    if (why !== undefined) return this.refuse(source, came, { why, status: 503 });
    this.go(source, came, request, hops, of, true, nowMs);
  }

  /** Sends the request on its way, in transactions of its own. */
  private go(
    source: BorderSource,
    came: SipRequest,
    request: SipRequest,
    hops: ReadonlyArray<BorderHop>,
    of: CallOf,
    opens: boolean,
    nowMs: number,
  ) {
    const side = this.sideOf(source);
    const fault = faultOfCrossing(came, side, this.options.hasRelay);
    if (fault !== undefined) return this.refuse(source, came, fault);
    if (hops.length === 0) return this.replies.refuse(came, source, 503);
    this.media.inOrder(of.call, () => {
      const trying = came.method === "INVITE" ? responseTo(came, 100) : undefined;
      const server = this.transactions.serve(came, source, trying, nowMs);
      const context = new BorderContext(server, source, came, hops, of, side, opens);
      server.context = context;
      context.sent = request;
      if (opens) {
        this.count(side === "outside" ? "admitted" : "forwarded");
        this.calls.opened(of.call, of.domain, side === "outside", nowMs);
      }
      this.media.begin(context, nowMs);
    });
  }

  private get isFull(): boolean {
    const { transactions, limits } = this;
    return transactions.size >= limits.transactions || transactions.bytes >= limits.bytes;
  }

  private readonly forwardingUser = {
    outgoing: (context: BorderContext, to: Destination, branch: string): SipRequest =>
      this.crossing.request(context.sent, context.of, context.hops[context.at]!, to, branch, context.opens),
    judge: MediaSteps.judge,
    upstream: (context: BorderContext, response: SipResponse) => this.crossing.response(context, response),
    finished: (context: BorderContext, response: SipResponse | undefined) => this.finished(context, response),
    wentOn: () => {},
  };

  private finished(context: BorderContext, response: SipResponse | undefined) {
    const { of, opens, request } = context;
    const status = response?.status ?? 0;
    const isAnswered = status >= 200 && status < 300;
    if (isAnswered && context.branch?.isInvite) {
      if (context.answeredBy === undefined && opens) this.count("answered");
      context.answeredBy ??= context.branch;
      if (opens) this.calls.answered(of.call, tagOf(response!, "To") ?? "");
    } else if (opens) {
      this.count("failed");
      if (this.calls.failed(of.call)) this.endMedia(of.call);
    }
    if (request?.method !== "BYE" || status === 401 || status === 407) return;
    if (this.calls.hungUp(of.call, tagsOf(request))) this.endMedia(of.call);
  }

  private endMedia(call: string) {
    if (this.options.hasRelay) this.orders.push({ type: "endMedia", call });
  }

  private answer(context: BorderContext, status: number, nowMs: number) {
    const { request, server } = context;
    if (request === undefined) return;
    const response = responseTo(request, status, { toTag: this.ids.tag() });
    this.finished(context, response);
    this.transactions.respond(server, response, nowMs);
  }

  private sideOf({ own }: BorderSource): Side {
    return this.own.all[own]?.side ?? "inside";
  }

  /** It names us and nobody behind us. */
  private isForUs({ request }: Routed): boolean {
    const target = requestUriOf(request);
    return (
      target.ok && target.value.type === "sip" && target.value.user === undefined && this.own.of(target.value) >= 0
    );
  }

  private bodyFault(request: SipRequest): Fault | undefined {
    return request.body.length > this.limits.bodyBytes ? { status: 413, why: "bodyTooLong" } : undefined;
  }

  private get tellsReasons(): boolean {
    return this.options.onReject === "403";
  }

  private refuse(
    source: BorderSource,
    request: SipRequest,
    { why, status }: { readonly why: RefusalReason; readonly status?: number | undefined },
  ) {
    this.refused(why, request, source.domains);
    if (status !== undefined) this.replies.refuse(request, source, status);
  }

  private refuseStranger(request: SipRequest, source: BorderSource) {
    this.refused("stranger", request, []);
    if (request.method !== "ACK") this.replies.refuse(request, source, 403);
  }

  private refused(why: RefusalReason, request: SipRequest, domains: ReadonlyArray<string>) {
    this.orders.push({ type: "refused", why, method: request.method, domains, number: numberIn(request) });
  }
  private refusedBy(why: RefusalReason, method: string, domains: ReadonlyArray<string>) {
    this.orders.push({ type: "refused", why, method, domains, number: undefined });
  }

  private readonly unixOf = (nowMs: number): UnixMs => unixMs(nowMs + this.offsetMs);
  private count(what: BorderCount) {
    this.orders.push({ type: "count", what });
  }
}
