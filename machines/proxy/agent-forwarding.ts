/** What a call agent does with requests and responses on their way. docs/protocol/sip.md#the-call-agents-proxy. Functions only. */
import { headerOf, type SipResponse } from "../../codecs/sip/mod.ts";
import { mediaVerdictOf } from "../sip/mod.ts";
import type { OwnAddresses } from "./addresses.ts";
import type { Context } from "./context.ts";
import type { ForwardingUser } from "./forwarding.ts";
import type { Outcomes } from "./outcomes.ts";
import { outgoing } from "./outgoing.ts";
import { eventOf, type ResponseContextEvent } from "./response-context.ts";
import type { ClientTransaction } from "./transaction.ts";
import { upstreamOf } from "./via.ts";

export const agentForwarding = (own: OwnAddresses, outcomes: Outcomes): ForwardingUser<Context> => ({
  outgoing: (context, to, branch) => outgoing(context, to, own, branch),
  judge: (context, client, response) => judge(context, client, response),
  upstream: (context, response) => {
    const up = upstreamOf(response, context.request);
    if (up !== undefined && response.status >= 300) outcomes.noteChallenge(context, response.status);
    return up;
  },
  finished: (context, response, nowMs) => outcomes.finish(context, response, nowMs),
  wentOn: (context, order, response) => outcomes.wentOn(context, order, response),
});

const judge = (context: Context, client: ClientTransaction<Context>, response: SipResponse): ResponseContextEvent => {
  const hop = context.hops[context.at];
  if (!client.isInvite || hop?.kind !== "vipr" || client.request === undefined) return eventOf(response);
  const { status } = response;
  if (status === 100 || status >= 300) return eventOf(response);
  if (status >= 200 && headerOf(response, "Contact") === undefined) return { type: "unusable" };
  if (hop.peer?.securesMedia === true) return eventOf(response);
  const verdict = mediaVerdictOf(client.request, response, context.isDescribed);
  if (verdict.type === "early") return { type: "early" };
  if (verdict.type === "unsecured") return { type: "unusable" };
  context.isDescribed ||= verdict.isAnswer;
  return eventOf(response);
};
