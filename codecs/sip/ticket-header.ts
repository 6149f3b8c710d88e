/**
 * The header field that carries a ticket: `X-Cisco-ViPR-Ticket: <base64>`. ViPR overview §6.3;
 * docs/protocol/ticket.md#layout.
 */
import { type HasHeaders, headerOf, withHeader } from "./fields.ts";

/** The name of the field. ViPR overview §6.3. */
export const TICKET_HEADER = "X-Cisco-ViPR-Ticket";

/** The ticket's text, unread; undefined when the field is missing or empty. */
export const ticketOf = (message: HasHeaders): string | undefined => headerOf(message, TICKET_HEADER) || undefined;

/** The message with this ticket, instead of one that it had. */
export const withTicket = <M extends HasHeaders>(message: M, ticket: string): M =>
  withHeader(message, TICKET_HEADER, ticket);
