/**
 * A telephone call that went through our own proxy is a ViPR call record, or is left aside for a reason with a name.
 * draft-jennings-vipr-vap-02 §9.5; docs/protocol/sip.md#call-records. Functions only.
 *
 *   received: called number ours --> caller as the trunk shows it, or unknown
 *   sent: called number of the telephone network --> caller ours, or shown nowhere --> a record
 *                                                +-> a number that is not ours, or a diversion: forwarded for a stranger
 *
 * A call that was forwarded carries the number of whoever called first: the other end would be asked for a call of ours that
 * never was.
 */
import { type DialPlan, isOwn, type NumberReason, readNumber } from "../../codecs/numbers/mod.ts";
import type { E164, Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import type { CallReport } from "../proxy/mod.ts";

/** Why a call is no record: its numbers are none, not ours, both ours, or it was forwarded for a stranger. */
export type LiveAside = "calledNoNumber" | "calledNotOurs" | "betweenOurs" | "stranger";

/** A record to upload, or why there is none. */
export type LiveJudgement =
  | { readonly vcr: Vcr }
  | { readonly aside: LiveAside; readonly detail: NumberReason | undefined };

/** Judges a call that is over. Its times are those at which the proxy saw answer and end. */
export const vcrOfCall = (plan: DialPlan, call: CallReport, vservice: VServiceId): LiveJudgement =>
  call.direction === "sent" ? sent(plan, call, vservice) : received(plan, call, vservice);

const aside = (reason: LiveAside, detail?: NumberReason): LiveJudgement => ({ aside: reason, detail });

const received = (plan: DialPlan, call: CallReport, vservice: VServiceId): LiveJudgement => {
  const { trunk, startMs, stopMs } = call;
  const called = readNumber(plan, call.requestUri, { source: "calledFromTrunk", trunk });
  if (called.number === undefined) return aside("calledNoNumber", called.why);
  if (plan.own.length > 0 && !isOwn(plan, called.number)) return aside("calledNotOurs");
  const calling = firstNumber(plan, call, "callerFromTrunk");
  if (calling !== undefined && isOwn(plan, calling)) return aside("betweenOurs");
  return { vcr: { direction: "received", calling, called: called.number, startMs, stopMs, vservice } };
};

const sent = (plan: DialPlan, call: CallReport, vservice: VServiceId): LiveJudgement => {
  const { trunk, startMs, stopMs, diversion, historyInfo } = call;
  const called = readNumber(plan, call.requestUri, { source: "toTrunk", trunk });
  if (called.number === undefined) return aside("calledNoNumber", called.why);
  if (isOwn(plan, called.number)) return aside("betweenOurs");
  const calling = firstNumber(plan, call, "callerFromPbx");
  if (calling !== undefined && plan.own.length > 0 && !isOwn(plan, calling)) return aside("stranger");
  if (calling === undefined && diversion.length + historyInfo.length > 0) return aside("stranger");
  return { vcr: { direction: "sent", calling, called: called.number, startMs, stopMs, vservice } };
};

/** The caller's number: asserted before claimed. RFC 3325 §9, RFC 3261 §8.1.1.3. */
const firstNumber = (
  plan: DialPlan,
  { assertedIdentity, remotePartyId, from, trunk }: CallReport,
  source: "callerFromTrunk" | "callerFromPbx",
): E164 | undefined => {
  for (const text of [...assertedIdentity, ...remotePartyId, from]) {
    const { number } = readNumber(plan, text, { source, trunk });
    if (number !== undefined) return number;
  }
  return undefined;
};
