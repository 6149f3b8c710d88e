/**
 * Writes the storage's changes to disk before they are acknowledged.
 *
 *   save, save, after, save, after --> one batch --> Store.write --+-- written: each `after` runs, with true
 *                                                                  +-- failed: each `after` runs, with false; `unsaved` gives
 *                                                                      the storage what is on disk, and it undoes the changes
 *
 * The storage does not wait: while one batch is written the next one is collected, so that many stores share one fsync.
 */

import { Deferred, Effect, FiberSet, Queue, type Scope } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { type Resource, type ResourceBefore, rowsOfSave, type ValueStorageAction } from "../../machines/reload/mod.ts";
import type { Change, StoreShape } from "../ports/mod.ts";

/** Changes collected before the storage has to wait for the disk. */
const COLLECTED_MAX = 2_000;
/** The table of a node's stored values, see codecs/reload/stored-rows.ts. */
export const VALUES_TABLE = "values";

type Save = Extract<ValueStorageAction, { readonly type: "save" }>;

export interface Durable {
  readonly save: (save: Save) => Effect.Effect<void>;
  /** Runs once all saved before is on disk, or has failed to be written: then it must not be acknowledged. */
  readonly after: (act: (isSaved: boolean) => Effect.Effect<void>) => Effect.Effect<void>;
  /** The storage has undone the changes that `unsaved` reported. */
  readonly undone: Effect.Effect<void>;
}

interface Batch {
  readonly changes: Array<Change>;
  readonly saves: Array<Save>;
  readonly afters: Array<(isSaved: boolean) => Effect.Effect<void>>;
  readonly taken: Deferred.Deferred<void>;
  /** An earlier batch failed and is not undone yet: this one depends on it and must fail too. */
  isDoomed: boolean;
}

/** Without a store: nothing is written, and acknowledgements leave at once. */
export const forgetful: Durable = { save: () => Effect.void, after: (act) => act(true), undone: Effect.void };

export const makeDurable = Effect.fn("reload.durable")(function* (
  store: StoreShape,
  self: NodeId,
  unsaved: (was: ReadonlyArray<ResourceBefore>) => Effect.Effect<void>,
): Effect.fn.Return<Durable, never, Scope.Scope> {
  const wake = yield* Queue.sliding<void>(1);
  const reports = yield* FiberSet.make<void>();
  const onDisk = onDiskStates();
  let collecting: Batch | undefined;
  let writing: Batch | undefined;
  /** Failures that the storage has not undone yet: until then its changes may depend on them. */
  let failures = 0;

  const writeNext = Effect.gen(function* () {
    yield* Queue.take(wake);
    const batch = collecting;
    if (batch === undefined) return;
    [collecting, writing] = [undefined, batch];
    yield* Deferred.succeed(batch.taken, undefined);
    const isSaved = !batch.isDoomed && (yield* written(store, batch.changes));
    writing = undefined;
    const was = onDisk.settle(batch.saves, isSaved);
    if (!isSaved) {
      failures += 1;
      if (collecting !== undefined) (collecting as Batch).isDoomed = true;
      // In a fiber of its own: the storage may be waiting for the next batch to be taken.
      yield* FiberSet.run(reports, unsaved(was));
    }
    for (const act of batch.afters) yield* act(isSaved);
  });
  yield* Effect.forkScoped(Effect.forever(writeNext));

  return {
    save: Effect.fnUntraced(function* (save) {
      while (collecting !== undefined && collecting.changes.length >= COLLECTED_MAX)
        yield* Deferred.await(collecting.taken);
      collecting ??= { changes: [], saves: [], afters: [], taken: yield* Deferred.make<void>(), isDoomed: false };
      collecting.isDoomed ||= failures > 0;
      collecting.saves.push(save);
      for (const row of rowsOfSave(self, save)) collecting.changes.push({ ...row, table: VALUES_TABLE });
      onDisk.begin(save);
      yield* Queue.offer(wake, undefined);
    }),
    after: (act) =>
      Effect.suspend(() => {
        const batch = collecting ?? writing;
        if (batch === undefined) return act(failures === 0);
        batch.afters.push(act);
        return Effect.void;
      }),
    undone: Effect.sync(() => {
      failures -= 1;
      if (failures === 0) onDisk.tidy();
    }),
  };
});

const written = (store: StoreShape, changes: ReadonlyArray<Change>): Effect.Effect<boolean> =>
  store.write(changes).pipe(
    Effect.as(true),
    Effect.catchTag("StoreFailed", ({ reason, why }) =>
      Effect.as(Effect.logError("reload.store.failed", { reason, why, changes: changes.length }), false),
    ),
  );

/** The state on disk of each resource that has saves under way, or one that failed and is not undone yet. */
const onDiskStates = () => {
  const states = new Map<string, { resource: Resource | undefined; underWay: number }>();
  return {
    begin: ({ id, before }: Save): void => {
      const state = states.get(hexOf(id)) ?? { resource: before, underWay: 0 };
      state.underWay += 1;
      states.set(hexOf(id), state);
    },
    /** Forgets the resources without saves under way. */
    tidy: (): void => {
      for (const [key, { underWay }] of states) if (underWay === 0) states.delete(key);
    },
    /** The batch with these saves has been written, or not; gives the state on disk of each of its resources. */
    settle: (saves: ReadonlyArray<Save>, isSaved: boolean): ReadonlyArray<ResourceBefore> => {
      const was = new Map<string, ResourceBefore>();
      for (const { id, after } of saves) {
        const key = hexOf(id);
        const state = states.get(key)!;
        if (isSaved) state.resource = after;
        state.underWay -= 1;
        if (isSaved && state.underWay === 0) states.delete(key);
        was.set(key, { id, resource: state.resource });
      }
      return [...was.values()];
    },
  };
};
