/**
 * A ticket: one domain's permission to call one number of another domain over SIP. docs/protocol/ticket.md#layout.
 *
 *   version 1 | id | salt | validity | number | granting node | granting domain | granted to | epoch | vservice | integrity
 *   '-------------------------------------- covered by the integrity ---------------------------------------'
 *
 * On the wire and in the header field it is base64, RFC 4648 §4, in its one canonical form.
 */
import { base64Of, bytesOfBase64, isE164, isEarlierNtp, NodeId, ntp64, vservice64 } from "../shared/mod.ts";
import {
  bytes,
  constant,
  decodeViews,
  encode,
  struct,
  type TypeOf,
  tagged,
  text,
  u8,
  type WireError,
  within,
} from "../wire/mod.ts";
import { ticketField } from "./registry.ts";

const Validity = struct("Validity", "docs/protocol/ticket.md#layout", {
  notBefore: ntp64,
  notAfter: ntp64,
});

// biome-ignore format: columns
const GRANT = {
  version:        constant(u8, 1),
  id:             tagged(ticketField.id,             bytes(16)),            // UUID, RFC 4122 §4.4
  salt:           tagged(ticketField.salt,           bytes(16)),
  validity:       tagged(ticketField.validity,       Validity),
  number:         tagged(ticketField.number,         text(16)),             // +E.164
  grantingNode:   tagged(ticketField.grantingNode,   NodeId),
  grantingDomain: tagged(ticketField.grantingDomain, text(253)),            // DNS name, lower case, A-labels
  grantedTo:      tagged(ticketField.grantedTo,      text(253)),
  epoch:          tagged(ticketField.epoch,          within(u8, 1, 255)),
  vservice:       tagged(ticketField.vservice,       vservice64),
};

/** The grant: every byte that the integrity covers. */
export const Grant = struct("Grant", "docs/protocol/ticket.md#layout", GRANT);
export type Grant = TypeOf<typeof Grant>;

/** The grant, and its integrity: HMAC-SHA-256, 32 bytes, not checked by reading. */
export const Ticket = struct("Ticket", "docs/protocol/ticket.md#layout", {
  ...GRANT,
  integrity: tagged(ticketField.integrity, bytes(32)),
});
export type Ticket = TypeOf<typeof Ticket>;

/** The longest ticket, in base64. */
export const TICKET_CHARS_MAX = 1_024;

/** The ticket and the bytes under its integrity, or which field is wrong and why. */
export type ReadTicket =
  | { readonly ok: true; readonly ticket: Ticket; readonly covered: Uint8Array }
  | { readonly ok: false; readonly error: WireError };

/** Reads the ticket in a header field's text; also returns the bytes that its integrity covers. Both are views of one array. */
export const readTicket = (base64: string): ReadTicket => {
  const wire = base64.length > TICKET_CHARS_MAX ? undefined : bytesOfBase64(base64);
  if (wire === undefined) return bad("Ticket", "not base64");
  const decoded = decodeViews(Ticket, wire);
  if (!decoded.ok) return decoded;
  const ticket = decoded.value;
  if (!isE164(ticket.number)) return bad("Ticket.number", "not a number");
  if (!isDomainName(ticket.grantingDomain)) return bad("Ticket.grantingDomain", "not a domain name");
  if (!isDomainName(ticket.grantedTo)) return bad("Ticket.grantedTo", "not a domain name");
  if (isEarlierNtp(ticket.validity.notAfter, ticket.validity.notBefore))
    return bad("Ticket.validity", "ends before it begins");
  return { ok: true, ticket, covered: coveredOf(wire) };
};

/** Writes a ticket; `seal` computes the 32 bytes of integrity over the bytes that it covers. */
export const writeTicket = (grant: Grant, seal: (covered: Uint8Array) => Uint8Array): string =>
  base64Of(encode(Ticket, { ...grant, integrity: seal(encode(Grant, grant)) }));

/** A DNS name in lower case and A-labels, without a dot at its end. RFC 1035 §2.3.4, RFC 5890 §2.3.2.1. */
export const isDomainName = (text: string): boolean =>
  text.length <= 253 && /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text);

/**
 * The form in which domains are compared: lower case, without a dot at the end. Undefined for anything that is no
 * domain name, IP addresses included: no owner can be proved for such a host, and no list can name it.
 */
export const normalDomain = (text: string): string | undefined => {
  const name = text.toLowerCase().replace(/\.$/, "");
  return isDomainName(name) && !NUMERIC.test(name) ? name : undefined;
};
/** An IPv4 address ends in a number in each of its forms, and no top-level domain is a number. */
const NUMERIC = /(^|\.)([0-9]+|0x[0-9a-f]*)$/;

const INTEGRITY_FIELD_BYTES = 4 + 32;

/** Everything before the last field, which is the integrity. */
const coveredOf = (wire: Uint8Array): Uint8Array => wire.subarray(0, wire.length - INTEGRITY_FIELD_BYTES);

const bad = (at: string, why: string): ReadTicket => ({ ok: false, error: { _tag: "Malformed", at, why } });
