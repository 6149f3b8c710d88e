/** A storage that can be talked to, and events in its language: for several files of laws. */

import * as assert from "node:assert/strict";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  ecdsaSignature,
  encodeRegistration,
  encodeRegistrationKey,
  identityOf,
  kindId,
  nodeIdFrom,
  type StoredData,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig, hexOf, type VServiceId } from "../../codecs/shared/mod.ts";
import type { Snapshot } from "../../machines/kit/mod.ts";
import {
  type Asked,
  type RingView,
  reloadStorage,
  type Signer,
  storageTiming,
  type ValueStorageAction,
  type ValueStorageContext,
  type ValueStorageEvent,
  type ValueStorageSettings,
} from "../../machines/reload/mod.ts";

export const SELF = nodeIdFrom(1n << 120n);
export const KIND = kindId.viprRegistration;
export const settings: ValueStorageSettings = {
  ...viprOverlay({ name: "ring.example", sequence: 1, storesPerSecond: 1_000, fetchesPerSecond: 1_000 }),
  timing: storageTiming,
  startedMs: 0,
};
export const alone: RingView = { self: SELF, joined: true, predecessors: [], successors: [], fingers: [], linked: [] };

export const asking = (signer: bigint, atMs: number): Asked => ({
  from: nodeIdFrom(signer),
  signer: nodeIdFrom(signer),
  reply: { transactionId: 1n, to: [], maxResponseLength: 0, options: [] },
  atMs,
  draw: 1n,
});
export const signerOf = (nodeId: bigint): Signer => ({
  nodeId: nodeIdFrom(nodeId),
  users: [],
  certificate: bytesOfBig(nodeId, 16),
});

export interface Registration {
  readonly resource: bigint;
  readonly node: bigint;
  readonly vservice: VServiceId;
  readonly contact?: bigint;
  readonly exists?: boolean;
  readonly storageTime: bigint;
  readonly lifetimeS?: number;
}
export const registration = (given: Registration): StoredData => ({
  storageTime: given.storageTime,
  lifetime: given.lifetimeS ?? 3_600,
  value: {
    key: encodeRegistrationKey({ nodeId: nodeIdFrom(given.node), vservice: given.vservice }),
    value:
      given.exists === false
        ? { exists: false, value: new Uint8Array() }
        : { exists: true, value: encodeRegistration(nodeIdFrom(given.contact ?? given.node)) },
  },
  signature: ecdsaSignature(identityOf(bytesOfBig(given.node, 16)), bytesOfBig(given.storageTime, 8)),
});

export interface Way {
  readonly by?: bigint;
  readonly signer?: bigint;
  readonly replica?: number;
  readonly atMs?: number;
  readonly generation?: bigint;
}
type StoreEvent = Extract<ValueStorageEvent, { readonly type: "storeReq" }>;
export const storing = (given: Registration, way: Way = {}): StoreEvent => {
  const { by = given.node, replica = 0, atMs = 0 } = way;
  const { signer = by, generation = replica === 0 ? 0n : 1n } = way;
  return {
    type: "storeReq",
    asked: asking(by, atMs),
    body: {
      resource: bytesOfBig(given.resource, 16),
      replica,
      kinds: [{ kind: KIND, generation, values: [registration(given)] }],
    },
    signers: [[signerOf(signer)]],
    users: [],
  };
};
export const fetching = (resource: bigint, atMs = 0): ValueStorageEvent => ({
  type: "fetchReq",
  asked: asking(9n, atMs),
  body: { resource: bytesOfBig(resource, 16), specifiers: [{ kind: KIND, generation: 0n, specifier: [] }] },
});

/** A storage that can be talked to. */
export const storageOf = (given: Partial<ValueStorageSettings> = {}, view: RingView = alone) => {
  let snapshot: Snapshot<ValueStorageContext> = reloadStorage.start({ ...settings, ...given }).snapshot;
  const tell = (event: ValueStorageEvent): ReadonlyArray<ValueStorageAction> => {
    const step = reloadStorage.step(snapshot, event);
    snapshot = step.snapshot;
    return step.actions;
  };
  tell({ type: "ring", view, change: "joined", atMs: 0 });
  /** `stored`, or the error's name and info. */
  const store = (event: ValueStorageEvent): string => {
    const said = tell(event).find(({ type }) => type === "answer" || type === "refuse");
    return said?.type === "refuse"
      ? `${said.error} ${typeof said.info === "string" ? said.info : hexOf(said.info)}`.trim()
      : "stored";
  };
  const fetch = (resource: bigint, atMs = 0): ReadonlyArray<StoredData> => {
    const said = tell(fetching(resource, atMs)).find(({ type }) => type === "answer");
    assert.ok(said?.type === "answer" && said.body.type === "fetchAns");
    return said.body.value.kinds[0]!.values as ReadonlyArray<StoredData>;
  };
  return { tell, store, fetch, context: () => snapshot.context };
};
