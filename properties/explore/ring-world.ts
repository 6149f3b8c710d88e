/**
 * Rings of a few nodes as a small world: every order in which nodes begin, links open and close, messages arrive, timers fire
 * and nodes fail. docs/protocol/ring.md. DECISIONS.md D-298, D-299.
 *
 * What may happen next, to any node:
 *   at any time    it begins; a dial comes through; the first message of a channel arrives; values are handed over
 *   all arrived    the timer of milliseconds fires, `react`
 *   and none left  a request fails of which nothing is on its way any more; with no such request, a timer of seconds fires;
 *                  at a node without one, the next round of Updates or the look for another part of the ring begins
 *   as often as the bounds say, at any time: a node fails, leaves, comes back; a link breaks, and what it carried is lost;
 *                  a message is later than a timer, or than the end of its request
 */
import type { PeerTimer } from "../../machines/reload/mod.ts";
import { holdTogether, isIdealRing, type MemberView, ringFault, withDeadEntries } from "../../machines/reload/mod.ts";
import type { SmallStep, SmallWorld } from "../kit/explorer.ts";
import {
  type Host,
  hostOf,
  nameAt,
  type Pending,
  type Place,
  placeOf,
  settingsAt,
  startPeer,
  textOf,
} from "./ring-host.ts";
import {
  carriedText,
  isLive,
  type LinkOf,
  type Plant,
  SHUT,
  type Side,
  Turn,
  transactionOf,
  UNSEEN,
  viewOf,
} from "./ring-turn.ts";

/** How often each of these may happen. */
export interface RingBounds {
  readonly failures: number;
  readonly leaves: number;
  /** Nodes that failed begin again, under the same Node-ID and with nothing remembered. */
  readonly returns: number;
  /** Links between two live nodes break. */
  readonly cuts: number;
  readonly late: number;
  /** Looks for another part of the ring, through the bootstrap node. */
  readonly checks: number;
}
export interface RingScope {
  readonly nodes: number;
  /** Successors, and predecessors, in a Neighbor Table. */
  readonly neighbours: number;
  /** The first node, and the one that the others dial. */
  readonly bootstrap: Place;
  /** Those that are in the ring at the start; the bootstrap node is one of them. The others begin when they will. */
  readonly members: ReadonlyArray<Place>;
  readonly bounds: RingBounds;
  /** A node fails, leaves, or a link breaks, only where the stated assumption allows it. */
  readonly assumes: boolean;
  /** The ring is one in every state. Otherwise it only has to become one again, while the bootstrap node lives. */
  readonly isAlwaysOne: boolean;
  /** Orders of the machines that are not performed, for a test: what the explorer must find. */
  readonly plant?: Plant;
}

export interface RingWorld {
  readonly hosts: ReadonlyArray<Host>;
  readonly links: ReadonlyArray<LinkOf>;
  readonly left: RingBounds;
}

/** 20 ms. The others are longer: they fire in a quiet world, or as `late`. */
const QUICK: ReadonlyArray<PeerTimer> = ["react"];
/** Searches for fingers: in a ring in which all are neighbours there are none, §10.7.4.2. */
const IDLE: ReadonlyArray<PeerTimer> = ["ping"];

/** From 10 s to 10 minutes. */
const MINUTES: ReadonlyArray<PeerTimer> = ["update", "partition"];

type Changed = readonly [event: () => string, change: (turn: Turn) => void, left?: Partial<RingBounds> | undefined];

const stepOf = ({ plant }: RingScope, world: RingWorld, [event, change, left]: Changed): SmallStep<RingWorld> => {
  const turn = new Turn(world.hosts, world.links, plant);
  change(turn);
  turn.finish();
  const links = turn.links.sort((a, b) => a.number - b.number);
  return {
    event,
    state: { hosts: turn.hosts, links, left: left === undefined ? world.left : { ...world.left, ...left } },
  };
};

