/** Call records on their way to the server: never too many at once, none lost, each acknowledged or failed with a reason. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import { Deferred, Effect, Fiber } from "effect";
import fc from "fast-check";
import { openUploads, UPLOADS_AT_ONCE_MAX } from "../../actors/agent/mod.ts";
import { importCdr } from "../../actors/cdr/mod.ts";
import { VapRefused } from "../../actors/vap/mod.ts";
import type { CdrCall } from "../../codecs/cdr/mod.ts";
import { e164, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { errorCode } from "../../codecs/vap/mod.ts";
import { vcrOf } from "../../machines/agent/mod.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { vcr } from "../vap/values.ts";

const WAITING_MAX = 100;
const EXAMPLE = new URL("../examples/Master.csv", import.meta.url);
const refused = (code?: number) =>
  new VapRefused({ reason: "refused", ...(code === undefined ? {} : { code }), why: "" });
const inMemory = (what: string, program: Effect.Effect<void, unknown>) =>
  test(`uploads: ${what}`, () => runVirtual(program as Effect.Effect<void>));

test("uploads: a call record says who called whom, when, and which way as seen from our numbers", () =>
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), fc.nat(2e12), fc.nat(1e7), (hasCaller, a, b, startMs, ms) => {
      const [ours, theirs] = [e164("+14085550001"), e164("+493055500")] as const;
      const calling = hasCaller ? (a ? ours : theirs) : undefined;
      const called = b ? ours : theirs;
      const call: CdrCall = { line: 1, calling, called, startMs: unixMs(startMs), durationMs: ms, uniqueId: undefined };
      const made = vcrOf(call, (number) => number === ours, vserviceId(7n));
      const isOut = calling === ours;
      if (isOut === b) return same(made, undefined);
      ok(made !== undefined);
      same(
        [made.direction, made.calling, made.called, made.vservice],
        [isOut ? "sent" : "received", calling, called, 7n],
      );
      same([made.startMs, made.stopMs], [startMs, startMs + ms]);
    }),
    { numRuns: runs },
  ));

inMemory(
  "a whole file goes up, no faster than it is acknowledged",
  Effect.gen(function* () {
    const { calls } = yield* importCdr([readFileSync(EXAMPLE, "utf8")]);
    const serves = (number: string) => number === calls[0]!.called;
    const expected = calls.filter((call) => vcrOf(call, serves, vserviceId(1n)) !== undefined).length;
    ok(expected > 0);
    const taken: Array<Vcr> = [];
    let [out, most] = [0, 0];
    const uploadVcr = (one: Vcr) =>
      Effect.gen(function* () {
        most = Math.max(most, ++out);
        yield* Effect.sleep(50);
        out -= 1;
        taken.push(one);
      });
    const uploads = yield* openUploads({ uploadVcr });
    const many = Array.from({ length: 300 }, () => calls).flat();
    const report = yield* uploads.uploadCalls(many, { serves, vservice: vserviceId(1n) });
    same(report, { acknowledged: 300 * expected, failed: 0, passedOver: many.length - 300 * expected });
    same(taken.length, 300 * expected);
    same(most, UPLOADS_AT_ONCE_MAX);
  }),
);

inMemory(
  "a server without room is asked again, later each time; another refusal is final, and counted",
  Effect.gen(function* () {
    let attempts = 0;
    const failing = (times: number, code: number) => ({
      uploadVcr: () => Effect.suspend(() => (++attempts <= times ? Effect.fail(refused(code)) : Effect.void)),
    });
    yield* (yield* openUploads(failing(3, errorCode.publicationFailed))).upload(vcr);
    same(attempts, 4);
    attempts = 0;
    const forever = yield* openUploads(failing(99, errorCode.publicationFailed));
    same((yield* Effect.flip(forever.upload(vcr))).reason, "refused");
    same(attempts, 6);
    attempts = 0;
    const final = yield* openUploads(failing(1, errorCode.badRequest));
    const call: CdrCall = {
      line: 9,
      calling: undefined,
      called: e164("+1"),
      startMs: unixMs(0),
      durationMs: 1,
      uniqueId: undefined,
    };
    const all = { serves: () => true, vservice: vserviceId(1n) };
    same(yield* final.uploadCalls([call, call], all), { acknowledged: 1, failed: 1, passedOver: 0 });
    same(attempts, 2);
  }),
);

inMemory(
  "while the server is away records wait, up to the limit; the next one fails at once",
  Effect.gen(function* () {
    const back = yield* Deferred.make<void>();
    const uploads = yield* openUploads({ uploadVcr: () => Deferred.await(back) }, WAITING_MAX);
    const waiting = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: WAITING_MAX }), () => uploads.upload(vcr), {
        concurrency: "unbounded",
        discard: true,
      }),
    );
    yield* Effect.sleep(1);
    same((yield* Effect.flip(uploads.upload(vcr))).reason, "full");
    yield* Deferred.succeed(back, undefined);
    yield* Fiber.join(waiting);
    yield* uploads.upload(vcr);
  }),
);
