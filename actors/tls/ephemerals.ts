/**
 * A server's pairs of b and g^b, computed ahead of the handshakes that will use them. RFC 5054 §2.5.3.
 *
 *   take --> the oldest pair, or none ---> a handshake, which then needs one power less
 *     +----> wake --> a pause --> draw b, power g^b, ... until the store is full
 *
 * One fiber refills the store a moment after a pair was taken, beside the handshake and not during it. A pair is taken
 * before its handshake has read a byte: whether there was one cannot depend on the user name.
 * DECISIONS.md D-023.
 */
import { Effect, Latch, type Scope } from "effect";
import { bigOf } from "../../codecs/shared/mod.ts";
import { type SrpGroupBits, srpGroup } from "../../codecs/tls/mod.ts";
import { RANDOM_BYTES } from "../../machines/tls/mod.ts";
import { Arithmetic, Entropy } from "../ports/mod.ts";

export interface Ephemeral {
  /** b, of `RANDOM_BYTES`. The handshake that takes a pair zeroes this. */
  readonly secret: Uint8Array;
  /** g^b modulo N. */
  readonly generatorPower: bigint;
}
export interface Ephemerals {
  readonly group: SrpGroupBits;
  /** Each pair once. Undefined: none is left, and the handshake computes its own. */
  readonly take: Effect.Effect<Ephemeral | undefined>;
}

export const EPHEMERALS_MAX = 8;
/** The handshake that has just begun gets the processor first. */
const REFILL_AFTER_MS = 20;

/** Filled within `REFILL_AFTER_MS` and a few powers. Unused pairs are zeroed when the scope closes. */
export const makeEphemerals = Effect.fn("tls.ephemerals")(function* (
  group: SrpGroupBits,
): Effect.fn.Return<Ephemerals, never, Arithmetic | Entropy | Scope.Scope> {
  const [arithmetic, entropy] = [yield* Arithmetic, yield* Entropy];
  const pairs: Array<Ephemeral> = [];
  const wanted = yield* Latch.make(true);
  const makeOne = Effect.gen(function* () {
    const secret = yield* entropy.bytes(RANDOM_BYTES);
    const generatorPower = yield* arithmetic.power(srpGroup(group).generator, bigOf(secret), group);
    pairs.push({ secret, generatorPower });
    yield* Effect.yieldNow; // between two powers other fibers run
  });
  const refill = Effect.gen(function* () {
    yield* wanted.await;
    yield* Latch.close(wanted); // first, so that a pair taken meanwhile opens it again
    yield* Effect.sleep(REFILL_AFTER_MS);
    while (pairs.length < EPHEMERALS_MAX) yield* makeOne;
  });
  yield* Effect.addFinalizer(() => Effect.sync(() => wipe(pairs)));
  yield* Effect.forkScoped(Effect.forever(refill));
  const take = Effect.suspend(() => {
    const pair = pairs.shift();
    return Effect.as(Latch.open(wanted), pair);
  });
  return { group, take };
});

const wipe = (pairs: Array<Ephemeral>): void => {
  for (const { secret } of pairs.splice(0)) secret.fill(0);
};
