/**
 * The decision service: a PBX or SIP proxy asks before it dials. HTTP on loopback, with a token; answers come from memory.
 * docs/integrations/README.md has the requests of each exchange; DECISIONS.md D-111.
 *
 *   GET /route?called=+49305550901[&calling=...][&format=json|line|ticket|uri]      Authorization: Bearer TOKEN
 *     json    200 {"decision":"vipr","uri":...,"header":"X-Cisco-ViPR-Ticket","ticket":...,"expires":...}
 *             200 {"decision":"pstn","reason":...}
 *     line    200 and `Request-URI Route ticket`, a blank between them; 404 and nothing, where the call is for the trunk
 *     ticket, uri   the same with the ticket alone, and with the route alone
 *
 * Nothing of a request becomes a fiber: a function answers it, within the turn that read it.
 */
import http from "node:http";
import { Effect } from "effect";
import type { Endpoint } from "../codecs/reload/mod.ts";
import { type E164, equalSecrets, utf8 } from "../codecs/shared/mod.ts";
import { TICKET_HEADER } from "../codecs/sip/mod.ts";
import type { Decision, LearnedRoute } from "../machines/agent/mod.ts";
import { listenHttp } from "./loopback-http.ts";

/** A proxy with some workers keeps a connection each; more than these are closed at once. */
export const ROUTE_CONNECTIONS_MAX = 512;
const HEADER_BYTES_MAX = 8_192;
const URL_CHARS_MAX = 1_024;
const REQUEST_TIMEOUT_MS = 5_000;
/** Longer than exchanges pause between calls at night would keep sockets for nothing. */
const KEEP_ALIVE_MS = 60_000;

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

interface Answer {
  readonly status: number;
  readonly type: "application/json" | "text/plain";
  readonly body: string;
}

/** Serves until the scope closes; port 0 takes a free one. */
export const serveRoutes = Effect.fn("route.serve")(function* (on: Endpoint, options: RouteServiceOptions) {
  const answerTo = answering(options);
  const server = http.createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      request.on("error", () => {}); // a client that goes away is its own affair
      response.on("error", () => {});
      request.resume(); // a body is not looked at
      const { method = "", url = "", headers } = request;
      const { status, type, body } = answerTo(method, url, headers.authorization ?? "");
      response.writeHead(status, {
        "content-type": type,
        "content-length": Buffer.byteLength(body),
        "cache-control": "no-store",
        ...(status === 405 ? { allow: "GET" } : {}),
        ...(status === 401 ? { "www-authenticate": 'Bearer realm="vipr"' } : {}),
      });
      response.end(body);
    },
  );
  return yield* listenHttp(server, on, ROUTE_CONNECTIONS_MAX);
});

const json = (body: unknown, status = 200): Answer => ({
  status,
  type: "application/json",
  body: `${JSON.stringify(body)}\n`,
});
const text = (body: string): Answer => ({ status: body === "" ? 404 : 200, type: "text/plain", body });
const refused = (status: number, error: string): Answer => json({ error }, status);

const answering = ({ token, decide, watch }: RouteServiceOptions) => {
  const bearer = utf8(`Bearer ${token}`);
  return (method: string, url: string, authorization: string): Answer => {
    if (url.length > URL_CHARS_MAX) return refused(414, `a request of more than ${URL_CHARS_MAX} characters`);
    const mark = url.indexOf("?");
    if ((mark < 0 ? url : url.slice(0, mark)) !== "/route") return refused(404, "nothing here but /route");
    if (method !== "GET") return refused(405, "/route takes GET");
    if (!equalSecrets(utf8(authorization), bearer)) return refused(401, "Authorization: Bearer TOKEN is wanted");
    const query = queryOf(mark < 0 ? "" : url.slice(mark + 1));
    if (typeof query === "string") return refused(400, query);
    const { called, calling, format } = query;
    if (called === undefined) return refused(400, "called: missing; /route?called=NUMBER");
    const decision = decide({ called, calling });
    watch?.(decision);
    switch (format) {
      case undefined:
      case "json":
        return json(jsonOf(decision));
      case "line":
        return text(decision.way === "vipr" ? lineOf(decision.number, decision.route) : "");
      case "ticket":
        return text(decision.way === "vipr" ? decision.route.ticket : "");
      case "uri":
        return text(decision.way === "vipr" ? decision.route.uris[0]! : "");
      default:
        return refused(400, `format: json, line, ticket or uri, not "${format.slice(0, 20)}"`);
    }
  };
};

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

type Query = { readonly [K in "called" | "calling" | "format"]?: string };
const PARAMETERS: ReadonlySet<string> = new Set(["called", "calling", "format"]);

/** A dialplan writes `called=+49...` as it stands, so that a plus is a plus here and no blank. Or what is wrong. */
const queryOf = (text: string): Query | string => {
  const query: { [name: string]: string } = {};
  for (const part of text === "" ? [] : text.split("&")) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    if (!PARAMETERS.has(name)) continue; // a later version may ask for more
    if (name in query) return `${name}: twice`;
    const value = at < 0 ? "" : part.slice(at + 1);
    try {
      query[name] = value.includes("%") ? decodeURIComponent(value) : value;
    } catch {
      return `${name}: not percent-encoded UTF-8`;
    }
  }
  return query;
};
