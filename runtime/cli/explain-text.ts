/** The story of a number for people: what happened, how far each claim has come, and what is missing until a route. */
import { unixMsOf } from "../../codecs/shared/mod.ts";
import { ATTEMPTS_MAX, ROUND_MS } from "../../machines/validation/mod.ts";
import {
  type AuditReport,
  type CallName,
  type ClaimReport,
  type PlainEvent,
  PROOF_LIFETIME_MS,
  type Waiting,
} from "../../machines/vipr/mod.ts";

const DAY_MS = 86_400_000;

/** Whole numbers are in it: it is the operator who asks. `nowMs` tells what is yet to come. */
export const reportText = (story: AuditReport, nowMs: number): string => {
  const { number, requiredBits, sent, received, claims, facts, forgotten } = story;
  const happened = [
    ...(forgotten === 0 ? [] : [`  (${count(forgotten, "older fact is", "older facts are")} no longer kept)`]),
    ...facts.map((fact) => `  ${clock(fact.atMs)}  ${factText(fact)}`),
  ];
  return [
    `${number}`,
    "",
    `  calls of ours to it: ${sent}     calls to it that we received: ${received}${story.isPublished ? "     published here" : ""}`,
    ...story.waiting.map((call) => `  ${waitingText(call, nowMs)}`),
    "",
    ...happened,
    ...(happened.length === 0 ? [] : [""]),
    ...byProgress(claims).flatMap((claim) => claimText(claim, requiredBits)),
    `  ${missingText(story, nowMs)}`,
  ].join("\n");
};

export const waitingText = ({ call, dueMs, worthBits }: Waiting, nowMs: number): string => {
  const wait =
    dueMs > nowMs
      ? `waits: due ${clock(dueMs)}, in ${lengthText(dueMs - nowMs)}`
      : `was due ${clock(dueMs)}: its turn comes next`;
  return `the call of ${callText(call)} ${wait}, worth at most ${bitsText(worthBits)}`;
};

export const factText = (fact: PlainEvent): string => {
  switch (fact.type) {
    case "published":
      return "published for our own domain";
    case "publishFailed":
      return `could not be published: ${fact.why}`;
    case "vcr":
      return fact.direction === "received"
        ? `received a call: ${callText(fact.call)}${fact.hasCaller ? "" : ", caller unknown"}`
        : `called it: ${callText(fact.call)}${fact.hasCaller ? "" : ", caller id withheld"}; to be validated ${clock(fact.dueMs ?? 0)}, worth at most ${bitsText(fact.worthBits ?? 0)}`;
    case "waits":
      return `the call of ${callText(fact.call)} is put off, as this server was away: now due ${clock(fact.dueMs)}`;
    case "dropped":
      return `the call of ${callText(fact.call)} was not validated: its VService was no longer published, or calls to the number are switched off`;
    case "repeated":
      return `the call of ${callText(fact.call)} was not validated: it was asked about before, by another record of it`;
    case "ambiguous":
      return `the call of ${callText(fact.call)} was not validated: no user name tells it from other calls to this number`;
    case "crowded":
      return `the call of ${callText(fact.call)} was not validated: too many to this number waited for one another`;
    case "lookedUp":
      return fact.claims === 0
        ? `the call of ${callText(fact.call)}: nobody claims the number`
        : `the call of ${callText(fact.call)}: claimed by ${fact.claimants.map(nameOf).join(", ")}`;
    case "lookUpFailed":
      return `the call of ${callText(fact.call)}: the overlay did not say who claims it: ${fact.why}`;
    case "attempted":
      return `  ${nameOf(fact.attempt)} by ${fact.attempt.method}, asked of the call of ${startText(fact.call)}: ${verdictText(fact.attempt)}`;
    case "proved":
      return `  ${nameOf(fact.claim)} has proved ${bitsText(fact.bits)} of ${fact.required} by ${count(fact.calls, "call")}`;
    case "learned":
      return `route to ${fact.domain}, told to ${count(fact.told, "agent")}`;
    case "unwelcome":
      return `route to ${fact.domain || "nowhere"} not taken: our list does not welcome it`;
    case "granted":
      return `${fact.domain} proved a call and was given a ticket`;
    case "declined":
      return `${fact.domain} proved a call and was given no ticket (${fact.code})`;
    case "charged":
      // By A, or by B and C: a way each counts for itself, and which one it was the fact does not say.
      return `somebody failed at the call of ${callText(fact.call)}: ${count(fact.attempts, "time")}${fact.attempts >= ATTEMPTS_MAX ? ", locked to that method" : ""}`;
  }
};

type Attempt = (PlainEvent & { readonly type: "attempted" })["attempt"];
const verdictText = ({ verdict, bits, why, code }: Attempt): string => {
  switch (verdict) {
    case "validated":
      return `validated, ${bitsText(bits)}`;
    case "declined":
      return `knows of the call, and declines (${code})`;
    case "refused":
      return "does not know of the call";
    default:
      return `${verdict}: ${why}`;
  }
};

export const claimText = (claim: ClaimReport, required: number): ReadonlyArray<string> => [
  `  claim ${nameOf(claim)}, by calls of our VService ${shortOf(claim.by)}`,
  `    ${count(claim.tries, "try", "tries")}, ${claim.validated} validated, ${claim.refused} not; last: ${claim.verdict} by ${claim.method}`,
  `    ${bitsText(claim.bits)} of ${required} by ${count(claim.calls, "call")} in a row${claim.missingBits > 0 ? `, ${bitsText(claim.missingBits)} missing` : ""}`,
  ...(claim.lapsedBits === 0
    ? []
    : [`    ${bitsText(claim.lapsedBits)} more count no longer: proofs lapse after ${LIFETIME_DAYS} days`]),
  `    chance that somebody who only guessed came so far: ${chanceText(claim)}`,
  "",
];
const LIFETIME_DAYS = Math.round(PROOF_LIFETIME_MS / DAY_MS);

