/**
 * Values read from disk when a node starts again, and put back among those that are stored.
 * DECISIONS.md D-063.
 */
import { readStoredRow, type StoredData } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import type { Of } from "../kit/mod.ts";
import type {
  Resource,
  Restored,
  StoredEntry,
  StoredKind,
  ValueStorageContext,
  ValueStorageEvent,
} from "./storage-types.ts";
import { tallies } from "./tally.ts";
import { isLive, keyOf, placeOf, resourceAtKey, withResource } from "./value-table.ts";

/** Adds rows read from disk, except where a newer value is stored already. Expired ones are left out. */
export const restored = (
  context: ValueStorageContext,
  { values, atMs }: Of<ValueStorageEvent, "restored">,
): Partial<ValueStorageContext> => {
  const changed = new Map<string, Resource>();
  for (const item of values) {
    const key = keyOf(item.resource);
    const before = changed.get(key) ?? resourceAtKey(context.valueTable, key) ?? { id: item.resource, kinds: {} };
    changed.set(key, {
      ...before,
      kinds: { ...before.kinds, [item.kind]: merged(before.kinds[item.kind], item, atMs) },
    });
  }
  let valueTable = context.valueTable;
  for (const [key, resource] of changed) valueTable = withResource(valueTable, key, resource);
  return { valueTable, ...tallies(context.view, valueTable) };
};

const merged = (before: StoredKind | undefined, item: Restored, atMs: number): StoredKind => {
  const { generation, entries } = before ?? { generation: 0n, entries: {} };
  if (item.type === "generation")
    return { generation: item.generation > generation ? item.generation : generation, entries };
  const place = placeOf(item.entry.data.value);
  const other = entries[place];
  if (!isLive(item.entry, atMs) || (other !== undefined && other.data.storageTime >= item.entry.data.storageTime))
    return { generation, entries };
  // The lifetime must not become longer because the clock was set back.
  const storedMs = Math.min(item.entry.storedMs, atMs);
  return { generation, entries: { ...entries, [place]: { ...item.entry, storedMs } } };
};

/** The value in a row; undefined for one that cannot be read or has expired. */
export const restoredFrom = (key: Uint8Array, value: Uint8Array, atMs: number): Restored | undefined => {
  const row = readStoredRow(key, value);
  if (row.type === "generation") return row.generation.ok ? { type: "generation", ...row.generation.value } : undefined;
  if (!row.entry.ok) return undefined;
  const { storedMs, signer, users, certificate, stored } = row.entry.value;
  const data = (stored.values as ReadonlyArray<StoredData>)[0];
  if (data === undefined || stored.values instanceof Uint8Array) return undefined;
  const entry: StoredEntry = {
    data,
    signer: { nodeId: signer, users, certificate },
    storedMs: Number(storedMs),
    copies: [],
    safe: false,
    isRestored: true,
  };
  return isLive(entry, atMs) ? { type: "entry", resource: row.resource, kind: stored.kind, entry } : undefined;
};

/** Keeps one copy of each certificate in memory, and not one for each value that it signed. */
export const sharingCertificates = (seen: Map<string, Uint8Array>, item: Restored): Restored => {
  if (item.type === "generation") return item;
  const name = hexOf(item.entry.signer.certificate);
  const certificate = seen.get(name) ?? item.entry.signer.certificate;
  seen.set(name, certificate);
  return { ...item, entry: { ...item.entry, signer: { ...item.entry.signer, certificate } } };
};
