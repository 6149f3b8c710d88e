/**
 * Where a border element sends a request, and what it writes on it. RFC 3261 §16.4 to §16.6, RFC 5658 for the two
 * Record-Route fields of a proxy that stands in two networks. Functions only.
 *
 *   inside (TCP, our call agent)  <-->  border element  <-->  outside (mutual TLS, other domains)
 */
import {
  dialogOfCaller,
  type Header,
  HOPS_MAX,
  hasParam,
  headerOf,
  hopsOf,
  isReturned,
  listOf,
  type NameAddr,
  paramOf,
  parseNameAddr,
  parseUri,
  printNameAddr,
  printVia,
  requestIn,
  requestUriOf,
  routesIn,
  type SipRequest,
  type SipResponse,
  type SipUri,
  sipUri,
  strictly,
  targetIn,
  type Uri,
  withFirst,
  withHeader,
  withList,
} from "../../codecs/sip/mod.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** How the border element is known on its two sides. */
export interface BorderAddresses {
  readonly domain: string;
  readonly outside: HostPort;
  readonly inside: HostPort;
}

export type Side = "inside" | "outside";

/** The same, with what it writes on each request that leaves by a side. */
export interface BorderSelf extends BorderAddresses {
  /** Its Via but for the branch, which comes last. */
  readonly vias: Readonly<Record<Side, string>>;
  readonly recordRoutes: Readonly<Record<Side, ReadonlyArray<Header>>>;
  /** The URIs in them. */
  readonly recordUris: Readonly<Record<Side, SipUri>>;
}

export const borderSelf = (addresses: BorderAddresses): BorderSelf => {
  const via = (transport: string, by: HostPort) => `${printVia({ transport, ...by, params: [] })};branch=`;
  const uris = recordUris(addresses);
  return {
    ...addresses,
    vias: { inside: via("TCP", addresses.inside), outside: via("TLS", addresses.outside) },
    recordRoutes: { inside: recordRoutes("inside", uris), outside: recordRoutes("outside", uris) },
    recordUris: uris,
  };
};

/** Where to dial, and for which domain the certificate there must be; undefined: the dialog's own. */
export interface OutsideHop extends HostPort {
  /** It names neither a port nor an address: where it is has to be found. RFC 3263 §4.1, §4.2. */
  readonly isNamed: boolean;
  readonly domain: string | undefined;
}

export const SIPS_PORT = 5_061;
export const MAX_FORWARDS = HOPS_MAX;

/**
 * The request without the Route fields that name us, RFC 3261 §16.4; and with its own Request-URI again, where a strict
 * router before us put ours there and the target at the end of the Route. Undefined: its Routes cannot be read.
 */
export const withoutOurRoutes = (request: SipRequest, self: BorderSelf): SipRequest | undefined => {
  const routes = routesIn(request);
  if (!routes.ok) return undefined;
  if (routes.value.length === 0) return request;
  if (isOurRecord(request, self)) {
    const values = listOf(request, "Route");
    const target = targetIn(values.at(-1)!);
    const rest = withList(request, "Route", values.slice(0, -1));
    return target === undefined ? undefined : withoutOurRoutes({ ...rest, uri: target }, self);
  }
  const first = routes.value.findIndex(({ uri }) => !isOurs(uri, self));
  if (first === 0) return request;
  return withList(request, "Route", first < 0 ? [] : listOf(request, "Route").slice(first));
};

/** True when the Request-URI is one that we put into a Record-Route. Any other that names us is where the caller wants to go. */
const isOurRecord = (request: SipRequest, { recordUris: { inside, outside } }: BorderSelf): boolean => {
  const uri = requestUriOf(request);
  return uri.ok && (isReturned(uri.value, outside) || isReturned(uri.value, inside));
};

/** Where a request from inside goes next: its topmost Route, or its Request-URI. Undefined: neither can be dialled. */
export const outsideHopOf = (request: SipRequest): OutsideHop | undefined => {
  const routes = routesIn(request);
  if (!routes.ok) return undefined;
  const route = routes.value[0];
  if (route !== undefined) return hopOf(route.uri, true);
  const target = requestUriOf(request);
  return target.ok ? hopOf(target.value, false) : undefined;
};

/**
 * What leaves on the next hop: one hop fewer, our Via on top, our Record-Routes when it may open a dialog, and a strict
 * router's address where it looks for it. RFC 3261 §16.6. All other lines are those that came.
 */
