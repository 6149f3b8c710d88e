/**
 * What a storage saves is on disk before what it says of it leaves.
 *
 *   save, save, after, save, after --> one batch --> Store.write --+-- written: each `after` goes on
 *                                                                  +-- failed: each `after` hears so, the storage is told
 *                                                                      how things were (`unsaved`), and undoes them
 *
 * The storage does not wait: while one batch is being written the next one gathers, so that many stores share one fsync.
 */

import { Deferred, Effect, FiberSet, Queue, type Scope } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { type Resource, type ResourceBefore, rowsOfSave, type ValueStorageAction } from "../../machines/reload/mod.ts";
import type { Change, StoreShape } from "../ports/mod.ts";

/** Changes gathered before the storage has to wait for the disk. */
const GATHERED_MAX = 2_000;
/** Where a node's stored values lie, see codecs/reload/stored-rows.ts. */
export const VALUES_TABLE = "values";

type Save = Extract<ValueStorageAction, { readonly type: "save" }>;

export interface Durable {
  readonly save: (save: Save) => Effect.Effect<void>;
  /** Once all saved before is on disk, or is known not to get there: then it must not be acknowledged. */
  readonly after: (act: (isKept: boolean) => Effect.Effect<void>) => Effect.Effect<void>;
  /** The storage has undone what it was told of. */
  readonly undone: Effect.Effect<void>;
}

interface Batch {
  readonly changes: Array<Change>;
  readonly saves: Array<Save>;
  readonly afters: Array<(isKept: boolean) => Effect.Effect<void>>;
  readonly taken: Deferred.Deferred<void>;
  /** It may rest on what was not kept. */
  isDoomed: boolean;
}

/** Nothing is kept: all that is said is said at once. */
export const forgetful: Durable = { save: () => Effect.void, after: (act) => act(true), undone: Effect.void };

export const makeDurable = Effect.fn("reload.durable")(function* (
  store: StoreShape,
  self: NodeId,
  unsaved: (was: ReadonlyArray<ResourceBefore>) => Effect.Effect<void>,
): Effect.fn.Return<Durable, never, Scope.Scope> {
  const wake = yield* Queue.sliding<void>(1);
  const telling = yield* FiberSet.make<void>();
  const truths = truthsOf();
  let gathering: Batch | undefined;
  let writing: Batch | undefined;
  /** Failures that the storage has not undone yet: until then all it says may rest on them. */
  let failures = 0;

  const writeNext = Effect.gen(function* () {
    yield* Queue.take(wake);
    const batch = gathering;
    if (batch === undefined) return;
    [gathering, writing] = [undefined, batch];
    yield* Deferred.succeed(batch.taken, undefined);
    const isKept = !batch.isDoomed && (yield* written(store, batch.changes));
    writing = undefined;
    const was = truths.settle(batch.saves, isKept);
    if (!isKept) {
      failures += 1;
      if (gathering !== undefined) (gathering as Batch).isDoomed = true;
      // In a fiber of its own: the storage may be waiting for us to take the next batch.
      yield* FiberSet.run(telling, unsaved(was));
    }
    for (const act of batch.afters) yield* act(isKept);
  });
  yield* Effect.forkScoped(Effect.forever(writeNext));

  return {
    save: Effect.fnUntraced(function* (save) {
      while (gathering !== undefined && gathering.changes.length >= GATHERED_MAX)
        yield* Deferred.await(gathering.taken);
      gathering ??= { changes: [], saves: [], afters: [], taken: yield* Deferred.make<void>(), isDoomed: false };
      gathering.isDoomed ||= failures > 0;
      gathering.saves.push(save);
      for (const row of rowsOfSave(self, save)) gathering.changes.push({ ...row, table: VALUES_TABLE });
      truths.begin(save);
      yield* Queue.offer(wake, undefined);
    }),
    after: (act) =>
      Effect.suspend(() => {
        const batch = gathering ?? writing;
        if (batch === undefined) return act(failures === 0);
        batch.afters.push(act);
        return Effect.void;
      }),
    undone: Effect.sync(() => {
      failures -= 1;
      if (failures === 0) truths.tidy();
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

/** For each resource with saves under way, or with one that failed and is not undone yet: how it is on disk. */
const truthsOf = () => {
  const truths = new Map<string, { resource: Resource | undefined; underWay: number }>();
  return {
    begin: ({ id, before }: Save): void => {
      const truth = truths.get(hexOf(id)) ?? { resource: before, underWay: 0 };
      truth.underWay += 1;
      truths.set(hexOf(id), truth);
    },
    /** Forgets those that nothing is under way for. */
    tidy: (): void => {
      for (const [key, { underWay }] of truths) if (underWay === 0) truths.delete(key);
    },
    /** How each resource of these saves is on disk now. */
    settle: (saves: ReadonlyArray<Save>, isKept: boolean): ReadonlyArray<ResourceBefore> => {
      const was = new Map<string, ResourceBefore>();
      for (const { id, after } of saves) {
        const key = hexOf(id);
        const truth = truths.get(key)!;
        if (isKept) truth.resource = after;
        truth.underWay -= 1;
        if (isKept && truth.underWay === 0) truths.delete(key);
        was.set(key, { id, resource: truth.resource });
      }
      return [...was.values()];
    },
  };
};
