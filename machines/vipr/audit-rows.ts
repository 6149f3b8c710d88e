/**
 * The audit log as rows of a store: what new events change there. codecs/vipr/audit-log.ts describes the rows.
 *
 *   stored summary, new events --> its row anew, a row for each event; those beyond the newest EVENTS_MAX are removed
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  type AuditEvent,
  type AuditSummary,
  auditKey,
  encodeAudit,
  encodeEvent,
  eventKey,
} from "../../codecs/vipr/mod.ts";
import { EVENTS_MAX } from "./audit-log.ts";
import { NO_EVENTS, summed } from "./audit-summary.ts";
import { PROOF_LIFETIME_MS } from "./ledger.ts";

/**
 * A number's rows are removed so long after its last event: by then every proof in them has expired, and every route that
 * rests on them.
 */
export const AUDIT_LIFETIME_MS = PROOF_LIFETIME_MS;

export type AuditChange =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array; readonly dueMs?: number }
  | { readonly type: "remove"; readonly key: Uint8Array };
export interface AuditChanges {
  readonly sums: ReadonlyArray<AuditChange>;
  readonly facts: ReadonlyArray<AuditChange>;
}

/** `facts`: the events since `sum` was written, at least one. `sum` undefined: there is none yet. */
export const auditRows = (
  number: E164,
  requiredBits: number,
  sum: AuditSummary | undefined,
  facts: ReadonlyArray<AuditEvent>,
): AuditChanges => {
  const key = auditKey(number);
  const before = sum ?? NO_EVENTS;
  const after = facts.reduce(summed, before);
  const first = Math.max(0, after.count - EVENTS_MAX); // the oldest that stays
  const written = facts.flatMap((fact, i): ReadonlyArray<AuditChange> => {
    const place = before.count + i;
    return place < first ? [] : [{ type: "put", key: eventKey(key, place), value: encodeEvent(fact) }];
  });
  const gone = placesGone(before.count, first).map(
    (place): AuditChange => ({
      type: "remove",
      key: eventKey(key, place),
    }),
  );
  const dueMs = facts.at(-1)!.atMs + AUDIT_LIFETIME_MS;
  const value = encodeAudit({ requiredBits, sum: after });
  return { sums: [{ type: "put", key, value, dueMs }], facts: [...gone, ...written] };
};

/** Places below `first` at which a log of so many events has rows. */
const placesGone = (count: number, first: number): ReadonlyArray<number> => {
  const least = Math.max(0, count - EVENTS_MAX);
  return Array.from({ length: Math.max(0, Math.min(first, count) - least) }, (_, i) => least + i);
};
