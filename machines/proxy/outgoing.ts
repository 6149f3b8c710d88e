/** A request as it goes out by one hop. RFC 3261 §16.6, RFC 3327 for REGISTER. A function. */
import { type Header, headerOf, type SipRequest, TICKET_HEADER, tagOf, withHeader } from "../../codecs/sip/mod.ts";
import type { OwnAddresses } from "./addresses.ts";
import type { Context } from "./context.ts";
import { leaving, toStrictRouter } from "./route.ts";
import type { Destination } from "./types.ts";

export const outgoing = (context: Context, to: Destination, own: OwnAddresses, branch: string): SipRequest => {
  const hop = context.hops[context.at]!;
  const request = context.request!;
  const sent = leaving(
    request,
    `${own.via(to.own)}${branch}`,
    recordsOf(request, to, context.source.own, own),
    hop.route,
  );
  const there = hop.uri === sent.uri ? sent : { ...sent, uri: hop.uri };
  return toStrictRouter(hop.ticket === undefined ? there : withHeader(there, TICKET_HEADER, hop.ticket));
};

/** By what its answer, or what comes for whoever registers, finds us again. */
const recordsOf = (request: SipRequest, to: Destination, from: number, own: OwnAddresses): ReadonlyArray<Header> => {
  if (DIALOG_OPENING.has(request.method) && tagOf(request, "To") === undefined) return own.recordRoutes(to.own, from);
  if (request.method !== "REGISTER" || !TAKES_PATH.test(headerOf(request, "Supported") ?? "")) return NO_HEADERS;
  return [{ name: "Path", value: own.path(to.own) }];
};
const NO_HEADERS: ReadonlyArray<Header> = [];
const TAKES_PATH = /(?:^|[\s,])path(?:$|[\s,])/i;
/** Those for which a proxy records its route. RFC 3261 §16.6 step 4, RFC 6665, RFC 3515. */
const DIALOG_OPENING = new Set(["INVITE", "SUBSCRIBE", "REFER"]);
