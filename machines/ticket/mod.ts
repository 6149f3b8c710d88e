/** Tickets: who mints them, who checks them, what seals them. */
export {
  checkTicket,
  EPOCHS_MAX,
  type EpochKey,
  type EpochSeal,
  type Presented,
  type TicketFault,
  type TicketVerdict,
  VALIDITY_SLACK_MS,
  withEpoch,
  withoutEpoch,
} from "./checker.ts";
export {
  GRANTS_OF_LIFETIME,
  grantTicket,
  type MintedTicket,
  mintTicket,
  type TicketIssuerInput,
  type TicketQuestion,
  type TicketRefusal,
} from "./issuer.ts";
export { KEY_BYTES, KEY_ROUNDS, keptSeal, keySalt, type MakeSeal, type Seal, sealOf } from "./seal.ts";
