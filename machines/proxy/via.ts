/**
 * The topmost Via as the receiver completes it, and where a response to it goes. RFC 3261 §18.2.1 and §18.2.2, RFC 3581 §4.
 */
import {
  firstComma,
  hasParam,
  headerOf,
  paramOf,
  printVia,
  type SipRequest,
  type SipResponse,
  topViaOf,
  withFieldsOf,
} from "../../codecs/sip/mod.ts";
import { defaultPort } from "./addresses.ts";
import type { Destination, Source } from "./types.ts";

/** With `received` and `rport` on the topmost Via, where they belong there. */
export const completed = (request: SipRequest, source: Source): SipRequest => {
  const via = topViaOf(request);
  if (via === undefined) return request;
  const wantsPort = hasParam(via.params, "rport");
  const isThere = via.host === source.host || via.host === `[${source.host}]`;
  if (isThere && !wantsPort && !hasParam(via.params, "received")) return request;
  const value = headerOf(request, "Via")!;
  // Only the first of several Vias in one field is ours to complete.
  const comma = firstComma(value);
  const [first, others] = comma < 0 ? [value, ""] : [value.slice(0, comma).trimEnd(), value.slice(comma)];
  const params = () => via.params.filter(({ name }) => name !== "received" && name !== "rport");
  // What stands in quotes may look like a parameter.
  const plain = first.includes('"')
    ? printVia({ ...via, params: params() })
    : first.replace(/;\s*(?:received|rport)\s*(?:=\s*[^;]*)?(?=;|$)/gi, "");
  const port = wantsPort ? `;rport=${source.port}` : "";
  const received = isThere && !wantsPort ? "" : `;received=${source.host}`;
  const at = request.headers.findIndex(({ name }) => name === "Via");
  const headers = [...request.headers];
  headers[at] = { name: "Via", value: `${plain}${port}${received}${others}` };
  const { method, uri, body } = request;
  return { type: "request", method, uri, headers, body };
};

/** A stream takes its own responses; a datagram goes back where it came from, or to the port that the Via names. */
export const replyTo = (request: SipRequest, source: Source): Destination => {
  const { transport, own, stream, domain } = source;
  const via = topViaOf(request);
  const named = via?.port ?? defaultPort(transport);
  const isHere = transport === "UDP" && (via === undefined || hasParam(via.params, "rport"));
  const host = (transport === "UDP" && via !== undefined && paramOf(via.params, "maddr")) || source.host;
  const port = isHere ? source.port : named;
  // Mostly it is the place that the request came from: a transaction keeps it for half a minute.
  return host === source.host && port === source.port ? source : { transport, own, host, port, stream, domain };
};

/**
 * The response as it goes upstream. RFC 3261 §16.7 step 3. Whatever downstream made of the Vias, the way back is that of the
 * request; once that is forgotten, after a 2xx, the Vias below ours. Undefined: they do not say where to.
 */
export const upstreamOf = (response: SipResponse, request: SipRequest | undefined): SipResponse | undefined => {
  const up = request === undefined ? withoutVia(response) : withFieldsOf(response, "Via", request);
  return topViaOf(up) === undefined ? undefined : up;
};
const plainly = ({ status, reason, headers, body }: SipResponse): SipResponse => ({
  type: "response",
  status,
  reason,
  headers,
  body,
});

const withoutVia = (response: SipResponse): SipResponse => {
  const at = response.headers.findIndex(({ name }) => name === "Via");
  const headers = response.headers.filter((_, i) => i !== at);
  const value = response.headers[at]?.value ?? "";
  const comma = firstComma(value);
  if (comma >= 0) headers.splice(at, 0, { name: "Via", value: value.slice(comma + 1).trim() });
  return { ...plainly(response), headers };
};
