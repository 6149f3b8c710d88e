/**
 * Messages that follow from others: responses, ACK and CANCEL. RFC 3261 §8.2.6, §9.1 and §17.1.1.3.
 * Requirements: RFC 3261 §16.6, §17.2.1.
 */
import { utf8 } from "../shared/mod.ts";
import { Field, fieldsOf, type Header, headerOf } from "./fields.ts";
import { cseqOf, tagOf, topViaOf } from "./header.ts";
import type { SipRequest, SipResponse, Unreadable } from "./message.ts";
import { printVia } from "./values.ts";

/** What a response has beyond the fields that are the request's. */
export interface ResponseParts {
  /** Put on To when the request had none there. */
  readonly toTag?: string;
  readonly headers?: ReadonlyArray<Header>;
  readonly body?: Uint8Array;
}

/** A response that finds its way back: Via, From, To, Call-ID and CSeq are the request's. */
export const responseTo = (request: SipRequest, status: number, parts: ResponseParts = {}): SipResponse => {
  const to = headerOf(request, "To")!;
  const tagged = parts.toTag === undefined || tagOf(request, "To") !== undefined ? to : `${to};tag=${parts.toTag}`;
  // A dialog is made by these: its route is told to both ends. RFC 3261 §12.1.1.
  const routes = status > 100 && status < 300 ? fieldsOf(request, "Record-Route") : [];
  return {
    type: "response",
    status,
    reason: REASONS[status] ?? "Unknown",
    headers: [
      ...fieldsOf(request, "Via"),
      ...routes,
      { name: "From", value: headerOf(request, "From")! },
      { name: "To", value: tagged },
      { name: "Call-ID", value: headerOf(request, "Call-ID")! },
      { name: "CSeq", value: headerOf(request, "CSeq")! },
      ...(parts.headers ?? []),
    ],
    body: parts.body ?? new Uint8Array(),
  };
};

/**
 * 400 or 505 to a request that could not be read, as far as it lets itself be answered. RFC 3261 §21.4.1 and §21.5.6.
 * Undefined: it does not say from whom it comes, or is one that nothing answers.
 */
export const badRequestOf = ({ request, status = 400 }: Unreadable, toTag: string): SipResponse | undefined => {
  if (request === undefined || fieldsOf(request, "Via").length === 0) return undefined;
  const [to] = fieldsOf(request, "To");
  const isTagged = !(to instanceof Field && to.tagged.ok) || tagOf(request, "To") !== undefined;
  const copied = (name: string) => fieldsOf(request, name).slice(0, 1);
  return {
    type: "response",
    status,
    reason: REASONS[status] ?? "Unknown",
    headers: [
      ...fieldsOf(request, "Via"),
      ...copied("From"),
      ...(to === undefined || isTagged ? copied("To") : [{ name: "To", value: `${to.value};tag=${toTag}` }]),
      ...copied("Call-ID"),
      ...copied("CSeq"),
    ],
    body: new Uint8Array(),
  };
};

/** The ACK of a final response other than 2xx: same branch, hop by hop. */
export const ackOf = (invite: SipRequest, response: SipResponse): SipRequest =>
  sibling(invite, "ACK", headerOf(response, "To")!);

/** The CANCEL of a request still pending: same branch, same everything. */
export const cancelOf = (invite: SipRequest): SipRequest => sibling(invite, "CANCEL", headerOf(invite, "To")!);

/** A text in UTF-8, for a body. */
export const textBody = (text: string): Uint8Array => utf8(text);

/** Every branch made by RFC 3261 begins so. */
export const MAGIC_BRANCH = "z9hG4bK";

// biome-ignore format: columns
const REASONS: Readonly<Record<number, string>> = {
  100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily", 400: "Bad Request", 403: "Forbidden",
  404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
  420: "Bad Extension", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
  482: "Loop Detected", 483: "Too Many Hops", 486: "Busy Here", 487: "Request Terminated",
  488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable", 504: "Server Time-out",
  505: "Version Not Supported", 603: "Decline",
};

const sibling = (invite: SipRequest, method: string, to: string): SipRequest => ({
  type: "request",
  method,
  uri: invite.uri,
  headers: [
    { name: "Via", value: printVia(topViaOf(invite)!) },
    ...fieldsOf(invite, "Route"),
    { name: "Max-Forwards", value: "70" },
    { name: "From", value: headerOf(invite, "From")! },
    { name: "To", value: to },
    { name: "Call-ID", value: headerOf(invite, "Call-ID")! },
    { name: "CSeq", value: `${cseqOf(invite).number} ${method}` },
  ],
  body: new Uint8Array(),
});
