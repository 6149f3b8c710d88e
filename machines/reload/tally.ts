/**
 * How many entries each signer has here: those we answer for, and replicas. docs/protocol/overlay.md#storage. Functions
 * only.
 */
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { isResponsible, type RingView } from "./ring.ts";
import type { Resource, StoredEntry, ValueStorageContext } from "./storage-types.ts";
import { entriesOf, idOf, resourcesOf, type ValueTable } from "./value-table.ts";

export const tallyKey = (kept: StoredEntry): string => nodeIdText(kept.signer.nodeId);

export type Tallied = Pick<ValueStorageContext, "primaries"> | Pick<ValueStorageContext, "replicas">;

/** One resource counted anew, among those we are responsible for or among the replicas. Signers without entries are left out. */
export const recounted = (
  { primaries, replicas }: Pick<ValueStorageContext, "primaries" | "replicas">,
  isOurs: boolean,
  before: Resource | undefined,
  after: Resource | undefined,
): Tallied => {
  const tally = changedBy(isOurs ? primaries : replicas, before, after);
  return isOurs ? { primaries: tally } : { replicas: tally };
};

/** The same object where every signer has as many entries as before, as when an entry is refreshed. */
const changedBy = (
  tally: Readonly<Record<string, number>>,
  before: Resource | undefined,
  after: Resource | undefined,
): Readonly<Record<string, number>> => {
  const changes = new Map<string, number>();
  const count = (resource: Resource | undefined, by: number) => {
    for (const [, , kept] of resource === undefined ? [] : entriesOf(resource)) {
      const signer = tallyKey(kept);
      changes.set(signer, (changes.get(signer) ?? 0) + by);
    }
  };
  count(before, -1);
  count(after, 1);
  if ([...changes.values()].every((change) => change === 0)) return tally;
  const counted: Record<string, number> = { ...tally };
  for (const [signer, change] of changes) {
    const now = (counted[signer] ?? 0) + change;
    if (now > 0) counted[signer] = now;
    else delete counted[signer];
  }
  return counted;
};

/** Entries by signer, counted anew. */
export const tallies = (
  view: RingView,
  valueTable: ValueTable,
): Pick<ValueStorageContext, "primaries" | "replicas"> => {
  const primaries: Record<string, number> = {};
  const replicas: Record<string, number> = {};
  for (const [, resource] of resourcesOf(valueTable)) {
    const tally = isResponsible(view, idOf(resource)) ? primaries : replicas;
    for (const [, , kept] of entriesOf(resource)) tally[tallyKey(kept)] = (tally[tallyKey(kept)] ?? 0) + 1;
  }
  return { primaries, replicas };
};
