/**
 * What must hold of the tables of all peers at once, seen from outside: one ring, in order, to which every peer comes by its
 * best successors, and live entries in every list. docs/protocol/ring.md. Functions only.
 *
 * The words are those of P. Zave, "Using lightweight modeling to understand Chord" (2012) and "Reasoning about identifier
 * spaces: how to make Chord correct" (2017). A *member* is a live peer that has joined; its *best successor* is the first of
 * its successors that is a member, or itself where none is; the *ring* are the members that come back to themselves by best
 * successors, and the others are *appendages*. DECISIONS.md D-298.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { predecessorsOf, type RingView, successorsOf } from "./ring.ts";

/** Of one member; the nearest first. */
export type MemberView = Pick<RingView, "self" | "successors" | "predecessors">;

export interface RingFault {
  /** `two rings`: best successors lead to different circles. `out of order`: a circle leaves out a member that is on it. */
  readonly fault: "two rings" | "out of order";
  readonly at: NodeId;
}

const idsOf = (members: ReadonlyArray<MemberView>): ReadonlySet<NodeId> => new Set(members.map(({ self }) => self));

/** The first thing wrong with the ring of these members; undefined when nothing is, or when there are none. */
export const ringFault = (members: ReadonlyArray<MemberView>): RingFault | undefined => {
  const ids = idsOf(members);
  const best = new Map(members.map(({ self, successors }) => [self, successors.find((node) => ids.has(node)) ?? self]));
  let ring: ReadonlySet<NodeId> | undefined;
  for (const { self } of members) {
    const circle = circleFrom(self, best);
    ring ??= circle;
    if (!circle.has([...ring][0]!)) return { fault: "two rings", at: self };
  }
  for (const node of ring ?? []) {
    const nearest = successorsOf(node, ring!, 1)[0] ?? node;
    if (nearest !== best.get(node)) return { fault: "out of order", at: node };
  }
  return undefined;
};

/** Where best successors lead to from here, for good. */
const circleFrom = (start: NodeId, best: ReadonlyMap<NodeId, NodeId>): ReadonlySet<NodeId> => {
  let at = start;
  for (let i = 0; i < best.size; i++) at = best.get(at)!;
  const circle = new Set<NodeId>();
  for (; !circle.has(at); at = best.get(at)!) circle.add(at);
  return circle;
};

/**
 * Members with a successor or predecessor that does not live: none has, once every loss has been noticed. A node that has
 * begun anew, and is not a member yet, lives: it will be taken in again.
 */
export const withDeadEntries = (
  members: ReadonlyArray<MemberView>,
  isLive: (node: NodeId) => boolean,
): ReadonlyArray<NodeId> =>
  members.flatMap(({ self, successors, predecessors }) =>
    [...successors, ...predecessors].every(isLive) ? [] : [self],
  );

/** Every list is what it would be if each member knew all of them: the state that stabilization leads to. */
export const isIdealRing = (members: ReadonlyArray<MemberView>, neighbours: number): boolean => {
  const ids = members.map(({ self }) => self);
  return members.every(
    ({ self, successors, predecessors }) =>
      isSame(successors, successorsOf(self, ids, neighbours)) &&
      isSame(predecessors, predecessorsOf(self, ids, neighbours)),
  );
};
const isSame = (one: ReadonlyArray<NodeId>, other: ReadonlyArray<NodeId>): boolean =>
  one.length === other.length && one.every((node, i) => node === other[i]);

/**
 * The assumption under which a ring stays one, of the members that remain after a failure, a farewell or a broken link: each has
 * a member among its successors, unless it is the last (Zave: no failure leaves a member without a live successor), and all
 * come to each other along such entries. Nodes whose Join is under way count as members.
 */
export const holdTogether = (members: ReadonlyArray<MemberView>): boolean => {
  const ids = idsOf(members);
  const haveSuccessors = members.every(({ successors }) => ids.size === 1 || successors.some((node) => ids.has(node)));
  return haveSuccessors && areConnected(members, ids);
};

const areConnected = (members: ReadonlyArray<MemberView>, ids: ReadonlySet<NodeId>): boolean => {
  const beside = new Map<NodeId, Set<NodeId>>(members.map(({ self }) => [self, new Set()]));
  for (const { self, successors, predecessors } of members)
    for (const other of [...successors, ...predecessors])
      if (ids.has(other)) {
        beside.get(self)!.add(other);
        beside.get(other)!.add(self);
      }
  const reached = new Set<NodeId>();
  const from = members[0] === undefined ? [] : [members[0].self];
  for (let node = from.pop(); node !== undefined; node = from.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    from.push(...beside.get(node)!);
  }
  return reached.size === members.length;
};
