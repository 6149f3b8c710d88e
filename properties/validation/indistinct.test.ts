/**
 * What a stranger learns by asking: nothing. A call that was never made, a locked one, two that cannot be told apart and a
 * wrong password are answered with the same bytes, as long, and after the same time. RFC 5054 §2.5.1.3.
 *
 * 67 handshakes of each kind, whole servers over memory, in turns; what is timed is how long a stranger waits for answers.
 * Threshold: Mann and Whitney's z below 4 for each pair, which chance alone exceeds once in 16,000 pairs.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import { Dialer } from "../../actors/ports/mod.ts";
import { HandshakeFailed, tlsSrpClient } from "../../actors/tls/mod.ts";
import { servePvp } from "../../actors/validation/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { printUserName } from "../../codecs/validation/mod.ts";
import {
  callStore,
  candidatesFor,
  failCall,
  insertCall,
  isLocked,
  knownCall,
  ROUND_MS,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { compareRanks } from "../kit/statistics.ts";
import { receivedCall as got, HOUR_MS } from "./arbitrary.ts";

const HOST = "vipr.test";

type Kind = "wrong password" | "unknown" | "locked" | "ambiguous" | "late";
const KINDS: ReadonlyArray<Kind> = ["wrong password", "unknown", "locked", "ambiguous"];
const ROUNDS = 67;
const Z_MAX = 4;
/** The control: what a server that is later by so much would look like. */
const LATE_MS = 5;

/** ServerHello, the group, the salt, B and ServerHelloDone; one byte less where B begins with zeros, whoever is asked. */
const FLIGHT_BYTES = 606;
const standing = { slowFrom: 1_000_000, refuseFrom: 1_000_000, windowMs: 60_000 };

/** A server in whose eyes a guess at the call is of this kind, as often as it is asked. */
const serve = Effect.fnUntraced(function* (kind: Kind) {
  const store = callStore([2n]);
  const calls = kind === "unknown" ? 0 : kind === "ambiguous" ? 2 : 1;
  for (let i = 0; i < calls; i++) insertCall(store, { ...got, stop: got.stop + (BigInt(i) << 40n) }, HOUR_MS);
  const name = userNameFor("A", knownCall(got), { originator: 9n, terminator: 2n, vservice: 7n }, 0, ROUND_MS);
  const known = candidatesFor(store, name);
  same(known.length, calls);
  if (kind === "locked") for (let i = 0; i < 3; i++) failCall(store, known[0]!.id, "A");
  const serving = yield* servePvp(
    { host: HOST, port: 0, nodeIds: [2n], standing },
    {
      candidates: (asked) =>
        Effect.sync(() => {
          const until = performance.now() + (kind === "late" ? LATE_MS : 0);
          while (performance.now() < until);
          return candidatesFor(store, asked).map((call) => ({ ...call, isLocked: isLocked(call, asked.method) }));
        }),
      failed: () => Effect.void, // one guess more or less: the call must stay as it is for the next round
      grant: () => Effect.die("nobody is right"),
    },
  );
  return { ...serving, userName: printUserName(name) };
});

/** One guess: what it heard, and how long it waited for that, in milliseconds of the machine's clock. */
const guess = Effect.fnUntraced(function* (site: { readonly port: number; readonly userName: string }) {
  const { dial } = yield* Dialer;
  const heard: Array<Uint8Array> = [];
  let [tookMs, sentAt] = [0, 0];
  const below = yield* dial({ host: HOST, port: site.port });
  const listening = {
    ...below,
    write: (bytes: Uint8Array) =>
      Effect.suspend(() => {
        sentAt = performance.now();
        return below.write(bytes);
      }),
    read: Effect.tap(below.read, (bytes) =>
      Effect.sync(() => {
        tookMs += performance.now() - sentAt;
        heard.push(bytes);
      }),
    ),
  };
  const failure = yield* Effect.flip(tlsSrpClient(listening, { userName: site.userName, password: "a guess" }));
  if (!(failure instanceof HandshakeFailed)) throw failure;
  return { tookMs, outcome: failure.outcome, sizes: heard.map(({ length }) => length), last: heard.at(-1) };
}, Effect.scoped);

test("validation: unknown, locked and ambiguous calls and wrong passwords cannot be told apart, by bytes or by time", async () => {
  const world = Layer.mergeAll(memoryLayer({ seed: 5 }), arithmeticLayer, Logger.layer([]));
  const times: Record<Kind, Array<number>> = { "wrong password": [], unknown: [], locked: [], ambiguous: [], late: [] };
  const body = Effect.gen(function* () {
    const all: ReadonlyArray<Kind> = [...KINDS, "late"];
    const sites = new Map<Kind, Effect.Success<ReturnType<typeof serve>>>();
    for (const kind of all) sites.set(kind, yield* serve(kind));
    for (let i = 0; i < 40; i++) yield* guess(sites.get(all[i % all.length]!)!); // until all is compiled
    for (let round = 0; round < ROUNDS; round++)
      for (let i = 0; i < all.length; i++) {
        const kind = all[(i * (1 + (round % 4)) + round) % all.length]!;
        const { tookMs, outcome, sizes, last } = yield* guess(sites.get(kind)!);
        times[kind].push(tookMs);
        same(outcome, { type: "alerted", alert: "badRecordMac" });
        same([hexOf(last!), sizes.length], ["15030300020214", 2]);
        ok(sizes[0]! <= FLIGHT_BYTES && sizes[0]! > FLIGHT_BYTES - 3, `${sizes}`);
      }
    const counters = yield* sites.get("wrong password")!.counters;
    ok(counters.failed >= ROUNDS && counters.simulated === 0); // it was what it says
    for (const kind of ["unknown", "locked", "ambiguous"] as const)
      ok((yield* sites.get(kind)!.counters).simulated >= ROUNDS);
  });
  await runVirtual(Effect.scoped(Effect.provide(body, world)));
  const z = (one: Kind, other: Kind) => Math.abs(compareRanks(times[one], times[other]).z);
  for (const [i, one] of KINDS.entries())
    for (const other of KINDS.slice(i + 1)) ok(z(one, other) < Z_MAX, `${one} and ${other}: z = ${z(one, other)}`);
  const onTime = KINDS.flatMap((kind) => times[kind]);
  const seen = compareRanks(times.late, onTime).z;
  ok(seen > Z_MAX, `one that is later by ${LATE_MS} ms: z = ${seen}`);
});
