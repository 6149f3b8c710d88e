/**
 * A redirect server that answers each request out of itself: a stateless UAS. RFC 3261 §8.2.7 and §8.3;
 * docs/integrations/README.md#sip-302. A function: it waits for nothing and remembers nothing, so that a request that comes
 * again has the same answer.
 *
 *   INVITE --> decision --> 302 with Contact, ticket and route         over the Internet
 *                      +--> 404 with the reason                        over the telephone network
 *   OPTIONS --> 200     ACK --> nothing     within a dialog --> 481     anything else --> 405
 */
import {
  type Header,
  headerOf,
  responseTo,
  type SipRequest,
  type SipResponse,
  TICKET_HEADER,
  tagOf,
} from "../../codecs/sip/mod.ts";
import type { Decision } from "./decision.ts";

/** The learned route, for whoever cannot read it out of the Contact. */
export const ROUTE_HEADER = "X-ViPR-Route";
/** Why a call takes the telephone network, a `PstnReason`. */
export const REASON_HEADER = "X-ViPR-Reason";

const ALLOW: Header = { name: "Allow", value: "INVITE, ACK, OPTIONS" };

/** What the redirect server asks, and where it sends calls. */
export interface RedirectOptions {
  readonly decide: (request: SipRequest) => Decision;
  /** The border element as the exchange reaches it: the Contact leads there. Undefined: the Contact is the learned route. */
  readonly border: { readonly host: string; readonly port: number } | undefined;
}

/** Undefined: nothing is to be answered. `tag`: of this run; the same for a request that comes again. */
export const redirectAnswer = (
  request: SipRequest,
  tag: string,
  { decide, border }: RedirectOptions,
): SipResponse | undefined => {
  const answer = (status: number, ...headers: ReadonlyArray<Header>) =>
    responseTo(request, status, { toTag: tag, headers });
  if (request.method === "ACK") return undefined;
  if (tagOf(request, "To") !== undefined || request.method === "CANCEL") return answer(481);
  if (request.method === "OPTIONS") return answer(200, ALLOW, { name: "Accept", value: "application/sdp" });
  if (request.method !== "INVITE") return answer(405, ALLOW);
  if (Number(headerOf(request, "Max-Forwards") ?? 70) === 0) return answer(483);
  const decision = decide(request);
  if (decision.way === "pstn") return answer(404, { name: REASON_HEADER, value: decision.reason });
  const { number, route } = decision;
  const by =
    border === undefined ? "" : `;maddr=${border.host.includes(":") ? `[${border.host}]` : border.host};transport=tcp`;
  const at = border === undefined ? "" : `:${border.port}`;
  const uri = border === undefined ? route.uris[0]! : `sip:${number}@${route.grantingDomain}${at};user=phone${by}`;
  return answer(
    302,
    { name: "Contact", value: `<${uri}?${TICKET_HEADER}=${encodeURIComponent(route.ticket)}>` },
    { name: TICKET_HEADER, value: route.ticket },
    { name: ROUTE_HEADER, value: `<${route.uris[0]};lr>` },
  );
};
