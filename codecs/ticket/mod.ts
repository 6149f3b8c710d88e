/** The ticket: its fields, the bytes that its integrity covers, its text. */
export { ticketField } from "./registry.ts";
export {
  Grant,
  isDomainName,
  normalDomain,
  type ReadTicket,
  readTicket,
  TICKET_CHARS_MAX,
  Ticket,
  writeTicket,
} from "./ticket.ts";