/** What is under way: deliveries, dials, hand-overs. */
function* arrivals({ hosts, links }: RingWorld): Generator<Changed> {
  for (const link of links)
    for (const side of [0, 1] as const)
      if (isArriving(link, side))
        yield [
          () =>
            `${nameAt(link.ends[side])} from ${nameAt(link.ends[1 - side]!)}: ${carriedText(link.queues[side][0]!)}`,
          (turn) => turn.arrive(link, side),
        ];
  for (const { place, dials, handing } of hosts) {
    const name = nameAt(place);
    for (const dial of dials)
      yield [() => `${name} opens a link to ${nameAt(dial.to)}`, (turn) => turn.dialled(place, dial)];
    for (const node of handing)
      yield [
        () => `${name} has handed over to ${nameAt(placeOf(node))}`,
        (turn) => {
          turn.change(place, { handing: handing.filter((one) => one !== node) });
          turn.tell(place, { type: "handedOver", to: node, atMs: 0 });
        },
      ];
  }
}
const isArriving = (link: LinkOf, side: Side): boolean =>
  link.queues[side].length > 0 &&
  link.ranks[side] !== SHUT &&
  (link.ranks[side] !== UNSEEN || link.queues[side][0] === "opened");

const isUnderWay = (links: ReadonlyArray<LinkOf>, transactionId: bigint): boolean =>
  links.some(({ queues }) =>
    queues.some((queue) => queue.some((one) => typeof one !== "string" && one.packet.transactionId === transactionId)),
  );

const fires = (place: Place, timer: PeerTimer, left?: Partial<RingBounds>): Changed => [
  () => `${nameAt(place)}: timer ${timer}`,
  (turn) => {
    turn.change(place, { timers: turn.hosts[place]!.timers.filter((one) => one !== timer) });
    turn.tell(place, { type: "timerFired", timer, atMs: 0, draw: 0n });
  },
  left,
];
const quickTimers = ({ hosts }: RingWorld) =>
  hosts.flatMap(({ place, timers }) =>
    timers.filter((timer) => QUICK.includes(timer)).map((timer) => [place, timer] as const),
  );
/** Of a node, those of seconds; without these, those of minutes. */
const slowTimers = ({ hosts }: RingWorld) =>
  hosts.flatMap(({ place, timers }) => {
    const slow = timers.filter((timer) => !QUICK.includes(timer) && !IDLE.includes(timer));
    const soon = slow.filter((timer) => !MINUTES.includes(timer));
    return (soon.length > 0 ? soon : slow).map((timer) => [place, timer] as const);
  });

const isCalm = ({ hosts, links }: RingWorld): boolean =>
  links.every((link) => !isArriving(link, 0) && !isArriving(link, 1)) &&
  hosts.every(({ dials, handing }) => dials.length + handing.length === 0);
const endsOf = ({ hosts, links }: RingWorld, isWanted: (isUnderWay: boolean) => boolean) =>
  hosts.flatMap(({ place, requests }) =>
    requests
      .filter(({ transaction }) => isWanted(isUnderWay(links, transactionOf(place, transaction))))
      .map((pending) => [place, pending] as const),
  );

/** Nothing is on its way, no timer of milliseconds runs, and no request waits for nothing. */
const isQuiet = (world: RingWorld): boolean => courses(world).next().done === true;

/** What happens by and by where nothing goes wrong: arrivals, then quick timers, then the rest. */
function* courses(world: RingWorld): Generator<Changed> {
  let isAny = false;
  for (const changed of arrivals(world)) {
    isAny = true;
    yield changed;
  }
  if (isAny) return;
  const quick = quickTimers(world);
  for (const [place, timer] of quick) yield fires(place, timer);
  if (quick.length > 0) return;
  for (const [place, pending] of endsOf(world, (isUnderWay) => !isUnderWay)) yield ends(place, pending);
}
const ends = (place: Place, pending: Pending, left?: Partial<RingBounds>): Changed => [
  () => `${nameAt(place)}: ${pending.request.type} is not answered${left === undefined ? "" : " in time"}`,
  (turn) => turn.fail(place, pending, "timedOut"),
  left,
];

