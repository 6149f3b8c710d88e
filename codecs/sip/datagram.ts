/**
 * One message out of one datagram. RFC 3261 §18.3: without Content-Length the body goes on to the end of the datagram, what
 * stands behind a body is discarded, and a body that is cut short is an error.
 * Requirements: RFC 3261 §18.1.1.
 */
import { malformed } from "./error.ts";
import { parseHead } from "./head.ts";
import { endOfHead, messageOf, NO_BODY, type SipMessage, type Unreadable, unreadableOf } from "./message.ts";

/** Undefined: it is no SIP, such as the empty lines that keep a way through a NAT open. */
export const readDatagram = (bytes: Uint8Array): SipMessage | Unreadable | undefined => {
  let from = 0;
  while (from < bytes.length && (bytes[from] === 13 || bytes[from] === 10)) from++;
  const end = endOfHead(bytes, from, bytes.length);
  if (end < 0) return undefined;
  const head = parseHead(bytes.subarray(from, end), bytes.length - end);
  if (head.type === "lost") return undefined;
  if (head.type === "unreadable") return unreadableOf(head);
  const body = head.contentLength === 0 ? NO_BODY : bytes.subarray(end, end + head.contentLength);
  if (body.length === head.contentLength) return messageOf(head.start, head.headers, body);
  const method = head.start.type === "request" ? head.start.method : undefined;
  const { error } = malformed("Content-Length", "is more than came");
  const { headers } = head;
  return unreadableOf({ type: "unreadable", error, method, isOtherVersion: false, headers, contentLength: 0 });
};
