/**
 * Where a request goes. RFC 3261 §16.5; docs/protocol/sip.md#the-call-agents-proxy.
 *
 *   within a dialog          its Routes and Request-URI say; from a trunk or the border only to a PBX or within a call we know
 *   from a PBX, INVITE       over SIP if there is a route and the offer is secured, then the trunks in their order
 *   from a PBX, other        the trunk that the Request-URI names, or else the trunks in their order
 *   from a trunk, the border the PBXs in their order
 */
import { type CallTexts, hostOf, listOf, requestUriOf, type SipRequest, tagOf } from "../../codecs/sip/mod.ts";
import { mayBeSecured, routeOf } from "../sip/mod.ts";
import { defaultPort, type OwnAddresses } from "./addresses.ts";
import type { CoreHop } from "./context.ts";
import type { Peers, Sender } from "./peers.ts";
import { nextHopOf, type Routed, retargeted } from "./route.ts";
import type { CoreOptions, FallbackReason, ProxySide, SipPeer, Way } from "./types.ts";

export interface Neighbourhood {
  readonly own: OwnAddresses;
  readonly peers: Peers;
}

const NOTHING_ADDED = { route: undefined, ticket: undefined } as const;

/** The places of a neighbour as next hops, but those by transports that none of our addresses speaks. RFC 3263 §4.3. */
export const hopsToPeer = (
  { own, peers }: Neighbourhood,
  peer: SipPeer,
  request: SipRequest,
): ReadonlyArray<CoreHop> => {
  const target = requestUriOf(request);
  const isOurs = target.ok && own.of(target.value) >= 0;
  return peers.targetsOf(peer).flatMap(({ transport, host, port }): ReadonlyArray<CoreHop> => {
    const by = own.towards(peer.side, transport);
    if (by < 0) return [];
    // The URI names the neighbour, not the place to which its name has led.
    const named = { transport, host: peer.host, port: peer.port };
    const isDefault = peer.port === defaultPort(transport) || peer.located !== undefined;
    const uri = isOurs ? retargeted(request.uri, named, isDefault) : request.uri;
    const to = { transport, own: by, host, port, stream: 0 };
    return [{ kind: "peer", to, peer, uri, ...NOTHING_ADDED }];
  });
};

/** What takes calls to the telephone network calls for the house. */
export const callerOf = (sender: Sender | undefined): Sender | undefined =>
  sender?.side === "fallback" ? { ...sender, side: "pbx" } : sender;

/** Whose address a host is. */
const sideAt = (peers: Peers, host: string, from: ProxySide): ProxySide => {
  if (from !== "pbx") return "pbx";
  return peers.isOf("trunk", host) || !peers.isOf("border", host) ? "trunk" : "border";
};

/** Within a dialog, or by a Route that leads on. Undefined: nowhere that we know. */
export const hopWithin = (
  { own, peers }: Neighbourhood,
  { request, by }: Routed,
  from: ProxySide,
  isKnownCall: boolean,
): CoreHop | undefined => {
  const hop = nextHopOf(request);
  if (hop === undefined) return undefined;
  const target = requestUriOf(request);
  if (target.ok && own.of(target.value) >= 0) return undefined; // it has lost our Route, and with it where it goes
  const host = hop.host.replace(/^\[|\]$/g, "");
  if (from !== "pbx" && !isKnownCall && !peers.isOf("pbx", host)) return undefined;
  const fits = by >= 0 && own.all[by]!.transport === hop.transport;
  const leaves = fits ? by : own.towards(sideAt(peers, host, from), hop.transport);
  if (leaves < 0) return undefined;
  const to = { transport: hop.transport, own: leaves, host, port: hop.port, stream: 0 };
  return { kind: "peer", to, peer: undefined, uri: request.uri, ...NOTHING_ADDED };
};

/** A new request to the neighbours of a side, those that its Route or Request-URI names first. */
export const hopsToSide = (at: Neighbourhood, request: SipRequest, side: ProxySide): ReadonlyArray<CoreHop> =>
  hopsTo(at, request, at.peers.of(side));

const hopsTo = (at: Neighbourhood, request: SipRequest, peers: ReadonlyArray<SipPeer>): ReadonlyArray<CoreHop> => {
  const named = nextHopOf(request);
  const isNamed = ({ host, port }: SipPeer) => named !== undefined && named.host === host && named.port === port;
  const ordered = [...peers.filter(isNamed), ...peers.filter((peer) => !isNamed(peer))];
  return ordered.flatMap((peer) => hopsToPeer(at, peer, request));
};

