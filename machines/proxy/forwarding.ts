/**
 * Steps the response contexts: requests go out by their hops, what comes back goes upstream or to the next hop.
 * RFC 3261 §16.6 to §16.10.
 * Requirements: RFC 3261 §16.9, §17.1.4.
 */
import {
  type Header,
  printSip,
  responseTo,
  type SipRequest,
  type SipResponse,
  topViaOf,
} from "../../codecs/sip/mod.ts";
import type { OwnAddresses } from "./addresses.ts";
import type { Hop, RequestContext } from "./context.ts";
import { hangUpOf } from "./hang-up.ts";
import type { Ids } from "./ids.ts";
import type { ClientFailure } from "./invite-client.ts";
import { better } from "./respond.ts";
import { type ResponseContextEvent, type ResponseContextOrder, responseContext } from "./response-context.ts";
import type { ClientTransaction, Timed } from "./transaction.ts";
import type { Transactions } from "./transactions.ts";
import type { CoreTiming, Destination } from "./types.ts";

/** A larger request goes over TCP where the neighbour takes it. RFC 3261 §18.1.1. */
export const DATAGRAM_BYTES_MAX = 1_300;

/** What makes the difference between one proxy and another. */
export interface ForwardingUser<C> {
  /** The request as it goes out by the hop at hand, to that place. */
  readonly outgoing: (context: C, to: Destination, branch: string) => SipRequest;
  /** What a response from there means. */
  readonly judge: (context: C, client: ClientTransaction<C>, response: SipResponse) => ResponseContextEvent;
  /** A response as it goes upstream; undefined: it does not say where to. */
  readonly upstream: (context: C, response: SipResponse) => SipResponse | undefined;
  /** A final response goes upstream, or none ever will: before it does. */
  readonly finished: (context: C, response: SipResponse | undefined, nowMs: number) => void;
  /** A hop has given way to the next. */
  readonly wentOn: (context: C, order: WentOn, response: SipResponse | undefined) => void;
}
export type WentOn = Extract<ResponseContextOrder, { readonly type: "goOn" }>;

export interface ForwardingParts<C extends Timed, S extends string> {
  readonly own: OwnAddresses<S>;
  readonly user: ForwardingUser<C>;
  readonly transactions: Transactions<C>;
  readonly timing: CoreTiming;
  readonly ids: Ids;
  readonly send: (to: Destination, bytes: Uint8Array) => void;
}

export class Forwarding<C extends RequestContext<Hop<S>>, S extends string> {
  private readonly parts: ForwardingParts<C, S>;

  constructor(parts: ForwardingParts<C, S>) {
    this.parts = parts;
  }

  begin(context: C, request: SipRequest, nowMs: number): void {
    const { attemptMs, silenceMs, ringMs, t1Ms } = this.parts.timing;
    const isInvite = request.method === "INVITE";
    const hops = context.hops.map(({ kind }) => kind);
    const { snapshot, actions } = responseContext.start({ isInvite, hops, attemptMs, silenceMs, ringMs, t1Ms });
    context.snapshot = snapshot;
    this.perform(context, actions, undefined, nowMs);
  }

  cancelled(context: C, reasons: ReadonlyArray<Header>, nowMs: number): void {
    context.reasons = reasons;
    this.step(context, { type: "cancelled" }, undefined, nowMs);
  }

  fired(context: C, timer: string, nowMs: number): void {
    this.step(context, { type: "timerFired", timer } as ResponseContextEvent, undefined, nowMs);
  }

  passed(client: ClientTransaction<C>, response: SipResponse, nowMs: number) {
    const { context } = client;
    if (context === undefined) return; // of a CANCEL or a BYE of our own
    if (client !== context.branch || isOver(context)) return this.passedLate(context, client, response, nowMs);
    this.step(context, this.parts.user.judge(context, client, response), response, nowMs);
  }

  failed(client: ClientTransaction<C>, why: ClientFailure, nowMs: number) {
    const { context } = client;
    if (context === undefined || client !== context.branch || isOver(context)) return;
    if (why === "unreachable" && context.isLarge) {
      context.isLarge = false;
      return this.forward(context, context.at, nowMs, true);
    }
    this.step(context, { type: "failed", why }, undefined, nowMs);
  }

  /** The branch was given up, or its request is answered: forks pass, other answers are hung up. RFC 3261 §16.7 step 5. */
  private passedLate(context: C, client: ClientTransaction<C>, response: SipResponse, nowMs: number) {
    if (response.status < 200 || response.status >= 300 || !client.isInvite) return;
    if (client !== context.answeredBy) return this.hangUp(client, response, nowMs);
    this.passUp(context, response, nowMs);
  }

  private step(context: C, event: ResponseContextEvent, response: SipResponse | undefined, nowMs: number): void {
    if (context.snapshot === undefined || isOver(context)) return;
    const { snapshot, actions } = responseContext.step(context.snapshot, event);
    context.snapshot = snapshot;
    this.perform(context, actions, response, nowMs);
    if (isOver(context)) release(context);
  }

