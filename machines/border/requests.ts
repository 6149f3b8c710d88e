/**
 * What becomes of a request that reaches a border element: admitted, passed on within its call, or refused.
 * ViPR overview §6.3; RFC 3261 §16.3 to §16.5; docs/protocol/sip.md#the-border-element.
 *
 *                 opens a call                       within a call                        anything else
 *   from outside  INVITE: ticket, limits, call agent our token, its domain, its own end   nobody answers
 *   from inside   INVITE: the Route leads out        our token, its Routes                405, 481, OPTIONS 200
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import { requestUriOf, type SipRequest, tagOf } from "../../codecs/sip/mod.ts";
import type { Destination, Ids, OwnAddresses, Replies, Routed, Transactions } from "../proxy/mod.ts";
import { routed } from "../proxy/mod.ts";
import { admit, numberIn, type Side } from "../sip/mod.ts";
import type { CallsUnderWay } from "./calls.ts";
import { BorderContext, type BorderHop, type CallOf } from "./context.ts";
import { HIDDEN_CALL } from "./crossing.ts";
import type { MediaSteps } from "./media-steps.ts";
import type { Questions } from "./questions.ts";
import { faultOfCrossing, faultWithin, replaces } from "./rules.ts";
import type { Tokens } from "./tokens.ts";
import type { BorderCoreOptions, BorderLimits, BorderOrder, BorderSource, RefusalReason } from "./types.ts";
import {
  fromStrictRouter,
  hopBack,
  hopInside,
  hopOutside,
  hopToAgent,
  isOwnNetwork,
  tokenFromInside,
  tokenFromOutside,
} from "./ways.ts";

export interface RequestParts {
  readonly options: BorderCoreOptions;
  readonly limits: BorderLimits;
  readonly own: OwnAddresses<Side>;
  readonly calls: CallsUnderWay;
  readonly tokens: Tokens;
  readonly transactions: Transactions<BorderContext>;
  readonly media: MediaSteps;
  readonly questions: Questions;
  readonly ids: Ids;
  readonly replies: Replies;
  readonly order: (order: BorderOrder) => void;
  /** The call is over, of which this is a BYE. */
  readonly ended: (of: CallOf, bye: SipRequest) => void;
  readonly unixOf: (nowMs: number) => number;
}

/** A request within a call: whose call, and where to. */
export interface WithinCall {
  readonly of: CallOf;
  readonly hop: BorderHop;
  readonly request: SipRequest;
}

interface Refused {
  readonly why: RefusalReason;
  /** What it is answered with; undefined: nothing. */
  readonly status?: number | undefined;
}

/** A request on its way through: as it came, and as it goes on. */
interface Passing {
  readonly source: BorderSource;
  readonly came: SipRequest;
  readonly request: SipRequest;
  readonly hops: ReadonlyArray<BorderHop>;
  readonly of: CallOf;
  readonly opens: boolean;
}

export class Requests {
  private readonly parts: RequestParts;

  constructor(parts: RequestParts) {
    this.parts = parts;
  }

  fromOutside(source: BorderSource, request: SipRequest, nowMs: number) {
    if (tagOf(request, "To") !== undefined) return this.withinFromOutside(source, request, nowMs);
    if (request.method !== "INVITE") return this.refuse(source, request, { why: "notAnInvite" });
    const { options, limits, own, ids, unixOf } = this.parts;
    const { onReject, epochs, callAgents } = options;
    const { domains } = source;
    const verdict = admit({ invite: request, domains, onReject, epochs: epochs(), atMs: unixOf(nowMs) });
    if (verdict.type === "refused")
      return this.refuse(source, request, { why: verdict.why, status: verdict.respond?.status });
    if (request.body.length > limits.bodyBytes) return this.refuse(source, request, TOO_LONG);
    if (replaces(request)) return this.refuse(source, request, { why: "replaces", status: 403 });
    if (this.isProbe(hopBack(request))) return this.refuse(source, request, PROBE);
    const hops = callAgents.flatMap((agent) => hopToAgent(own, agent, request.uri) ?? []);
    const of = { call: `o${ids.tag()}`, domain: verdict.domain, number: numberIn(request) ?? "" };
    this.open({ source, came: request, request, hops, of, opens: true }, nowMs);
  }

  private withinFromOutside(source: BorderSource, request: SipRequest, nowMs: number) {
    const found = this.wayIn(source, request);
    if (found === undefined) {
      const isAnothers = tokenFromOutside(this.parts.tokens, request) !== undefined;
      const status = this.tellsReasons ? 481 : undefined;
      return this.refuse(source, request, { why: isAnothers ? "otherDomain" : "unknownDialog", status });
    }
    const fault = faultWithin(request, found.of.number);
    if (fault !== undefined) return this.refuse(source, request, fault);
    if (request.body.length > this.parts.limits.bodyBytes) return this.refuse(source, request, TOO_LONG);
    this.pass({ source, came: request, request, hops: [found.hop], of: found.of, opens: false }, nowMs);
  }

  fromInside(source: BorderSource, request: SipRequest, nowMs: number) {
    const { options, own, ids, replies } = this.parts;
    const way = routed(request, own);
    if (way === undefined) return replies.refuse(request, source, 400);
    if (tagOf(request, "To") !== undefined) return this.withinFromInside(source, request, nowMs);
    if (this.isForUs(way)) return replies.answerForUs(request, source);
    if (request.method !== "INVITE") return replies.refuse(request, source, 405);
    const hop = hopOutside(way.request, undefined);
    if (hop === undefined) return replies.refuse(request, source, 404);
    if (this.isProbe(hop.to)) return this.refuse(source, request, PROBE);
    const call = `${options.hidesCallIds ? HIDDEN_CALL : "i"}${ids.tag()}`;
    const of = { call, domain: hop.to.domain!, number: numberIn(request) ?? "" };
    this.open({ source, came: request, request: way.request, hops: [hop], of, opens: true }, nowMs);
  }

