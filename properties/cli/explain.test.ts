/** `vipr explain` as an operator runs it: a process that asks a server's admin port, with the token of its directory. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Logger } from "effect";
import { handleAdmin } from "../../actors/admin/mod.ts";
import { remember, stories, storyOf } from "../../machines/vipr/mod.ts";
import { serveAdmin } from "../../runtime/admin.ts";
import { newToken, writeDoor } from "../../runtime/cli/door.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { test } from "../kit/harness.ts";
import { vipr, withFolder } from "./processes.ts";

const NUMBER = "+14085555432";
const call = { startMs: 3_976_214_403_000, stopMs: 3_976_214_500_000 };

test("explain: a running server tells a number's story to whoever may read its directory; unknown, wrong and away are told", () =>
  withFolder(async (path) => {
    const told = stories(12);
    remember(
      told,
      { type: "vcr", direction: "sent", number: NUMBER, call, hasCaller: true, dueMs: 1e13, worthBits: 9 },
      0,
    );
    const away = await vipr(["explain", NUMBER, "--data", path]);
    same([away.code, away.out], [3, ""]);
    await Effect.runPromise(
      Effect.gen(function* () {
        const token = newToken();
        const explain = (number: string) => Effect.sync(() => storyOf(told, number));
        const times = { startedMs: 0, certificateEndsMs: 0 };
        // No node is asked by this order.
        const answer = handleAdmin({ node: undefined as never, token, times, explain });
        const at = yield* serveAdmin({ host: "127.0.0.1", port: 0 }, answer);
        yield* writeDoor(yield* openFolder(path), { ...at, token });
        yield* Effect.promise(async () => {
          const asked = (...more: ReadonlyArray<string>) => vipr(["explain", ...more, "--data", path]);
          const [text, json, unknown, wrong] = await Promise.all([
            asked("0014085555432"),
            asked(NUMBER, "--json"),
            asked("+49301234567"),
            asked("nobody"),
          ]);
          same([text.code, text.err], [0, ""]);
          ok(text.out.includes("No route yet: no call has been looked at."), text.out);
          same(JSON.parse(json.out).story.sent, 1);
          same([unknown.code, unknown.out.includes("Nothing is known of it here.")], [1, true]);
          same([wrong.code, wrong.out], [2, ""]);
          ok(wrong.err.includes('"nobody" is no telephone number'), wrong.err);
        });
        const unasked = yield* answer({
          method: "POST",
          path: "/explain",
          host: "127.0.0.1",
          authorization: "Bearer guess",
          body: JSON.stringify({ number: NUMBER }),
        });
        same(unasked.status, 401);
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    );
  }));
