/**
 * Resources by Resource-ID, as plain data that is never changed in place. Functions only.
 *
 *   root --1st digit--> node --2nd--> node --3rd--> node --4th--> node --whole id--> resource
 *
 * A trie by the first four hexadecimal digits of the id: one store among a hundred thousand resources copies some seventy
 * names and shares the rest with the table before.
 * Requirements: RFC 6940 §7.4.1.1.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";

import { dataValueOf, type StoredDataValue } from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import type { Resource, StoredEntry } from "./stored-entry.ts";

const DEPTH = 4;
interface TrieNode {
  /** Nodes by a digit; resources by their whole id, `DEPTH` nodes down. */
  readonly [name: string]: TrieNode | Resource;
}
export interface ValueTable {
  readonly root: TrieNode;
  readonly resources: number;
}
export const emptyValueTable: ValueTable = { root: {}, resources: 0 };

export const keyOf = (id: Uint8Array): string => hexOf(id);
export const idOf = (resource: Resource): bigint => bigOf(resource.id);

export const resourceAtKey = (valueTable: ValueTable, key: string): Resource | undefined => {
  let node: TrieNode | undefined = valueTable.root;
  for (let depth = 0; depth < DEPTH; depth++) node = node?.[key[depth]!] as TrieNode | undefined;
  return node?.[key] as Resource | undefined;
};

/** A resource without any entry is removed. */
export const withResource = (valueTable: ValueTable, key: string, resource: Resource): ValueTable => {
  const before = resourceAtKey(valueTable, key);
  const after = isEmpty(resource) ? undefined : resource;
  if (before === after) return valueTable;
  const change = (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
  return { root: put(valueTable.root, 0, key, after), resources: valueTable.resources + change };
};

const put = (node: TrieNode, depth: number, key: string, resource: Resource | undefined): TrieNode => {
  const name = depth === DEPTH ? key : key[depth]!;
  const inside = depth === DEPTH ? resource : put((node[name] ?? {}) as TrieNode, depth + 1, key, resource);
  const { [name]: _, ...others } = node;
  return inside === undefined ? others : { ...others, [name]: inside };
};

const isEmpty = ({ kinds }: Resource): boolean =>
  Object.values(kinds).every(({ entries }) => Object.keys(entries).length === 0);

export function* resourcesOf(valueTable: ValueTable): Generator<readonly [key: string, resource: Resource]> {
  yield* resourcesIn(valueTable.root, 0);
}
function* resourcesIn(node: TrieNode, depth: number): Generator<readonly [key: string, resource: Resource]> {
  if (depth === DEPTH) yield* Object.entries(node as Readonly<Record<string, Resource>>);
  else for (const inside of Object.values(node)) yield* resourcesIn(inside as TrieNode, depth + 1);
}

/** Every resource seen once; those changed are put back. */
export const mapResources = (
  valueTable: ValueTable,
  change: (resource: Resource, key: string) => Resource,
): ValueTable => {
  let { resources } = valueTable;
  const mapped = (node: TrieNode, depth: number): TrieNode => {
    const made: Record<string, TrieNode | Resource> = {};
    let isSame = true;
    for (const [name, was] of Object.entries(node)) {
      const is = depth === DEPTH ? change(was as Resource, name) : mapped(was as TrieNode, depth + 1);
      const isOff = depth === DEPTH && isEmpty(is as Resource);
      if (isOff) resources -= 1;
      else made[name] = is;
      isSame &&= is === was && !isOff;
    }
    return isSame ? node : made;
  };
  const root = mapped(valueTable.root, 0);
  return root === valueTable.root ? valueTable : { root, resources };
};

/** The resources that differ between two tables. Tables share what was not changed, so equal objects are not looked into. */
export function* changedResources(before: ValueTable, after: ValueTable): Generator<Changed> {
  yield* changedIn(before.root, after.root, 0);
}
type Changed = readonly [before: Resource | undefined, after: Resource | undefined];
function* changedIn(before: TrieNode, after: TrieNode, depth: number): Generator<Changed> {
  for (const name of Object.keys({ ...before, ...after })) {
    const [was, is] = [before[name], after[name]];
    if (was === is) continue;
    if (depth === DEPTH) yield [was, is] as Changed;
    else yield* changedIn((was ?? {}) as TrieNode, (is ?? {}) as TrieNode, depth + 1);
  }
}

export function* entriesOf(resource: Resource): Generator<readonly [kind: number, place: string, entry: StoredEntry]> {
  for (const [kind, { entries }] of Object.entries(resource.kinds))
    for (const [place, entry] of Object.entries(entries)) yield [Number(kind), place, entry];
}

/** The place of a value in its Kind: key in hex, index in decimal, or nothing. */
export const placeOf = (value: StoredDataValue): string =>
  "key" in value ? hexOf(value.key) : "index" in value ? String(value.index) : "";

export const bytesIn = (value: StoredDataValue): number => dataValueOf(value).value.length;

export const endMs = (entry: StoredEntry): number => entry.storedMs + entry.data.lifetime * 1000;
export const isLive = (entry: StoredEntry, atMs: number): boolean => atMs < endMs(entry);

/** "it MUST adjust the lifetime value downward to reflect the amount of time the value was stored at the peer", §7.4.1.1. */
export const aged = (entry: StoredEntry, atMs: number): StoredEntry["data"] => ({
  ...entry.data,
  lifetime: Math.max(0, Math.floor((endMs(entry) - atMs) / 1000)),
});

/** Every entry: its resource, its Kind, the Node-ID that signed it. */
export function* entriesIn(valueTable: ValueTable): Generator<readonly [key: string, kind: number, signer: NodeId]> {
  for (const [key, resource] of resourcesOf(valueTable))
    for (const [kind, , entry] of entriesOf(resource)) yield [key, kind, entry.signer.nodeId];
}
