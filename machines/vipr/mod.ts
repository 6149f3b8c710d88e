/** What a ViPR server decides besides its protocols: when proofs suffice; and what it remembers of each number. */
export type { AuditEvent } from "../../codecs/vipr/mod.ts";
export {
  type AuditReport,
  type AuditTable,
  auditTable,
  type ClaimReport,
  currentReport,
  EVENTS_ALL_MAX,
  EVENTS_MAX,
  type LoggedNumber,
  logOf,
  type PlainEvent,
  type PresentState,
  record,
  reportFrom,
  type Waiting,
} from "./audit-log.ts";
export {
  AUDIT_LIFETIME_MS,
  type AuditChange,
  type AuditChanges,
  auditRows,
} from "./audit-rows.ts";
export { auditEventOf, type ClaimSum, ledgerName, NO_EVENTS, summed } from "./audit-summary.ts";
export { type CallQueues, dropBehind, enter, leave, openCallQueues, QUEUED_CALLS_MAX, queueOf } from "./call-queues.ts";
export { type CallName, callNameOf, type ViprEvent } from "./events.ts";
export {
  ACCOUNTS_MAX,
  type Credited,
  claimName,
  credit,
  discredit,
  forgetClaims,
  type Ledger,
  openLedger,
  PROOF_LIFETIME_MS,
  provedBy,
  REQUIRED_BITS,
  REQUIRED_BITS_MAX,
} from "./ledger.ts";
export {
  askAbout,
  type CallAmongOthers,
  forgetLines,
  giveUp,
  isTaken,
  noteSent,
  SENT_CALLS_MAX,
  SENT_LIFETIME_MS,
  SENT_OF_LINE_MAX,
  type SentCalls,
  sentCalls,
  setShared,
  takeBack,
} from "./sent-calls.ts";
export { type NodeRoom, nodeOrder, nodesToTry } from "./spread.ts";
export {
  type CompanyTurns,
  dropTurns,
  enqueueTurn,
  nextTurnMs,
  openTurns,
  partOf,
  type Turns,
  takeTurn,
  turnBegun,
  turnEnded,
  turnFound,
  waitingTurns,
} from "./turns.ts";
