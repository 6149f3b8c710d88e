/**
 * Claimants who share what they learn, and claimants who keep what they have proved by not being asked: with whole TLS, through
 * the originating server's own queue and ledger, over memory's network. chance.test.ts has the sums of it.
 *
 *   originator --> pawn: guesses      --(right!)--> main: comes when he knows
 */
import { deepStrictEqual as same } from "node:assert";
import { Deferred, Effect, Layer, Logger } from "effect";
import { type ByteStreamShape, Dialer, Listener } from "../../actors/ports/mod.ts";
import { tlsSrpServer } from "../../actors/tls/mod.ts";
import { readDocument, writeDocument } from "../../actors/validation/frames.ts";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { type E164, e164, type NodeId, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { type PvpUserName, parseUserName, writeAnswer } from "../../codecs/validation/mod.ts";
import {
  callerHash,
  callFacts,
  callStore,
  equivalentBits,
  originatorPassword,
  type PvpClaim,
  ROUND_MS,
} from "../../machines/validation/mod.ts";
import type { ViprEvent } from "../../machines/vipr/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { nodeIds } from "../kit/node-ids.ts";
import { HOUR_MS, sentCall } from "./arbitrary.ts";

const HOST = "vipr.test";
const HOUR = 3_600_000;
/** When virtual time begins. */
const VIRTUAL_START_MS = Date.UTC(2011, 3, 1);
const info = { number: sentCall.called, ticket: "dGlja2V0", routes: [{ sipUris: ["sip:x@thief.example:5061"] }] };

/** Two minutes, a quarter past each hour: 12.1 bits by A. */
const callAt = (hour: number, change: { readonly calling?: E164 | undefined; readonly laterMs?: number } = {}): Vcr => {
  const startMs = HOUR_MS + hour * HOUR + 900_000 + (change.laterMs ?? 0);
  const times = { startMs: unixMs(startMs), stopMs: unixMs(startMs + 120_000) };
  return {
    ...sentCall,
    ...("calling" in change ? { calling: change.calling } : {}),
    ...times,
    vservice: vserviceId(1n),
  };
};

/** What a claimant does on evening number i; by default it acts at once and rightly. */
interface Member {
  readonly claim: PvpClaim;
  /** Before it answers its AppAttach. */
  readonly attach?: (evening: number) => Effect.Effect<unknown>;
  /** Whether nobody listens at its port. */
  readonly isAway?: (evening: number, visit: number) => boolean;
  /** What it does with the stream itself; undefined: it closes it. */
  readonly door?: (near: ByteStreamShape, evening: number, visit: number) => ByteStreamShape | undefined;
  /** Whether it guesses rightly, when it must. */
  readonly guess?: (name: PvpUserName, evening: number) => Effect.Effect<boolean>;
  /** The originator's Finished was right. */
  readonly secured?: (evening: number) => Effect.Effect<unknown>;
}

/** One evening after the other, each with a call or several: what the originator reports of them. */
const play = (
  evenings: ReadonlyArray<ReadonlyArray<Vcr>>,
  members: ReadonlyArray<Member>,
  waitBetweenMs: readonly [number, number] = [30_000, 24 * HOUR],
) =>
  Effect.gen(function* () {
    const { listen } = yield* Listener;
    const { dial } = yield* Dialer;
    let [evening, calls] = [0, evenings[0]!];
    const doors = new Map<string, number>();
    for (const {
      claim,
      door = (near: ByteStreamShape) => near,
      guess = () => Effect.succeed(true),
      secured,
    } of members) {
      const visits = new Map<number, number>();
      const lookUp = (userName: string) =>
        Effect.gen(function* () {
          const name = parseUserName(userName);
          if (!name.ok) return yield* Effect.die(name.error);
          const isRight = yield* guess(name.value, evening);
          const known = callFacts(calls.find((of) => isNamed(name.value, of)) ?? calls[0]!);
          const guessed = isRight ? known : { ...known, startMs: unixMs(known.startMs + 60_000) };
          return { type: "password", password: originatorPassword(name.value, guessed, ROUND_MS) } as const;
        });
      const { port } = yield* listen({ host: HOST, port: 0 }, (near) =>
        Effect.gen(function* () {
          const visit = visits.get(evening) ?? 0;
          visits.set(evening, visit + 1);
          const stream = door(near, evening, visit);
          if (stream === undefined) return;
          const safe = yield* tlsSrpServer(stream, { lookUp, seedKey: new Uint8Array(32) });
          if (secured !== undefined) yield* secured(evening);
          yield* readDocument(safe);
          yield* writeDocument(safe, writeAnswer({ type: "valinfo", info }));
          yield* Effect.sleep(5_000);
        }).pipe(Effect.scoped, Effect.ignore),
      );
      doors.set(`${claim.nodeId}`, port);
    }
    const dialled = new Map<string, number>();
    const dialUnlessAway: Dialer["Service"]["dial"] = (to) => {
      const member = members.find(({ claim }) => doors.get(`${claim.nodeId}`) === to.port)!;
      const key = `${to.port} ${evening}`;
      const visit = dialled.get(key) ?? 0;
      dialled.set(key, visit + 1);
      return dial(member.isAway?.(evening, visit) === true ? { ...to, port: 1 } : to);
    };
    const events: Array<ViprEvent> = [];
    const originating = yield* openOriginating(
      {
        nodeId: nodeIdFrom(1n),
        waitBetweenMs,
        requiredBits: 64,
        roundMs: ROUND_MS,
        isPrivate: () => false,
        domainOf: () => "a.example",
        learned: () => Effect.void,
        watch: (event) => Effect.sync(() => void events.push(event)),
      },
      {
        lookUp: () => Effect.succeed(members.map(({ claim }) => claim)),
        resolve: (nodeId) => {
          const attach = members.find(({ claim }) => claim.nodeId === nodeId)?.attach;
          return Effect.as(attach?.(evening) ?? Effect.void, { host: HOST, port: doors.get(`${nodeId}`)! });
        },
      },
      yield* Effect.orDie(openRecords(undefined, callStore([]))),
    ).pipe(Effect.provideService(Dialer, { dial: dialUnlessAway }));
    for (calls of evenings) {
      yield* Effect.forEach(calls, originating.take);
      yield* Effect.sleep(25 * HOUR);
      evening += 1;
    }
    return events;
  }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(memoryLayer({ seed: 9, delayMs: [1, 20] }), Logger.layer([]))));

