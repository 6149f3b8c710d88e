/**
 * What a stranger learns by asking: nothing. A call that was never made, a locked one, two that match one name, one
 * that somebody else is trying and a wrong password, and by a name of version 2 a wrong password for one of three calls and
 * bits that none of the three has, are answered with the same bytes, as long, and after the same time, and
 * the stream ends as soon after. RFC 5054 §2.5.1.3. What the disk does for each, later, is `closing.test.ts`.
 *
 * 33 handshakes of each kind, or `VIPR_RUNS` where that is more than 100, whole servers over memory, in turns; what is timed
 * is how long a stranger waits for answers, and after the last of them for the end. With VIPR_SHOW=1 it prints what it
 * found. Threshold: Mann and Whitney's z below 4 for each pair, which chance alone exceeds once in 16,000 pairs.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import process from "node:process";
import { Deferred, Effect, Layer, Logger } from "effect";
import { type ByteStreamShape, Dialer, Listener } from "../../actors/ports/mod.ts";
import { HandshakeFailed, tlsSrpClient } from "../../actors/tls/mod.ts";
import { type PvpHandlers, servePvp } from "../../actors/validation/mod.ts";
import { openFailedAttempts } from "../../actors/vipr/failed-attempts.ts";
import { e164, hexOf, nodeIdFrom, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { type PvpUserName, printUserName, TIME_BITS_MAX } from "../../codecs/validation/mod.ts";
import {
  callFacts,
  callStore,
  candidatesFor,
  failCall,
  insertCall,
  isLocked,
  ROUND_MS,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer } from "../../runtime/memory.ts";
import { runs } from "../kit/harness.ts";
import { compareRanks } from "../kit/statistics.ts";
import { timingLaw } from "../kit/timing.ts";
import { receivedCall as got, HOUR_MS } from "./arbitrary.ts";
import { haltAfterName } from "./halting.ts";

const HOST = "vipr.test";

type Kind = "wrong password" | "unknown" | "locked" | "ambiguous" | "busy" | "wrong of three" | "none of three";
const KINDS: ReadonlyArray<Kind> = [
  "wrong password",
  "unknown",
  "locked",
  "ambiguous",
  "busy",
  "wrong of three",
  "none of three",
];
const CALLS: Partial<Record<Kind | Control, number>> = {
  unknown: 0,
  ambiguous: 2,
  "wrong of three": 3,
  "none of three": 3,
};
/** The controls: a server that answers later by `LATE_MS`, and one that hangs up later. */
type Control = "late" | "late end";
const ALL: ReadonlyArray<Kind | Control> = [...KINDS, "late", "late end"];
/** From one kind to the next, another in each round. */
const STRIDES = [1, 2, 4, 5, 7, 8]; // without a factor in common with the nine kinds
const LATE_MS = 5;
const LATE_END_MS = 1;
/** What a disk takes, and holds everything up meanwhile. */
const WRITE_MS = 3;
/** Of each kind; with fewer a busy machine hides the controls. */
const ROUNDS = runs > 100 ? runs : 33;
const Z_MAX = 4;
/** What is put off is not done before the test is over. */
const PUT_OFF_MS = 3_600_000;

/** ServerHello, the group, the salt, B and ServerHelloDone; one byte less where B begins with zeros. */
const FLIGHT_BYTES = 606;
const reputation = { slowFrom: 1_000_000, refuseFrom: 1_000_000, windowMs: 60_000 };

/** Nobody does anything else meanwhile. */
const hold = (ms: number) =>
  Effect.sync(() => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  });

