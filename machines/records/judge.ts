/**
 * A telephone call of a record file, complete, is a ViPR call record, or is left aside for a reason with a name.
 * draft-jennings-vipr-vap-02 §9.5.
 *
 *   answered, its begin known, no conference --> called number by the dial plan, of ours if it came in
 *     sent --> the caller is ours, or unknown and no stranger whom we put through
 *     received --> the caller is not ours
 *
 * A wrong record is worse than none: its number is looked up, and whoever claims it is asked for a proof, which tells him
 * when our call was. A caller who cannot be read is unknown, and the call counts.
 */
import { bridgeOf, type Dialler, type Leg } from "../../codecs/cdr/mod.ts";
import { type DialPlan, isOwn, type NumberReason, type NumberSource, readNumber } from "../../codecs/numbers/mod.ts";
import { type E164, type UnixMs, unixMs, type Vcr } from "../../codecs/shared/mod.ts";
import type { CallTable, RecordedCall } from "./table.ts";

/** One telephone call, as the ViPR server wants it but for the VService. */
export type JudgedCall = Omit<Vcr, "vservice">;

export type CallAside =
  | "unanswered"
  | "late"
  | "noBegin"
  | "conference"
  | "calledMissing"
  | "calledNoNumber"
  | "calledNotOurs"
  | "betweenOurs"
  | "stranger"
  | "sideUnknown";

export type Judgement =
  | { readonly call: JudgedCall; readonly aside?: undefined }
  | { readonly call?: undefined; readonly aside: CallAside; readonly detail: string | undefined };

/** Readings that are remembered: a company's calls repeat their numbers. */
const READINGS_MAX = 16_384;

export type Judge = (table: Pick<CallTable, "bridges">, call: RecordedCall) => Judgement;

type Reading = { readonly number: E164 | undefined; readonly why: NumberReason | undefined };
type Read = (text: string, source: NumberSource, trunk: string | undefined) => Reading;

export const judgeFor = (plan: DialPlan): Judge => {
  const read = remembering(plan);
  const hasOwn = plan.own.length > 0;
  return (table, call) => {
    const { answerMs, endMs, joinedMs } = call;
    if (call.isLate) return aside("late");
    if (call.isRest) return aside(answerMs === undefined && call.endMs === undefined ? "unanswered" : "noBegin");
    if (answerMs === undefined || endMs === undefined) return aside("unanswered");
    if (joinedMs !== undefined && joinedMs > endMs) return aside("conference");
    const times = { startMs: unixMs(answerMs), stopMs: unixMs(endMs) };
    switch (call.side) {
      case "received":
        return received(call, times, plan, read, hasOwn);
      case "sent":
        return sent(call, times, plan, read, hasOwn, comesFrom(table, call.from));
      case undefined:
        return byNumbers(call, times, plan, read);
    }
  };
};

interface Times {
  readonly startMs: UnixMs;
  readonly stopMs: UnixMs;
}

const aside = (reason: CallAside, detail?: string): Judgement => ({ aside: reason, detail });

