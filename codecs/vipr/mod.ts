/** The stored forms of a ViPR server: the audit log of each number, backups, and names of tenants. */
export {
  AUDIT_TEXT_BYTES_MAX,
  AUDIT_VERSION,
  type AuditEvent,
  AuditEventRow,
  AuditRow,
  type AuditSummary,
  asStored,
  auditKey,
  decodeAudit,
  decodeCount,
  decodeEvent,
  encodeAudit,
  encodeCount,
  encodeEvent,
  eventKey,
  numberOfKey,
  type Plain,
  plainOf,
  type StoredAudit,
} from "./audit-log.ts";
export {
  BACKUP_HASH_BYTES,
  BACKUP_HEAD,
  BACKUP_VERSION,
  BackupEntry,
  type BackupItem,
  type BackupRow,
  decodeBackupItem,
  encodeBackupItem,
} from "./backup.ts";
export { isTenantName } from "./tenant.ts";
