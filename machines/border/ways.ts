/**
 * Where a request goes. ViPR overview §6.3; RFC 3261 §16.5 and §16.12. Functions only.
 *
 *                 opens a call                      within a call
 *   from outside  the call agents, in their order   where our token says: its Routes, its Contact
 *   from inside   where its Route leads             where its Routes and its Request-URI lead; the token says to whom
 */
import { isGlobalHost } from "../../codecs/shared/mod.ts";
import {
  headerOf,
  listOf,
  numberOf,
  parseNameAddr,
  parseUri,
  type SipRequest,
  targetIn,
  withList,
} from "../../codecs/sip/mod.ts";
import { type Destination, hopOf, type OwnAddresses, type SipPeer } from "../proxy/mod.ts";
import { outsideHopOf, type Side } from "../sip/mod.ts";
import type { BorderHop } from "./context.ts";
import { OUTSIDE } from "./crossing.ts";
import { userIn } from "./hiding.ts";
import type { InsideToken, OutsideToken, Tokens } from "./tokens.ts";

/** To one of our call agents. Undefined: none of our addresses speaks its transport. */
export const hopToAgent = (own: OwnAddresses<Side>, agent: SipPeer<Side>, uri: string): BorderHop | undefined => {
  const { transport, host, port } = agent;
  const by = own.towards("inside", transport);
  if (by < 0) return undefined;
  return { kind: "peer", to: { transport, own: by, host, port, stream: 0 }, peer: agent, uri, routes: [] };
};

/** To an end inside, by the way that its dialog was recorded. */
export const hopInside = (own: OwnAddresses<Side>, { contact, routes }: OutsideToken): BorderHop | undefined => {
  const first = routes[0];
  const route = first === undefined ? undefined : parseNameAddr("Route", first);
  const uri = first === undefined ? parseUri(contact) : undefined;
  const hop = route?.ok ? hopOf(route.value.uri) : uri?.ok ? hopOf(uri.value) : undefined;
  if (hop === undefined || contact === "") return undefined;
  const named = own.towards("inside", hop.transport);
  // A Contact may leave the transport out that its owner speaks.
  const by = named >= 0 ? named : own.all.findIndex(({ side }) => side === "inside");
  if (by < 0 || own.all[by]!.side !== "inside") return undefined;
  const { transport } = own.all[by]!;
  const to = { transport, own: by, host: bare(hop.host), port: hop.port, stream: 0 };
  return { kind: "peer", to, peer: undefined, uri: contact, routes };
};

/** `request` without our Routes. `domain`: of the call; undefined: its Route must name one. */
export const hopOutside = (request: SipRequest, domain: string | undefined): BorderHop | undefined => {
  const hop = outsideHopOf(request);
  const name = domain ?? hop?.domain;
  if (hop === undefined || name === undefined) return undefined;
  const to = {
    transport: "TLS",
    own: OUTSIDE,
    host: bare(hop.host),
    port: hop.port,
    stream: 0,
    domain: name,
    isNamed: hop.isNamed,
  } as const;
  return { kind: "peer", to, peer: undefined, uri: request.uri, routes: listOf(request, "Route") };
};

/** Where whoever has sent this INVITE will be called back; undefined: it says nothing that can be dialled. */
export const hopBack = (request: SipRequest): { readonly host: string } | undefined => {
  const field = ["Record-Route", "Contact"].find((name) => headerOf(request, name) !== undefined);
  const address = field === undefined ? undefined : parseNameAddr(field, listOf(request, field)[0] ?? "");
  const hop = address?.ok ? hopOf(address.value.uri) : undefined;
  return hop && { host: bare(hop.host) };
};

/** An address, or what looks like one, where no other company can be: a private network, this machine, a group. */
export const isOwnNetwork = (host: string): boolean => /^[0-9.]+$|:/.test(host) && !isGlobalHost(host);

const bare = (host: string): string => host.replace(/^\[|\]$/g, "");

/** The token of the dialog that a request from outside shows, and of the end's newest Contact. */
export const tokenFromOutside = (tokens: Tokens, request: SipRequest): OutsideToken | undefined => {
  const callId = headerOf(request, "Call-ID") ?? "";
  const target = tokens.openOutside(userIn(request.uri), callId);
  // A strict router has put our record into the Request-URI, and the target behind the Routes.
  const [first, last] = [listOf(request, "Route")[0], listOf(request, "Route").at(-1)];
  const dialog = tokens.openOutside(userIn(first ?? ""), callId) ?? target;
  if (dialog === undefined) return undefined;
  const moved = target !== undefined && target !== dialog ? target : tokens.openOutside(userIn(last ?? ""), callId);
  if (moved === undefined || moved.call !== dialog.call || moved === dialog) return dialog;
  return { ...dialog, contact: moved.contact };
};

export const tokenFromInside = (tokens: Tokens, request: SipRequest): InsideToken | undefined => {
  const callId = headerOf(request, "Call-ID") ?? "";
  const [first] = listOf(request, "Route");
  return tokens.openInside(userIn(first ?? ""), callId) ?? tokens.openInside(userIn(request.uri), callId);
};

/** A strict router has put our record into the Request-URI, and the target behind the Routes. RFC 3261 §16.4. */
export const fromStrictRouter = (tokens: Tokens, request: SipRequest): SipRequest => {
  const routes = listOf(request, "Route");
  const target = routes.length === 0 ? undefined : targetIn(routes.at(-1)!);
  const isRecord = tokens.openInside(userIn(request.uri), headerOf(request, "Call-ID") ?? "") !== undefined;
  if (!isRecord || target === undefined) return request;
  return { ...withList(request, "Route", routes.slice(0, -1)), uri: target };
};

/** Whom a REFER would have called. RFC 3515 §2.1; with Replaces or other headers behind the URI it is no plain number. */
export const referredTo = (request: SipRequest): string | undefined => {
  const value = headerOf(request, "Refer-To");
  const address = value === undefined ? undefined : parseNameAddr("Refer-To", value);
  if (!address?.ok) return undefined;
  const { uri } = address.value;
  if (uri.type === "sip" && uri.headers !== undefined) return undefined;
  return numberOf(uri);
};

type End = Pick<Destination, "transport" | "host" | "port" | "domain">;
/** By the same stream, which is one domain's. */
export const isSameStream = (one: End, other: End): boolean =>
  one.host === other.host &&
  one.port === other.port &&
  one.transport === other.transport &&
  one.domain === other.domain;
