/** Tickets: who mints them, who checks them, what seals them. */
export {
  checkTicket,
  EPOCHS_MAX,
  type EpochKey,
  type Presented,
  type TicketCheckerAction,
  type TicketCheckerEvent,
  type TicketCheckerInput,
  type TicketFault,
  type TicketVerdict,
  ticketChecker,
  VALIDITY_SLACK_MS,
} from "./checker.ts";
export {
  type MintedTicket,
  mintTicket,
  type TicketIssuerInput,
  type TicketQuestion,
  type TicketRefusal,
} from "./issuer.ts";
export { KEY_BYTES, KEY_ROUNDS, keySalt, sealOf } from "./seal.ts";
