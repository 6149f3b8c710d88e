/** The storage of a node, alone in its ring, on a store that the test gives; the test sends its requests. */

import * as assert from "node:assert/strict";
import { Deferred, Effect, FiberSet, type Scope } from "effect";
import type { StoreFailed, StoreShape } from "../../actors/ports/mod.ts";
import { restoreValues } from "../../actors/reload/restore.ts";
import { storeValues } from "../../actors/reload/values-disk.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { type Body, errorNameOf, identityOf, type StoredData } from "../../codecs/reload/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { handle, type NodeEvent, openNode } from "../../machines/node/mod.ts";
import type { ValueStorageEvent } from "../../machines/reload/mod.ts";
import { coreLimits, nobody } from "./security-host.ts";
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
  /** Resources that are stored. */
  readonly resources: () => number;
  /** Why stores were refused, counted. */
  readonly refusals: () => Readonly<Record<string, number>>;
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
  const run = yield* FiberSet.makeRuntime<never>();
  const waiting = new Map<bigint, (body: Body) => Effect.Effect<void>>();
  let transactions = 0n;
  const policy = { ...settings, quota: QUOTA, storesPerSecond: QUOTA, fetchesPerSecond: QUOTA };
  const certificate = new Uint8Array(8);
  const core = openNode({
    self: SELF,
    certificates: [certificate],
    algorithm: "ecdsa",
    identity: identityOf(certificate),
    facts: nobody,
    overlay: viprOverlay({ name: "ring.example", sequence: 1 }),
    roots: [],
    seed: new Uint8Array(32),
    limits: coreLimits,
    storage: { settings: policy, isDurable: store !== undefined },
  });

  /** An answer is heard when it is about to be signed. */
  const heard = (token: number): NodeEvent => {
    const job = core.jobs.get(token);
    if (job?.type !== "sign") return assert.fail("no message to sign");
    const { transactionId, body } = job.unsigned;
    const listener = waiting.get(transactionId);
    waiting.delete(transactionId);
    if (listener !== undefined) run(listener(body));
    return { type: "signed", token, value: new Uint8Array(8) };
  };
  const tell = (first: NodeEvent): void => {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift())
      for (const order of handle(core, event, BASE_MS)) {
        if (order.type === "sign") events.push(heard(order.token));
        if (order.type === "store" && store !== undefined) run(Effect.map(storeValues(store, order), tell));
      }
  };
  /** The storage takes an event of another part of its node. */
  const give = (event: ValueStorageEvent): void => {
    core.work.push({ type: "storage", event });
    tell({ type: "published", isThere: true });
  };
  if (store !== undefined)
    yield* restoreValues(store, SELF, (values) => Effect.sync(() => tell({ type: "restored", values })));
  tell({ type: "published", isThere: true }); // the first event of a node without values
  give({ type: "ring", view: alone, change: "joined", atMs: BASE_MS });
  core.view = alone;
  const signer = signerOf(OWNER);
  const ask = (
    event: ReturnType<typeof storing> | ReturnType<typeof fetching>,
    heard: (body: Body) => Effect.Effect<void>,
  ) =>
    Effect.sync(() => {
      if (event.type !== "storeReq" && event.type !== "fetchReq") return;
      const transactionId = ++transactions;
      waiting.set(transactionId, heard);
      const asked = { ...event.asked, reply: { ...event.asked.reply, transactionId } };
      const request = { type: event.type, value: event.body } as never;
      core.work.push({ type: "serve", asked, request, signers: [[signer]], users: signer.users });
      tell({ type: "published", isThere: true });
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
    refusals: () => core.storage!.refusals,
    resources: () => core.storage!.snapshot.context.valueTable.resources,
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
    }),
  };
});
