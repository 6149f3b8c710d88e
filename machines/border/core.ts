/**
 * A border element: the only way between a domain's own SIP network and the Internet. ViPR overview §6.3; RFC 3261 §16,
 * RFC 6026; docs/protocol/sip.md#the-border-element. DECISIONS.md D-120, D-123.
 *
 *   outside == TLS ==> admission, tokens --+                             +--> inside: call agents, ends of calls
 *                                          +--> transactions, contexts --+
 *   inside --------> way, tokens ----------+        |        ^           +--> outside: where the Route leads
 *                                                 media --> relay: described
 *
 * It stands on the proxy's transactions (machines/proxy), and knows no socket, clock or chance: whoever hosts it gives it
 * messages and the time, performs its orders in their order, and calls `due` at `nextMs`. Of a call that is answered it keeps
 * a name in a table, to count it; all that it needs to pass the call's messages on stands in them, sealed.
 * Requirements: ViPR overview §4, §5.1.
 */
import { type UnixMs, unixMs } from "../../codecs/shared/mod.ts";
import {
  fieldsOf,
  responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import {
  completed,
  type Destination,
  Forwarding,
  Ids,
  OwnAddresses,
  Peers,
  Replies,
  Transactions,
} from "../proxy/mod.ts";
import { clientKeyOf, numberIn, type Side } from "../sip/mod.ts";
import { Acks } from "./acks.ts";
import { CallsUnderWay } from "./calls.ts";
import type { BorderContext, CallOf } from "./context.ts";
import { Crossing, tagsOf } from "./crossing.ts";
import { BORDER_LIMITS, BORDER_TIMING } from "./defaults.ts";
import { MediaSteps } from "./media-steps.ts";
import { Questions } from "./questions.ts";
import { Requests } from "./requests.ts";
import { Tokens } from "./tokens.ts";
import type { BorderCoreOptions, BorderCount, BorderOrder, BorderSource, MediaAnswer, Place } from "./types.ts";
import { isSameStream } from "./ways.ts";

export class BorderCore {
  private readonly options: BorderCoreOptions;
  private readonly own: OwnAddresses<Side>;
  private readonly peers: Peers<Side>;
  private readonly calls: CallsUnderWay;
  private readonly tokens: Tokens;
  private readonly crossing: Crossing;
  private readonly transactions: Transactions<BorderContext>;
  private readonly forwarding: Forwarding<BorderContext, Side>;
  private readonly questions: Questions;
  private readonly media: MediaSteps;
  private readonly acks: Acks;
  private readonly requests: Requests;
  private readonly ids: Ids;
  private readonly replies: Replies;
  private orders: Array<BorderOrder> = [];
  private readonly limits = { ...BORDER_LIMITS }; // the parts look at these each time
  /** Between the time that timers go by and Unix time. */
  private offsetMs = 0;

  constructor(options: BorderCoreOptions, nowMs: number) {
    this.options = options;
    const { limits } = this;
    this.relimit(options.limits);
    const timing = { ...BORDER_TIMING, ...options.timing };
    this.own = new OwnAddresses(options.own);
    this.peers = new Peers(options.own, options.callAgents);
    this.calls = new CallsUnderWay(limits);
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
        failed: (client, why, nowMs) => {
          if (why === "timedOut" && client.to.transport !== "UDP") order({ type: "silent", to: client.to });
          this.forwarding.failed(client, why, nowMs);
        },
        fired: (context, timer, nowMs) => this.forwarding.fired(context, timer, nowMs),
      },
      timing.t1Ms,
      nowMs,
    );
    const { own, transactions, ids, forwardingUser: user } = this;
    this.forwarding = new Forwarding<BorderContext, Side>({ own, user, transactions, timing, ids, send });
    const { forwarding, calls, tokens, replies, unixOf, crossing } = this;
    const questions = new Questions(order);
    this.questions = questions;
    const media = new MediaSteps({
      hasRelay: options.hasRelay,
      goesAnywhere: options.hasRelay || options.privateOutside === true,
      questions,
      forwarding,
      refused: ({ sent, of }, why) => this.requests.refused(why, sent.method, [of.domain], numberIn(sent)),
      sentTo: (context, { to }) => user.outgoing(context, to, ids.branch()),
      answer: (context, status, nowMs) => this.answer(context, status, nowMs),
    });
    this.media = media;
    this.requests = new Requests({
      options,
      limits,
      own,
      calls,
      tokens,
      transactions,
      media,
      questions,
      ids,
      replies,
      order,
      ended: this.hungUp,
      unixOf,
    });
    const { requests } = this;
    this.acks = new Acks({
      mark: options.mark,
      transactions,
      requests,
      questions,
      late: media.late,
      crossing,
      own,
      ids,
      send,
      isStray: () => this.count("strayAcks"),
      ended: this.hungUp,
    });
  }

  /** From now on; calls that are up stay. What is not said is as by default. */
  relimit(limits: BorderCoreOptions["limits"] = {}) {
    Object.assign(this.limits, BORDER_LIMITS, limits);
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
    const side = this.requests.sideOf(source);
    if (side === "inside" && this.peers.senderOf(source) === undefined) return this.refuseStranger(source, request);
    if (request.method === "ACK") return this.acks.received(source, side, request, nowMs);
    const same = this.transactions.serverOf(request, source, request.method);
    if (same !== undefined) return this.transactions.tell(same, "repeated", nowMs);
    if (request.method === "CANCEL") return this.receiveCancel(source, request, nowMs);
    if (side === "outside") this.requests.fromOutside(source, request, nowMs);
    else this.requests.fromInside(source, request, nowMs);
  }

  /** A message whose end is known and whose content is not SIP: a stranger learns nothing of it. RFC 3261 §21.4.1. */
  unreadable(source: BorderSource, found: Unreadable) {
    this.requests.refused("unreadable", "", source.domains);
    const isTold =
      this.requests.sideOf(source) === "inside"
        ? this.peers.senderOf(source) !== undefined
        : this.requests.tellsReasons;
    if (isTold) this.replies.refuseUnreadable(found, source);
  }

  /** What the relay has made of the description that was shown to it. */
  described(id: number, answer: MediaAnswer, nowMs: number) {
    this.questions.answered(id, answer, nowMs);
  }
  /** Where else a domain is reached. */
  placed(id: number, places: ReadonlyArray<Place>, nowMs: number) {
    this.questions.answered(id, places, nowMs);
  }

  /** Nothing can be sent there. */
  unreachable(to: Pick<Destination, "transport" | "host" | "port" | "domain">, nowMs: number) {
    for (const client of [...this.transactions.clients.values()])
      if (isSameStream(client.to, to)) this.transactions.unreachable(client, nowMs);
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
    this.media.late.expire(nowMs);
    for (const call of this.calls.expire(nowMs)) this.endMedia(call);
  }

  get size(): {
    readonly transactions: number;
    readonly calls: number;
    readonly bytes: number;
    readonly waiting: number;
  } {
    const { transactions, calls, questions } = this;
    return {
      transactions: transactions.size,
      calls: calls.size,
      bytes: transactions.bytes,
      waiting: questions.waiting,
    };
  }

  private receiveResponse(response: SipResponse, nowMs: number) {
    const client = this.transactions.clients.get(clientKeyOf(response));
    // RFC 6026 §7: a response that belongs to nothing goes nowhere.
    if (client === undefined) return this.count("strayResponses");
    this.questions.inOrder(client.context?.of.call, () => this.transactions.received(client, response, nowMs));
  }

  private receiveCancel(source: BorderSource, cancel: SipRequest, nowMs: number) {
    const server = this.transactions.serverOf(cancel, source, "INVITE");
    const context = server?.context;
    if (context === undefined) {
      if (this.requests.sideOf(source) === "inside" || this.requests.tellsReasons)
        this.replies.refuse(cancel, source, 481);
      return;
    }
    this.replies.accept(cancel, source);
    context.isGivenUp = true;
    this.questions.inOrder(context.of.call, () =>
      this.forwarding.cancelled(context, fieldsOf(cancel, "Reason"), nowMs),
    );
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
    this.hungUp(of, request);
  }

  private readonly hungUp = ({ call }: CallOf, request: SipRequest) => {
    if (this.calls.hungUp(call, tagsOf(request))) this.endMedia(call);
  };

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

  private refuseStranger(source: BorderSource, request: SipRequest) {
    this.requests.refused("stranger", request.method, [], numberIn(request));
    if (request.method !== "ACK") this.replies.refuse(request, source, 403);
  }
  private readonly unixOf = (nowMs: number): UnixMs => unixMs(nowMs + this.offsetMs);
  private count(what: BorderCount) {
    this.orders.push({ type: "count", what });
  }
}