/** Whether a user name of A says this call's caller. */
const isNamed = (name: PvpUserName, { called, calling }: Vcr): boolean =>
  name.method === "A" && calling !== undefined && callerHash(called, calling, name) === name.callerHash;

const verdictsOf = (events: ReadonlyArray<ViprEvent>, nodeId: NodeId) =>
  events.flatMap((event) =>
    event.type === "attempted" && event.attempt.nodeId === nodeId
      ? [`${event.attempt.verdict} ${event.attempt.method}`]
      : [],
  );
/** How many calls the ledger counted for it, after each that it proved. */
const countsOf = (events: ReadonlyArray<ViprEvent>, nodeId: NodeId) =>
  events.flatMap((event) => (event.type === "proved" && event.claim.nodeId === nodeId ? [event.calls] : []));

const [PAWN, MAIN] = [
  { nodeId: nodeIdFrom(3n), vservice: vserviceId(7n) },
  { nodeId: nodeIdFrom(4n), vservice: vserviceId(7n) },
];
/** By three callers: each call is alone between its two numbers. */
const three = [0, 1, 2].map((hour) => [callAt(hour, { calling: e164(`+3312345678${hour}`) })]);
/** By one caller: user names of version 2, except the first. */
const threeOfOne = [0, 1, 2].map((hour) => [callAt(hour)]);

test("coalition: who comes only when a friend's guess was right comes too late, by AppAttach and by his own guess", async () => {
  for (const where of ["attach", "guess"] as const) {
    const confirmed = three.map(() => Deferred.makeUnsafe<void>());
    const wait = (evening: number) => Deferred.await(confirmed[evening]!);
    const events = await runVirtual(
      play(three, [
        { claim: PAWN, secured: (evening) => Deferred.succeed(confirmed[evening]!, undefined) },
        where === "attach"
          ? { claim: MAIN, attach: wait }
          : { claim: MAIN, guess: (_, evening) => Effect.as(wait(evening), true) },
      ]),
    );
    same(verdictsOf(events, PAWN.nodeId), ["validated A", "validated A", "validated A"]);
    same(verdictsOf(events, MAIN.nodeId), ["unreachable A", "unreachable A", "unreachable A"]);
    same(countsOf(events, MAIN.nodeId), []);
  }
});

