/** What a ViPR server uses of its node: store, fetch, reach an application. Values are signed and verified here. */

import { Clock, Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type Answer,
  dataValueOf,
  type Endpoint,
  endpointOf,
  everything,
  hostCandidate,
  type Request,
  type StoredData,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig, hexOf } from "../../codecs/shared/mod.ts";
import { mayWrite } from "../../machines/reload/mod.ts";
import { type OverlayError, OverlayRefused, OverlayUnreachable } from "./errors.ts";
import type { SignValue } from "./identity.ts";
import type { OwnEntries, StoredLife } from "./own-entries.ts";
import { makePacedRequests } from "./paced-requests.ts";
import type { Sender } from "./sender.ts";

/** The place of a value in its Kind: a dictionary's key, or an array's index; APPEND: behind the last one. */
export type Place =
  | { readonly key: Uint8Array; readonly index?: undefined }
  | { readonly index: number; readonly key?: undefined };
export const APPEND = 0xffff_ffff;

/** An entry to be stored: where, of which Kind, and for how many seconds, RFC 6940 §7.4.1. */
export type ToStore = Place & {
  /** 128 bits. */
  readonly resourceId: Uint8Array | bigint;
  readonly kind: number;
  readonly value: Uint8Array;
  /** False removes the entry. */
  readonly exists: boolean;
  readonly lifetimeS: number;
};
/** An entry of the overlay, with the node that signed it. */
export interface Fetched {
  /** Of a dictionary. */
  readonly key: Uint8Array;
  /** Of an array. */
  readonly index: number;
  readonly value: Uint8Array;
  readonly signer: NodeId;
}

/** What a node does in the overlay for those above it: store, fetch, look for an application, ping. */
export interface Usage {
  readonly store: (item: ToStore) => Effect.Effect<{ readonly replicas: ReadonlyArray<NodeId> }, OverlayError>;
  /** The entries that exist, whose signature holds and whose signer may write them; others are left out. */
  readonly fetch: (of: {
    readonly resourceId: Uint8Array | bigint;
    readonly kind: number;
  }) => Effect.Effect<ReadonlyArray<Fetched>, OverlayError>;
  /** The address of that node's application. */
  readonly appAttach: (nodeId: NodeId, application: number) => Effect.Effect<Endpoint, OverlayError>;
  /** Entries of our own in the overlay: those that we have stored and not removed. */
  readonly used: Effect.Effect<number>;
  /** When an entry of ours was last stored and when it ends; undefined when it is not in the overlay. */
  readonly lifeOf: (
    of: Place & { readonly resourceId: Uint8Array | bigint; readonly kind: number },
  ) => StoredLife | undefined;
  /** Pings a node, or the node that is responsible for a resource. */
  readonly ping: (
    to: NodeId | { readonly resourceId: Uint8Array },
  ) => Effect.Effect<{ readonly nodeId: NodeId; readonly atMs: number }, OverlayError>;
}

