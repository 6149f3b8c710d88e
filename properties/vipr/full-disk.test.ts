/** A ViPR server whose disk fills up while it runs: what it could not keep it does not acknowledge, and it goes on. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Layer, Logger } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import { startViprServer } from "../../actors/vipr/mod.ts";
import { e164, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer, openSqlite } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS } from "../validation/arbitrary.ts";
import { memberOf, OVERLAY } from "./member.ts";

const FREE = { host: "127.0.0.1", port: 0 } as const;
const PAGES_MAX = 18;
const AT_ONCE = 8;
/** So many, and the disk is full; so many, and it never will be. */
const REFUSED = 20;
const UPLOADS_MAX = 5_000;

const vcrOf = (i: number): Vcr => ({
  direction: i % 2 === 0 ? "sent" : "received",
  called: e164(`+4989${1_000_000 + i}`),
  calling: e164("+14085551000"),
  startMs: unixMs(HOUR_MS + 700_000),
  stopMs: unixMs(HOUR_MS + 1_900_000),
  vservice: vserviceId(7n),
});

test("a full disk: an upload that cannot be kept is refused over VAP, what was acknowledged is there after a restart", async () => {
  const path = mkdtempSync(join(tmpdir(), "vipr-full-"));
  const file = join(path, "values.sqlite");
  try {
    await Effect.runPromise(
      Effect.gen(function* () {
        const { credentials, overlay } = yield* memberOf(5n);
        const running = Effect.fnUntraced(function* (pagesMax: number | undefined) {
          const store = yield* openSqlite({ file, ...(pagesMax === undefined ? {} : { pagesMax }) });
          const server = yield* startViprServer({
            nodes: [credentials],
            overlay,
            listen: { reload: FREE, vap: FREE, pvp: FREE },
            vap: { users: { pbx: "secret" } },
            tickets: {},
            limits: { leaveMs: 0 },
            store,
          });
          return { store, server };
        });
        const accepted = yield* Effect.scoped(
          Effect.gen(function* () {
            const { store, server } = yield* running(PAGES_MAX);
            const agent = yield* connectVap({
              ...server.vap,
              username: "pbx",
              password: "secret",
              name: "exchange/1.0",
              vservice: vserviceId(7n),
            });
            yield* agent.publishVService({
              id: "x",
              dhtName: OVERLAY,
              didCount: 1,
              domain: "a.example",
              routes: [{ sipUris: ["sip:x@a.example:5061"] }],
            });
            const tried: Array<boolean> = [];
            while (tried.filter((is) => !is).length < REFUSED && tried.length < UPLOADS_MAX) {
              const next = Array.from({ length: AT_ONCE }, (_, i) => tried.length + i);
              const upload = (i: number) => Effect.result(agent.uploadVcr(vcrOf(i)));
              const results = yield* Effect.forEach(next, upload, { concurrency: "unbounded" });
              tried.push(...results.map(({ _tag }) => _tag === "Success"));
            }
            ok(tried.length < UPLOADS_MAX, "the disk never was full");
            ok(tried.filter((is) => is).length > AT_ONCE, "the disk was full from the beginning");
            const counts = [tried.filter((is, i) => is && i % 2 === 1), tried.filter((is, i) => is && i % 2 === 0)];
            const [received, sent] = counts.map(({ length }) => length);
            const { terminating, pending } = yield* server.counters;
            same([terminating, pending], [received, sent]);
            same([(yield* store.scan("vcrReceived")).length, (yield* store.scan("vcrSent")).length], [received, sent]);
            return [received, sent];
          }),
        );
        const { server } = yield* running(undefined);
        const { terminating, pending } = yield* server.counters;
        same([terminating, pending], accepted);
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))),
    );
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});
