/**
 * A sorted map that is a value: each change gives another map, and shares all but some nodes with the one before.
 *
 *   { size, root }   root --> branch: least key of each child --> ... --> leaf: keys, values
 *
 * For contexts that hold hundreds of thousands of entries: an array or an object would be copied whole at each event. A B-tree with
 * the entries in its leaves, of plain objects and arrays, so that a context can still be copied and compared. Reads
 * and changes touch some NODE_ENTRIES_MAX entries on each of some log(size) / log(NODE_ENTRIES_MAX / 2) levels. DECISIONS.md D-370.
 */

/** In the order of `<`. */
export type SortedKey = number | bigint | string;
/** The map: made by `sorted`, read by `valueAt`, `firstOf` and `entriesOf`, changed by `put` and `without`. */
export interface Sorted<K extends SortedKey, V> {
  readonly size: number;
  readonly root: Node<K, V> | undefined;
}
interface Leaf<K, V> {
  readonly keys: ReadonlyArray<K>;
  readonly values: ReadonlyArray<V>;
}
interface Branch<K, V> {
  /** Of each child the least key that it had when it became one, or less. */
  readonly keys: ReadonlyArray<K>;
  readonly children: ReadonlyArray<Node<K, V>>;
}
type Node<K, V> = Leaf<K, V> | Branch<K, V>;

const NODE_ENTRIES_MAX = 32;

/** A map without entries. */
export const sorted = <K extends SortedKey, V>(): Sorted<K, V> => ({ size: 0, root: undefined });

/** The last place whose key is not above `key`; -1 where all are. */
const placeOf = <K>(keys: ReadonlyArray<K>, key: K): number => {
  let [from, to] = [0, keys.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (keys[middle]! <= key) from = middle + 1;
    else to = middle;
  }
  return from - 1;
};
/** The child in which `key` is, or would be. */
const childOf = <K, V>({ keys }: Branch<K, V>, key: K): number => Math.max(0, placeOf(keys, key));
const isBranch = <K, V>(node: Node<K, V>): node is Branch<K, V> => "children" in node;

/** What that key has; undefined: no entry. */
export const valueAt = <K extends SortedKey, V>({ root }: Sorted<K, V>, key: K): V | undefined => {
  let node = root;
  while (node !== undefined && isBranch(node)) node = node.children[childOf(node, key)];
  if (node === undefined) return undefined;
  const at = placeOf(node.keys, key);
  return node.keys[at] === key ? node.values[at] : undefined;
};

/** With that entry, in place of what that key had. */
export const put = <K extends SortedKey, V>({ size, root }: Sorted<K, V>, key: K, value: V): Sorted<K, V> => {
  if (root === undefined) return { size: 1, root: { keys: [key], values: [value] } };
  const { nodes, isNew } = putIn(root, key, value);
  const [first, second] = nodes;
  return {
    size: size + Number(isNew),
    root: second === undefined ? first : { keys: [first.keys[0]!, second.keys[0]!], children: [first, second] },
  };
};

interface Put<K, V> {
  /** A node that has become too large is two. */
  readonly nodes: readonly [Node<K, V>, Node<K, V>?];
  readonly isNew: boolean;
}
const putIn = <K, V>(node: Node<K, V>, key: K, value: V): Put<K, V> => {
  if (!isBranch(node)) {
    const at = placeOf(node.keys, key);
    if (node.keys[at] === key)
      return { nodes: [{ keys: node.keys, values: node.values.with(at, value) }], isNew: false };
    const [keys, values] = [node.keys.toSpliced(at + 1, 0, key), node.values.toSpliced(at + 1, 0, value)];
    const cut = cutOf(keys.length, at + 1);
    if (cut === undefined) return { nodes: [{ keys, values }], isNew: true };
    const [left, right] = [
      { keys: keys.slice(0, cut), values: values.slice(0, cut) },
      { keys: keys.slice(cut), values: values.slice(cut) },
    ];
    return { nodes: [left, right], isNew: true };
  }
  const at = childOf(node, key);
  const { nodes, isNew } = putIn(node.children[at]!, key, value);
  const children = node.children.toSpliced(at, 1, ...(nodes as ReadonlyArray<Node<K, V>>));
  const least = nodes.map((child) => child!.keys[0]!);
  const keys = node.keys.toSpliced(at, 1, ...least);
  const cut = cutOf(children.length, at + nodes.length - 1);
  if (cut === undefined) return { nodes: [{ keys, children }], isNew };
  const [left, right] = [
    { keys: keys.slice(0, cut), children: children.slice(0, cut) },
    { keys: keys.slice(cut), children: children.slice(cut) },
  ];
  return { nodes: [left, right], isNew };
};
/** Where a node that has grown at `at` is cut. Keys that come in order fill the node behind which they stand. */
const cutOf = (length: number, at: number): number | undefined =>
  length <= NODE_ENTRIES_MAX ? undefined : at === length - 1 ? length - 1 : length >>> 1;

/** Without that key's entry, if it has one. */
export const without = <K extends SortedKey, V>(map: Sorted<K, V>, key: K): Sorted<K, V> => {
  if (map.root === undefined) return map;
  let root = withoutIn(map.root, key);
  if (root === map.root) return map;
  while (root !== undefined && isBranch(root) && root.children.length === 1) [root] = root.children;
  return { size: map.size - 1, root };
};
/** Undefined: that was its last entry. */
const withoutIn = <K, V>(node: Node<K, V>, key: K): Node<K, V> | undefined => {
  if (!isBranch(node)) {
    const at = placeOf(node.keys, key);
    if (node.keys[at] !== key) return node;
    if (node.keys.length === 1) return undefined;
    return { keys: node.keys.toSpliced(at, 1), values: node.values.toSpliced(at, 1) };
  }
  const at = childOf(node, key);
  const before = node.children[at]!;
  const child = withoutIn(before, key);
  if (child === before) return node;
  if (child !== undefined) return { keys: node.keys, children: node.children.with(at, child) };
  if (node.children.length === 1) return undefined;
  return { keys: node.keys.toSpliced(at, 1), children: node.children.toSpliced(at, 1) };
};

/** The entry with the least key. */
export const firstOf = <K extends SortedKey, V>({ root }: Sorted<K, V>): readonly [key: K, value: V] | undefined => {
  let node = root;
  while (node !== undefined && isBranch(node)) [node] = node.children;
  return node === undefined ? undefined : [node.keys[0]!, node.values[0]!];
};

/** In the order of their keys. */
export function* entriesOf<K extends SortedKey, V>({ root }: Sorted<K, V>): Generator<readonly [key: K, value: V]> {
  const nodes: Array<Node<K, V>> = root === undefined ? [] : [root];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop())
    if (isBranch(node)) nodes.push(...node.children.toReversed());
    else for (let i = 0; i < node.keys.length; i++) yield [node.keys[i]!, node.values[i]!];
}
