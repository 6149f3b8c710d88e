/** A storage hosted as in a node, alone in its ring, on a store that the test gives; the test sends its requests. */

import { Deferred, Effect, type Scope } from "effect";
import type { StoreFailed, StoreShape } from "../../actors/ports/mod.ts";
import type { Sender } from "../../actors/reload/sender.ts";
import { hostStorage, type ValueStorage } from "../../actors/reload/storage.ts";
import { type Body, errorNameOf, type StoredData } from "../../codecs/reload/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { alone, fetching, SELF, settings, signerOf, storing } from "./storage-talk.ts";

const OWNER = 7n;
const QUOTA = 1_000_000;
/** Storage times of these tests are counted from here, so that the real clock finds them young. */
export const BASE_MS: number = Date.now() - 1_000;

const versionOf = (resource: bigint, storageTime: bigint) => ({
  resource,
  node: OWNER,
  vservice: vserviceId(0n),
  storageTime: storageTime + BigInt(BASE_MS),
});

export interface HostedStorage {
  readonly storage: ValueStorage;
  /** `answered` is called with `stored`, or with the error's name and info, when the answer leaves. */
  readonly store: (
    what: { readonly resource: bigint; readonly storageTime: bigint },
    answered: (said: string) => Effect.Effect<void>,
  ) => Effect.Effect<void>;
  /** The storage time of the value that a Fetch gives. */
  readonly held: (resource: bigint) => Effect.Effect<bigint | undefined>;
  /** Waits until all earlier events have been performed. */
  readonly rest: Effect.Effect<void>;
}

export const hostTestStorage = Effect.fn("test.storage")(function* (
  store?: StoreShape,
): Effect.fn.Return<HostedStorage, StoreFailed, Scope.Scope> {
  const waiting = new Map<bigint, (body: Body) => Effect.Effect<void>>();
  let transactions = 0n;
  const board = {
    answer: ({ transactionId }: { readonly transactionId: bigint }, body: Body) => {
      const listener = waiting.get(transactionId);
      waiting.delete(transactionId);
      return listener?.(body) ?? Effect.void;
    },
    request: () => Effect.succeed({ outcome: { type: "timedOut" }, signers: [] }),
  } as unknown as Sender;
  const policy = { ...settings, quota: QUOTA, storesPerSecond: QUOTA, fetchesPerSecond: QUOTA };
  const storage = yield* hostStorage(SELF, policy, board, () => Effect.void, store);
  yield* storage.ring(alone, "joined");
  const signer = signerOf(OWNER);
  const ask = (
    event: ReturnType<typeof storing> | ReturnType<typeof fetching>,
    heard: (body: Body) => Effect.Effect<void>,
  ) =>
    Effect.suspend(() => {
      if (event.type !== "storeReq" && event.type !== "fetchReq") return Effect.void;
      const transactionId = ++transactions;
      waiting.set(transactionId, heard);
      const asked = { ...event.asked, reply: { ...event.asked.reply, transactionId } };
      return storage.serve(
        asked,
        { type: event.type, value: event.body } as Parameters<ValueStorage["serve"]>[1],
        [[signer]],
        signer.users,
      );
    });

  const held = Effect.fnUntraced(function* (resource: bigint) {
    const told = yield* Deferred.make<bigint | undefined>();
    yield* ask(fetching(resource, BASE_MS), (body) => {
      const kinds = body.type === "fetchAns" ? body.value.kinds : [];
      const [value] = (kinds[0]?.values ?? []) as ReadonlyArray<StoredData>;
      return Effect.asVoid(
        Deferred.succeed(told, value === undefined ? undefined : value.storageTime - BigInt(BASE_MS)),
      );
    });
    return yield* Deferred.await(told);
  });
  return {
    storage,
    store: ({ resource, storageTime }, answered) =>
      ask(storing(versionOf(resource, storageTime), { atMs: BASE_MS }), (body) =>
        answered(
          body.type === "error"
            ? `${errorNameOf(body.value.code)} ${new TextDecoder().decode(body.value.info)}`.trim()
            : "stored",
        ),
      ),
    held,
    rest: Effect.gen(function* () {
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow;
      yield* storage.status;
    }),
  };
});