export const makeUsage = Effect.fn("reload.usage")(function* (
  overlay: () => OverlayConfiguration,
  signValue: SignValue,
  sender: Sender,
  endpoint: Endpoint,
  ownEntries: OwnEntries,
  certificateEndMs: number,
) {
  const request = yield* makePacedRequests(overlay, sender);

  const store: Usage["store"] = Effect.fn("reload.store")(function* (item) {
    const resource = resourceOf(item.resourceId);
    const { kind, exists } = item;
    // What a certificate has signed counts until its end; by then the value is to be stored again, under the next one. DECISIONS.md D-351.
    const leftS = Math.floor((certificateEndMs - (yield* Clock.currentTimeMillis)) / 1_000);
    const lifetimeS = exists ? Math.max(0, Math.min(item.lifetimeS, leftS)) : item.lifetimeS;
    const name = { kind, resource, place: placeOf(item) };
    const bytes = { exists, value: exists ? item.value : new Uint8Array() };
    const value = item.key === undefined ? { index: item.index, value: bytes } : { key: item.key, value: bytes };
    const storageTime = yield* Effect.mapError(
      ownEntries.begin(name, lifetimeS, exists),
      ({ reason, why }) => new OverlayUnreachable({ reason: "store", why: `own store ${reason}: ${why}` }),
    );
    const signature = yield* signValue(resource, kind, storageTime, value);
    const values: ReadonlyArray<StoredData> = [{ storageTime, lifetime: lifetimeS, value, signature }];
    const body: Request = {
      type: "storeReq",
      value: { resource, replica: 0, kinds: [{ kind, generation: 0n, values }] },
    };
    const { answer } = yield* Effect.onExit(request(toResource(resource), body, "stores"), ({ _tag }) =>
      ownEntries.settle(name, _tag === "Success"),
    );
    if (answer.type !== "storeAns") return yield* unexpected(answer);
    return { replicas: answer.value.kinds.flatMap(({ replicas }) => replicas) };
  });

  const fetch: Usage["fetch"] = Effect.fn("reload.fetch")(function* ({ resourceId, kind }) {
    const resource = resourceOf(resourceId);
    const specifiers = [{ kind, generation: 0n, specifier: everything(kind) }];
    const body: Request = { type: "fetchReq", value: { resource, specifiers } };
    const { answer, signers } = yield* request(toResource(resource), body, "fetches");
    if (answer.type !== "fetchAns") return yield* unexpected(answer);
    const policy = overlay().kinds.find((known) => known.kind === kind);
    return answer.value.kinds.flatMap(({ kind: of, values }, at) =>
      (of !== kind || values instanceof Uint8Array ? [] : values).flatMap((data, i) => {
        const { exists, value } = dataValueOf(data.value);
        const signer = exists ? signers[at]?.[i] : undefined;
        if (signer === undefined) return [];
        const isAllowed = mayWrite(
          policy?.accessControl ?? "",
          policy?.maxNodeMultiple ?? 1,
          signer,
          resource,
          data.value,
        );
        const key = "key" in data.value ? data.value.key : new Uint8Array();
        const index = "index" in data.value ? data.value.index : 0;
        return isAllowed ? [{ key, index, value, signer: signer.nodeId }] : [];
      }),
    );
  });

  const appAttach: Usage["appAttach"] = Effect.fn("reload.appAttach")(function* (nodeId, application) {
    const candidate = hostCandidate(endpoint);
    const none = new Uint8Array();
    const candidates = candidate === undefined ? [] : [candidate];
    const { answer } = yield* request(toNode(nodeId), {
      type: "appAttachReq",
      value: { ufrag: none, password: none, application, role: "active", candidates },
    });
    const candidateOfHost =
      answer.type === "appAttachAns" ? answer.value.candidates.find(({ type }) => type === "host") : undefined;
    return candidateOfHost === undefined ? yield* unexpected(answer) : endpointOf(candidateOfHost.address);
  });

  const ping: Usage["ping"] = Effect.fn("reload.ping")(function* (to) {
    const target = typeof to === "bigint" ? toNode(to) : toResource(to.resourceId);
    const { answer, signer } = yield* request(target, { type: "pingReq", value: { padding: new Uint8Array() } });
    return answer.type === "pingAns" ? { nodeId: signer, atMs: Number(answer.value.time) } : yield* unexpected(answer);
  });

  const lifeOf: Usage["lifeOf"] = (item) =>
    ownEntries.lifeOf({ kind: item.kind, resource: resourceOf(item.resourceId), place: placeOf(item) });
  return { store, fetch, appAttach, used: ownEntries.used, lifeOf, ping } satisfies Usage;
});

const placeOf = (at: Place): string => (at.key === undefined ? String(at.index) : hexOf(at.key));

const unexpected = (answer: Answer) =>
  new OverlayRefused({ code: "invalidMessage", info: `answered by ${answer.type}` });
const resourceOf = (id: Uint8Array | bigint): Uint8Array => (typeof id === "bigint" ? bytesOfBig(id, 16) : id);
