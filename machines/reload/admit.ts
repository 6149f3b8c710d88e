/**
 * A Store, looked at from every side and then done whole or not at all. RFC 6940 §7.4.1.1; limits:
 * docs/protocol/overlay.md#storage.
 * Signatures have been verified at the edge: here their signers are known, or undefined. DECISIONS.md D-065, D-066.
 * Requirements: RFC 6940 §7, §7.3, §7.4.1.2, §10.4, §13.5.2, §13.5.3.
 */

import type { KindConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  dataValueOf,
  type ErrorName,
  isUnsigned,
  RESOURCE_ID_BYTES,
  StoreAns,
  type StoredData,
  type StoreKindData,
  UnknownKinds,
} from "../../codecs/reload/mod.ts";
import { bigOf, equalBytes } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import type { Of } from "../kit/mod.ts";
import type { Asked } from "./peer-types.ts";
import { mayWrite, type Writer } from "./policy.ts";
import { quotaBound } from "./quota.ts";
import { dueForReplicas, mayCount, pump, REPLICAS } from "./repair.ts";
import { isResponsible, ownedFraction, ownersOf, type RingView, replicatedFraction } from "./ring.ts";
import { NOT_RESPONSIBLE } from "./route.ts";
import type {
  Resource,
  Signer,
  StoredEntry,
  StoredKind,
  ValueStorageContext,
  ValueStorageDecision,
  ValueStorageEvent,
  ValueStorageSettings,
} from "./storage-types.ts";
import { recounted, type Tallied, tallyKey } from "./tally.ts";
import { bytesIn, endMs, entriesOf, isLive, keyOf, placeOf, resourceAtKey, withResource } from "./value-table.ts";

/** Of one number by one node: a VService, the one before it, and room for the removed ones that must be remembered. */
export const ENTRIES_OF_SIGNER_MAX = 4;

/**
 * A storage time may be so far ahead of our clock, no further: one from the far future could never be replaced, and its
 * owner's next one neither. RFC 6940 leaves the bound open; a signer is enrolled, and its clock is good enough for TLS.
 */
export const AHEAD_MS_MAX = 300_000;
/**
 * No entry outlives its storage time by more than 30 days, whatever lifetime is claimed: the storage time is signed and the
 * lifetime is not, so that a node with an old copy could keep it alive for ever.
 */
export const LIFETIME_S_MAX = 2_592_000;

/** "A store at index 0xffffffff places the new value at the end of the array", §7.4.1.1. */
const APPEND = 0xffff_ffff;

export interface Refusal {
  readonly error: ErrorName;
  readonly info: string | Uint8Array;
}
const refusal = (error: ErrorName, info: string | Uint8Array): { readonly refused: Refusal } => ({
  refused: { error, info },
});

export const refuseStored = (asked: Asked, { error, info }: Refusal): ValueStorageDecision<"refuse" | "count"> => ({
  actions: [
    { type: "refuse", reply: asked.reply, error, info },
    { type: "count", refused: typeof info === "string" && info !== "" ? info : error, signer: asked.signer },
  ],
});

export const store = (
  context: ValueStorageContext,
  event: Of<ValueStorageEvent, "storeReq">,
): ValueStorageDecision<"refuse" | "count" | "answer" | "copy" | "handedOver"> => {
  const { asked, body } = event;
  const refused = misplaced(context.view, body, asked.signer) ?? unknown(context.settings, body.kinds);
  if (refused !== undefined) return refuseStored(asked, refused);
  const key = keyOf(body.resource);
  const before = resourceAtKey(context.valueTable, key) ?? { id: body.resource, kinds: {} };
  let resource: Resource = before;
  for (const [i, kindData] of body.kinds.entries()) {
    const made = withKind(context, event, resource, kindData, event.signers[i] ?? []);
    if ("refused" in made) return refuseStored(asked, made.refused);
    resource = made;
  }
  const tallied = withinQuota(context, before, resource);
  if ("refused" in tallied) return refuseStored(asked, tallied.refused);
  const replicas = body.replica === 0 ? context.view.successors.slice(0, REPLICAS) : [];
  const value: StoreAns = {
    kinds: body.kinds.map(({ kind }) => ({ kind, generation: resource.kinds[kind]?.generation ?? 0n, replicas })),
  };
  const valueTable = withResource(context.valueTable, key, resource);
  const due = [...context.due, ...dueForReplicas({ view: context.view, valueTable }, key)];
  const pumped = pump(context, { ...tallied, valueTable, due }, asked.atMs);
  return {
    ...pumped,
    actions: [
      { type: "answer", reply: asked.reply, body: { type: "storeAns", value }, certificates: [] },
      ...(pumped.actions ?? []),
    ],
  };
};

