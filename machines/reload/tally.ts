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
  const tally: Record<string, number> = { ...(isOurs ? primaries : replicas) };
  for (const [resource, change] of [
    [before, -1],
    [after, 1],
  ] as const) {
    if (resource === undefined) continue;
    for (const [, , kept] of entriesOf(resource)) {
      const signer = tallyKey(kept);
      tally[signer] = (tally[signer] ?? 0) + change;
    }
  }
  for (const kept of before === undefined ? [] : entriesOf(before))
    if ((tally[tallyKey(kept[2])] ?? 0) <= 0) delete tally[tallyKey(kept[2])];
  return isOurs ? { primaries: tally } : { replicas: tally };
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
