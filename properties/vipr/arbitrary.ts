/** Whatever a ViPR server may tell of a few numbers: with long texts, odd bits, and claimants that come back. */
import fc from "fast-check";
import { e164, nodeIdFrom, ntpMsOf, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import type { ClaimVerdict, PvpClaim } from "../../machines/validation/mod.ts";
import type { ViprEvent } from "../../machines/vipr/mod.ts";
import { HOUR_MS } from "../validation/arbitrary.ts";

export const NUMBERS = [e164("+14085555432"), e164("+1408555543"), e164("+14"), e164("+493012345678901")] as const;

/** Mostly one, so that it meets the limits of a story. */
const number = fc.oneof({ weight: 5, arbitrary: fc.constant(NUMBERS[0]) }, fc.constantFrom(...NUMBERS));
const call = fc.tuple(fc.nat(9), fc.nat(3_600_000)).map(([day, ms]) => ({
  startMs: ntpMsOf(unixMs(HOUR_MS + day * 86_400_000)),
  stopMs: ntpMsOf(unixMs(HOUR_MS + day * 86_400_000 + ms)),
}));
const words = fc.string({ unit: "binary", maxLength: 300 });
const claim: fc.Arbitrary<PvpClaim> = fc.record({
  nodeId: fc.constantFrom(0n, 2n, 2n ** 128n - 1n).map(nodeIdFrom),
  vservice: fc.constantFrom(0n, 2n ** 64n - 1n).map(vserviceId),
});
const by = fc.constantFrom(0n, 3n, 2n ** 64n - 1n);
const bits = fc.double({ min: 0, max: 64, noNaN: true });
const few = fc.nat(70_000);
const hours = fc.double({ min: 0, max: HOUR_MS * 2, noNaN: true });
const method = fc.constantFrom("A" as const, "B" as const, "C" as const);
const info = { number: NUMBERS[0], ticket: "dGlja2V0", routes: [] };
const attempt: fc.Arbitrary<ClaimVerdict> = fc
  .tuple(
    claim,
    method,
    fc.oneof(
      fc.record({ verdict: fc.constant("validated" as const), bits, info: fc.constant(info) }),
      fc.record({ verdict: fc.constant("declined" as const), bits: fc.constant(0), code: few }),
      fc.record({ verdict: fc.constant("refused" as const), bits: fc.constant(0) }),
      fc.record({
        verdict: fc.constantFrom("unreachable" as const, "broken" as const),
        bits: fc.constant(0),
        why: words,
      }),
    ),
  )
  .map(([who, by, what]) => ({ ...who, method: by, ...what }));

const of = <T extends ViprEvent["type"], F extends Record<string, fc.Arbitrary<any>>>(type: T, fields: F) =>
  fc.record({ type: fc.constant(type), number, ...fields }) as unknown as fc.Arbitrary<ViprEvent>;

export const viprEvents: fc.Arbitrary<ViprEvent> = fc.oneof(
  of("published", {}),
  of("publishFailed", { why: words }),
  of("vcr", { direction: fc.constant("received"), call, hasCaller: fc.boolean() }),
  of("vcr", { direction: fc.constant("sent"), call, hasCaller: fc.boolean(), dueMs: hours, worthBits: bits }),
  of("waits", { call, dueMs: hours, worthBits: bits }),
  of("dropped", { call }),
  of("repeated", { call }),
  of("crowded", { call }),
  of("lookedUp", { call, claims: few, claimants: fc.array(claim, { maxLength: 70 }) }),
  of("lookUpFailed", { call, why: words }),
  of("attempted", { by, call, attempt, tries: fc.constantFrom(1, 2) }),
  of("proved", { by, claim, bits, calls: few, required: fc.integer({ min: 1, max: 64 }) }),
  of("learned", { domain: words, told: few }),
  of("unwelcome", { domain: words }),
  of("granted", { domain: words }),
  of("declined", { domain: words, code: few }),
  of("charged", { call, attempts: few }),
);