export const memberViews = (hosts: ReadonlyArray<Host>): ReadonlyArray<MemberView> =>
  hosts.flatMap((host) => {
    if (!isLive(host)) return [];
    const view = viewOf(host.peer!);
    return view.joined ? [view] : [];
  });

const STAYING: ReadonlySet<string> = new Set(["settled", { joining: "entering" }].map(textOf));

/**
 * The members once a mishap has been noticed, and the nodes whose Join is under way: without those that leave, and without
 * links that are down.
 */
const remainingViews = ({ hosts, links }: RingWorld, neighbours: number): ReadonlyArray<MemberView> => {
  const staying = hosts.filter((host) => isLive(host) && STAYING.has(textOf(host.peer!.snapshot.value)));
  const isStaying = (place: Place) => staying.some((host) => host.place === place);
  return staying.map(({ place, peer }) => {
    const { self, peers = [] } = viewOf(peer!);
    const left = peers.filter((node) => isStaying(placeOf(node)) && isLinked(links, place, placeOf(node)));
    return { self, successors: left.slice(0, neighbours), predecessors: left.slice(-neighbours).reverse() };
  });
};
const isLinked = (links: ReadonlyArray<LinkOf>, a: Place, b: Place): boolean =>
  links.some(
    ({ ends, ranks, queues }) =>
      ends.includes(a) && ends.includes(b) && ranks[0] > SHUT && ranks[1] > SHUT && !queues.flat().includes("closed"),
  );

const begins =
  (scope: RingScope, place: Place): Changed[1] =>
  (turn) => {
    turn.change(place, { mayBegin: "never" });
    turn.perform(place, startPeer(settingsAt(place, scope.bootstrap, scope.neighbours)));
  };

/** Events that the bounds count. */
function* mishaps(scope: RingScope, world: RingWorld): Generator<Changed> {
  const { hosts, links, left } = world;
  for (const host of hosts) {
    const { place } = host;
    if (!isLive(host)) continue;
    if (left.failures > 0)
      yield [
        () => `${nameAt(place)} fails`,
        (turn) => turn.end(place, place === scope.bootstrap ? "never" : "again"),
        { failures: left.failures - 1 },
      ];
    if (left.leaves > 0 && host.peer!.snapshot.value === "settled")
      yield [
        () => `${nameAt(place)} leaves`,
        (turn) => turn.tell(place, { type: "leave" }),
        { leaves: left.leaves - 1 },
      ];
  }
  if (left.cuts > 0)
    for (const link of links)
      if (link.ranks[0] > SHUT && link.ranks[1] > SHUT)
        yield [
          () => `the link of ${link.ends.map(nameAt).join(" and ")} breaks`,
          (turn) => void turn.replace(link, { queues: [["closed"], ["closed"]], isVisit: false }),
          { cuts: left.cuts - 1 },
        ];
  if (left.late === 0) return;
  const late = { late: left.late - 1 };
  if (isQuiet(world)) return;
  if (!isCalm(world)) for (const [place, timer] of quickTimers(world)) yield fires(place, timer, late);
  for (const [place, timer] of slowTimers(world)) if (timer !== "partition") yield fires(place, timer, late);
  for (const [place, pending] of endsOf(world, (isUnderWay) => isUnderWay)) yield ends(place, pending, late);
}

function* nextOf(scope: RingScope, world: RingWorld): Generator<SmallStep<RingWorld>> {
  for (const changed of courses(world)) yield stepOf(scope, world, changed);
  for (const { place, mayBegin } of world.hosts)
    if (mayBegin === "first" || (mayBegin === "again" && world.left.returns > 0))
      yield stepOf(scope, world, [
        () => `${nameAt(place)} begins${mayBegin === "again" ? " again" : ""}`,
        begins(scope, place),
        mayBegin === "again" ? { returns: world.left.returns - 1 } : undefined,
      ]);
  if (isQuiet(world))
    for (const [place, timer] of slowTimers(world)) {
      const { checks } = world.left;
      if (timer !== "partition") yield stepOf(scope, world, fires(place, timer));
      else if (checks > 0) yield stepOf(scope, world, fires(place, timer, { checks: checks - 1 }));
    }
  for (const changed of mishaps(scope, world)) {
    const step = stepOf(scope, world, changed);
    if (!scope.assumes || holdTogether(remainingViews(step.state, scope.neighbours))) yield step;
  }
}

