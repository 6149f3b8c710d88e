/**
 * A VServiceID is a type of its own: what the compiler must refuse. `npm run types` is the check: a line below
 * `@ts-expect-error` that compiles is itself an error. At run time it is a bigint.
 */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import type { VapPublisher } from "../../actors/vap/mod.ts";
import { type Ntp, ntp, type Vcr, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { ServiceIdentity } from "../../codecs/vap/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { runs, test } from "../kit/harness.ts";

const vservice = vserviceId(7n);

test("types: a VServiceID goes through its field as the bigint that it is", () =>
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (id, of) => {
      const identity = { service: 100, subservice: 4, vservice: vserviceId(id), instance: of };
      const read = decode(ServiceIdentity, encode(ServiceIdentity, identity));
      assert.ok(read.ok);
      const value: VServiceId = read.value.vservice;
      assert.deepEqual([value, read.value.instance], [id, of]);
    }),
    { numRuns: runs },
  ));

/** Never called: here the compiler is at work. */
export const mistakes = (id: bigint, vcr: Vcr, publisher: VapPublisher): ReadonlyArray<unknown> => {
  // @ts-expect-error: a plain bigint, such as an instance id, is no VServiceID
  const a: VServiceId = id;
  // @ts-expect-error: nor is a literal
  const b: VServiceId = 7n;
  // @ts-expect-error: nor a timestamp
  const c: VServiceId = ntp(id);
  // @ts-expect-error: and it is no timestamp
  const d: Ntp = vservice;
  // @ts-expect-error: arithmetic gives a plain bigint
  const e: VServiceId = vservice + 1n;
  // @ts-expect-error: a call record's is one
  const f: Vcr = { ...vcr, vservice: id };
  // @ts-expect-error: so is a publication's
  const g = publisher.publish(id, vcr.called);
  return [a, b, c, d, e, f, g];
};