test("coalition: what one claim learns by B does not help another that delays A", async () => {
  const told = Deferred.makeUnsafe<number>();
  const seen: Array<string> = [];
  const events = await runVirtual(
    play(
      [[callAt(0)]],
      [
        {
          claim: PAWN,
          guess: (name) => {
            seen.push(`pawn ${name.method}`);
            const instant = name.method === "B" ? Deferred.succeed(told, name.instant) : Effect.void;
            return Effect.as(instant, false);
          },
        },
        {
          claim: MAIN,
          guess: (name) => {
            seen.push(`main ${name.method}`);
            return Effect.as(Deferred.await(told), true);
          },
        },
      ],
    ),
  );
  same([seen.length, ...seen.toSorted()], [3, "main A", "pawn A", "pawn B"]);
  same([verdictsOf(events, MAIN.nodeId), verdictsOf(events, PAWN.nodeId)], [["unreachable A"], ["refused B"]]);
});

test("coalition: a guess by B is worth less for every guess that A has answered", async () => {
  const byB = (name: PvpUserName) => Effect.succeed(name.method === "B");
  const members = nodeIds(3n, 4n, 5n).map(
    (nodeId): Member => ({ claim: { nodeId, vservice: vserviceId(7n) }, guess: byB }),
  );
  const events = await runVirtual(play([[callAt(0)]], members));
  const bits = events.flatMap((event) => (event.type === "attempted" ? [event.attempt.bits] : []));
  const call = callFacts(callAt(0));
  same(bits, [0, 0, 0].fill(equivalentBits(call, ROUND_MS, "B") - 2)); // three by A, and his own
});

/** Rightly on the first evening and the third. */
const butSecond = (_: PvpUserName, evening: number) => Effect.succeed(evening !== 1);
/** When B comes, on the second evening. */
const atSecond = (evening: number, visit: number) => evening === 1 && visit === 1;
/** Its hello and its guess, and not a word more. */
const mutedAfter = (near: ByteStreamShape, pieces: number): ByteStreamShape => {
  let said = 0;
  return { ...near, write: (bytes) => (said++ < pieces ? near.write(bytes) : Effect.void) };
};
const silent = (near: ByteStreamShape): ByteStreamShape => ({ ...near, write: () => Effect.void });

const sums: ReadonlyArray<readonly [what: string, member: Omit<Member, "claim">, second: string, counts: number[]]> = [
  ["refuses A and B", { guess: butSecond }, "refused B", [1, 1]],
  ["refuses A and is gone before B", { guess: butSecond, isAway: atSecond }, "refused B", [1, 1]],
  [
    "refuses A and closes its door before B",
    { guess: butSecond, door: (near, evening, visit) => (atSecond(evening, visit) ? undefined : near) },
    "broken B",
    [1, 1],
  ],
  [
    "refuses A and says nothing to B",
    { guess: butSecond, door: (near, evening, visit) => (atSecond(evening, visit) ? silent(near) : near) },
    "broken B",
    [1, 1],
  ],
  [
    "guesses and falls silent",
    { guess: butSecond, door: (near, evening) => (evening === 1 ? mutedAfter(near, 1) : near) },
    "broken A",
    [1, 1],
  ],
  [
    "is not there, and so learns nothing",
    { door: (near, evening) => (evening === 1 ? undefined : near) },
    "unreachable A",
    [1, 2],
  ],
  [
    "is there and does not guess",
    { door: (near, evening) => (evening === 1 ? silent(near) : near) },
    "unreachable A",
    [1, 2],
  ],
];
test("patience: by B a claimant that received the instant and does not guess begins anew, and one that was away does not", async () => {
  const blind = three.map(([call]) => [{ ...call!, calling: undefined }]);
  const door: Member["door"] = (near, evening) => (evening === 1 ? silent(near) : near);
  const heard = await runVirtual(play(blind, [{ claim: PAWN, door }]));
  same(verdictsOf(heard, PAWN.nodeId), ["validated B", "broken B", "validated B"]);
  same(countsOf(heard, PAWN.nodeId), [1, 1]);
  const attach: Member["attach"] = (evening) => (evening === 1 ? Effect.never : Effect.void);
  const away = await runVirtual(play(blind, [{ claim: PAWN, attach }]));
  same(verdictsOf(away, PAWN.nodeId), ["validated B", "unreachable B", "validated B"]);
  same(countsOf(away, PAWN.nodeId), [1, 2]);
});

for (const [what, member, second, counts] of sums)
  test(`patience: a claimant proves two calls, and between them ${what}`, async () => {
    const events = await runVirtual(play(three, [{ claim: PAWN, ...member }]));
    same(verdictsOf(events, PAWN.nodeId), ["validated A", second, "validated A"]);
    same(countsOf(events, PAWN.nodeId), counts);
  });

