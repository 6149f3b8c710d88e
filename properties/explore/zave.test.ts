/**
 * The counter-examples by which P. Zave has shown that published Chord loses its ring ("Using lightweight modeling to understand
 * Chord", 2012, figures 2 to 8, and their events in the Alloy model beside it; the small base of "Reasoning about identifier
 * spaces", 2017): the same joins, failures and stabilizations, on our peers. docs/protocol/ring.md#counter-examples.
 * DECISIONS.md D-299.
 *
 * In hers a node joins by one pointer, and others hear of it by rounds. Ours opens links to all neighbours-to-be before it is a
 * peer: so each test holds back the messages by which the others would hear of it, as long as the figure asks for it, and from
 * the figure's last state every order of events is explored.
 */
import { deepStrictEqual as same } from "node:assert";
import { explore } from "../kit/explorer.ts";
import { test } from "../kit/harness.ts";
import { idAt, type Place } from "./ring-host.ts";
import { memberViews, type RingScope, type RingWorld, ringWorld, rounds, runOut, startOf } from "./ring-world.ts";
import { ringScope } from "./scopes.ts";

const ROUNDS_MAX = 6;

/** Plays a figure event by event; each state that it comes to is looked at. */
const play = (scope: RingScope) => {
  const { next, fault } = ringWorld(scope);
  let world = startOf(scope);
  const go = (to: RingWorld) => {
    world = to;
    same(fault(world), undefined);
  };
  const stepBy = (isIt: (event: string) => boolean): boolean => {
    for (const { event, state } of next(world))
      if (isIt(event())) {
        go(state);
        return true;
      }
    return false;
  };
  const isMember = (place: Place) => memberViews(world.hosts).some(({ self }) => self === idAt(place));
  return {
    /** The event that begins with these words happens now. */
    happens: (words: string) => same([words, stepBy((event) => event.startsWith(words))], [words, true]),
    /** That node joins; what others send or hear of it beyond its admission is held back. */
    joins: (place: Place) => {
      const others = (event: string) => !/fails|begins|timer|takes|not answered/.test(event);
      same(
        stepBy((event) => event.startsWith(`n${place} begins`)),
        true,
      );
      for (let i = 0; i < 1_000 && !isMember(place); i++)
        if (!stepBy(others)) same(`n${place} joins`, "and is held up");
      same(isMember(place), true);
    },
    /** All that is under way takes its course. */
    rests: () => go(runOut(scope, world)),
    /** Every order of what may come, and the rounds after it. */
    everyOrder: () => {
      const { counterExample, invariant } = explore({ ...ringWorld(scope), starts: [world] });
      same(
        [invariant, counterExample?.fault, counterExample?.steps.map(({ event }) => event())],
        ["held", undefined, undefined],
      );
      const at = rounds(scope, world, ROUNDS_MAX);
      same(at !== undefined, true);
    },
    members: () => memberViews(world.hosts).length,
  };
};

test("Zave 2012, figure 2, ordered merges: two nodes join between the same two, and each is heard of at another time", () => {
  const { joins, everyOrder } = play({ ...ringScope(4, 1), members: [0, 3] });
  joins(1);
  joins(2);
  everyOrder();
});

test("Zave 2012, figure 3, ordered appendages: three join one node at once, and then that node fails", () => {
  const { joins, rests, happens, everyOrder } = play(ringScope(4, 1, { failures: 1 }));
  joins(1);
  joins(2);
  joins(3);
  rests();
  happens("n0 fails");
  everyOrder();
});

test("Zave 2012, figure 4, valid successor lists: two join, one on each side, and their neighbour fails", () => {
  const { joins, rests, happens, everyOrder } = play({ ...ringScope(4, 2, { failures: 1 }), members: [0, 2] });
  joins(1);
  rests();
  joins(3);
  happens("n2 fails");
  everyOrder();
});

test("Zave 2012, figure 5, connected appendages: a node joins next to one that has just failed", () => {
  const { happens, everyOrder } = play({ ...ringScope(4, 2, { failures: 1 }), members: [0, 2] });
  happens("n2 fails");
  happens("n1 begins");
  everyOrder();
});

test("Zave 2012, figure 6, at least one ring: a node fails that one neighbour knows of, and the other does not", () => {
  const { joins, happens, everyOrder } = play({ ...ringScope(3, 2, { failures: 1 }), members: [0, 2] });
  joins(1);
  happens("n1 fails");
  everyOrder();
});

test("Zave 2012, figure 7, an ordered ring: three join between three, and all three fail", () => {
  const scope = { ...ringScope(6, 3, { failures: 3 }), members: [0, 2, 4] };
  const { joins, rests, happens, everyOrder, members } = play(scope);
  for (const place of [1, 3, 5]) {
    joins(place);
    rests();
  }
  same(members(), 6);
  for (const place of [1, 3, 5]) {
    happens(`n${place} fails`);
    rests();
  }
  everyOrder();
});

test("Zave 2012, figure 8, at most one ring: two join between two, and both fail", () => {
  const { joins, rests, happens, everyOrder } = play({ ...ringScope(4, 2, { failures: 2 }), members: [0, 2] });
  joins(1);
  rests();
  joins(3);
  rests();
  happens("n1 fails");
  happens("n3 fails");
  everyOrder();
});

test("Zave 2017, a base too small: the failure that divides a ring of two and a newcomer is what the assumption excludes", () => {
  const scope = ringScope(3, 1, { failures: 1 });
  const { counterExample } = explore(ringWorld({ ...scope, assumes: false }));
  const { start, steps, fault } = counterExample!;
  same(fault.startsWith("two rings"), true);
  const at = steps.findIndex(({ event }) => event().endsWith("fails"));
  const before = steps[at - 1]?.state ?? start;
  const failures = [...ringWorld(scope).next(before)]
    .map(({ event }) => event())
    .filter((event) => event.endsWith("fails"));
  same([steps[at]!.event(), failures.includes("n0 fails")], ["n0 fails", false]);
});

test("where nothing is assumed, a ring that was divided becomes one again while the bootstrap node lives", () => {
  for (const members of [2, 3]) {
    const scope = { ...ringScope(3, members, { failures: 1 }), assumes: false, isAlwaysOne: false };
    same(explore(ringWorld(scope)).invariant, "held");
  }
});

test("Zave 2017, identifiers used again: a node fails, and begins anew before anybody has seen it fail", () => {
  const { happens, everyOrder } = play(ringScope(3, 3, { failures: 1, returns: 1 }));
  happens("n1 fails");
  happens("n1 begins again");
  everyOrder();
});
