/** The ViPR server: all roles together. */

export {
  AUDITED_NUMBERS_MAX,
  type AuditLog,
  type AuditLogOptions,
  BUFFERED_EVENTS_MAX,
  openAuditLog,
} from "./audit-log.ts";
export type { ViprDomains } from "./domains.ts";
export type { ViprEvent, ViprWatch } from "./events.ts";
export type { PublishedNumber, ViprOff, ViprOperator, WaitingNumber } from "./operator.ts";
export { ATTEMPTS_AT_ONCE_MAX } from "./proving.ts";
export { startViprServer, type ViprCounters, type ViprServer, type ViprServerOptions } from "./server.ts";
export { type StoredCompany, storedReport } from "./stored-audit-log.ts";
export type { ViprTenants } from "./tenants.ts";
export { VALIDATIONS_MAX } from "./validating.ts";
