/**
 * The parts of the VServices whose calls are validated here, and which of their calls wait, by the time when each is due. A
 * server without a cluster has all parts, and keeps no second list of its calls.
 */
import type { Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import { queueOf } from "../../machines/vipr/mod.ts";
import { partitionOf } from "../ports/mod.ts";
import { ownerOfClaim, type Waiting } from "./stored-records.ts";

export interface HeldParts {
  readonly isOurs: (vservice: VServiceId) => boolean;
  readonly acquire: (partitions: ReadonlySet<number>) => void;
  readonly release: (partitions: ReadonlySet<number>) => void;
  /** `same`: this row of the store waits already; `twice`: another one of the same record does. */
  readonly add: (waiting: Waiting) => "new" | "same" | "twice";
  /** It waits no more. */
  readonly remove: (waiting: Waiting) => void;
}

export const heldParts = (isClustered: boolean): HeldParts => {
  const ours = new Set<number>();
  const due = new Map<string, number>();
  return {
    isOurs: (vservice) => !isClustered || ours.has(partitionOf(vservice)),
    acquire: (partitions) => {
      for (const partition of partitions) ours.add(partition);
    },
    release: (partitions) => {
      for (const partition of partitions) ours.delete(partition);
      for (const name of due.keys()) if (partitions.has(partitionOf(ownerOfClaim(name)))) due.delete(name);
    },
    add: ({ vcr, dueMs }) => {
      if (!isClustered) return "new";
      const known = due.get(recordName(vcr));
      if (known === undefined) due.set(recordName(vcr), dueMs);
      return known === undefined ? "new" : known === dueMs ? "same" : "twice";
    },
    remove: ({ vcr }) => void due.delete(recordName(vcr)),
  };
};

/** The same for each record of a call that an agent uploads again. */
export const recordName = (vcr: Vcr): string => [queueOf(vcr), vcr.startMs, vcr.stopMs, vcr.calling].join("/");
