/** Grants that an issuer could make. */
import fc from "fast-check";
import { e164, isEarlierNtp, ntp, vserviceId } from "../../codecs/shared/mod.ts";
import type { Grant } from "../../codecs/ticket/mod.ts";
import { anyNodeId } from "../kit/node-ids.ts";

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
export const number = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(99_999_999))
  .map(([first, rest]) => e164(`+${first}${rest}`));
export const domain = fc
  .array(fc.constantFrom("acme", "nord", "xn--bcher-kva", "example", "a".repeat(40)), { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join("."));
export const grant: fc.Arbitrary<Grant> = fc.record(
  {
    id: bytes(16),
    salt: bytes(16),
    validity: fc
      .tuple(u64.map(ntp), u64.map(ntp))
      .map(([a, b]) => (isEarlierNtp(a, b) ? { notBefore: a, notAfter: b } : { notBefore: b, notAfter: a })),
    number,
    grantingNode: anyNodeId(),
    grantingDomain: domain,
    grantedTo: domain,
    epoch: fc.integer({ min: 1, max: 255 }),
    vservice: u64.map(vserviceId),
  },
  { noNullPrototype: true },
);
