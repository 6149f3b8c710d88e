/**
 * What of the shelf must be on disk: every entry with its hour and its signer, and every generation counter. Who holds
 * copies is not kept: after a restart that would be a belief about a ring that is no more. RFC 6940 leaves keeping open.
 * DECISIONS.md D-063, D-064.
 */
import {
  encodeKeptEntry,
  encodeKeptGeneration,
  entryKey,
  generationKey,
  readKeptRow,
  type StoredData,
} from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import type { Decision, Of } from "../kit/mod.ts";
import type {
  KeeperAction,
  KeeperContext,
  KeeperDecision,
  KeeperEvent,
  Kept,
  KeptKind,
  Resource,
  Restored,
} from "./keeper-types.ts";
import { isResponsible } from "./ring.ts";
import { changedResources, isLive, keyOf, placeOf, resourceAtKey, withResource } from "./shelf.ts";
import { recounted, tallies } from "./tally.ts";

const isSameKept = (a: Kept, b: Kept | undefined): boolean =>
  b !== undefined && a.data === b.data && a.storedMs === b.storedMs && a.signer === b.signer;

const isSameKind = (a: KeptKind, b: KeptKind | undefined): boolean => {
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

/** What was decided, preceded by orders to keep what it changes: whatever leaves, leaves after them. */
export const saving = <A extends KeeperAction>(
  context: KeeperContext,
  made: Decision<KeeperContext, A>,
): Decision<KeeperContext, A | Of<KeeperAction, "save">> => {
  const after = made.context?.shelf;
  if (after === undefined || after === context.shelf) return made;
  const saves: Array<Of<KeeperAction, "save">> = [];
  for (const [before, now] of changedResources(context.shelf, after))
    if (!isSame(before, now)) saves.push({ type: "save", id: (now ?? before)!.id, before, after: now });
  return saves.length === 0 ? made : { ...made, actions: [...saves, ...(made.actions ?? [])] };
};

/** The disk did not take it: what it has is what is true. Who was told otherwise was told so by an error. */
export const unsaved = (context: KeeperContext, { was }: Of<KeeperEvent, "unsaved">): KeeperDecision<"undone"> => {
  let now = context;
  for (const { id, resource } of was) now = { ...now, ...put(now, resource ?? { id, kinds: {} }) };
  return { context: now, actions: [{ type: "undone" }] };
};

/** From disk onto the shelf, where there is nothing newer yet. What has had its time is left out. */
export const restored = (
  context: KeeperContext,
  { kept, atMs }: Of<KeeperEvent, "restored">,
): Partial<KeeperContext> => {
  const changed = new Map<string, Resource>();
  for (const item of kept) {
    const key = keyOf(item.resource);
    const held = changed.get(key) ?? resourceAtKey(context.shelf, key) ?? { id: item.resource, kinds: {} };
    changed.set(key, { ...held, kinds: { ...held.kinds, [item.kind]: merged(held.kinds[item.kind], item, atMs) } });
  }
  let shelf = context.shelf;
  for (const [key, resource] of changed) shelf = withResource(shelf, key, resource);
  return { shelf, ...tallies(context.view, shelf) };
};

const merged = (held: KeptKind | undefined, item: Restored, atMs: number): KeptKind => {
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

const put = (context: KeeperContext, resource: Resource): Partial<KeeperContext> => {
  const key = keyOf(resource.id);
  const before = resourceAtKey(context.shelf, key);
  return {
    shelf: withResource(context.shelf, key, resource),
    ...recounted(context, isResponsible(context.view, bigOf(resource.id)), before, resource),
  };
};

export type RowChange =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "remove"; readonly key: Uint8Array };

/** The rows that bring the disk from the one to the other. `self`: whose shelf it is, as one disk may hold several. */
export const rowsOfSave = (self: bigint, { id, before, after }: Of<KeeperAction, "save">): ReadonlyArray<RowChange> => {
  const rows: Array<RowChange> = [];
  const kinds = new Set([...Object.keys(before?.kinds ?? {}), ...Object.keys(after?.kinds ?? {})].map(Number));
  for (const kind of kinds) {
    const [was, is] = [before?.kinds[kind], after?.kinds[kind]];
    if (is === undefined) rows.push({ type: "remove", key: generationKey(self, id, kind) });
    else if (is.generation !== was?.generation)
      rows.push({
        type: "put",
        key: generationKey(self, id, kind),
        value: encodeKeptGeneration({ resource: id, kind, generation: is.generation }),
      });
    for (const place of Object.keys(was?.entries ?? {}))
      if (is?.entries[place] === undefined) rows.push({ type: "remove", key: entryKey(self, id, kind, place) });
    for (const [place, kept] of Object.entries(is?.entries ?? {}))
      if (!isSameKept(kept, was?.entries[place]))
        rows.push({ type: "put", key: entryKey(self, id, kind, place), value: recordOf(kind, is!.generation, kept) });
  }
  return rows;
};

const recordOf = (kind: number, generation: bigint, { data, signer, storedMs }: Kept): Uint8Array =>
  encodeKeptEntry({
    storedMs: BigInt(storedMs),
    signer: signer.nodeId,
    users: signer.users,
    certificate: signer.certificate,
    stored: { kind, generation, values: [data] },
  });

/** What a row says; undefined for one that cannot be read, or whose time is over. */
export const restoredFrom = (key: Uint8Array, value: Uint8Array, atMs: number): Restored | undefined => {
  const row = readKeptRow(key, value);
  if (row.type === "generation") return row.generation.ok ? { type: "generation", ...row.generation.value } : undefined;
  if (!row.entry.ok) return undefined;
  const { storedMs, signer, users, certificate, stored } = row.entry.value;
  const data = (stored.values as ReadonlyArray<StoredData>)[0];
  if (data === undefined || stored.values instanceof Uint8Array) return undefined;
  const kept: Kept = {
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
