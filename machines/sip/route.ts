/** Where a border element sends a request that leaves its domain. RFC 3261 §16.5, §16.6. Functions only. */
import {
  hasParam,
  type NameAddr,
  paramOf,
  parseUri,
  printNameAddr,
  requestUriOf,
  routesIn,
  type SipRequest,
  type Uri,
} from "../../codecs/sip/mod.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export type Side = "inside" | "outside";

/** Where to dial, and for which domain the certificate there must be; undefined: the dialog's own. */
export interface OutsideHop extends HostPort {
  /** It names neither a port nor an address: where it is has to be found. RFC 3263 §4.1, §4.2. */
  readonly isNamed: boolean;
  readonly domain: string | undefined;
}

export const SIPS_PORT = 5_061;

/** Where a request from inside goes next: its topmost Route, or its Request-URI. Undefined: neither can be dialled. */
export const outsideHopOf = (request: SipRequest): OutsideHop | undefined => {
  const routes = routesIn(request);
  if (!routes.ok) return undefined;
  const route = routes.value[0];
  if (route !== undefined) return hopOf(route.uri, true);
  const target = requestUriOf(request);
  return target.ok ? hopOf(target.value, false) : undefined;
};

const bare = (uri: Uri): NameAddr => ({ display: undefined, uri, params: [] });

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