export const forwardedOf = (request: SipRequest, to: Side, branch: string, self: BorderSelf): SipRequest => {
  const isCounted = headerOf(request, "Max-Forwards") !== undefined;
  const hops = isCounted ? Math.max(0, hopsOf(request) - 1) : MAX_FORWARDS;
  const counted = withHeader(request, "Max-Forwards", String(hops));
  const via = { name: "Via", value: `${self.vias[to]}${branch}` };
  const first = request.method === "INVITE" ? [via, ...self.recordRoutes[to]] : [via];
  return toStrictRouter(withFirst(counted, first));
};

const toStrictRouter = (request: SipRequest): SipRequest => {
  const routes = routesIn(request);
  if (!routes.ok || routes.value.length === 0) return request;
  const strict = strictly(request.uri, listOf(request, "Route"));
  return strict === undefined ? request : { ...withList(request, "Route", strict.routes), uri: strict.uri };
};

/**
 * ACK and BYE by which a border element ends a call that it must not let through, as the caller would: RFC 3261 §13.2.2.4.
 * `sent`: the request as it went on, and `to` the side it went to. Undefined: the answer does not say where to.
 */
export const endingOf = (
  sent: SipRequest,
  answer: SipResponse,
  to: Side,
  branches: readonly [ack: string, bye: string],
  self: BorderAddresses,
): { readonly ack: SipRequest | undefined; readonly bye: SipRequest } | undefined => {
  const dialog = dialogOfCaller(sent, answer);
  if (dialog === undefined) return undefined;
  const isOurRoute = (text: string) => {
    const route = parseNameAddr("Record-Route", text);
    return route.ok && isOurs(route.value.uri, self);
  };
  // From the caller's first hop to the called one's last: ours lie between those behind us and those before us.
  const routes = dialog.routes.slice(dialog.routes.findLastIndex(isOurRoute) + 1);
  const by = { transport: to === "outside" ? "TLS" : "TCP", ...self[to] } as const;
  const made = (method: "ACK" | "BYE", branch: string) => requestIn({ ...dialog, routes }, method, by, branch);
  return { ack: sent.method === "INVITE" ? made("ACK", branches[0]) : undefined, bye: made("BYE", branches[1]) };
};

const recordUris = ({ domain, outside, inside }: BorderAddresses): BorderSelf["recordUris"] => {
  const lr = { name: "lr", value: undefined };
  return {
    outside: sipUri({
      host: domain,
      port: outside.port,
      params: [{ name: "maddr", value: outside.host }, { name: "transport", value: "tls" }, lr],
    }),
    inside: sipUri({ ...inside, params: [{ name: "transport", value: "tcp" }, lr] }),
  };
};

/** The side that it leaves by comes first. RFC 5658 §5. */
const recordRoutes = (to: Side, uris: BorderSelf["recordUris"]): ReadonlyArray<Header> => {
  const order: ReadonlyArray<Side> = to === "outside" ? ["outside", "inside"] : ["inside", "outside"];
  return order.map((side) => ({ name: "Record-Route", value: printNameAddr(bare(uris[side])) }));
};

const bare = (uri: Uri): NameAddr => ({ display: undefined, uri, params: [] });

const isOurs = (uri: Uri, { domain, outside, inside }: BorderAddresses): boolean => {
  if (uri.type !== "sip") return false;
  if (uri.host === domain) return uri.port === undefined || uri.port === outside.port;
  return [outside, inside].some((end) => uri.host === end.host && uri.port === end.port);
};

/** Only over TLS, and, when the URI is a Route, only to a domain that the far end can prove. */
const hopOf = (uri: Uri, isRoute: boolean): OutsideHop | undefined => {
  if (uri.type !== "sip") return undefined;
  const transport = paramOf(uri.params, "transport")?.toLowerCase();
  if (!uri.secure && transport !== "tls" && isRoute) return undefined;
  const host = paramOf(uri.params, "maddr") ?? uri.host;
  const isNamed = uri.port === undefined && !isAddress(host);
  return { host, port: uri.port ?? SIPS_PORT, domain: isRoute ? uri.host : undefined, isNamed };
};

const isAddress = (host: string): boolean => host.includes(":") || /^[0-9.]+$/.test(host);

/** A learned SIP URI as a Route field: loose, so that the Request-URI stays the number. RFC 3261 §16.12. */
export const routeOf = (text: string): string | undefined => {
  const uri = parseUri(text);
  if (!uri.ok || uri.value.type !== "sip") return undefined;
  const params = hasParam(uri.value.params, "lr")
    ? uri.value.params
    : [...uri.value.params, { name: "lr", value: undefined }];
  return printNameAddr(bare({ ...uri.value, params }));
};
