/**
 * What has become of a request, for the calls under way, the loops, and whoever counts. docs/protocol/sip.md#call-records.
 *
 *   2xx to INVITE     the call begins, or is forked             final to BYE, but 401 and 407   a dialog of it is over
 *   another final     it never was                              401, 407, 422                  the same trunk is tried again
 */
import type { UnixMs } from "../../codecs/shared/mod.ts";
import { headerOf, type SipRequest, type SipResponse, tagOf } from "../../codecs/sip/mod.ts";
import type { ActiveCall, Calls, Ending } from "./calls.ts";
import type { Context } from "./context.ts";
import type { WentOn } from "./forwarding.ts";
import type { Challenger } from "./hops.ts";
import type { LoopGuard } from "./loops.ts";
import type { SipCalls } from "./sip-calls.ts";
import type { CoreOrder, FallbackReason } from "./types.ts";

/** Calls that a trunk has challenged, and that will be tried again. */
const CHALLENGED_MAX = 10_000;

export interface OutcomeParts {
  readonly calls: Calls;
  readonly loops: LoopGuard;
  /** Undefined: nobody wants to know of calls over SIP. */
  readonly sipCalls: SipCalls | undefined;
  readonly order: (order: CoreOrder) => void;
  readonly unixOf: (nowMs: number) => UnixMs;
}

export class Outcomes {
  private readonly parts: OutcomeParts;
  /** By call: the call with credentials goes where the challenge came from. */
  private readonly challenged = new Map<string, Challenger>();
  constructor(parts: OutcomeParts) {
    this.parts = parts;
  }

  challengedBy(request: SipRequest): Challenger | undefined {
    return this.challenged.get(`${headerOf(request, "Call-ID")} ${tagOf(request, "From")}`);
  }

  /** What a request within a dialog would end. */
  within(context: Context, request: SipRequest, known: Omit<Ending, "atMs"> | undefined, nowMs: number): void {
    if (request.method !== "BYE") return;
    if (known !== undefined) context.ending = { ...known, atMs: this.parts.unixOf(nowMs) };
    else context.sipEnding = this.parts.sipCalls?.endedBy(request);
  }

  /** A final response goes upstream, or none ever will: what it means for the call. */
  finish(context: Context, response: SipResponse | undefined, nowMs: number): void {
    const { calls, loops, order, sipCalls } = this.parts;
    const { call, ending, sipEnding, pair } = context;
    if (pair !== undefined) loops.leave(pair);
    context.pair = undefined;
    const status = response?.status ?? 0;
    const isAnswered = status >= 200 && status < 300;
    if (isAnswered && context.branch?.isInvite) {
      if (context.answeredBy === undefined) order({ type: "count", what: isOverSip(context) ? "viaVipr" : "answered" });
      context.answeredBy = context.branch;
      const role = context.isFromSip ? "callee" : isOverSip(context) ? "caller" : undefined;
      if (role !== undefined) sipCalls?.answered(context, response!, role, nowMs);
    }
    if (call !== undefined) {
      // The telephone call is the trunk's: one that went over SIP needs no record.
      if (isAnswered && !isOverSip(context)) this.answered(context, call, response!, nowMs);
      else calls.failed(call);
    }
    if (status !== 401 && status !== 407) {
      if (ending !== undefined) this.ended(ending);
      if (sipEnding !== undefined) sipCalls?.over(sipEnding);
    }
    lighten(context);
  }

  private answered({ about, hops, at }: Context, call: ActiveCall, response: SipResponse, nowMs: number): void {
    const { calls, order, unixOf } = this.parts;
    if (call.direction === "sent" && call.startMs === 0) call.trunk = hops[at]?.peer?.name ?? "";
    const bytes = calls.answered(call, tagOf(response, "To") ?? "", about, response, unixOf(nowMs));
    if (bytes !== undefined) order({ type: "save", id: call.id, call: bytes });
  }

  private ended(ending: Ending): void {
    const over = this.parts.calls.hungUp(ending);
    if (over === undefined) return;
    if ("report" in over) this.parts.order({ type: "ended", report: over.report });
    else this.parts.order({ type: "save", id: ending.call.id, call: over.save });
  }

  /** A hop has given way to the next. */
  wentOn(context: Context, { from, why }: WentOn, response: SipResponse | undefined) {
    const { order } = this.parts;
    if (context.branch !== undefined) context.branch.isAbandoned = true;
    const hop = context.hops[from];
    if (hop?.kind !== "vipr") {
      if (hop !== undefined) order({ type: "down", to: hop.to });
      return order({ type: "count", what: "failedOver" });
    }
    const noContact = response !== undefined && headerOf(response, "Contact") === undefined;
    const reason: FallbackReason = why !== "unusable" ? why : noContact ? "noContact" : "answerNotSecured";
    order({ type: "fellBack", reason, status: why === "refused" ? response?.status : undefined });
  }

  /** The PBX tries again, with credentials, another session interval or another target: there where it was told so. */
  noteChallenge(context: Context, status: number): void {
    const { call, hops, at } = context;
    if (call === undefined || call.direction !== "sent" || hops[at]?.peer === undefined) return;
    const name = call.key.slice("sent ".length);
    if (status !== 401 && status !== 407 && status !== 422) return void this.challenged.delete(name);
    if (this.challenged.size >= CHALLENGED_MAX) this.challenged.delete(this.challenged.keys().next().value!);
    const { peer, to } = hops[at]!;
    this.challenged.set(name, { trunk: peer!.name, host: to.host, port: to.port });
  }
}

/** A call that is answered has a thousand bytes and more of header fields less to hold. */
const lighten = (context: Context): void => {
  context.request = undefined;
  context.best = undefined;
  context.about = undefined;
  context.ending = undefined;
  context.isOverSip = isOverSip(context);
  context.hops = NO_HOPS;
};
const NO_HOPS: Context["hops"] = [];
const isOverSip = ({ isOverSip, hops, at }: Context): boolean => isOverSip || hops[at]?.kind === "vipr";