const chanceText = ({ bits, guessChance }: ClaimReport): string => {
  if (bits === 0) return "nothing is proved";
  return guessChance >= 1 ? "no bound yet" : `at most 1 in ${Math.floor(1 / guessChance).toLocaleString("en")}`;
};

/** What is there and what has to happen, in a sentence or two. */
export const missingText = (story: AuditReport, nowMs: number): string => {
  const { learned } = story;
  if (learned === undefined) return unlearnedText(story, nowMs);
  const { domain, atMs, told } = learned;
  if (nowMs - atMs >= PROOF_LIFETIME_MS)
    return `The route to ${domain} of ${clock(atMs)} is over: none lives longer than ${LIFETIME_DAYS} days. ${unlearnedText(story, nowMs)}`;
  const best = bestOf(story);
  const when = told === 0 ? "and no call agent was there to be told of it" : "and call agents were told of it";
  const unproved =
    best !== undefined && best.missingBits > 0
      ? ` It is not told again before ${bitsText(best.missingBits)} more are proved.`
      : "";
  return `There is a route, to ${domain}: it was proved last ${clock(atMs)}, ${when}.${unproved}`;
};

/** Who has come furthest first. */
const byProgress = (claims: ReadonlyArray<ClaimReport>): ReadonlyArray<ClaimReport> =>
  claims.toSorted((a, b) => a.missingBits - b.missingBits);
const bestOf = ({ claims }: AuditReport): ClaimReport | undefined => byProgress(claims)[0];

const unlearnedText = (story: AuditReport, nowMs: number): string => {
  const { waiting, sent, facts, requiredBits } = story;
  if (story.isPublished && sent === 0) return "It is a number of our own: others learn a route to it by calling it.";
  const next = waiting[0];
  const wait = next === undefined ? "" : ` The next call is looked at ${clock(Math.max(next.dueMs, nowMs))}.`;
  const best = bestOf(story);
  if (best !== undefined && best.missingBits === 0)
    return facts.some(({ type }) => type === "unwelcome")
      ? "No route: our own list does not welcome the domain that proved it."
      : `No route was told yet, though enough is proved: it is told after the next call that is proved.${wait}`;
  if (best !== undefined && best.bits > 0)
    return `No route yet: ${bitsText(best.missingBits)} are missing, one more call of some ${lengthText(neededMs(best.missingBits))} in the middle of a half hour.${wait}`;
  if (best !== undefined)
    return `No route: nobody who claims the number has proved a call of ours${best.lapsedBits > 0 ? " lately" : ""} (${requiredBits} bits are required).${wait}`;
  if (next !== undefined)
    return next.dueMs > nowMs
      ? `No route yet: no call has been looked at.${wait}`
      : "No route yet: the next call is being looked at.";
  if (sent > 0) return lookedAtText(story);
  return "No route: no call of ours to it is known. Routes are learned from calls over the telephone network.";
};

const LOOKED_AT: ReadonlySet<string> = new Set(["lookedUp", "lookUpFailed", "dropped", "crowded", "ambiguous"]);

/** Of calls that were looked at, and led to no claim. */
const lookedAtText = ({ facts }: AuditReport): string => {
  const last = facts.findLast(({ type }) => LOOKED_AT.has(type));
  switch (last?.type) {
    case "lookedUp":
      return last.claims === 0
        ? "No route: nobody claims the number."
        : "No route: this server stopped while it asked those who claim the number, and asks about a call only once.";
    case "lookUpFailed":
      return "No route: the overlay could not be asked who claims the number.";
    case "crowded":
      return "No route: the calls to it were more than could be put to the proof one after another.";
    case "ambiguous":
      return "No route: the calls to it were too many at one time to be told apart.";
    case "dropped":
      return "No route: no call agent had published the VService of the call when it was due, or calls to the number are switched off.";
    default:
      return "No route, and what became of the calls is not known here any more.";
  }
};

/** A call that starts a quarter of an hour from the hour and is proved by A has log2(W / T) = 8.48 bits from its start. */
const START_BITS = 8.4;
/** How long it must last to be worth so many. T is taken as 10 s. */
const neededMs = (bits: number): number => ROUND_MS * Math.max(1, 2 ** (bits - START_BITS));

/** Enough of an identifier to tell it from another. */
const shortOf = (hex: string): string => {
  const digits = hex.replace(/^0+(?=.)/, "");
  return digits.length > 8 ? `${digits.slice(0, 8)}…` : digits;
};
const nameOf = ({ nodeId, vservice }: { readonly nodeId: string; readonly vservice: string }): string =>
  `${shortOf(nodeId)}/${shortOf(vservice)}`;
const bitsText = (bits: number): string => `${(Math.round(bits * 10) / 10).toFixed(1)} bits`;
const count = (of: number, one: string, many = `${one}s`): string => `${of} ${of === 1 ? one : many}`;
const lengthText = (ms: number): string => {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`;
};
const clock = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
const startText = ({ startMs }: Pick<CallName, "startMs">): string => clock(unixMsOf(startMs));
const callText = ({ startMs, stopMs }: CallName): string =>
  `${startText({ startMs })}, ${lengthText(stopMs - startMs)}`;