test("patience: of calls that fall due together a claimant cannot have right guesses counted before wrong ones", async () => {
  const batch = Array.from({ length: 6 }, (_, hour) => callAt(hour, { calling: e164(`+1408555${1000 + hour}`) }));
  const isLucky = (name: PvpUserName) => [1, 4].some((lucky) => isNamed(name, batch[lucky]!));
  // All dial at one instant, in their order, where they may; then only those who guessed rightly answer at once.
  const door: Member["door"] = (near, _, visit) => {
    let said = 0;
    const held = (bytes: Uint8Array) => (said++ < 1 ? near.write(bytes) : Effect.delay(near.write(bytes), 2_000));
    return visit === 1 || visit === 4 ? near : { ...near, write: held };
  };
  const guess = (name: PvpUserName) => Effect.succeed(isLucky(name));
  const events = await runVirtual(play([batch], [{ claim: PAWN, door, guess }], [60_000, 60_000]));
  const verdicts = verdictsOf(events, PAWN.nodeId);
  same([verdicts.length, verdicts.filter((verdict) => verdict === "validated A").length], [6, 2]);
  same(countsOf(events, PAWN.nodeId), [1, 1]);
});

test("patience: a call of which an end lies near another's is asked about, and brings no more than its other end", async () => {
  const stopsWith = (calling: string, lasts: number) => {
    const { stopMs, ...call } = callAt(0, { calling: e164(calling) });
    return { ...call, startMs: unixMs(stopMs - lasts), stopMs: unixMs(stopMs + 2_000) };
  };
  const legs = [[callAt(0)], [stopsWith("+33123450001", 318_000)], [stopsWith("+33123450002", 122_000)]];
  const events = await runVirtual(play(legs, [{ claim: PAWN }]));
  same(verdictsOf(events, PAWN.nodeId), ["validated A", "validated A", "validated A"]);
  const sums = events.flatMap((event) => (event.type === "proved" ? [event.bits] : []));
  const first = equivalentBits(callAt(0), ROUND_MS, "A");
  same(sums, [first, first + Math.log2(32), first + Math.log2(32)]);
});

test("patience: by A of version 2, which tells the half hour, a claimant that does not guess begins anew", async () => {
  const door: Member["door"] = (near, evening) => (evening === 1 ? silent(near) : near);
  const events = await runVirtual(play(threeOfOne, [{ claim: PAWN, door }]));
  same(verdictsOf(events, PAWN.nodeId), ["validated A", "broken A", "validated A"]);
  same(countsOf(events, PAWN.nodeId), [1, 1]);
});

test("a claimant that fails by A is tried by B at the address that it gave: the overlay is not asked again", async () => {
  let attached = 0;
  const attach = () => Effect.sync(() => attached++);
  const events = await runVirtual(play([[callAt(0)]], [{ claim: PAWN, attach, guess: () => Effect.succeed(false) }]));
  same([verdictsOf(events, PAWN.nodeId), attached], [["refused B"], 1]);
});

test("patience: a call that is uploaded twice is validated once, and again if nobody guessed at it", async () => {
  const twice = [callAt(0), callAt(0, { laterMs: 40 })];
  const again = callAt(0, { laterMs: 4_900, calling: undefined });
  const events = await runVirtual(play([twice, [again], [callAt(5)]], [{ claim: PAWN }]));
  same(countsOf(events, PAWN.nodeId), [1, 2]);
  same(events.filter(({ type }) => type === "repeated").length, 2);
  const away = await runVirtual(
    play([[callAt(0)], [callAt(0)]], [{ claim: PAWN, door: (near, evening) => (evening === 0 ? undefined : near) }]),
  );
  same(verdictsOf(away, PAWN.nodeId), ["unreachable A", "validated A"]);
});

test("a stop that is known within Tv's short range hides no more than that; that of a record which came late does", async () => {
  const worth = async (call: Vcr) => {
    const events = await runVirtual(play([[call]], [{ claim: PAWN }], [30_000, 60_000]));
    return events.flatMap((event) => (event.type === "proved" ? event.bits : []));
  };
  const bits = (call: Vcr, windowMs: number) => equivalentBits(callFacts(call), ROUND_MS, "A", windowMs);
  const hourBefore = Math.round((VIRTUAL_START_MS - HOUR_MS) / HOUR) - 1;
  const [late, atOnce] = [callAt(hourBefore), callAt(hourBefore, { laterMs: 2_579_000 })]; // 43 minutes ago, and 1 s
  same(await worth(atOnce), [bits(atOnce, 30_000)]);
  same([await worth(late), bits(late, HOUR) > 12], [[bits(late, HOUR)], true]);
});
