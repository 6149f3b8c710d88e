/**
 * A company whose border element is full: 503 from one of its places sends the call to the others. RFC 3263 §4.3.
 * DECISIONS.md D-169.
 *
 *   INVITE to a domain that is found by its name <-- 503 --> which other places? --> some: INVITE there, one after the other
 *                                                                              --> none: 503 goes on
 */
import type { SipResponse } from "../../codecs/sip/mod.ts";
import type { ClientTransaction, Forwarding } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";
import type { BorderContext } from "./context.ts";
import type { Questions } from "./questions.ts";

/** Other places of a domain that a call tries: its caller waits. */
export const PLACES_MAX = 2;

export interface ElsewhereParts {
  readonly questions: Questions;
  readonly forwarding: Forwarding<BorderContext, Side>;
}

/** True: the response has been seen to. */
export const triedElsewhere = (
  { questions, forwarding }: ElsewhereParts,
  client: ClientTransaction<BorderContext>,
  context: BorderContext,
  response: SipResponse,
): boolean => {
  const { hops, at, of, branch } = context;
  const hop = hops[at];
  const isTried = context.best !== undefined || context.isGivenUp || client !== branch;
  if (response.status !== 503 || !client.isInvite || hop?.to.isNamed !== true || isTried) return false;
  questions.askPlaces(of.call, hop.to, (places, nowMs) => {
    if (context.snapshot?.status !== "active") return;
    // Cancelled meanwhile, or nowhere else: it is the answer.
    if (context.isGivenUp || places.length === 0) return forwarding.passed(client, response, nowMs);
    context.best = response;
    context.hops = places
      .slice(0, PLACES_MAX)
      .map(({ host, port }) => ({ ...hop, to: { ...hop.to, host, port, isNamed: false } }));
    forwarding.begin(context, context.sent, nowMs);
  });
  return true;
};
