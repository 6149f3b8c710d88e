/**
 * Counts the entries that each signer has at this node: those the node is responsible for, and replicas. docs/protocol/overlay.md#storage. Functions
 * only.
 */
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { isResponsible, type RingView } from "./ring.ts";
import type { Resource, StoredEntry, ValueStorageContext } from "./storage-types.ts";
import { entriesOf, idOf, resourcesOf, type ValueTable } from "./value-table.ts";

export const tallyKey = (entry: StoredEntry): string => nodeIdText(entry.signer.nodeId);

export type Tallied = Pick<ValueStorageContext, "primaries"> | Pick<ValueStorageContext, "replicas">;

/** The counts after a change of one resource, of which this node is responsible (`isOurs`) or has a replica. */
export const recounted = (
  { primaries, replicas }: Pick<ValueStorageContext, "primaries" | "replicas">,
  isOurs: boolean,
  before: Resource | undefined,
  after: Resource | undefined,
): Tallied => {
  const tally = changedBy(isOurs ? primaries : replicas, before, after);
  return isOurs ? { primaries: tally } : { replicas: tally };
};

/** Gives the same object if no count changes, as when an entry is refreshed. */
const changedBy = (
  tally: Readonly<Record<string, number>>,
  before: Resource | undefined,
  after: Resource | undefined,
): Readonly<Record<string, number>> => {
  const changes = new Map<string, number>();
  const count = (resource: Resource | undefined, by: number) => {
    for (const [, , entry] of resource === undefined ? [] : entriesOf(resource)) {
      const signer = tallyKey(entry);
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

/** All entries, counted by signer. */
export const tallies = (
  view: RingView,
  valueTable: ValueTable,
): Pick<ValueStorageContext, "primaries" | "replicas"> => {
  const primaries: Record<string, number> = {};
  const replicas: Record<string, number> = {};
  for (const [, resource] of resourcesOf(valueTable)) {
    const tally = isResponsible(view, idOf(resource)) ? primaries : replicas;
    for (const [, , entry] of entriesOf(resource)) tally[tallyKey(entry)] = (tally[tallyKey(entry)] ?? 0) + 1;
  }
  return { primaries, replicas };
};