const remembering = (plan: DialPlan): Read => {
  const known = new Map<string, Reading>();
  return (text, source, trunk) => {
    const key = `${source}\0${trunk ?? ""}\0${text}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const { number, why } = readNumber(plan, text, { source, trunk });
    if (known.size >= READINGS_MAX) known.clear();
    const reading = { number, why };
    known.set(key, reading);
    return reading;
  };
};

const received = (
  { calling, called, trunk }: RecordedCall,
  times: Times,
  plan: DialPlan,
  read: Read,
  hasOwn: boolean,
): Judgement => {
  if (called === undefined) return aside("calledMissing");
  const to = read(called.text, called.source, trunk);
  if (to.number === undefined) return aside("calledNoNumber", to.why);
  if (hasOwn && !isOwn(plan, to.number)) return aside("calledNotOurs");
  const from = calling === undefined ? undefined : read(calling.text, calling.source, trunk).number;
  if (from !== undefined && hasOwn && isOwn(plan, from)) return aside("betweenOurs");
  return { call: { direction: "received", calling: from, called: to.number, ...times } };
};

/** Who began a sent call: one of us, somebody whom we put through, or nobody, as a call file does. */
type Origin = "inside" | "trunk" | "nobody";

const sent = (
  { calling, called, trunk }: RecordedCall,
  times: Times,
  plan: DialPlan,
  read: Read,
  hasOwn: boolean,
  origin: Origin,
): Judgement => {
  if (called === undefined) return aside("calledMissing");
  const to = read(called.text, called.source, trunk);
  if (to.number === undefined) return aside("calledNoNumber", to.why);
  if (hasOwn && isOwn(plan, to.number)) return aside("betweenOurs");
  const from = calling === undefined ? undefined : read(calling.text, calling.source, trunk).number;
  const isOurs = from !== undefined && (!hasOwn || isOwn(plan, from));
  // Whoever came in by a trunk and went out by one has a caller id of his own, also where we cannot read it.
  if (!isOurs && (from !== undefined || origin === "trunk")) return aside("stranger");
  return { call: { direction: "sent", calling: origin === "nobody" ? undefined : from, called: to.number, ...times } };
};

const BRIDGE_STEPS_MAX = 8;
const comesFrom = ({ bridges }: Pick<CallTable, "bridges">, from: Dialler | undefined): Origin => {
  if (from?.isTrunk) return "trunk";
  let at = from?.channel;
  for (let step = 0; step < BRIDGE_STEPS_MAX; step++) {
    const name = at === undefined ? undefined : bridgeOf(at);
    if (name === undefined) return "inside";
    const bridge = bridges.get(name);
    if (bridge === undefined) return "inside"; // its row has not come, or the exchange wrote none
    if (bridge.isTrunk) return "trunk";
    if (bridge.from === undefined) return "nobody";
    at = bridge.from;
  }
  return "inside";
};

/** The record does not show which way it went: to one of our numbers, or from one. */
const byNumbers = (call: RecordedCall, times: Times, plan: DialPlan, read: Read): Judgement => {
  const { calling, called, trunk } = call;
  if (called === undefined) return aside("calledMissing");
  const here = read(called.text, "calledFromTrunk", trunk).number;
  const within = (isTrunks: (leg: Leg, first: Leg) => boolean): Times => timesOf(call, isTrunks) ?? times;
  const caller = (source: NumberSource) =>
    calling === undefined ? undefined : read(calling.text, source, trunk).number;
  const inside = caller("callerFromPbx");
  const isFromUs = inside !== undefined && isOwn(plan, inside);
  if (here !== undefined && isOwn(plan, here))
    return isFromUs
      ? aside("betweenOurs")
      : { call: { direction: "received", calling: caller("callerFromTrunk"), called: here, ...within(isOfParty) } };
  const there = read(called.text, called.source, trunk);
  // An extension is somebody of ours, who shows a number that the record does not have.
  if (!isFromUs && isExtension(call, plan, trunk) && there.number !== undefined)
    return { call: { direction: "sent", calling: undefined, called: there.number, ...within(isOfTrunk) } };
  if (!isFromUs) return aside(there.number === undefined ? "calledNoNumber" : "sideUnknown", there.why);
  if (there.number === undefined) return aside("calledNoNumber", there.why);
  return { call: { direction: "sent", calling: inside, called: there.number, ...within(isOfTrunk) } };
};

const isExtension = ({ calling }: RecordedCall, plan: DialPlan, trunk: string | undefined): boolean =>
  calling !== undefined && readNumber(plan, calling.text, { source: "callerFromPbx", trunk }).why === "extension";

/** A received call: the trunk is whoever stood first in its first row. */
const isOfParty = (leg: Leg, first: Leg): boolean => leg.party === first.party;
/** A sent one: while the caller spoke to that number, and what the other channel did afterwards without the caller. */
const isOfTrunk = (leg: Leg, first: Leg): boolean =>
  leg.party !== first.party || leg.called?.text === first.called?.text;

const timesOf = ({ parts = [] }: RecordedCall, isTrunks: (leg: Leg, first: Leg) => boolean): Times | undefined => {
  const [first] = parts;
  if (first === undefined || first.party === "") return undefined;
  const trunks = parts.filter((leg) => leg.answerMs !== undefined && leg.endMs !== undefined && isTrunks(leg, first));
  if (trunks.length === 0) return undefined;
  const startMs = unixMs(Math.min(...trunks.map(({ answerMs }) => answerMs!)));
  return { startMs, stopMs: unixMs(Math.max(...trunks.map(({ endMs }) => endMs!))) };
};