/** "MUST check that it is responsible for the resource if the replica number is zero", else that the sender is plausible. */
const misplaced = (
  view: RingView,
  { resource, replica }: { readonly resource: Uint8Array; readonly replica: number },
  signer: NodeId,
): Refusal | undefined => {
  if (resource.length !== RESOURCE_ID_BYTES) return { error: "invalidMessage", info: "a resource of 128 bits, please" };
  const id = bigOf(resource);
  if (replica === 0) return isResponsible(view, id) ? undefined : { error: "notFound", info: NOT_RESPONSIBLE };
  return isPlausible(view, id, signer) ? undefined : { error: "forbidden", info: "not of the replica set" };
};

/**
 * Replica stores come from "a plausible node to ... have been in the replica set": one of it, or the one after it, as the
 * sender may know of a loss before us; or a neighbour, which was responsible for the resource while the ring was partitioned.
 */
const isPlausible = (view: RingView, id: bigint, signer: NodeId): boolean => {
  if (!view.joined) return true; // the admitting peer hands over before we know the ring
  const owners = ownersOf({ ...view, successors: [...view.successors, signer] }, id, REPLICAS + 2);
  if (!owners.includes(view.self)) return false;
  return owners.includes(signer) || view.successors.includes(signer) || view.predecessors.includes(signer);
};

const unknown = (settings: ValueStorageSettings, kinds: ReadonlyArray<StoreKindData>): Refusal | undefined => {
  const strangers = kinds.filter(
    ({ kind, values }) => kindOf(settings, kind) === undefined || values instanceof Uint8Array,
  );
  if (strangers.length > 0)
    return {
      error: "unknownKind",
      info: encode(
        UnknownKinds,
        strangers.slice(0, 63).map(({ kind }) => kind),
      ),
    };
  const twice = new Set(kinds.map(({ kind }) => kind)).size < kinds.length;
  return twice ? { error: "invalidMessage", info: "a Kind stands twice" } : undefined;
};

export const kindOf = (settings: ValueStorageSettings, kind: number): KindConfiguration | undefined =>
  settings.kinds.find((known) => known.kind === kind);

/** A Kind of a resource with these values stored, or why they are not. */
export const withKind = (
  context: ValueStorageContext,
  event: Of<ValueStorageEvent, "storeReq">,
  resource: Resource,
  kindData: StoreKindData,
  signers: ReadonlyArray<Signer | undefined>,
): Resource | { readonly refused: Refusal } => {
  const { asked, body, users } = event;
  const kind = kindOf(context.settings, kindData.kind)!;
  const held: StoredKind = resource.kinds[kind.kind] ?? { generation: 0n, entries: {} };
  const isOriginal = body.replica === 0;
  if (isOriginal && kindData.generation !== 0n && kindData.generation !== held.generation)
    return refusal("generationCounterTooLow", generationInfo(kind.kind, held.generation));
  if (!isOriginal && kindData.generation === 0n) return refusal("invalidMessage", "a replica without a generation");
  const writer: Writer | undefined = isOriginal ? { nodeId: asked.signer, users } : undefined;
  const entries: Record<string, StoredEntry> = liveEntries(held, asked.atMs);
  let changes = 0;
  for (const [i, given] of (kindData.values as ReadonlyArray<StoredData>).entries()) {
    const signer = signers[i];
    if (signer === undefined || isUnsigned(given.signature)) return refusal("forbidden", "signature");
    for (const who of writer === undefined ? [signer] : [signer, writer])
      if (!mayWrite(kind.accessControl, kind.maxNodeMultiple ?? 1, who, resource.id, given.value))
        return refusal("forbidden", kind.accessControl);
    if (bytesIn(given.value) > kind.maxSize) return refusal("dataTooLarge", "size");
    if (isOriginal && Number(given.storageTime) > asked.atMs + AHEAD_MS_MAX)
      return refusal("forbidden", "storage time");
    const data = appended(given, entries);
    // An array's end is bounded like its entries, as a Fetch returns the gaps before it too.
    if ("index" in data.value && data.value.index >= kind.maxCount) return refusal("dataTooLarge", "count");
    const before = entries[placeOf(data.value)];
    const copies = !isOriginal && mayCount(context.view, bigOf(resource.id), asked.signer) ? [asked.signer] : [];
    if (before !== undefined && before.data.storageTime >= data.storageTime) {
      // The same version once more, by a retransmission or another holder of it, is no news and no fault.
      const isSame = equalBytes(before.data.signature.value, data.signature.value);
      if (!isSame) return refusal("dataTooOld", "");
      entries[placeOf(data.value)] = { ...before, copies: [...new Set([...before.copies, ...copies])] };
      continue;
    }
    const lasting = { ...data, lifetime: lifetimeOf(data, before, asked.atMs) };
    entries[placeOf(data.value)] = { data: lasting, signer, storedMs: asked.atMs, copies, safe: false };
    changes++;
  }
  if (Object.keys(entries).length > kind.maxCount) return refusal("dataTooLarge", "count");
  if (kind.accessControl === "VIPR-MATCH" && isCrowded(entries)) return refusal("dataTooLarge", "signer");
  const generation = isOriginal ? held.generation + (changes > 0 ? 1n : 0n) : kindData.generation;
  return { ...resource, kinds: { ...resource.kinds, [kind.kind]: { generation, entries } } };
};

