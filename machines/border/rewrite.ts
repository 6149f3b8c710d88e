/**
 * A message as it leaves on the other side: what a border element changes of it. RFC 3261 §16.6 and §16.7, §12.
 * docs/protocol/sip.md#what-the-inside-does-not-show.
 *
 *   request outwards    Via, Record-Route, Contact ours; Route what lies beyond us; hosts of From and To not the inside's
 *   request inwards     Via ours, Record-Route ours above theirs; Route, Request-URI out of our token; no ticket
 *   response            Vias, names and records those of the request that it answers, with our record in its place
 */
import {
  FIELD,
  type Header,
  HOPS_MAX,
  headerOf,
  hopsOf,
  idOf,
  type SipRequest,
  type SipResponse,
  tagOf,
} from "../../codecs/sip/mod.ts";

/** How the fields of one message change. Undefined drops a field, and a function that is missing leaves it. */
export interface Rewriting {
  /** In front of all others: Via, Record-Route, Route. Those that came are gone. */
  readonly first: ReadonlyArray<Header>;
  readonly isKept: (name: string) => boolean;
  readonly contact?: (value: string) => string | undefined;
  readonly named?: (name: "From" | "To", header: Header) => Header;
  readonly callId?: string;
  /** A request that is passed on has one hop fewer. */
  readonly isCounted: boolean;
}

export const rewritten = (
  message: SipRequest | SipResponse,
  { first, isKept, contact, named, callId, isCounted }: Rewriting,
): ReadonlyArray<Header> => {
  const headers: Array<Header> = [...first];
  if (isCounted) headers.push({ name: "Max-Forwards", value: String(hopsLeft(message)) });
  let hasContact = false;
  for (const header of message.headers) {
    switch (idOf(header)) {
      case FIELD.via:
      case FIELD.recordRoute:
      case FIELD.route:
        break;
      case FIELD.maxForwards:
        if (!isCounted) headers.push(header);
        break;
      case FIELD.contact: {
        if (contact === undefined) headers.push(header);
        else if (!hasContact) {
          const value = contact(header.value);
          if (value !== undefined) headers.push({ name: "Contact", value });
        }
        hasContact = true;
        break;
      }
      case FIELD.from:
        headers.push(named === undefined ? header : named("From", header));
        break;
      case FIELD.to:
        headers.push(named === undefined ? header : named("To", header));
        break;
      case FIELD.callId:
        headers.push(callId === undefined ? header : { name: "Call-ID", value: callId });
        break;
      default:
        if (isKept(header.name)) headers.push(header);
    }
  }
  return headers;
};

const hopsLeft = (message: SipRequest | SipResponse): number =>
  headerOf(message, "Max-Forwards") === undefined ? HOPS_MAX : Math.max(0, hopsOf(message) - 1);

/** From and To as the request had them, with the tag that the response has brought. */
export const namesOf =
  (request: SipRequest, response: SipResponse) =>
  (name: "From" | "To", header: Header): Header => {
    const value = headerOf(request, name);
    if (value === undefined || value === header.value) return header;
    if (name === "From" || tagOf(request, "To") !== undefined) return { name, value };
    const tag = tagOf(response, "To");
    return { name, value: tag === undefined ? value : `${value};tag=${tag}` };
  };

export const recordRoutes = (values: ReadonlyArray<string>): ReadonlyArray<Header> =>
  values.map((value) => ({ name: "Record-Route", value }));

/** A body that may show addresses to those whom they do not concern: of anything but an offer and its answer. */
export const withoutDescription = <M extends SipRequest | SipResponse>(message: M): M => {
  if (message.body.length === 0 || !DESCRIPTION.test(headerOf(message, "Content-Type") ?? "")) return message;
  const headers = message.headers.filter(({ name }) => name !== "Content-Type" && name !== "Content-Disposition");
  return { ...message, headers, body: new Uint8Array() };
};
const DESCRIPTION = /^application\/sdp/i;

/** Requests that may bring an offer. RFC 3264, RFC 3311, RFC 3262 §5. */
export const OFFERING: ReadonlySet<string> = new Set(["INVITE", "UPDATE", "PRACK"]);
