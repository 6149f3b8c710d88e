/**
 * Passwords of a call are few: some thousand pairs of rounded times. What a transcript is worth to somebody who can try
 * them all afterwards, as a listener and as a thief who played the server with a guess.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, nodeIdFrom, ntpMs, unixMs, unixMsOf, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import { srpGroup } from "../../codecs/tls/mod.ts";
import {
  clientBase,
  clientExponent,
  privateKeyOf,
  scrambler,
  serverBase,
  serverPublicOf,
} from "../../machines/tls/srp.ts";
import { type CallFacts, minutesOf, originatorPassword, ROUND_MS, userNameFor } from "../../machines/validation/mod.ts";
import { powerHere } from "../../runtime/arithmetic.ts";
import { test } from "../kit/harness.ts";

const group = srpGroup(1024);
const power = (base: bigint, exponent: bigint) => powerHere(base, exponent, group);
const salt = new Uint8Array(16).fill(7);
const call: CallFacts = {
  called: e164("+14085555432"),
  calling: e164("+33123456789"),
  startMs: unixMsOf(ntpMs(3_976_214_403_000)),
  stopMs: unixMsOf(ntpMs(3_976_214_500_000)),
};
const name = userNameFor(
  "A",
  call,
  { originator: nodeIdFrom(1n), terminator: nodeIdFrom(3n), vservice: vserviceId(7n) },
  unixMs(0),
  ROUND_MS,
);
/** Every start within a quarter of an hour: the list of a thief that knows how long the call was. */
const dictionary = Array.from({ length: 90 }, (_, i) => {
  const shiftMs = (i - 45) * ROUND_MS;
  const guess = { ...call, startMs: unixMs(call.startMs + shiftMs), stopMs: unixMs(call.stopMs + shiftMs) };
  const x = privateKeyOf(salt, utf8("name"), utf8(originatorPassword(name, guess, ROUND_MS)));
  return { x, verifier: power(group.generator, x) };
});
const TRUTH = 45;
const secrets = fc.bigInt({ min: 2n ** 250n, max: 2n ** 256n });

/** The client's premaster secret, to whatever B it was given; what its Finished can be compared with. */
const clientSays = (a: bigint, publicA: bigint, publicB: bigint): bigint => {
  const { x, verifier } = dictionary[TRUTH]!;
  const exponent = clientExponent(a, scrambler(publicA, publicB, group), x);
  return power(clientBase(publicB, verifier, group), exponent);
};

test("offline dictionary: a thief who played the server with a guess can test that guess, and no other afterwards", () =>
  fc.assert(
    fc.property(secrets, secrets, fc.constantFrom(TRUTH, 0, 30), (a, b, guessed) => {
      const publicA = power(group.generator, a);
      const publicB = serverPublicOf(dictionary[guessed]!.verifier, power(group.generator, b), group);
      const said = clientSays(a, publicA, publicB);
      const u = scrambler(publicA, publicB, group);
      const confirmed = dictionary.flatMap(({ verifier }, i) =>
        power(serverBase(publicA, power(verifier, u), group), b) === said ? [i] : [],
      );
      same(confirmed, guessed === TRUTH ? [TRUTH] : []);
    }),
    { numRuns: 4 },
  ));

test("offline dictionary: to a listener every password fits a transcript alike, as nothing on the wire depends on it", () =>
  fc.assert(
    fc.property(secrets, secrets, (a, b) => {
      const { verifier } = dictionary[TRUTH]!;
      const publicB = serverPublicOf(verifier, power(group.generator, b), group);
      // For another password the same B is that of another g^b: each is an element of the group, and none is excluded.
      for (const { verifier: other } of dictionary.slice(0, 5)) {
        const powerOfOther = clientBase(publicB, other, group);
        ok(powerOfOther > 0n && powerOfOther < group.prime);
        same(serverPublicOf(other, powerOfOther, group), publicB);
      }
      ok(power(group.generator, a) > 0n); // A depends on a alone
    }),
    { numRuns: 5 },
  ));

test("offline dictionary: the user name of A is the same for all times of a call; C's has but its minutes", () => {
  const others = [-60, -12, 12, 60].map((times) => ({ ...call, startMs: unixMs(call.startMs + times * ROUND_MS) }));
  for (const other of others) {
    same(
      userNameFor(
        "A",
        other,
        { originator: nodeIdFrom(1n), terminator: nodeIdFrom(3n), vservice: vserviceId(7n) },
        unixMs(0),
        ROUND_MS,
      ),
      {
        ...name,
      },
    );
    ok(minutesOf(other).startMinute !== minutesOf(call).startMinute);
  }
});
