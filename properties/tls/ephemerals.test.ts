/** Pairs of b and g^b made ahead: right, taken once, made anew beside the handshakes, and zeroed when nobody wants them. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Fiber, Layer, type Scope } from "effect";
import fc from "fast-check";
import { Arithmetic, Entropy } from "../../actors/ports/mod.ts";
import { EPHEMERALS_MAX, type Ephemerals, makeEphemerals, tlsSrpClient, tlsSrpServer } from "../../actors/tls/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import { srpGroup } from "../../codecs/tls/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryPair, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { power } from "./duel.ts";

const world = Layer.merge(memoryLayer({ seed: 4 }), arithmeticLayer);
const virtually = <A, E>(body: Effect.Effect<A, E, Arithmetic | Entropy | Scope.Scope>): Promise<A> =>
  runVirtual(Effect.scoped(Effect.provide(body, world)));

const peer = { host: "memory", port: 1, certificates: [] };
const seedKey = new Uint8Array(32).fill(1);

/** The powers that this body asked for, by their exponents. */
const counting = <A, E>(body: (exponents: Array<bigint>) => Effect.Effect<A, E, Arithmetic | Entropy | Scope.Scope>) =>
  Effect.gen(function* () {
    const exponents: Array<bigint> = [];
    const arithmetic = yield* Arithmetic;
    const counted = Arithmetic.of({
      power: (base, exponent, group) => {
        exponents.push(exponent);
        return arithmetic.power(base, exponent, group);
      },
    });
    return yield* Effect.provideService(body(exponents), Arithmetic, counted);
  });

// RFC 5054 §2.5.3
test("tls ephemerals: a pair is g^b and its b, is given once, and is made anew, however they are taken", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ count: fc.nat(2 * EPHEMERALS_MAX), afterMs: fc.nat(100) }), { maxLength: 4 }),
      (turns) =>
        virtually(
          Effect.gen(function* () {
            const { take } = yield* makeEphemerals(1024);
            const { generator } = srpGroup(1024);
            const seen = new Set<string>();
            for (const { count, afterMs } of turns) {
              yield* Effect.sleep(afterMs);
              for (let i = 0; i < count; i++) {
                const pair = yield* take;
                if (pair === undefined) continue;
                same(pair.generatorPower, power(generator, bigOf(pair.secret), 1024));
                ok(pair.secret.length === 32 && !seen.has(hexOf(pair.secret)));
                seen.add(hexOf(pair.secret));
              }
            }
            yield* Effect.sleep(1_000);
            const again = yield* Effect.replicateEffect(take, EPHEMERALS_MAX + 1);
            same(
              again.map((pair) => pair !== undefined),
              [...new Array(EPHEMERALS_MAX).fill(true), false],
            );
          }),
        ),
    ),
    { numRuns: 20 },
  ));

test("tls ephemerals: what is left is zeroed with the store, what was given is its taker's", () =>
  virtually(
    Effect.gen(function* () {
      const drawn: Array<Uint8Array> = [];
      const entropy = yield* Entropy;
      const watched = Entropy.of({
        ...entropy,
        bytes: (size) => Effect.tap(entropy.bytes(size), (bytes) => Effect.sync(() => drawn.push(bytes))),
      });
      const body = Effect.gen(function* () {
        const { take } = yield* makeEphemerals(1024);
        yield* Effect.sleep(1_000);
        yield* take;
        same(
          drawn.some((bytes) => bytes.every((byte) => byte === 0)),
          false,
        );
      });
      yield* Effect.provideService(Effect.scoped(body), Entropy, watched);
      same(
        drawn.map((bytes) => bytes.some((byte) => byte !== 0)),
        [true, ...new Array(EPHEMERALS_MAX - 1).fill(false)],
      );
    }),
  ));

/** One handshake of a server that has them: the server's outcome, and the powers asked for meanwhile. */
const handshake = Effect.fnUntraced(function* (
  ephemerals: Ephemerals | undefined,
  exponents: ReadonlyArray<bigint>,
  client: { readonly userName: string; readonly password: string },
) {
  const before = exponents.length;
  const [a, b] = yield* memoryPair(peer, peer, () => 0);
  const lookUp = (name: string) =>
    Effect.succeed(name === "alice" ? ({ type: "password", password: "secret" } as const) : undefined);
  const options = { lookUp, seedKey, group: 1024, ...(ephemerals === undefined ? {} : { ephemerals }) } as const;
  const server = yield* Effect.forkScoped(Effect.exit(tlsSrpServer(b, options)));
  yield* Effect.exit(tlsSrpClient(a, { ...client, groupBitsMin: 1024 }));
  const { _tag } = yield* Fiber.join(server);
  return { _tag, powers: exponents.length - before };
});

test("tls ephemerals: every name is served with a pair, alike, and without one when they are used up", () =>
  virtually(
    counting((exponents) =>
      Effect.gen(function* () {
        const none = { group: 1024, take: Effect.succeed(undefined) } as const;
        const kinds = [
          { userName: "alice", password: "secret" },
          { userName: "alice", password: "wrong" },
          { userName: "bob", password: "secret" },
        ];
        for (const kind of kinds) {
          let taken = 0;
          const store = yield* makeEphemerals(1024);
          const ephemerals = { ...store, take: Effect.tap(store.take, () => Effect.sync(() => ++taken)) };
          yield* Effect.sleep(1_000);
          const _tag = kind.userName === "alice" && kind.password === "secret" ? "Success" : "Failure";
          same(yield* handshake(ephemerals, exponents, kind), { _tag, powers: 6 });
          same(taken, 1);
          for (const without of [none, undefined])
            same(yield* handshake(without, exponents, kind), { _tag, powers: 7 });
          // A store of another group is left alone.
          const other = { group: 2048, take: Effect.die("not asked for") } as const;
          same(yield* handshake(other, exponents, kind), { _tag, powers: 7 });
        }
      }),
    ),
  ));