/** The world goes on without mishaps, in one order that leaves nobody out, until all lists are right: after how many rounds. */
export const rounds = (scope: RingScope, world: RingWorld, roundsMax: number): number | undefined => {
  let now = world;
  for (let round = 0; round <= roundsMax; round++) {
    now = runOut(scope, now);
    const up = now.hosts.filter(isLive);
    const views = memberViews(now.hosts);
    const isReachable = isLive(now.hosts[scope.bootstrap]!);
    if (isIdealRing(views, scope.neighbours) && (views.length === up.length || !isReachable)) return round;
    for (const [place, timer] of slowTimers(now)) {
      if (!now.hosts[place]!.timers.includes(timer)) continue;
      now = runOut(scope, stepOf(scope, now, fires(place, timer)).state);
    }
  }
  return undefined;
};
const COURSES_MAX = 10_000;
export const runOut = (scope: RingScope, world: RingWorld): RingWorld => {
  let now = world;
  for (let i = 0; i < COURSES_MAX; i++) {
    const first = courses(now).next();
    if (first.done) return now;
    now = stepOf(scope, now, first.value).state;
  }
  throw new Error("the world does not come to rest");
};

/** The world in which the members have joined one after another, and all is quiet. */
export const startOf = (scope: RingScope): RingWorld => {
  const hosts = Array.from({ length: scope.nodes }, (_, place) =>
    hostOf({ place, peer: undefined, mayBegin: "first", timers: [], requests: [], dials: [], handing: [] }),
  );
  let world: RingWorld = { hosts, links: [], left: scope.bounds };
  const first = [scope.bootstrap, ...scope.members.filter((place) => place !== scope.bootstrap)];
  for (const place of first) world = runOut(scope, stepOf(scope, world, [() => "", begins(scope, place)]).state);
  return world;
};

/** Rounds of stabilization, after which a ring must be right again. */
const ROUNDS_MAX = 6;

export const ringWorld = (scope: RingScope): SmallWorld<RingWorld> => ({
  starts: [startOf(scope)],
  next: (world) => nextOf(scope, world),
  key: ({ hosts, links, left }) =>
    `${hosts.map(({ number }) => number)}|${links.map(({ number }) => number)}|${Object.values(left)}`,
  fault: (world) => {
    const views = memberViews(world.hosts);
    const wrong = scope.isAlwaysOne ? ringFault(views) : undefined;
    if (wrong !== undefined) return `${wrong.fault} at ${nameAt(placeOf(wrong.at))}`;
    if (!isQuiet(world)) return undefined;
    const [stale] = withDeadEntries(views, (node) => isLive(world.hosts[placeOf(node)]!));
    if (stale !== undefined) return `a dead entry at ${nameAt(placeOf(stale))}`;
    if (!scope.isAlwaysOne && !isLive(world.hosts[scope.bootstrap]!)) return undefined;
    if (rounds(scope, world, ROUNDS_MAX) === undefined) return `not right after ${ROUNDS_MAX} rounds`;
    return undefined;
  },
});

/** For a trace: each member with its lists. */
export const ringText = ({ hosts }: RingWorld): string =>
  hosts
    .flatMap((host) => {
      if (!isLive(host)) return host.mayBegin === "first" ? [] : [`${nameAt(host.place)} is gone`];
      const { joined, predecessors, successors } = viewOf(host.peer!);
      const names = (of: ReadonlyArray<bigint>) => of.map((node) => nameAt(placeOf(node)));
      return [
        `${names(predecessors).reverse()} < ${nameAt(host.place)}${joined ? "" : " joins"} < ${names(successors)}`,
      ];
    })
    .join("; ");
