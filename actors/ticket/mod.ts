/** Tickets, minted and checked. */
export { openTicketChecker, type TicketChecker } from "./checker.ts";
export {
  openTicketIssuer,
  TICKET_LIFETIME_MS,
  type TicketFor,
  type TicketIssuer,
  type TicketIssuerOptions,
  TicketRefused,
} from "./issuer.ts";
export { epochKey, type TicketSecret } from "./key.ts";