/** A server for which a guess at the call is of this kind, as often as it is asked. */
const serve = Effect.fnUntraced(function* (kind: Kind | Control) {
  const calls = callStore([nodeIdFrom(2n)]);
  const many = CALLS[kind] ?? 1;
  for (let i = 0; i < many; i++)
    insertCall(calls, { ...got, stopMs: unixMs(got.stopMs + i * 256_000) }, unixMs(HOUR_MS));
  const parties = { originator: nodeIdFrom(9n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
  const isTold = many === 3;
  const form = { method: "A", version: 2, bits: TIME_BITS_MAX } as const;
  const own = userNameFor(isTold ? form : "A", callFacts(got), parties, unixMs(0), ROUND_MS);
  const name = kind === "none of three" ? ({ ...own, bits: "0".repeat(TIME_BITS_MAX) } as PvpUserName) : own;
  const known = candidatesFor(calls, name);
  same(known.length, many);
  if (kind === "locked") for (let i = 0; i < 3; i++) failCall(calls, known[0]!.id, "A");
  const idle = () => Effect.void;
  const charges = yield* openFailedAttempts(calls, { charged: idle }, { record: () => {} }, idle, PUT_OFF_MS);
  const handlers: PvpHandlers = {
    candidates: (asked) =>
      Effect.map(hold(kind === "late" ? LATE_MS : 0), () =>
        candidatesFor(calls, asked).map((call) => ({
          ...call,
          isLocked: kind === "locked" && isLocked(call, asked.method), // the others stay as they are for the next round
        })),
      ),
    ...charges,
    failed: (call, method) => Effect.andThen(charges.failed(call, method), hold(WRITE_MS)), // as if it were written at once
    grant: () => Effect.die("nobody is right"),
  };
  const { listen, renew } = yield* Listener;
  const close = (stream: ByteStreamShape) => Effect.andThen(hold(kind === "late end" ? LATE_END_MS : 0), stream.close);
  const serving = yield* servePvp({ host: HOST, port: 0, nodeIds: [nodeIdFrom(2n)], reputation }, handlers).pipe(
    Effect.provideService(Listener, {
      renew,
      listen: (on, serve) => listen(on, (stream) => serve({ ...stream, close: close(stream) })),
    }),
  );
  const other = userNameFor("A", { ...callFacts(got), calling: e164("+1555") }, parties, unixMs(0), ROUND_MS);
  return { ...serving, userName: printUserName(name), held: printUserName(kind === "busy" ? name : other) };
});
type Site = Effect.Success<ReturnType<typeof serve>>;

/** For the holder to compute its own powers, in our process, before a guess is timed. */
const HOLDER_MS = 5;

/**
 * Somebody else is at a call, and nothing more is heard of him until the scope closes: at the call itself where it is to be
 * busy, at another one where it is not, so that each guess finds the server as it does the others.
 */
const holdOne = (site: Site) =>
  Effect.andThen(haltAfterName({ host: HOST, port: site.port }, site.held), Effect.sleep(HOLDER_MS));

/** One guess: what it heard, and how long it waited for that and then for the end, in milliseconds of the machine's clock. */
const guess = Effect.fnUntraced(function* (site: Site) {
  const { dial } = yield* Dialer;
  yield* holdOne(site);
  const heard: Array<Uint8Array> = [];
  let [tookMs, sentAt, heardAt] = [0, 0, 0];
  const ended = yield* Deferred.make<number>();
  const below = yield* dial({ host: HOST, port: site.port });
  const listening = {
    ...below,
    write: (bytes: Uint8Array) =>
      Effect.suspend(() => {
        sentAt = performance.now();
        return below.write(bytes);
      }),
    read: below.read.pipe(
      Effect.tap((bytes) =>
        Effect.sync(() => {
          heardAt = performance.now();
          tookMs += heardAt - sentAt;
          heard.push(bytes);
        }),
      ),
      Effect.tapError(() => Effect.suspend(() => Deferred.succeed(ended, performance.now() - heardAt))),
    ),
  };
  const failure = yield* Effect.flip(tlsSrpClient(listening, { userName: site.userName, password: "a guess" }));
  if (!(failure instanceof HandshakeFailed)) throw failure;
  const endedMs = yield* Deferred.await(ended);
  return { tookMs, endedMs, outcome: failure.outcome, sizes: heard.map(({ length }) => length), last: heard.at(-1) };
}, Effect.scoped);

type Times = Readonly<Record<Kind | Control, Array<number>>>;
const noTimes = (): Times => Object.fromEntries(ALL.map((kind) => [kind, []])) as unknown as Times;

/** Medians in milliseconds, and z of each pair. */
const shown = (what: string, times: Times): string => {
  const median = (kind: Kind | Control) => [...times[kind]].sort((a, b) => a - b)[times[kind].length >> 1]!.toFixed(3);
  const pairs = KINDS.flatMap((one, i) =>
    KINDS.slice(i + 1).map((other) => `${one}, ${other}: z ${compareRanks(times[one], times[other]).z.toFixed(2)}`),
  );
  return [`${what}, ${ROUNDS} of each`, ...ALL.map((kind) => `${kind}: ${median(kind)} ms`), ...pairs].join("\n");
};

/** The pairs of kinds that the times tell apart, and whether they show the control. */
const lookAt = (what: string, times: Times, control: Control) => {
  if (process.env.VIPR_SHOW === "1") console.log(shown(what, times));
  const pairs = KINDS.flatMap((one, i) => KINDS.slice(i + 1).map((other) => [one, other] as const));
  const apart = pairs.flatMap(([one, other]) => {
    const { z } = compareRanks(times[one], times[other]);
    return Math.abs(z) < Z_MAX ? [] : [`${what}, ${one} and ${other}: z = ${z}`];
  });
  const inTime = KINDS.flatMap((kind) => times[kind]);
  const seen = compareRanks(times[control], inTime).z;
  return {
    apart,
    isClear: seen > Z_MAX,
    figures: `${what}: ${apart.join("; ")} the control "${control}": z = ${seen}`,
  };
};

/** Whole servers, asked in turns: the bytes are the same, and the times are returned. */
const askAll = Effect.gen(function* () {
  const [times, ends] = [noTimes(), noTimes()];
  const sites = new Map<Kind | Control, Site>();
  for (const kind of ALL) sites.set(kind, yield* serve(kind));
  for (const kind of ALL) for (let i = 0; i < 3; i++) yield* guess(sites.get(kind)!); // until all is compiled
  for (let round = 0; round < ROUNDS; round++)
    for (let i = 0; i < ALL.length; i++) {
      const kind = ALL[(i * STRIDES[round % STRIDES.length]! + round) % ALL.length]!;
      const { tookMs, endedMs, outcome, sizes, last } = yield* guess(sites.get(kind)!);
      times[kind].push(tookMs);
      ends[kind].push(endedMs);
      same(outcome, { type: "alerted", alert: "badRecordMac" });
      same([hexOf(last!), sizes.length], ["15030300020214", 2]);
      ok(sizes[0]! <= FLIGHT_BYTES && sizes[0]! > FLIGHT_BYTES - 3, `${sizes}`);
    }
  const counters = yield* sites.get("wrong password")!.counters;
  ok(counters.failed >= ROUNDS && counters.simulated === 0); // it was what it says
  ok((yield* sites.get("wrong of three")!.counters).failed >= ROUNDS);
  for (const kind of ["unknown", "locked", "ambiguous", "busy", "none of three"] as const)
    ok((yield* sites.get(kind)!.counters).simulated >= ROUNDS);
  return { times, ends };
});

timingLaw(
  "validation: unknown, locked, ambiguous and busy calls and wrong passwords cannot be told apart, by bytes or by time",
  async () => {
    const world = Layer.mergeAll(memoryLayer({ seed: 5 }), arithmeticLayer, Logger.layer([]));
    // On the real clock: what a server waits for is part of it.
    const { times, ends } = await Effect.runPromise(Effect.scoped(Effect.provide(askAll, world)));
    const looks = [lookAt("the answers", times, "late"), lookAt("the end", ends, "late end")];
    return {
      holds: looks.every(({ apart }) => apart.length === 0),
      isClear: looks.every(({ isClear }) => isClear),
      figures: looks.map(({ figures }) => figures).join("\n"),
    };
  },
);
