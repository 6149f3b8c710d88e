/**
 * A request's way by its own header fields: without the Routes that are ours, and with its Request-URI again where a strict
 * router before us put ours there. RFC 3261 §16.3 to §16.5 and §16.12. Functions only.
 * Requirements: RFC 3261 §16.4.
 */
import {
  FIELD,
  type Header,
  HOPS_MAX,
  hopsOf,
  idOf,
  listOf,
  parseNameAddr,
  printHostPort,
  requestUriOf,
  routesIn,
  type SipRequest,
  strictly,
  targetIn,
  withList,
  withoutHeaders,
} from "../../codecs/sip/mod.ts";
import { type Hop, hopOf, isLoose, type OwnAddresses } from "./addresses.ts";

export interface Routed {
  /** Without our own Routes, and without headers in its Request-URI, which have no place there: RFC 3261 §19.1.1. */
  readonly request: SipRequest;
  /** A Route was ours: the request stays within what we have recorded. */
  readonly isByUs: boolean;
  /** The last of our Routes: the address by which it leaves. -1: none was. */
  readonly by: number;
}

/** Undefined: its Routes cannot be read. */
export const routed = (came: SipRequest, own: OwnAddresses<any>): Routed | undefined => {
  const bare = withoutHeaders(came.uri);
  const { type, method, headers, body } = came;
  const request = bare === came.uri ? came : { type, method, uri: bare, headers, body };
  const routes = routesIn(request);
  if (!routes.ok) return undefined;
  if (routes.value.length === 0) return { request, isByUs: false, by: -1 };
  const uri = requestUriOf(request);
  if (uri.ok && own.isRecord(uri.value)) {
    const values = listOf(request, "Route");
    const target = targetIn(values.at(-1)!);
    if (target === undefined) return undefined;
    const rest = routed({ ...withList(request, "Route", values.slice(0, -1)), uri: target }, own);
    return rest && { ...rest, isByUs: true };
  }
  let first = 0;
  let by = -1;
  for (; first < routes.value.length; first++) {
    const at = own.of(routes.value[first]!.uri);
    if (at < 0) break;
    by = at;
  }
  if (first === 0) return { request, isByUs: false, by: -1 };
  const rest = first === routes.value.length ? [] : listOf(request, "Route").slice(first);
  return { request: withList(request, "Route", rest), isByUs: true, by };
};

/**
 * What is wrong with the Request-URI of a request that goes where it says. RFC 3261 §16.3 steps 1 and 2. A service's name
 * needs no reading: it goes to the trunks, as every number that we know nothing of, and emergency calls have it. RFC 5031.
 */
export const uriFaultOf = ({ request }: Routed): 400 | 416 | undefined => {
  if (requestUriOf(request).ok || listOf(request, "Route").length > 0) return undefined;
  if (/^(?:sips?|tel):/i.test(request.uri)) return 400;
  return /^urn:service:/i.test(request.uri) ? undefined : 416;
};

/** Its topmost Route, or its Request-URI. Undefined: neither can be dialled. */
export const nextHopOf = (request: SipRequest): Hop | undefined => {
  const routes = routesIn(request);
  if (!routes.ok) return undefined;
  if (routes.value.length > 0) return hopOf(routes.value[0]!.uri);
  const target = requestUriOf(request);
  return target.ok ? hopOf(target.value) : undefined;
};

/** For a strict router: its address in the Request-URI, and the target at the end of the Route. RFC 3261 §16.6 step 6. */
export const toStrictRouter = (request: SipRequest): SipRequest => {
  const values = listOf(request, "Route");
  if (values.length === 0) return request;
  const first = parseNameAddr("Route", values[0]!);
  if (!first.ok || isLoose(first.value.uri)) return request;
  const strict = strictly(request.uri, values);
  return strict === undefined ? request : { ...withList(request, "Route", strict.routes), uri: strict.uri };
};

/**
 * A Request-URI that names us, on its way to a neighbour that knows itself by another name: host and port are exchanged, and
 * the transport with them; all else stays as it was written. RFC 3261 §16.5.
 */
export const retargeted = (uri: string, { host, port, transport }: Hop, isDefaultPort: boolean): string => {
  const match = /^(sips?:(?:[^@]*@)?)(?:\[[^\]]*\]|[^;?:]*)(?::[0-9]+)?(.*)$/is.exec(uri);
  if (match === null) return uri;
  const rest = match[2]!.replace(/;(?:transport|maddr)=[^;?]*/gi, "");
  const by = transport === "UDP" ? "" : `;transport=${transport.toLowerCase()}`;
  return `${match[1]}${printHostPort(host, isDefaultPort ? undefined : port)}${by}${rest}`;
};

/**
 * The request as it leaves: one hop fewer, our Via on top, Record-Routes where it opens a dialog, and another Route in the
 * place of those that it has, where that is given. RFC 3261 §16.6. Every other line is the one that came.
 */
export const leaving = (
  request: SipRequest,
  via: string,
  records: ReadonlyArray<Header>,
  route: string | undefined,
): SipRequest => {
  const headers: Array<Header> = [{ name: "Via", value: via }, ...records];
  if (route !== undefined) headers.push({ name: "Route", value: route });
  const first = headers.length;
  let isCounted = false;
  for (const header of request.headers) {
    const id = idOf(header);
    if (id === FIELD.maxForwards) {
      if (!isCounted) headers.push({ name: "Max-Forwards", value: String(Math.max(0, hopsOf(request) - 1)) });
      isCounted = true;
    } else if (route === undefined || id !== FIELD.route) headers.push(header);
  }
  if (!isCounted) headers.splice(first, 0, { name: "Max-Forwards", value: String(HOPS_MAX) });
  return { type: "request", method: request.method, uri: request.uri, headers, body: request.body };
};