/** A trunk has asked for credentials: they are good where they were asked for, and there they go first. */
export const hopsOfChallenged = (at: Neighbourhood, request: SipRequest, by: Challenger): ReadonlyArray<CoreHop> => {
  const trunks = at.peers.of("trunk");
  const hops = hopsTo(at, request, [...trunks.filter(({ name }) => name === by.trunk), ...trunks]).filter(isFirst);
  const asked = hops.filter(({ peer, to }) => peer?.name === by.trunk && to.host === by.host && to.port === by.port);
  return [...asked, ...hops.filter((hop) => !asked.includes(hop))];
};
export interface Challenger {
  readonly trunk: string;
  readonly host: string;
  readonly port: number;
}
const isFirst = ({ peer, to }: CoreHop, i: number, all: ReadonlyArray<CoreHop>): boolean =>
  all.findIndex((one) => one.peer === peer && one.to.host === to.host && one.to.port === to.port) === i;

export interface CallWay {
  readonly hops: ReadonlyArray<CoreHop>;
  /** Why a call that has a route does not take it. */
  readonly fellBack: FallbackReason | undefined;
}

/** A new call of the PBX. */
export const hopsOfCall = (at: Neighbourhood, request: SipRequest, way: Way): CallWay => {
  const trunks = at.peers.of("trunk");
  const named = way.trunks.flatMap((name) => trunks.find((trunk) => trunk.name === name) ?? []);
  const hops = hopsTo(at, request, named);
  if (way.vipr === undefined) return { hops, fellBack: undefined };
  const isSecured = at.peers.of("border")[0]?.securesMedia === true || mayBeSecured(request);
  if (!isSecured) return { hops, fellBack: "offerNotSecured" };
  const vipr = hopOverSip(at, way.vipr);
  return vipr === undefined ? { hops, fellBack: "noBorder" } : { hops: [vipr, ...hops], fellBack: undefined };
};

interface NewCall {
  readonly request: SipRequest;
  readonly about: CallTexts;
  /** The trunk that has asked for credentials. */
  readonly sticky: Challenger | undefined;
  readonly atMs: number;
}

/** A new call, whoever it comes from. */
export const hopsOfInvite = (
  at: Neighbourhood,
  { route, fallback }: Pick<CoreOptions, "route" | "fallback">,
  { side, peer }: Sender,
  { request, about, sticky, atMs }: NewCall,
): CallWay => {
  if (side !== "pbx") {
    const isMoving = side === "trunk" && fallback?.takes(request, peer.name);
    return { hops: hopsToSide(at, request, isMoving ? "fallback" : "pbx"), fellBack: undefined };
  }
  if (sticky !== undefined) return { hops: hopsOfChallenged(at, request, sticky), fellBack: undefined };
  const { vipr, trunks } = route(request, about, atMs);
  // What is on its way to the telephone network does not try the Internet again.
  return hopsOfCall(at, request, vipr === undefined || peer.side === "fallback" ? { trunks } : { vipr, trunks });
};

/** To our border element, as a call agent sends it. docs/protocol/sip.md#the-callers-side. */
const hopOverSip = (at: Neighbourhood, { called, uri, ticket }: NonNullable<Way["vipr"]>): CoreHop | undefined => {
  const [border] = at.peers.of("border");
  const [domain, route] = [hostOf(uri), routeOf(uri)];
  if (border === undefined || domain === undefined || route === undefined) return undefined;
  const { transport, host, port } = border;
  const by = at.own.towards("border", transport);
  if (by < 0) return undefined;
  const to = { transport, own: by, host, port, stream: 0 };
  return { kind: "vipr", to, peer: border, uri: `sip:${called}@${domain};user=phone`, route, ticket };
};

/** A Route beyond ours: the PBX has chosen. */
export const leadsOn = (at: Neighbourhood, way: Routed): ReadonlyArray<CoreHop> | undefined => {
  if (listOf(way.request, "Route").length === 0 || nextHopOf(way.request) === undefined) return undefined;
  const hop = hopWithin(at, way, "pbx", true);
  return hop === undefined ? undefined : [hop];
};

/** It names us and nobody behind us. */
export const isForUs = ({ request }: Routed, own: OwnAddresses): boolean => {
  const target = requestUriOf(request);
  if (!target.ok || target.value.type !== "sip" || target.value.user !== undefined) return false;
  return request.method !== "REGISTER" && tagOf(request, "To") === undefined && own.of(target.value) >= 0;
};
