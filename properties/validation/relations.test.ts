/**
 * Busy relations over whole servers: call records of two companies, the originating server's own queue and ledger, TLS-SRP
 * over memory's network to the other company's port, on virtual time.
 *
 *   vectors/records/asterisk/long-*.csv   50 calls of five desks to five numbers within two minutes, up to ten at once to a
 *                                         number, each pair twice: the records of two Asterisks
 *   a day of days.ts                      two main numbers, 200 calls, up to ten at once
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Logger } from "effect";
import type { StoreShape } from "../../actors/ports/mod.ts";
import { servePvp } from "../../actors/validation/mod.ts";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { e164, nodeIdFrom, unixMs, type Vcr } from "../../codecs/shared/mod.ts";
import { callStore, failCall, insertCall, ROUND_MS, tryableFor } from "../../machines/validation/mod.ts";
import { REQUIRED_BITS, type ViprEvent } from "../../machines/vipr/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { type Company, readFileOf } from "../records/read.ts";
import { callsOfDay, SERVICE_A, SERVICE_B } from "./days.ts";

const [HOST, NODE_A, NODE_B] = ["vipr.test", nodeIdFrom(1n), nodeIdFrom(2n)];
const [HOUR, DAY] = [3_600_000, 86_400_000];
/** When virtual time begins. */
const VIRTUAL_START_MS = Date.UTC(2011, 3, 1);

interface Uploaded {
  readonly sent: ReadonlyArray<Vcr>;
  readonly received: ReadonlyArray<Vcr>;
}

/** Each record is uploaded when its call ends, and a day is waited for the last: what was reported, and when routes were learned. */
const play = ({ sent, received }: Uploaded, { isOld = false, disk }: { isOld?: boolean; disk?: StoreShape } = {}) =>
  Effect.gen(function* () {
    const store = callStore([NODE_B]);
    const { port, counters } = yield* servePvp(
      { host: HOST, port: 0, nodeIds: [NODE_B] },
      {
        // A server of 0.1.0 reads no name of version 2.
        candidates: (name) => Effect.sync(() => (isOld && name.version === 2 ? [] : tryableFor(store, name))),
        failed: ({ id }, method) => Effect.sync(() => void failCall(store, id, method)),
        grant: ({ number }) =>
          Effect.succeed({
            type: "granted",
            valInfo: { number, ticket: "dGlja2V0", routes: [{ sipUris: ["sip:x@b.example:5061"] }] },
          }),
      },
    );
    const events: Array<ViprEvent> = [];
    const learned = new Map<string, number>();
    const originating = yield* openOriginating(
      {
        nodeId: NODE_A,
        waitBetweenMs: [30_000, DAY],
        requiredBits: REQUIRED_BITS,
        roundMs: ROUND_MS,
        isPrivate: () => false,
        domainOf: () => "a.example",
        learned: (_, { number }) =>
          Effect.map(Clock.currentTimeMillis, (nowMs) => {
            if (!learned.has(number)) learned.set(number, nowMs);
          }),
        watch: (event) => Effect.sync(() => void events.push(event)),
      },
      {
        lookUp: () => Effect.succeed([{ nodeId: NODE_B, vservice: SERVICE_B }]),
        resolve: () => Effect.succeed({ host: HOST, port }),
      },
      yield* Effect.orDie(openRecords(disk, callStore([]))),
    );
    const uploads = [...sent, ...received].sort((a, b) => a.stopMs - b.stopMs);
    for (const vcr of uploads) {
      const nowMs = yield* Clock.currentTimeMillis;
      yield* Effect.sleep(Math.max(0, vcr.stopMs - nowMs));
      if (vcr.direction === "sent") yield* originating.take(vcr);
      else insertCall(store, vcr, unixMs(yield* Clock.currentTimeMillis));
    }
    yield* Effect.sleep(DAY + HOUR);
    return { events, learned, counters: yield* counters };
  }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(memoryLayer({ seed: 11, delayMs: [1, 20] }), Logger.layer([]))));

const validated = (events: ReadonlyArray<ViprEvent>) =>
  events.flatMap((event) =>
    event.type === "attempted" && event.attempt.verdict === "validated" ? [event.attempt.method] : [],
  );