  private withinFromInside(source: BorderSource, request: SipRequest, nowMs: number) {
    const { replies } = this.parts;
    const found = this.wayOut(request);
    if (found === undefined) return replies.refuse(request, source, 481);
    if (this.isProbe(found.hop.to)) return this.refuseWithin(source, request, found.of);
    if (request.method === "REGISTER") return replies.refuse(request, source, 405);
    this.pass({ source, came: request, request: found.request, hops: [found.hop], of: found.of, opens: false }, nowMs);
  }

  /** Its other end is nowhere that we go: it never hears of a BYE, and the call is over all the same. */
  private refuseWithin(source: BorderSource, request: SipRequest, of: CallOf) {
    this.refuse(source, request, PROBE);
    if (request.method === "BYE") this.parts.ended(of, request);
  }

  /** Within a call, inwards: by the token, and only for the domain whose call it is. */
  wayIn(source: BorderSource, request: SipRequest): WithinCall | undefined {
    const token = tokenFromOutside(this.parts.tokens, request);
    if (token === undefined || !source.domains.includes(token.domain)) return undefined;
    const hop = hopInside(this.parts.own, token);
    return hop && { of: token, hop, request };
  }

  /** Within a call, outwards: by the Routes behind ours, to the domain that our token names. */
  wayOut(request: SipRequest): WithinCall | undefined {
    const { tokens, own, options } = this.parts;
    const token = tokenFromInside(tokens, request);
    const way = token === undefined ? undefined : routed(fromStrictRouter(tokens, request), own);
    const hop = token === undefined || way === undefined ? undefined : hopOutside(way.request, token.domain);
    if (token === undefined || way === undefined || hop === undefined) return undefined;
    // It has lost the Route that leads on, and would come back to us.
    const target = requestUriOf(way.request);
    const isToUs = hop.routes.length === 0 && target.ok && own.of(target.value) >= 0;
    if (isToUs && token.domain !== options.domain) return undefined;
    return { of: { ...token, number: "" }, hop, request: way.request };
  }

  /** Nobody outside has us connect to our own network, to find out what is there. DECISIONS.md D-166. */
  isProbe(to: Pick<Destination, "host"> | undefined): boolean {
    return to !== undefined && this.parts.options.privateOutside !== true && isOwnNetwork(to.host);
  }

  /** A call begins, if there is room for it. */
  private open(passing: Passing, nowMs: number) {
    const { source, came, of } = passing;
    const why = this.parts.calls.refusal(of.domain, this.sideOf(source) === "outside", nowMs);
    if (why !== undefined) return this.refuse(source, came, { why, status: 503 });
    this.pass(passing, nowMs);
  }

  /** Sends the request on its way, in transactions of its own. */
  private pass(passing: Passing, nowMs: number) {
    const { source, came, request, hops, of, opens } = passing;
    const { options, calls, transactions, media, questions, order, replies } = this.parts;
    const side = this.sideOf(source);
    // One that opens a call from outside has been looked at with its ticket; a late answer is held against its offer.
    const isLooked = (opens && side === "outside") || media.late.offerOf(of, side, came) !== undefined;
    const fault = isLooked ? undefined : faultOfCrossing(came, side, options.hasRelay);
    if (fault !== undefined) return this.refuse(source, came, fault);
    if (this.isFull) return this.refuse(source, came, { why: "full", status: 503 });
    if (hops.length === 0) return replies.refuse(came, source, 503);
    questions.inOrder(of.call, () => {
      const server = transactions.serve(came, source, nowMs);
      const context = new BorderContext(server, source, came, request, hops, of, side, opens);
      server.context = context;
      if (opens) {
        order({ type: "count", what: side === "outside" ? "admitted" : "forwarded" });
        calls.opened(of.call, of.domain, side === "outside", nowMs);
      }
      media.begin(context, nowMs);
    });
  }

  private get isFull(): boolean {
    const { transactions, limits } = this.parts;
    return transactions.size >= limits.transactions || transactions.bytes >= limits.bytes;
  }

  sideOf({ own }: BorderSource): Side {
    return this.parts.own.all[own]?.side ?? "inside";
  }

  get tellsReasons(): boolean {
    return this.parts.options.onReject === "403";
  }

  /** It names us and nobody behind us. */
  private isForUs({ request }: Routed): boolean {
    const target = requestUriOf(request);
    if (!target.ok || target.value.type !== "sip") return false;
    return target.value.user === undefined && this.parts.own.of(target.value) >= 0;
  }

  private refuse(source: BorderSource, request: SipRequest, { why, status }: Refused) {
    this.refused(why, request.method, source.domains, numberIn(request));
    if (status !== undefined) this.parts.replies.refuse(request, source, status);
  }

  refused(why: RefusalReason, method: string, domains: ReadonlyArray<string>, number?: E164) {
    this.parts.order({ type: "refused", why, method, domains, number });
  }
}
const PROBE: Refused = { why: "insideAddress", status: 403 };
const TOO_LONG: Refused = { why: "bodyTooLong", status: 413 };
