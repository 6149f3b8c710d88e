/**
 * What a look-up takes does not show in when it is answered, up to `answerAfterMs`: on the real clock, 60 handshakes of each
 * kind in turns (`VIPR_RUNS` where that is more than 100), timed from the hello to the server's first flight. Threshold: Mann
 * and Whitney's z below 4, which chance alone exceeds once in 16,000 runs.
 */
import { ok } from "node:assert";
import { Effect, Fiber, Layer } from "effect";
import { type TlsSrpServerOptions, tlsSrpClient, tlsSrpServer } from "../../actors/tls/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryPair } from "../../runtime/memory.ts";
import { runs } from "../kit/harness.ts";
import { compareRanks } from "../kit/statistics.ts";
import { timingLaw } from "../kit/timing.ts";

const ROUNDS = runs > 100 ? runs : 60;
const Z_MAX = 4;
const ANSWER_AFTER_MS = 3;
/** By so much one look-up takes longer than another. */
const LONGER_MS = 0.5;

const options = (isLonger: boolean, answerAfterMs: number): TlsSrpServerOptions => ({
  lookUp: () =>
    Effect.sync(() => {
      const until = performance.now() + (isLonger ? LONGER_MS : 0);
      while (performance.now() < until);
      return undefined;
    }),
  seedKey: new Uint8Array(32).fill(1),
  group: 1024,
  answerAfterMs,
});

/** Milliseconds from the client's hello to the first answer. */
const handshake = Effect.fnUntraced(function* (server: TlsSrpServerOptions) {
  const peer = { host: "memory", port: 1, certificates: [] };
  const [a, b] = yield* memoryPair(peer, peer, () => 0);
  let [saidAt, heardAt] = [0, 0];
  const timed = {
    ...a,
    write: (bytes: Uint8Array) =>
      Effect.suspend(() => {
        saidAt ||= performance.now();
        return a.write(bytes);
      }),
    read: Effect.tap(a.read, () =>
      Effect.sync(() => {
        heardAt ||= performance.now();
      }),
    ),
  };
  const serving = yield* Effect.forkScoped(Effect.exit(tlsSrpServer(b, server)));
  yield* Effect.exit(tlsSrpClient(timed, { userName: "bob", password: "a guess", groupBitsMin: 1024 }));
  yield* Fiber.join(serving);
  return heardAt - saidAt;
}, Effect.scoped);

const look = Effect.gen(function* () {
  const kinds = [true, false].flatMap((isLonger) => [ANSWER_AFTER_MS, 0].map((afterMs) => ({ isLonger, afterMs })));
  const times = kinds.map((): Array<number> => []);
  for (let i = 0; i < 20; i++) yield* handshake(options(false, 0)); // until all is compiled
  for (let round = 0; round < ROUNDS; round++)
    for (let i = 0; i < kinds.length; i++) {
      const kind = (i * (round % 2 === 0 ? 1 : 3) + round) % kinds.length;
      const { isLonger, afterMs } = kinds[kind]!;
      times[kind]!.push(yield* handshake(options(isLonger, afterMs)));
    }
  const [late, lateAtOnce, soon, soonAtOnce] = times;
  const [z, control] = [compareRanks(late!, soon!).z, compareRanks(lateAtOnce!, soonAtOnce!).z];
  ok(Math.min(...late!, ...soon!) >= ANSWER_AFTER_MS - 1);
  return { holds: Math.abs(z) < Z_MAX, isClear: control > Z_MAX, figures: `z = ${z}, of the control ${control}` };
});

timingLaw(
  "tls answer: a longer look-up is answered when a shorter one is; without a time to wait for it would show",
  () => Effect.runPromise(Effect.scoped(Effect.provide(look, Layer.merge(memoryLayer({ seed: 6 }), arithmeticLayer)))),
);