const CALLER: Company = {
  numbers: { country: "US", area: "408", own: ["+14085550400..+14085550499"], trunks: { peer: { plus: "always" } } },
  trunks: [{ name: "peer", channels: ["PJSIP/peerb"] }],
};
const CALLED: Company = {
  numbers: { country: "DE", area: "30", own: ["+49305550300..+49305550399"], trunks: { peer: { plus: "always" } } },
  trunks: [{ name: "peer", channels: ["PJSIP/peera"] }],
};
/** The calls of such a file, as if they were made on the second day of virtual time, at the same hours. */
const callsOf = (name: string, company: Company, vservice: Vcr["vservice"]): ReadonlyArray<Vcr> =>
  readFileOf(`asterisk/${name}`, company).outcomes.map((outcome) => {
    if (outcome.type !== "call") throw new Error(outcome.reason);
    const { direction, calling, called, startMs, stopMs } = outcome.call;
    const moved = (ms: number) => unixMs(VIRTUAL_START_MS + DAY + (ms % DAY));
    return { direction, calling, called, startMs: moved(startMs), stopMs: moved(stopMs), vservice };
  });

test("relations: of the records of two Asterisks at least 80 % of the calls validate, and the route to each number is learned", async () => {
  const sent = callsOf("long-originator.csv", CALLER, SERVICE_A);
  const received = callsOf("long-terminator.csv", CALLED, SERVICE_B);
  const { events, learned } = await runVirtual(play({ sent, received }));
  const numbers = new Set(sent.map(({ called }) => called));
  same([sent.length, received.length, numbers.size], [50, 50, 5]);
  same([...new Set([...sent, ...received].map(({ direction }) => direction))], ["sent", "received"]);
  ok(validated(events).length >= 0.8 * sent.length, `${validated(events).length} validated`);
  same(new Set(learned.keys()), numbers);
});

test("relations: of two main numbers, 200 calls a day and up to ten at once, a route is there within a day, and nobody is refused", async () => {
  const dayMs = VIRTUAL_START_MS + DAY;
  const calls = callsOfDay(3, dayMs, { calls: 200 });
  const received = calls.flatMap((call) => (call.received === undefined ? [] : [call.received]));
  const { events, learned, counters } = await runVirtual(play({ sent: calls.map(({ sent }) => sent), received }));
  const count = validated(events).length;
  ok(count >= 0.95 * calls.length, `${count} validated`);
  const [routeMs] = [...learned.values()];
  ok(routeMs !== undefined && routeMs < dayMs + DAY, `${routeMs}`);
  same(counters.failed, 0);
});

/** Two minutes of the days of virtual time, each asked about before the next is made. */
const onDay = (day: number, change: Partial<Vcr> = {}): Vcr => {
  const startMs = VIRTUAL_START_MS + DAY + 26 * HOUR * day + 900_000;
  const times = { startMs: unixMs(startMs), stopMs: unixMs(startMs + 320_000) };
  const numbers = { calling: undefined, called: e164("+49305550100") };
  return { direction: "sent", ...numbers, ...times, vservice: SERVICE_A, ...change };
};
const asReceived = (call: Vcr): Vcr => ({ ...call, direction: "received", vservice: SERVICE_B });
const verdictsOf = (events: ReadonlyArray<ViprEvent>) =>
  events.flatMap((event) => (event.type === "attempted" ? [event.attempt.verdict] : []));

test("relations: where strangers call the number at the same time B names bits from the second call on, until that fails, too", async () => {
  const sent = [0, 1, 2, 3].map((day) => onDay(day));
  const strangers = sent.map((call) => ({
    ...asReceived(call),
    startMs: unixMs(call.startMs - 40_000),
    stopMs: unixMs(call.stopMs + 70_000),
  }));
  const own = sent.map(asReceived);
  const busy = await runVirtual(play({ sent, received: [...own, ...strangers] }));
  same(verdictsOf(busy.events), ["refused", "validated", "validated", "validated"]);
  // A server of 0.1.0, where a stranger called once.
  const old = await runVirtual(play({ sent, received: [...own, strangers[0]!] }, { isOld: true }));
  same(verdictsOf(old.events), ["refused", "refused", "validated", "validated"]);
});

test("relations: a call that was proved is not asked about again after a restart, by another record of it", async () => {
  const disk = memoryStore();
  const call = onDay(0);
  const again = onDay(0, { calling: e164("+14085550100"), stopMs: unixMs(call.stopMs + 4_000) });
  const first = await runVirtual(play({ sent: [call], received: [asReceived(call)] }, { disk }));
  same(verdictsOf(first.events), ["validated"]);
  const second = await runVirtual(play({ sent: [again], received: [asReceived(call)] }, { disk }));
  same([verdictsOf(second.events), second.events.filter(({ type }) => type === "repeated").length], [[], 1]);
});
