/**
 * Which changes of the stored values go to disk: every entry with its time and its signer, and every generation counter.
 * Which nodes hold copies is not saved, since the ring may have changed before a restart. RFC 6940 does not ask for storage
 * on disk.
 * DECISIONS.md D-063, D-064.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  encodeEntryRow,
  encodeGenerationRow,
  entryKey,
  generationKey,
  readStoredRow,
  type StoredData,
} from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import type { Decision, Of } from "../kit/mod.ts";
import { isResponsible } from "./ring.ts";
import type {
  Resource,
  Restored,
  StoredEntry,
  StoredKind,
  ValueStorageAction,
  ValueStorageContext,
  ValueStorageDecision,
  ValueStorageEvent,
} from "./storage-types.ts";
import { recounted, tallies } from "./tally.ts";
import { changedResources, isLive, keyOf, placeOf, resourceAtKey, withResource } from "./value-table.ts";

const isSameKept = (a: StoredEntry, b: StoredEntry | undefined): boolean =>
  b !== undefined && a.data === b.data && a.storedMs === b.storedMs && a.signer === b.signer;

const isSameKind = (a: StoredKind, b: StoredKind | undefined): boolean => {
  if (b === undefined || a.generation !== b.generation) return false;
  const places = Object.entries(a.entries);
  return (
    places.length === Object.keys(b.entries).length &&
    places.every(([place, kept]) => isSameKept(kept, b.entries[place]))
  );
};
const isSame = (a: Resource | undefined, b: Resource | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b;
  const kinds = Object.keys(a.kinds).map(Number);
  return (
    kinds.length === Object.keys(b.kinds).length && kinds.every((kind) => isSameKind(a.kinds[kind]!, b.kinds[kind]))
  );
};

/** The decision with `save` orders for what it changes put first: no answer and no copy leaves before them. */
export const saving = <A extends ValueStorageAction>(
  context: ValueStorageContext,
  made: Decision<ValueStorageContext, A>,
): Decision<ValueStorageContext, A | Of<ValueStorageAction, "save">> => {
  const after = made.context?.valueTable;
  if (after === undefined || after === context.valueTable) return made;
  const saves: Array<Of<ValueStorageAction, "save">> = [];
  for (const [before, now] of changedResources(context.valueTable, after))
    if (!isSame(before, now)) saves.push({ type: "save", id: (now ?? before)!.id, before, after: now });
  return saves.length === 0 ? made : { ...made, actions: [...saves, ...(made.actions ?? [])] };
};

/** The disk did not take these: the resources are again as the disk has them. Each store among them was answered by an error. */
export const unsaved = (
  context: ValueStorageContext,
  { was }: Of<ValueStorageEvent, "unsaved">,
): ValueStorageDecision<"undone"> => {
  let now = context;
  for (const { id, resource } of was) now = { ...now, ...put(now, resource ?? { id, kinds: {} }) };
  return { context: now, actions: [{ type: "undone" }] };
};

/** Rows read from disk become values again where there is nothing newer. What has expired is left out. */
export const restored = (
  context: ValueStorageContext,
  { kept, atMs }: Of<ValueStorageEvent, "restored">,
): Partial<ValueStorageContext> => {
  const changed = new Map<string, Resource>();
  for (const item of kept) {
    const key = keyOf(item.resource);
    const held = changed.get(key) ?? resourceAtKey(context.valueTable, key) ?? { id: item.resource, kinds: {} };
    changed.set(key, { ...held, kinds: { ...held.kinds, [item.kind]: merged(held.kinds[item.kind], item, atMs) } });
  }
  let valueTable = context.valueTable;
  for (const [key, resource] of changed) valueTable = withResource(valueTable, key, resource);
  return { valueTable, ...tallies(context.view, valueTable) };
};

