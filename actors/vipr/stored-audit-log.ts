/**
 * The audit report of a number, from a store that no server has open.
 *
 *   audit log, its events --+
 *   vcrSent ----------------+--> the report that a server would give
 *   proofs -----------------+
 */
import { Effect } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { equivalentBits, methodsFor, ROUND_MS } from "../../machines/validation/mod.ts";
import {
  type AuditReport,
  callNameOf,
  currentReport,
  ledgerName,
  REQUIRED_BITS,
  type Waiting,
} from "../../machines/vipr/mod.ts";
import type { ReadableStore, StoreFailed } from "../ports/mod.ts";
import { storedOwners } from "../vap/mod.ts";
import { auditTables, readAudit } from "./audit-log.ts";
import { provedIn, waitingIn } from "./stored-records.ts";

/** One of several companies on the server, and who its users are. */
export interface StoredCompany {
  readonly tenant: string;
  readonly isUser: (username: string) => boolean;
}

const ownedBy = Effect.fnUntraced(function* (store: ReadableStore, { isUser }: StoredCompany) {
  const owners = new Map((yield* storedOwners(store)).map(({ vservice, username }) => [vservice, username]));
  return (vservice: VServiceId): boolean => {
    const owner = owners.get(vservice);
    return owner !== undefined && isUser(owner);
  };
});

/**
 * `requiredBits` is that of the last server that wrote the log, and its published numbers count as published. What waiting
 * calls are worth is computed with a T of 10 s, with method A where the calling number is known.
 */
export const storedReport = Effect.fn("vipr.storedReport")(function* (
  store: ReadableStore,
  number: E164,
  nowMs: number,
  company?: StoredCompany,
): Effect.fn.Return<AuditReport | undefined, StoreFailed> {
  const { kept, facts } = yield* readAudit(store, number, auditTables(company?.tenant));
  const isOurs = company === undefined ? () => true : yield* ownedBy(store, company);
  const requiredBits = kept?.requiredBits ?? REQUIRED_BITS;
  const waiting = (yield* waitingIn(store, number))
    .filter(({ vcr }) => isOurs(vcr.vservice))
    .map(({ vcr, dueMs }): Waiting => {
      const call = callNameOf(vcr);
      const [method] = methodsFor({ isPrivate: false, call: vcr });
      return { call, dueMs, worthBits: equivalentBits(vcr, ROUND_MS, method) };
    });
  const proved = new Map<string, { readonly bits: number; readonly calls: number }>();
  for (const claim of kept?.sum.claims ?? []) {
    const name = ledgerName(number, claim);
    proved.set(name, yield* provedIn(store, name, nowMs));
  }
  const log = kept && { sum: kept.sum, facts };
  return currentReport(log, number, requiredBits, {
    isPublished: undefined,
    waiting,
    proved: (claim) => proved.get(ledgerName(number, claim))!,
  });
});
