/** Companies with a border element each, on whatever ports the test has; their call agents are telephones of one socket. */
import { Effect } from "effect";
import { type Border, type BorderOptions, serveBorder } from "../../actors/border/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { headerOf, listOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { openPhone } from "../proxy/phone.ts";
import { read } from "../proxy/world.ts";
import type { authorityOf } from "../sip/domains.ts";
import { inner, NUMBER } from "./world.ts";

export const HOST = "127.0.0.1";
export const SECRET = { epoch: 1, password: "correct horse" };
const FREE = { host: HOST, port: 0 } as const;

export const company = Effect.fn("test.company")(function* (
  domain: string,
  issue: Effect.Success<typeof authorityOf>,
  more: Partial<BorderOptions> = {},
) {
  const agent = yield* openPhone(HOST);
  const credentials = yield* issue(domain);
  const border = yield* serveBorder({
    domain,
    outside: FREE,
    inside: [{ transport: "UDP", ...FREE }],
    callAgents: [{ transport: "UDP", host: HOST, port: agent.port }],
    credentials,
    secrets: [SECRET],
    privateOutside: true,
    ...more,
  });
  return { agent, border, credentials, inside: border.inside[0]!, via: `SIP/2.0/UDP ${HOST}:${agent.port}` };
});

export const ticketBy = Effect.fn("test.ticket")(function* (grantedTo: string) {
  const issuer = yield* openTicketIssuer({ grantingNode: 7n as never, grantingDomain: "nord.example", secret: SECRET });
  return yield* issuer.issue({ number: e164(NUMBER), grantedTo, vservice: vserviceId(1n) });
});

export const inviteTo = (to: Border, ticket: string, callId: string, agent: { readonly port: number }): SipRequest =>
  read(
    inner("INVITE", {
      uri: `sip:${NUMBER}@nord.example;user=phone`,
      via: `SIP/2.0/UDP ${HOST}:${agent.port};branch=z9hG4bK-${callId}`,
      callId,
      contact: `<sip:pbx@${HOST}:${agent.port}>`,
      lines: [
        `Route: <sip:x7@nord.example:${to.outside.port};maddr=${HOST};transport=tls;lr>`,
        `X-Cisco-ViPR-Ticket: ${ticket}`,
      ],
    }),
  ) as SipRequest;

/** Within the call that this response has made, by whoever called. */
export const follow = (method: string, told: SipResponse, agent: { readonly port: number }, cseq: number): SipRequest =>
  read(
    inner(method, {
      uri: headerOf(told, "Contact")!.replace(/^<|>$/g, ""),
      via: `SIP/2.0/UDP ${HOST}:${agent.port};branch=z9hG4bK-${method}-${cseq}-${headerOf(told, "Call-ID")}`,
      from: headerOf(told, "From")!,
      to: headerOf(told, "To")!,
      callId: headerOf(told, "Call-ID")!,
      cseq,
      contact: "",
      lines: [...listOf(told, "Record-Route")].reverse().map((route) => `Route: ${route}`),
    }),
  ) as SipRequest;
