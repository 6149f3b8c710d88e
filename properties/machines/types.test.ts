/**
 * Times of different epochs, and telephone numbers, are types of their own: what the compiler must refuse. `npm run types` is
 * the check: a line below `@ts-expect-error` that compiles is itself an error. At run time they are numbers and texts.
 */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CallTimes,
  type E164,
  e164,
  e164FromDigits,
  isE164,
  msFromNtp,
  type Ntp,
  type NtpMs,
  ntp,
  ntpFromMs,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMs,
  unixMsOf,
} from "../../codecs/shared/mod.ts";
import { roundNearest } from "../../machines/validation/mod.ts";
import { runs, test } from "../kit/harness.ts";

const [unix, ntpTime, timestamp] = [unixMs(1_767_225_603_250), ntpMs(3_976_214_403_250), ntp(0xed00_3783_4000_0000n)];
const number = e164("+14085555432");

test("types: one instant in three forms, and a number as its digits", () => {
  assert.deepEqual([ntpMsOf(unix), unixMsOf(ntpTime)], [ntpTime, unix]);
  assert.deepEqual([ntpFromMs(unix), msFromNtp(timestamp)], [timestamp, unix]);
  assert.equal(e164FromDigits(14_085_555_432), number);
  assert.throws(() => e164("4085555432"));
});

test("RFC 4330 §3: the second after the last one of NTP's first era has the timestamp 0", () => {
  const last = Date.UTC(2036, 1, 7, 6, 28, 15);
  assert.deepEqual([ntpFromMs(unixMs(last)), ntpFromMs(unixMs(last + 1_000))], [0xffff_ffff_0000_0000n, 0n]);
  assert.equal(msFromNtp(ntp(0n)), last + 1_000);
});

test("types: whole milliseconds survive each form, and any timestamp is read to the nearest one", () =>
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 4e12 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (ms, bits) => {
      assert.equal(unixMsOf(ntpMsOf(unixMs(ms))), ms);
      if (ms >= 0) assert.equal(msFromNtp(ntpFromMs(unixMs(ms))), ms);
      const counted = bits < 2n ** 63n ? bits + 2n ** 64n : bits; // the second era
      const nearest = Number((counted * 1000n + 2n ** 31n) >> 32n);
      assert.equal(ntpMsOf(msFromNtp(ntp(bits))), nearest);
    }),
    { numRuns: runs },
  ));

/** Never called: here the compiler is at work. */
export const mistakes = (ms: number, bits: bigint, text: string): ReadonlyArray<unknown> => {
  // @ts-expect-error: milliseconds since 1900 are none since 1970
  const a: UnixMs = ntpTime;
  // @ts-expect-error: nor the other way round
  const b: NtpMs = unix;
  // @ts-expect-error: a plain number has no epoch
  const c: UnixMs = ms;
  // @ts-expect-error
  const d: NtpMs = ms;
  // @ts-expect-error: a sum is a plain number, which `unixMs` marks again
  const e: UnixMs = unix + 1;
  // @ts-expect-error: a plain bigint, such as a VServiceID, is no timestamp
  const f: Ntp = bits;
  // @ts-expect-error: milliseconds are no timestamp
  const g: Ntp = unix;
  // @ts-expect-error
  const h: UnixMs = timestamp;
  // @ts-expect-error: a text is no number before somebody has looked
  const i: E164 = text;
  // @ts-expect-error
  const j: E164 = "+14085555432";
  return [a, b, c, d, e, f, g, h, i, j];
};
/** Never called either: the same in calls. */
export const mistakenCalls = (text: string): ReadonlyArray<unknown> => {
  // @ts-expect-error: a call's times are Unix times inside the program
  const call: CallTimes = { startMs: ntpTime, stopMs: ntpTime };
  return [
    call,
    // @ts-expect-error: PVP rounds NTP times
    roundNearest(unix, 10_000),
    // @ts-expect-error
    ntpFromMs(ntpTime),
    // @ts-expect-error
    msFromNtp(unix),
    // @ts-expect-error
    unixMsOf(unix),
    // @ts-expect-error
    ntpMsOf(ntpTime),
    isE164(text) ? (text satisfies E164) : undefined,
  ];
};
