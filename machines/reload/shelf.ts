/**
 * Resources by Resource-ID, as plain data that is never changed in place. Functions only.
 *
 *   root --1st digit--> drawer --2nd--> drawer --3rd--> drawer --4th--> drawer --whole id--> resource
 *
 * Sixteen drawers in each of the first four, by the hexadecimal digits of the id: one store among a hundred thousand
 * copies some seventy names and leaves the rest as it is.
 */

import { dataValueOf, type StoredDataValue } from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import type { Kept, Resource } from "./keeper-types.ts";

const DEPTH = 4;
interface Drawer {
  /** Drawers by a digit; resources by their whole id, `DEPTH` drawers down. */
  readonly [name: string]: Drawer | Resource;
}
export interface Shelf {
  readonly root: Drawer;
  readonly resources: number;
}
export const emptyShelf: Shelf = { root: {}, resources: 0 };

export const keyOf = (id: Uint8Array): string => hexOf(id);
export const idOf = (resource: Resource): bigint => bigOf(resource.id);

export const resourceAtKey = (shelf: Shelf, key: string): Resource | undefined => {
  let drawer: Drawer | undefined = shelf.root;
  for (let depth = 0; depth < DEPTH; depth++) drawer = drawer?.[key[depth]!] as Drawer | undefined;
  return drawer?.[key] as Resource | undefined;
};

/** A resource without any entry is taken off the shelf. */
export const withResource = (shelf: Shelf, key: string, resource: Resource): Shelf => {
  const before = resourceAtKey(shelf, key);
  const after = isEmpty(resource) ? undefined : resource;
  if (before === after) return shelf;
  const change = (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
  return { root: put(shelf.root, 0, key, after), resources: shelf.resources + change };
};

const put = (drawer: Drawer, depth: number, key: string, resource: Resource | undefined): Drawer => {
  const name = depth === DEPTH ? key : key[depth]!;
  const inside = depth === DEPTH ? resource : put((drawer[name] ?? {}) as Drawer, depth + 1, key, resource);
  const { [name]: _, ...others } = drawer;
  return inside === undefined ? others : { ...others, [name]: inside };
};

const isEmpty = ({ kinds }: Resource): boolean =>
  Object.values(kinds).every(({ entries }) => Object.keys(entries).length === 0);

export function* resourcesOf(shelf: Shelf): Generator<readonly [key: string, resource: Resource]> {
  yield* resourcesIn(shelf.root, 0);
}
function* resourcesIn(drawer: Drawer, depth: number): Generator<readonly [key: string, resource: Resource]> {
  if (depth === DEPTH) yield* Object.entries(drawer as Readonly<Record<string, Resource>>);
  else for (const inside of Object.values(drawer)) yield* resourcesIn(inside as Drawer, depth + 1);
}

/** Every resource seen once; those changed are put back. */
export const mapShelf = (shelf: Shelf, change: (resource: Resource, key: string) => Resource): Shelf => {
  let { resources } = shelf;
  const mapped = (drawer: Drawer, depth: number): Drawer => {
    const made: Record<string, Drawer | Resource> = {};
    let isSame = true;
    for (const [name, was] of Object.entries(drawer)) {
      const is = depth === DEPTH ? change(was as Resource, name) : mapped(was as Drawer, depth + 1);
      const isOff = depth === DEPTH && isEmpty(is as Resource);
      if (isOff) resources -= 1;
      else made[name] = is;
      isSame &&= is === was && !isOff;
    }
    return isSame ? drawer : made;
  };
  const root = mapped(shelf.root, 0);
  return root === shelf.root ? shelf : { root, resources };
};

/** What the one shelf has otherwise than the other: drawers and resources that nobody touched are the same objects. */
export function* changedResources(before: Shelf, after: Shelf): Generator<Changed> {
  yield* changedIn(before.root, after.root, 0);
}
type Changed = readonly [before: Resource | undefined, after: Resource | undefined];
function* changedIn(before: Drawer, after: Drawer, depth: number): Generator<Changed> {
  for (const name of Object.keys({ ...before, ...after })) {
    const [was, is] = [before[name], after[name]];
    if (was === is) continue;
    if (depth === DEPTH) yield [was, is] as Changed;
    else yield* changedIn((was ?? {}) as Drawer, (is ?? {}) as Drawer, depth + 1);
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
