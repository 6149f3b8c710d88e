/**
 * The ticket's check over HTTP, for a border element that is Kamailio or an SBC: on loopback, with a token.
 * docs/integrations/kamailio-border.md.
 *
 *   GET /check?ticket=...&number=+49305550901&domain=acme.example[&domain=...][&format=json|line]   Authorization: Bearer TOKEN
 *     json   200 {"verdict":"good","why":null,"domain":...,"id":...}    200 {"verdict":"refused","why":"wrongNumber"}
 *     line   200 and `good DOMAIN ID`, or `refused WHY`
 */
import { Effect } from "effect";
import type { Endpoint } from "../codecs/reload/mod.ts";
import type { TicketVerdict } from "../machines/ticket/mod.ts";
import { type Answer, json, type Query, refused, serveQuestions, text } from "./question-service.ts";

const CHECK_CONNECTIONS_MAX = 512;
/** A ticket of 1 024 characters, each percent-encoded, and the rest. */
const URL_CHARS_MAX = 6_144;
/** Names that one certificate may prove. */
export const CHECK_DOMAINS_MAX = 32;

export interface CheckQuestion {
  /** Undefined: the call had none. */
  readonly ticket: string | undefined;
  readonly number: string;
  readonly domains: ReadonlyArray<string>;
}
/** `detail`: of a malformed ticket, where and why. */
export type CheckVerdict = TicketVerdict & { readonly detail?: string };

export interface CheckServiceOptions {
  readonly token: string;
  readonly check: (question: CheckQuestion) => CheckVerdict;
}

/** Serves until the scope closes; port 0 takes a free one. */
export const serveChecks = Effect.fn("ticket.serve")(function* (on: Endpoint, { token, check }: CheckServiceOptions) {
  return yield* serveQuestions(on, {
    path: "/check",
    token,
    connectionsMax: CHECK_CONNECTIONS_MAX,
    urlCharsMax: URL_CHARS_MAX,
    names: { ticket: 1, number: 1, domain: CHECK_DOMAINS_MAX, format: 1 },
    answer: (query) => answerTo(query, check),
  });
});

const answerTo = (query: Query, check: CheckServiceOptions["check"]): Answer => {
  const [number] = query.get("number") ?? [];
  const [format = "json"] = query.get("format") ?? [];
  if (number === undefined) return refused(400, "number: missing; the user part of the Request-URI");
  if (format !== "json" && format !== "line") return refused(400, `format: json or line, not "${format.slice(0, 20)}"`);
  // A script writes what it has: an empty text is no ticket, and no domain.
  const [ticket = ""] = query.get("ticket") ?? [];
  const domains = (query.get("domain") ?? []).filter((domain) => domain !== "");
  const verdict = check({ ticket: ticket === "" ? undefined : ticket, number, domains });
  return format === "line" ? text(lineOf(verdict)) : json(jsonOf(verdict));
};

const lineOf = (verdict: CheckVerdict): string =>
  verdict.type === "admit" ? `good ${verdict.domain} ${verdict.ticketId}\n` : `refused ${verdict.why}\n`;

/** What `vipr ticket verify --json` prints, too. */
export const jsonOf = (verdict: CheckVerdict) => {
  if (verdict.type === "admit")
    return { verdict: "good", why: null, domain: verdict.domain, id: verdict.ticketId } as const;
  const { why, detail } = verdict;
  return { verdict: "refused", why, ...(detail === undefined ? {} : { detail }) } as const;
};
