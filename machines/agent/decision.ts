/**
 * Where a call goes: over the Internet with the ticket of a learned route, or over the telephone network, and why. One
 * answer for the agent's own calls, the decision service over HTTP and the redirect server over SIP.
 * docs/protocol/sip.md#the-decision. Functions only.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import type { LearnedRoute } from "./route-cache.ts";

/** Why a call takes the telephone network. */
export type PstnReason =
  /** The called text is no number by the dial plan. */
  | "noNumber"
  /** One of our own: the call stays in the house. */
  | "ownNumber"
  /** The operator's lists have the number or the domain. */
  | "listed"
  /** Nothing was learned about the number, or its ticket has expired. */
  | "noRoute";

/** Where a call goes, and why not over the Internet. `number`: undefined where the text is none. */
export type Decision =
  | { readonly way: "vipr"; readonly number: E164; readonly route: LearnedRoute }
  | { readonly way: "pstn"; readonly reason: PstnReason; readonly number: E164 | undefined };

/** What the decision asks: the company's own numbers, the operator's lists, and the routes that were learned. */
export interface DecisionRules {
  readonly isOwn: (number: E164) => boolean;
  /** What the operator's lists say of a number, and of the domain that granted a ticket. */
  readonly allowsNumber: (number: E164) => boolean;
  readonly allowsDomain: (domain: string) => boolean;
  readonly routeTo: (number: E164, atMs: number) => LearnedRoute | undefined;
}

/** `number`: undefined when the called text is none. */
export const decideCall = (rules: DecisionRules, number: E164 | undefined, atMs: number): Decision => {
  const pstn = (reason: PstnReason): Decision => ({ way: "pstn", reason, number });
  if (number === undefined) return pstn("noNumber");
  if (rules.isOwn(number)) return pstn("ownNumber");
  if (!rules.allowsNumber(number)) return pstn("listed");
  const route = rules.routeTo(number, atMs);
  if (route === undefined) return pstn("noRoute");
  return rules.allowsDomain(route.grantingDomain) ? { way: "vipr", number, route } : pstn("listed");
};
