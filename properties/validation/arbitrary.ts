/** Calls, claims and user names for the properties of validation. */
import fc from "fast-check";
import { type CallTimes, e164, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { type PvpUserName, TIME_BITS_MAX } from "../../codecs/validation/mod.ts";
import type { CallFacts } from "../../machines/validation/mod.ts";
import { anyNodeId } from "../kit/node-ids.ts";

export const numbers = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 999_999_999 }))
  .map(([first, rest]) => e164(`+${first}${rest}`));
export const nodeIds = anyNodeId();
export const vservices = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(vserviceId);
const hex = (digits: number) =>
  fc.bigInt({ min: 0n, max: 16n ** BigInt(digits) - 1n }).map((n) => n.toString(16).padStart(digits, "0"));
export const seconds = fc.integer({ min: 0, max: 0xffff_ffff });
const minutes = fc.integer({ min: 0, max: Math.floor(0xffff_ffff / 60) }).map((n) => n * 60);
const directions = fc.constantFrom("u" as const, "d" as const);

const parties = { originator: nodeIds, terminator: nodeIds, vservice: vservices, start: directions, stop: directions };
const called = { ...parties, called: numbers };
const halfHours = fc.integer({ min: 0, max: 1e8 }).map((n) => n * 1_800);
const bits = fc.array(fc.constantFrom("0", "1"), { maxLength: TIME_BITS_MAX }).map((each) => each.join(""));
const longSeconds = fc.oneof(seconds, fc.integer({ min: 2 ** 32, max: 999_999_999_999 }));
const [one, two] = [fc.constant(1 as const), fc.constant(2 as const)];
const [A, B, C] = [fc.constant("A" as const), fc.constant("B" as const), fc.constant("C" as const)];
const ofVersion1: fc.Arbitrary<PvpUserName> = fc.oneof(
  fc.record({ ...called, version: one, method: A, callerHash: hex(16) }, { noNullPrototype: true }),
  fc.record({ ...called, version: one, method: B, instant: seconds }, { noNullPrototype: true }),
);
const ofVersion2: fc.Arbitrary<PvpUserName> = fc.oneof(
  fc.record(
    { ...called, version: two, method: A, callerHash: hex(16), halfHour: halfHours, bits },
    { noNullPrototype: true },
  ),
  fc.record({ ...called, version: two, method: B, instant: longSeconds, bits }, { noNullPrototype: true }),
);
export const userNames: fc.Arbitrary<PvpUserName> = fc.oneof(
  ofVersion1,
  ofVersion2,
  fc.record(
    {
      ...parties,
      version: fc.constantFrom(1 as const, 2 as const),
      method: C,
      startMinute: minutes,
      stopMinute: minutes,
      calledHash: hex(2),
    },
    { noNullPrototype: true },
  ),
);

/** 2026-01-01T00:00Z, in milliseconds since 1970. */
export const HOUR_MS = 1_767_225_600_000;
/** Calls an hour after one another: no two of them overlap. */
export const hourly = (i: number): CallTimes => ({
  startMs: unixMs(HOUR_MS + i * 3_600_000),
  stopMs: unixMs(HOUR_MS + i * 3_600_000 + 60_000),
});

export const vcrs: fc.Arbitrary<Vcr> = fc
  .record({
    calling: fc.option(numbers, { nil: undefined }),
    called: numbers,
    startMs: fc.nat(30 * 24 * 3_600_000),
    lastsMs: fc.nat(4 * 3_600_000),
    vservice: vservices,
  })
  .map(({ calling, called, startMs, lastsMs, vservice }) => ({
    direction: "received" as const,
    calling,
    called,
    startMs: unixMs(HOUR_MS + startMs),
    stopMs: unixMs(HOUR_MS + startMs + lastsMs),
    vservice,
  }));

export const anyCallFacts: fc.Arbitrary<CallFacts> = fc
  .record(
    {
      called: numbers,
      calling: fc.option(numbers, { nil: undefined }),
      startMs: fc.nat(3_600_000).map((ms) => unixMs(HOUR_MS + ms)),
      lastsMs: fc.nat(3_600_000),
    },
    { noNullPrototype: true },
  )
  .map(({ lastsMs, ...call }) => ({ ...call, stopMs: unixMs(call.startMs + lastsMs) }));

/** One call as its caller's side recorded it. */
export const sentCall: Vcr = {
  direction: "sent",
  calling: e164("+33123456789"),
  called: e164("+14085555432"),
  startMs: unixMs(HOUR_MS + 423_000),
  stopMs: unixMs(HOUR_MS + 523_000),
  vservice: vserviceId(0n),
};
/** The same as the other side saw it, its clock two seconds away. */
export const receivedCall: Vcr = {
  ...sentCall,
  direction: "received",
  startMs: unixMs(HOUR_MS + 425_000),
  stopMs: unixMs(HOUR_MS + 521_100),
  vservice: vserviceId(7n),
};