const merged = (held: StoredKind | undefined, item: Restored, atMs: number): StoredKind => {
  const { generation, entries } = held ?? { generation: 0n, entries: {} };
  if (item.type === "generation")
    return { generation: item.generation > generation ? item.generation : generation, entries };
  const place = placeOf(item.kept.data.value);
  const other = entries[place];
  if (!isLive(item.kept, atMs) || (other !== undefined && other.data.storageTime >= item.kept.data.storageTime))
    return { generation, entries };
  // A clock that has been set back must not lengthen a life.
  const storedMs = Math.min(item.kept.storedMs, atMs);
  return { generation, entries: { ...entries, [place]: { ...item.kept, storedMs } } };
};

const put = (context: ValueStorageContext, resource: Resource): Partial<ValueStorageContext> => {
  const key = keyOf(resource.id);
  const before = resourceAtKey(context.valueTable, key);
  return {
    valueTable: withResource(context.valueTable, key, resource),
    ...recounted(context, isResponsible(context.view, bigOf(resource.id)), before, resource),
  };
};

export type RowChange =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "remove"; readonly key: Uint8Array };

/** The rows that change on disk from `before` to `after`. `self`: the node whose rows they are; one disk may serve several. */
export const rowsOfSave = (
  self: NodeId,
  { id, before, after }: Of<ValueStorageAction, "save">,
): ReadonlyArray<RowChange> => {
  const rows: Array<RowChange> = [];
  const kinds = new Set([...Object.keys(before?.kinds ?? {}), ...Object.keys(after?.kinds ?? {})].map(Number));
  for (const kind of kinds) {
    const [was, is] = [before?.kinds[kind], after?.kinds[kind]];
    if (is === undefined) rows.push({ type: "remove", key: generationKey(self, id, kind) });
    else if (is.generation !== was?.generation)
      rows.push({
        type: "put",
        key: generationKey(self, id, kind),
        value: encodeGenerationRow({ resource: id, kind, generation: is.generation }),
      });
    for (const place of Object.keys(was?.entries ?? {}))
      if (is?.entries[place] === undefined) rows.push({ type: "remove", key: entryKey(self, id, kind, place) });
    for (const [place, kept] of Object.entries(is?.entries ?? {}))
      if (!isSameKept(kept, was?.entries[place]))
        rows.push({ type: "put", key: entryKey(self, id, kind, place), value: recordOf(kind, is!.generation, kept) });
  }
  return rows;
};

const recordOf = (kind: number, generation: bigint, { data, signer, storedMs }: StoredEntry): Uint8Array =>
  encodeEntryRow({
    storedMs: BigInt(storedMs),
    signer: signer.nodeId,
    users: signer.users,
    certificate: signer.certificate,
    stored: { kind, generation, values: [data] },
  });

/** The value in a row; undefined for one that cannot be read or has expired. */
export const restoredFrom = (key: Uint8Array, value: Uint8Array, atMs: number): Restored | undefined => {
  const row = readStoredRow(key, value);
  if (row.type === "generation") return row.generation.ok ? { type: "generation", ...row.generation.value } : undefined;
  if (!row.entry.ok) return undefined;
  const { storedMs, signer, users, certificate, stored } = row.entry.value;
  const data = (stored.values as ReadonlyArray<StoredData>)[0];
  if (data === undefined || stored.values instanceof Uint8Array) return undefined;
  const kept: StoredEntry = {
    data,
    signer: { nodeId: signer, users, certificate },
    storedMs: Number(storedMs),
    copies: [],
    safe: false,
    isRestored: true,
  };
  return isLive(kept, atMs) ? { type: "entry", resource: row.resource, kind: stored.kind, kept } : undefined;
};

/** The same certificate once, not once for each of its values. */
export const sharingCertificates = (seen: Map<string, Uint8Array>, item: Restored): Restored => {
  if (item.type === "generation") return item;
  const name = hexOf(item.kept.signer.certificate);
  const certificate = seen.get(name) ?? item.kept.signer.certificate;
  seen.set(name, certificate);
  return { ...item, kept: { ...item.kept, signer: { ...item.kept.signer, certificate } } };
};
