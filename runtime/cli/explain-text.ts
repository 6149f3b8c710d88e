/** The story of a number for people: what happened, how far each claim has come, and what is missing until a route. */
import { msFromNtp } from "../../codecs/shared/mod.ts";
import type { ClaimStory, Fact, Story, Waiting } from "../../machines/vipr/mod.ts";

/** Whole numbers are in it: it is the operator who asks. `nowMs` tells what is yet to come. */
export const storyText = (story: Story, nowMs: number): string => {
  const { number, requiredBits, sent, received, claims, facts, forgotten } = story;
  return [
    `${number}`,
    "",
    `  calls of ours to it: ${sent}     calls to it that we received: ${received}${story.isPublished ? "     published here" : ""}`,
    ...story.waiting.map((call) => `  ${waitingText(call, nowMs)}`),
    "",
    ...(forgotten === 0 ? [] : [`  (${forgotten} older facts are no longer kept)`]),
    ...facts.map((fact) => `  ${clock(fact.atMs)}  ${factText(fact)}`),
    "",
    ...claims.flatMap((claim) => claimText(claim, requiredBits)),
    `  ${missingText(story, nowMs)}`,
  ].join("\n");
};

const waitingText = ({ call, dueMs, worthBits }: Waiting, nowMs: number): string =>
  `the call of ${callText(call)} waits: due ${clock(dueMs)}${dueMs > nowMs ? `, in ${lengthText(dueMs - nowMs)}` : ""}, worth ${bitsText(worthBits)}`;

const factText = (fact: Fact): string => {
  const of = fact as Fact & Readonly<Record<string, any>>;
  switch (fact.type) {
    case "published":
      return "published for our own domain";
    case "publishFailed":
      return `could not be published: ${of.why}`;
    case "vcr":
      return of.direction === "received"
        ? `received a call: ${callText(of.call)}${of.hasCaller ? "" : ", caller unknown"}`
        : `called it: ${callText(of.call)}${of.hasCaller ? "" : ", caller id withheld"}; to be validated ${clock(of.dueMs)}, worth ${bitsText(of.worthBits)}`;
    case "lookedUp":
      return of.claims === 0
        ? `the call of ${callText(of.call)}: nobody claims the number`
        : `the call of ${callText(of.call)}: claimed by ${of.claimants.map(nameOf).join(", ")}`;
    case "lookUpFailed":
      return `the call of ${callText(of.call)}: the overlay did not say who claims it: ${of.why}`;
    case "attempted":
      return `  ${nameOf(of.attempt)} by ${of.attempt.method}: ${verdictText(of.attempt)}`;
    case "proved":
      return `  ${nameOf(of.claim)} has proved ${bitsText(of.bits)} of ${of.required} by ${count(of.calls, "call")}`;
    case "learned":
      return `route to ${of.domain}, told to ${count(of.told, "agent")}`;
    case "unwelcome":
      return `route to ${of.domain || "nowhere"} not taken: our list does not welcome it`;
    case "granted":
      return `${of.domain} proved a call and was given a ticket`;
    case "declined":
      return `${of.domain} proved a call and was given no ticket (${of.code})`;
    case "charged":
      return `somebody failed at the call of ${callText(of.call)}: ${count(of.attempts, "time")}${of.attempts >= 3 ? ", locked" : ""}`;
  }
};

const verdictText = ({ verdict, bits, why, code }: Readonly<Record<string, any>>): string => {
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

const claimText = (claim: ClaimStory, required: number): ReadonlyArray<string> => [
  `  claim ${nameOf(claim)}`,
  `    ${count(claim.tries, "try", "tries")}, ${claim.validated} validated, ${claim.refused} not; last: ${claim.verdict} by ${claim.method}`,
  `    ${bitsText(claim.bits)} of ${required} by ${count(claim.calls, "call")} in a row${claim.missingBits > 0 ? `, ${bitsText(claim.missingBits)} missing` : ""}`,
  `    chance that somebody who only guessed came so far: ${chanceText(claim)}`,
  "",
];

const chanceText = ({ bits, guessChance }: ClaimStory): string => {
  if (bits === 0) return "nothing is proved";
  return guessChance >= 1 ? "no bound yet" : `at most 1 in ${Math.floor(1 / guessChance).toLocaleString("en")}`;
};

/** One sentence: is there a route, and if not, what has to happen. */
export const missingText = (story: Story, nowMs: number): string => {
  const { learned, waiting, claims, sent, facts, requiredBits } = story;
  if (learned !== undefined) return `There is a route, to ${learned.domain}, since ${clock(learned.atMs)}.`;
  if (story.isPublished && sent === 0) return "It is a number of our own: others learn a route to it by calling it.";
  const next = waiting[0];
  const wait = next === undefined ? "" : ` The next call is looked at ${clock(next.dueMs)}.`;
  const best = claims.toSorted((a, b) => a.missingBits - b.missingBits)[0];
  if (best !== undefined && best.missingBits === 0) {
    const isUnwelcome = facts.some(({ type }) => type === "unwelcome");
    return isUnwelcome
      ? "No route: our own list does not welcome the domain that proved it."
      : "No route was told yet.";
  }
  if (best !== undefined && best.bits > 0)
    return `No route yet: ${bitsText(best.missingBits)} are missing, one more call of some ${lengthText(neededMs(best.missingBits))} in the middle of a half hour.${wait}`;
  if (best !== undefined)
    return `No route: nobody who claims the number has proved a call of ours (${requiredBits} bits are required).${wait}`;
  if (next !== undefined)
    return next.dueMs > nowMs
      ? `No route yet: no call has been looked at.${wait}`
      : "No route yet: the next call is being looked at.";
  if (sent > 0) return "No route: nobody claims the number, or the overlay could not be asked.";
  return "No route: no call of ours to it is known. Routes are learned from calls over the telephone network.";
};

/** How long a call must last that starts a quarter of an hour from the hour and is proved by A: 2^(bits - 8.5) T of 10 s. */
const neededMs = (bits: number): number => 10_000 * Math.max(1, 2 ** (bits - 8.4));

const nameOf = ({ nodeId, vservice }: { readonly nodeId: string; readonly vservice: string }): string =>
  `${nodeId.slice(0, 8)}…/${vservice.slice(0, 8)}…`;
const bitsText = (bits: number): string => `${(Math.round(bits * 10) / 10).toFixed(1)} bits`;
const count = (of: number, one: string, many = `${one}s`): string => `${of} ${of === 1 ? one : many}`;
const lengthText = (ms: number): string => {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`;
};
const clock = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
/** From NTP milliseconds. */
const callText = ({ startMs, stopMs }: { readonly startMs: number; readonly stopMs: number }): string =>
  `${clock(startMs + NTP_TO_UNIX_MS)}, ${lengthText(stopMs - startMs)}`;
const NTP_TO_UNIX_MS = msFromNtp(0n);
