/** Call records on their way to the server: never too many at once, none lost, each acknowledged or failed with a reason. */
import { deepStrictEqual as same } from "node:assert";
import { Deferred, Effect, Fiber } from "effect";
import { openUploads, UPLOADS_AT_ONCE_MAX } from "../../actors/agent/mod.ts";
import { VapRefused } from "../../actors/vap/mod.ts";
import { errorCode } from "../../codecs/vap/mod.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { vcr } from "../vap/values.ts";

const WAITING_MAX = 100;
const refused = (code?: number) =>
  new VapRefused({ reason: "refused", ...(code === undefined ? {} : { code }), why: "" });
const inMemory = (what: string, program: Effect.Effect<void, unknown>) =>
  test(`uploads: ${what}`, () => runVirtual(program as Effect.Effect<void>));

inMemory(
  "many records go up, no more at once than the limit",
  Effect.gen(function* () {
    let [out, most, taken] = [0, 0, 0];
    const uploadVcr = () =>
      Effect.gen(function* () {
        most = Math.max(most, ++out);
        yield* Effect.sleep(50);
        out -= 1;
        taken += 1;
      });
    const { upload } = yield* openUploads({ uploadVcr });
    yield* Effect.forEach(Array.from({ length: 1_000 }), () => upload(vcr), {
      concurrency: "unbounded",
      discard: true,
    });
    same([taken, most], [1_000, UPLOADS_AT_ONCE_MAX]);
  }),
);

inMemory(
  "a server without room is asked again, later each time; a record that is refused for what it is is final, and counted",
  Effect.gen(function* () {
    let attempts = 0;
    const failing = (times: number, code: number) => ({
      uploadVcr: () => Effect.suspend(() => (++attempts <= times ? Effect.fail(refused(code)) : Effect.void)),
    });
    yield* (yield* openUploads(failing(3, errorCode.publicationFailed))).upload(vcr);
    same(attempts, 4);
    attempts = 0;
    const forever = yield* openUploads(failing(99, errorCode.publicationFailed));
    const waiting = yield* Effect.flip(forever.upload(vcr));
    same([waiting.reason, waiting.isFinal], ["refused", false]);
    same(attempts, 6);
    attempts = 0;
    const final = yield* openUploads(failing(1, errorCode.badRequest));
    same((yield* Effect.flip(final.upload(vcr))).isFinal, true);
    for (const code of Object.values(errorCode).filter((one) => one !== errorCode.badRequest)) {
      const ofTheSession = yield* openUploads(failing(99_999, code));
      same([code, (yield* Effect.flip(ofTheSession.upload(vcr))).isFinal], [code, false]);
    }
    attempts = 1;
    yield* final.upload(vcr);
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
