/**
 * Where a call goes: over the Internet with the ticket of a learned route, or over the telephone network, and why. One
 * answer for the agent's own calls, the decision service over HTTP and the redirect server over SIP.
 * docs/protocol/sip.md#the-decision. Functions only.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import type { LearnedRoute } from "./route-cache.ts";

export type PstnReason =
  /** The called text is no number by the dial plan. */
  | "noNumber"
  /** One of our own: the call stays in the house. */
  | "ownNumber"
  /** The operator's lists have the number or the domain. */
  | "listed"
  /** Nothing was learned about the number, or its ticket has expired. */
  | "noRoute";

export type Decision =
  | { readonly way: "vipr"; readonly number: E164; readonly route: LearnedRoute }
  | { readonly way: "pstn"; readonly reason: PstnReason; readonly number: E164 | undefined };

/** What the operator has decided of numbers and domains. Empty: no list. */
export interface CallLists {
  /** Prefixes in E.164 form, as `+4930`, that never go over the Internet. */
  readonly blockedNumbers: ReadonlyArray<string>;
  /** If any are given, calls to other numbers never go over the Internet. */
  readonly allowedNumbers: ReadonlyArray<string>;
  /** Domains that granted the ticket, lower case. */
  readonly blockedDomains: ReadonlyArray<string>;
  readonly allowedDomains: ReadonlyArray<string>;
}
export const noLists: CallLists = { blockedNumbers: [], allowedNumbers: [], blockedDomains: [], allowedDomains: [] };

export interface DecisionRules {
  readonly isOwn: (number: E164) => boolean;
  readonly lists: CallLists;
  readonly routeTo: (number: E164, atMs: number) => LearnedRoute | undefined;
}

/** `number`: undefined when the called text is none. */
export const decideCall = (
  { isOwn, lists, routeTo }: DecisionRules,
  number: E164 | undefined,
  atMs: number,
): Decision => {
  const pstn = (reason: PstnReason): Decision => ({ way: "pstn", reason, number });
  if (number === undefined) return pstn("noNumber");
  if (isOwn(number)) return pstn("ownNumber");
  if (!isNumberAllowed(lists, number)) return pstn("listed");
  const route = routeTo(number, atMs);
  if (route === undefined) return pstn("noRoute");
  return isDomainAllowed(lists, route.grantingDomain) ? { way: "vipr", number, route } : pstn("listed");
};

const isNumberAllowed = ({ blockedNumbers, allowedNumbers }: CallLists, number: E164): boolean =>
  !blockedNumbers.some((prefix) => number.startsWith(prefix)) &&
  (allowedNumbers.length === 0 || allowedNumbers.some((prefix) => number.startsWith(prefix)));
const isDomainAllowed = ({ blockedDomains, allowedDomains }: CallLists, domain: string): boolean =>
  !blockedDomains.includes(domain) && (allowedDomains.length === 0 || allowedDomains.includes(domain));
