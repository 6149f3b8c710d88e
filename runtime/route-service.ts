/**
 * The decision service: a PBX or SIP proxy asks before it dials. HTTP on loopback, with a token; answers come from memory.
 * docs/integrations/README.md has the requests of each exchange; DECISIONS.md D-111.
 *
 *   GET /route?called=+49305550901[&calling=...][&format=json|line|ticket|uri]      Authorization: Bearer TOKEN
 *     json    200 {"decision":"vipr","uri":...,"header":"X-Cisco-ViPR-Ticket","ticket":...,"expires":...}
 *             200 {"decision":"pstn","reason":...}
 *     line    200 and `Request-URI Route ticket`, a blank between them; 404 and nothing, where the call is for the trunk
 *     ticket, uri   the same with the ticket alone, and with the route alone
 */
import { Effect } from "effect";
import type { Endpoint } from "../codecs/reload/mod.ts";
import type { E164 } from "../codecs/shared/mod.ts";
import { TICKET_HEADER } from "../codecs/sip/mod.ts";
import type { Decision, LearnedRoute } from "../machines/agent/mod.ts";
import { type Answer, json, type Query, refused, serveQuestions, text } from "./question-service.ts";

/** A proxy with some workers keeps a connection each; more than these are closed at once. */
export const ROUTE_CONNECTIONS_MAX = 512;
const URL_CHARS_MAX = 1_024;

export interface RouteQuestion {
  /** As the exchange has it: what the phone dialled, or what it would send to the trunk. */
  readonly called: string;
  readonly calling: string | undefined;
}
export interface RouteServiceOptions {
  readonly token: string;
  readonly decide: (question: RouteQuestion) => Decision;
  /** Of decisions, for the log and for counters. Default nothing. */
  readonly watch?: (decision: Decision) => void;
}

/** Serves until the scope closes; port 0 takes a free one. */
export const serveRoutes = Effect.fn("route.serve")(function* (on: Endpoint, options: RouteServiceOptions) {
  return yield* serveQuestions(on, {
    path: "/route",
    token: options.token,
    connectionsMax: ROUTE_CONNECTIONS_MAX,
    urlCharsMax: URL_CHARS_MAX,
    names: { called: 1, calling: 1, format: 1 },
    answer: (query) => answerTo(query, options),
  });
});

const answerTo = (query: Query, { decide, watch }: RouteServiceOptions): Answer => {
  const [called] = query.get("called") ?? [];
  const [calling] = query.get("calling") ?? [];
  const [format] = query.get("format") ?? [];
  if (called === undefined) return refused(400, "called: missing; /route?called=NUMBER");
  const decision = decide({ called, calling });
  watch?.(decision);
  switch (format) {
    case undefined:
    case "json":
      return json(jsonOf(decision));
    case "line":
      return found(decision.way === "vipr" ? lineOf(decision.number, decision.route) : "");
    case "ticket":
      return found(decision.way === "vipr" ? decision.route.ticket : "");
    case "uri":
      return found(decision.way === "vipr" ? decision.route.uris[0]! : "");
    default:
      return refused(400, `format: json, line, ticket or uri, not "${format.slice(0, 20)}"`);
  }
};
const found = (body: string): Answer => text(body, body === "" ? 404 : 200);

/** docs/protocol/sip.md#the-callers-side: what the INVITE to the border element holds. None of the three has a blank in it. */
const lineOf = (number: E164, { grantingDomain, uris, ticket }: LearnedRoute): string =>
  `${requestUriTo(number, grantingDomain)} <${uris[0]};lr> ${ticket}`;
const requestUriTo = (number: E164, domain: string): string => `sip:${number}@${domain};user=phone`;

const jsonOf = (decision: Decision) => {
  if (decision.way === "pstn") return { decision: "pstn", reason: decision.reason };
  const { number, route } = decision;
  return {
    decision: "vipr",
    uri: route.uris[0],
    header: TICKET_HEADER,
    ticket: route.ticket,
    expires: new Date(route.expiresMs).toISOString(),
    number,
    requestUri: requestUriTo(number, route.grantingDomain),
    domain: route.grantingDomain,
    uris: route.uris,
  };
};
