/**
 * What the storage changes is on disk before it is acknowledged.
 *
 *   save, save, after, save, after --> one batch --> `store` --> stored --+-- written: each `after` goes on
 *                                                                         +-- failed: each is refused; `unsaved` gives the
 *                                                                             storage what is on disk, and it undoes the changes
 *
 * While one batch is written the next one is collected, so that many stores share one fsync. Functions over the batches.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import type { Of } from "../kit/mod.ts";
import {
  type Resource,
  type ResourceBefore,
  type RowChange,
  type reloadStorage,
  rowsOfSave,
  type ValueStorageAction,
} from "../reload/mod.ts";

/** Changes collected; beyond that Stores are refused until the disk has taken some. */
export const COLLECTED_MAX = 2_000;

type Save = Of<ValueStorageAction, "save">;
/** What waits until everything before it is on disk. */
export type AfterSave = Of<ValueStorageAction, "answer" | "copy">;

interface Batch {
  readonly changes: Array<RowChange>;
  readonly saves: Array<Save>;
  readonly afters: Array<AfterSave>;
  /** An earlier batch failed and is not undone yet: this one depends on it and must fail too. */
  isDoomed: boolean;
}

export interface Disk {
  collecting: Batch | undefined;
  writing: Batch | undefined;
  /** Failures that the storage has not undone yet: until then its changes may depend on them. */
  failures: number;
  /** The state on disk of each resource that has saves under way, or one that failed and is not undone yet. */
  readonly states: Map<string, { resource: Resource | undefined; underWay: number }>;
}

export interface StorageState {
  snapshot: ReturnType<typeof reloadStorage.start>["snapshot"];
  /** Undefined where values are kept in memory alone: acknowledgements leave at once. */
  readonly disk: Disk | undefined;
  /** Why stores and fetches were turned away, counted. */
  readonly refusals: Record<string, number>;
}
export const makeDisk = (): Disk => ({ collecting: undefined, writing: undefined, failures: 0, states: new Map() });

export const isDiskFull = ({ collecting }: Disk): boolean =>
  collecting !== undefined && collecting.changes.length >= COLLECTED_MAX;

export const save = (disk: Disk, self: NodeId, order: Save): void => {
  disk.collecting ??= { changes: [], saves: [], afters: [], isDoomed: false };
  disk.collecting.isDoomed ||= disk.failures > 0;
  disk.collecting.saves.push(order);
  disk.collecting.changes.push(...rowsOfSave(self, order));
  const name = hexOf(order.id);
  const state = disk.states.get(name) ?? { resource: order.before, underWay: 0 };
  state.underWay += 1;
  disk.states.set(name, state);
};

/** Undefined where it waits; else whether all saved before is on disk: where it is not, it must not be acknowledged. */
export const after = (disk: Disk, act: AfterSave): boolean | undefined => {
  const batch = disk.collecting ?? disk.writing;
  if (batch === undefined) return disk.failures === 0;
  batch.afters.push(act);
  return undefined;
};

/** The storage has undone the changes that `unsaved` reported. */
export const undone = (disk: Disk): void => {
  disk.failures -= 1;
  if (disk.failures > 0) return;
  for (const [name, { underWay }] of disk.states) if (underWay === 0) disk.states.delete(name);
};

/** The batch to be written now, if nothing is being written and something has been collected. */
export const nextBatch = (disk: Disk): Pick<Batch, "changes" | "isDoomed"> | undefined => {
  if (disk.writing !== undefined || disk.collecting === undefined) return undefined;
  [disk.writing, disk.collecting] = [disk.collecting, undefined];
  return disk.writing;
};

/** The batch is written, or is not: what waited for it, and, where it failed, its resources as they are on disk. */
export const written = (
  disk: Disk,
  isStored: boolean,
): { readonly afters: ReadonlyArray<AfterSave>; readonly was: ReadonlyArray<ResourceBefore> | undefined } => {
  const batch = disk.writing;
  if (batch === undefined) return { afters: [], was: undefined };
  disk.writing = undefined;
  const was = settle(disk, batch.saves, isStored);
  if (isStored) return { afters: batch.afters, was: undefined };
  disk.failures += 1;
  if (disk.collecting !== undefined) disk.collecting.isDoomed = true;
  return { afters: batch.afters, was };
};

const settle = ({ states }: Disk, saves: ReadonlyArray<Save>, isStored: boolean): ReadonlyArray<ResourceBefore> => {
  const was = new Map<string, ResourceBefore>();
  for (const { id, after } of saves) {
    const name = hexOf(id);
    const state = states.get(name)!;
    if (isStored) state.resource = after;
    state.underWay -= 1;
    if (isStored && state.underWay === 0) states.delete(name);
    was.set(name, { id, resource: state.resource });
  }
  return [...was.values()];
};
