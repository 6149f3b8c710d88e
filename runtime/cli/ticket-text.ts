/** A ticket's fields for people and for scripts. None is secret: only the holder of `grantedTo`'s certificate can use the ticket. */
import { hexOf, msFromNtp, nodeIdText } from "../../codecs/shared/mod.ts";
import type { Ticket } from "../../codecs/ticket/mod.ts";
import { VALIDITY_SLACK_MS } from "../../machines/ticket/mod.ts";

export interface TicketFields {
  readonly version: number;
  readonly id: string;
  readonly salt: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly number: string;
  readonly grantingNode: string;
  readonly grantingDomain: string;
  readonly grantedTo: string;
  readonly epoch: number;
  readonly vservice: string;
  readonly integrity: string;
}

export const fieldsOf = (ticket: Ticket): TicketFields => ({
  version: 1,
  id: uuidText(ticket.id),
  salt: hexOf(ticket.salt),
  notBefore: timeText(msFromNtp(ticket.validity.notBefore)),
  notAfter: timeText(msFromNtp(ticket.validity.notAfter)),
  number: ticket.number,
  grantingNode: nodeIdText(ticket.grantingNode),
  grantingDomain: ticket.grantingDomain,
  grantedTo: ticket.grantedTo,
  epoch: ticket.epoch,
  vservice: ticket.vservice.toString(16).padStart(16, "0"),
  integrity: hexOf(ticket.integrity),
});

export type ValidityState = "valid" | "notYetValid" | "expired";

export const stateOf = ({ validity }: Ticket, nowMs: number): ValidityState => {
  if (nowMs + VALIDITY_SLACK_MS < msFromNtp(validity.notBefore)) return "notYetValid";
  return nowMs - VALIDITY_SLACK_MS > msFromNtp(validity.notAfter) ? "expired" : "valid";
};

export const fieldLines = (fields: TicketFields): ReadonlyArray<string> =>
  Object.entries(fields).map(([name, value]) => `${name.padEnd(NAME_CHARS)}  ${value}`);
const NAME_CHARS = "grantingDomain".length;

/** RFC 4122 §3. */
const uuidText = (id: Uint8Array): string => hexOf(id).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

/** A stranger's ticket may claim times that no Date can hold. */
const DATE_MS_MAX = 8.64e15;
const timeText = (ms: number): string => (Math.abs(ms) <= DATE_MS_MAX ? new Date(ms).toISOString() : `${ms} ms`);
