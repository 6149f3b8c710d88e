/**
 * Resources by Resource-ID, as plain data that is never changed in place: 256 drawers by the first byte of the id, so
 * that one store among many thousand copies one drawer only. Functions only.
 */

import { dataValueOf, type StoredDataValue } from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import type { Kept, Resource } from "./keeper-types.ts";

type Drawer = Readonly<Record<string, Resource>>;
export interface Shelf {
  readonly drawers: Readonly<Record<string, Drawer>>;
  readonly resources: number;
}
export const emptyShelf: Shelf = { drawers: {}, resources: 0 };

const drawerOf = (key: string): string => key.slice(0, 2);

export const keyOf = (id: Uint8Array): string => hexOf(id);
export const idOf = (resource: Resource): bigint => bigOf(resource.id);

export const resourceAtKey = (shelf: Shelf, key: string): Resource | undefined => shelf.drawers[drawerOf(key)]?.[key];

/** A resource without any entry is taken off the shelf. */
export const withResource = (shelf: Shelf, key: string, resource: Resource): Shelf => {
  const name = drawerOf(key);
  const { [key]: before, ...others } = shelf.drawers[name] ?? {};
  const isEmpty = Object.values(resource.kinds).every(({ entries }) => Object.keys(entries).length === 0);
  const drawer = isEmpty ? others : { ...others, [key]: resource };
  const change = (isEmpty ? 0 : 1) - (before === undefined ? 0 : 1);
  return { drawers: { ...shelf.drawers, [name]: drawer }, resources: shelf.resources + change };
};

export function* resourcesOf(shelf: Shelf): Generator<readonly [key: string, resource: Resource]> {
  for (const drawer of Object.values(shelf.drawers)) for (const entry of Object.entries(drawer)) yield entry;
}

/** Every resource seen once; those changed are put back. */
export const mapShelf = (shelf: Shelf, change: (resource: Resource, key: string) => Resource): Shelf => {
  let out = shelf;
  for (const [key, resource] of resourcesOf(shelf)) {
    const changed = change(resource, key);
    if (changed !== resource) out = withResource(out, key, changed);
  }
  return out;
};

/** What the one shelf has otherwise than the other: drawers and resources that nobody touched are the same objects. */
export function* changedResources(
  before: Shelf,
  after: Shelf,
): Generator<readonly [before: Resource | undefined, after: Resource | undefined]> {
  for (const name of new Set([...Object.keys(before.drawers), ...Object.keys(after.drawers)])) {
    const [was = {}, is = {}] = [before.drawers[name], after.drawers[name]];
    if (was === is) continue;
    for (const [key, resource] of Object.entries(was)) if (is[key] !== resource) yield [resource, is[key]];
    for (const [key, resource] of Object.entries(is)) if (was[key] === undefined) yield [undefined, resource];
  }
}

export function* entriesOf(resource: Resource): Generator<readonly [kind: number, place: string, kept: Kept]> {
  for (const [kind, { entries }] of Object.entries(resource.kinds))
    for (const [place, kept] of Object.entries(entries)) yield [Number(kind), place, kept];
}

/** Where in its Kind a value stands: key in hex, index in decimal, or nothing. */
export const placeOf = (value: StoredDataValue): string =>
  "key" in value ? hexOf(value.key) : "index" in value ? String(value.index) : "";

export const bytesIn = (value: StoredDataValue): number => dataValueOf(value).value.length;

export const endMs = (kept: Kept): number => kept.storedMs + kept.data.lifetime * 1000;
export const isLive = (kept: Kept, atMs: number): boolean => atMs < endMs(kept);

/** "it MUST adjust the lifetime value downward to reflect the amount of time the value was stored at the peer", §7.4.1.1. */
export const aged = (kept: Kept, atMs: number): Kept["data"] => ({
  ...kept.data,
  lifetime: Math.max(0, Math.floor((endMs(kept) - atMs) / 1000)),
});

/** Every entry: its resource, its Kind, the Node-ID that signed it. */
export function* entriesIn(shelf: Shelf): Generator<readonly [key: string, kind: number, signer: bigint]> {
  for (const [key, resource] of resourcesOf(shelf))
    for (const [kind, , kept] of entriesOf(resource)) yield [key, kind, kept.signer.nodeId];
}