  private perform(
    context: C,
    actions: ReadonlyArray<ResponseContextOrder>,
    response: SipResponse | undefined,
    nowMs: number,
  ): void {
    const { transactions } = this.parts;
    for (const action of actions) {
      switch (action.type) {
        case "forward":
          this.forward(context, action.at, nowMs);
          break;
        case "pass":
          this.passUp(context, response!, nowMs);
          break;
        case "keep":
          context.best = better(context.best, response!);
          break;
        case "passBest":
          this.passBest(context, action.otherwise, nowMs);
          break;
        case "respond":
          this.respond(context, action.status, nowMs);
          break;
        case "cancel":
          if (context.branch !== undefined) transactions.cancel(context.branch, context.reasons, nowMs);
          break;
        case "abandon":
          this.abandon(context, nowMs);
          break;
        case "hangUp":
          if (context.branch !== undefined) this.hangUp(context.branch, response!, nowMs);
          break;
        case "goOn":
          this.parts.user.wentOn(context, action, response);
          break;
        case "giveUp":
          this.parts.user.finished(context, undefined, nowMs);
          transactions.tell(context.server, "abandoned", nowMs);
          break;
        case "startTimer":
          transactions.start(context, action.timer, action.ms, nowMs);
          break;
        case "stopTimer":
          transactions.stop(context, action.timer);
          break;
      }
    }
  }

  /** RFC 3261 §16.6. `isDatagram`: over UDP, however large. */
  private forward(context: C, at: number, nowMs: number, isDatagram = false): void {
    const { own, user, ids, transactions } = this.parts;
    const hop = context.hops[at]!;
    context.at = at;
    const sent = user.outgoing(context, hop.to, ids.branch());
    const bytes = printSip(sent);
    const isTooLarge = bytes.length > DATAGRAM_BYTES_MAX && hop.to.transport === "UDP" && hop.peer?.isLargeOverTcp;
    const byStream = isTooLarge && !isDatagram ? own.towards(hop.peer!.side, "TCP") : -1;
    if (byStream < 0) {
      context.branch = transactions.ask(sent, bytes, hop.to, context, nowMs);
      return;
    }
    context.isLarge = true;
    const to: Destination = { ...hop.to, transport: "TCP", own: byStream };
    const large = user.outgoing(context, to, ids.branch());
    context.branch = transactions.ask(large, printSip(large), to, context, nowMs);
  }

  private passUp(context: C, response: SipResponse, nowMs: number): void {
    const { user } = this.parts;
    const up = user.upstream(context, response);
    if (up === undefined) return;
    if (response.status >= 200) user.finished(context, response, nowMs);
    this.parts.transactions.respond(context.server, up, nowMs);
  }

  private passBest(context: C, otherwise: number, nowMs: number) {
    const { best } = context;
    if (best === undefined) return this.respond(context, otherwise, nowMs);
    this.passUp(context, best, nowMs);
  }

  private respond(context: C, status: number, nowMs: number): void {
    const { request } = context;
    if (request === undefined) return;
    const response = responseTo(request, status, { toTag: this.parts.ids.tag() });
    this.parts.user.finished(context, response, nowMs);
    this.parts.transactions.respond(context.server, response, nowMs);
  }

  private abandon({ branch, reasons }: C, nowMs: number): void {
    if (branch === undefined) return;
    branch.isAbandoned = true;
    this.parts.transactions.cancel(branch, reasons, nowMs);
  }

  /** ACK and BYE, as from the caller: nobody stays on a call that has gone another way. RFC 3261 §13.2.2.4. */
  hangUp(client: ClientTransaction<C>, response: SipResponse, nowMs: number): void {
    client.isAbandoned = true;
    const sent = client.request;
    if (sent === undefined) return;
    const by = topViaOf(sent)!;
    const ending = hangUpOf(sent, response, this.parts.own, by, [this.parts.ids.branch(), this.parts.ids.branch()]);
    if (ending === undefined) return;
    if (ending.ack !== undefined) this.parts.send(client.to, printSip(ending.ack));
    this.parts.transactions.ask(ending.bye, printSip(ending.bye), client.to, undefined, nowMs);
  }
}
const isOver = ({ snapshot }: RequestContext<unknown>): boolean =>
  snapshot !== undefined && snapshot.status !== "active";

/**
 * Its transactions go on for half a minute, and would hold what nobody asks for again: of an INVITE the way to it, by which
 * late answers find their caller; of other requests all of it.
 */
const release = (context: RequestContext<unknown>): void => {
  const { server, branch } = context;
  context.snapshot = OVER;
  if (server.isInvite) return;
  server.context = undefined;
  if (branch !== undefined) branch.context = undefined;
};
const OVER = responseContext.resume("done", undefined as never);