/**
 * "The owner SHOULD use a lifetime for the nonexistent value that is at least as long as the remainder of the lifetime of the
 * value it is replacing", §7.4.1.3: where it did not, we do, so that no old copy brings back what was removed.
 */
const lifetimeOf = (data: StoredData, before: StoredEntry | undefined, atMs: number): number => {
  const remaining = before === undefined ? 0 : Math.ceil((endMs(before) - atMs) / 1000);
  const wanted = dataValueOf(data.value).exists ? data.lifetime : Math.max(data.lifetime, remaining);
  const spentS = Math.floor((atMs - Number(data.storageTime)) / 1000);
  return Math.max(0, Math.min(wanted, LIFETIME_S_MAX - spentS));
};

/** Anybody may store at any number: one node that filled it would shut its owner out. */
const isCrowded = (entries: Readonly<Record<string, StoredEntry>>): boolean => {
  const bySigner = new Map<NodeId, number>();
  for (const { signer } of Object.values(entries)) bySigner.set(signer.nodeId, (bySigner.get(signer.nodeId) ?? 0) + 1);
  return [...bySigner.values()].some((count) => count > ENTRIES_OF_SIGNER_MAX);
};

const liveEntries = ({ entries }: StoredKind, atMs: number): Record<string, StoredEntry> =>
  Object.fromEntries(Object.entries(entries).filter(([, entry]) => isLive(entry, atMs)));

/** "The resulting StoredData has the correct index value when it is subsequently fetched." */
const appended = (given: StoredData, entries: Readonly<Record<string, StoredEntry>>): StoredData => {
  if (!("index" in given.value) || given.value.index !== APPEND) return given;
  // The same value once more, by a retransmission, changes nothing.
  const same = Object.values(entries).find(
    ({ data }) => data.storageTime === given.storageTime && equalBytes(data.signature.value, given.signature.value),
  );
  if (same !== undefined && "index" in same.data.value) return { ...given, value: same.data.value };
  const index = Object.keys(entries).reduce((next, place) => Math.max(next, Number(place) + 1), 0);
  return { ...given, value: { ...given.value, index } };
};

/** "The error_info in the ErrorResponse MUST be a StoreAns response containing the correct generation counter". */
const generationInfo = (kind: number, generation: bigint): Uint8Array =>
  encode(StoreAns, { kinds: [{ kind, generation, replicas: [] }] });

/** The part of the ring whose replicas we store. A node that is still joining does not know its part: the whole ring. */
const sharedFraction = (view: RingView): number =>
  view.joined ? Math.max(0, replicatedFraction(view, REPLICAS) - ownedFraction(view)) : 1;

/** Entries by signer, with those of this resource counted anew; refused where a signer would pass its bound. */
export const withinQuota = (
  context: ValueStorageContext,
  before: Resource,
  after: Resource,
): Tallied | { readonly refused: Refusal } => {
  const { view, settings } = context;
  const isOurs = isResponsible(view, bigOf(after.id));
  const bound = quotaBound(settings.quota, isOurs ? ownedFraction(view) : sharedFraction(view));
  const tallied = recounted(context, isOurs, before, after);
  const was = isOurs ? context.primaries : context.replicas;
  const now = "primaries" in tallied ? tallied.primaries : tallied.replicas;
  for (const [, , entry] of entriesOf(after)) {
    const signer = tallyKey(entry);
    if (now[signer]! > bound && now[signer]! > (was[signer] ?? 0)) return refusal("dataTooLarge", "quota");
  }
  return tallied;
};
