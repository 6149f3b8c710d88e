/** The audit logs of the companies on one server: each has its own events of a number, and those of no other. */
import { deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { openOwners } from "../../actors/vap/mod.ts";
import { openAuditLogs } from "../../actors/vipr/audit-logs.ts";
import { storedReport } from "../../actors/vipr/mod.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { e164, nodeIdFrom, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { callStore } from "../../machines/validation/mod.ts";
import { REQUIRED_BITS } from "../../machines/vipr/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(Effect.provide(body, Layer.merge(memoryLayer({ seed: 3 }), Logger.layer([])))) as Effect.Effect<A, E>,
  );
const NUMBER = e164("+14085550000");
const COMPANIES = ["", "acme", "nord"] as const;
const events = fc.array(fc.tuple(fc.constantFrom(...COMPANIES), fc.constantFrom("published", "publishFailed")), {
  maxLength: 40,
});

test("audit logs: what a company reads of a number is what it would read if it were alone, in memory and from the disk", () =>
  fc.assert(
    fc.asyncProperty(events, fc.boolean(), (script, isStored) =>
      virtually(
        Effect.gen(function* () {
          const readBy = Effect.fnUntraced(function* (only: string | undefined) {
            const store = isStored ? memoryStore() : undefined;
            const logs = yield* openAuditLogs({ store, requiredBits: REQUIRED_BITS });
            for (const [i, [tenant, type]] of script.entries())
              if (only === undefined || tenant === only)
                yield* logs.record(
                  tenant,
                  type === "published"
                    ? { type, number: NUMBER }
                    : { type: "publishFailed", number: NUMBER, why: `${i}` },
                  i,
                );
            if (isStored) yield* Effect.sleep(1_000); // written by now
            const reports = new Map<string, unknown>();
            for (const tenant of COMPANIES) {
              const stored =
                store && (yield* storedReport(store, NUMBER, 0, { tenant, isUser: (name) => name === tenant }));
              reports.set(tenant, [yield* (yield* logs.of(tenant)).read(NUMBER), stored]);
            }
            return reports;
          });
          const all = yield* readBy(undefined);
          for (const tenant of COMPANIES) same(all.get(tenant), (yield* readBy(tenant)).get(tenant));
        }),
      ),
    ),
    { numRuns: Math.min(runs, 25) },
  ));

test("audit logs: a call that waits is in the stored report of the company whose VService made it, and in no other", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const owners = yield* openOwners(store, () => true);
      owners.acquire({ vservice: vserviceId(7n), instance: 1n }, "pbx");
      yield* owners.persist(vserviceId(7n));
      const records = yield* openRecords(store, callStore([nodeIdFrom(5n)]));
      const vcr = {
        direction: "sent" as const,
        calling: undefined,
        called: NUMBER,
        startMs: unixMs(1_000),
        stopMs: unixMs(90_000),
        vservice: vserviceId(7n),
      };
      yield* records.sent({ vcr, dueMs: unixMs(5_000_000) });
      const waitingOf = (tenant: string, user: string) =>
        Effect.map(
          storedReport(store, NUMBER, 0, { tenant, isUser: (name) => name === user }),
          (report) => report?.waiting.length ?? 0,
        );
      same([yield* waitingOf("acme", "pbx"), yield* waitingOf("nord", "desk")], [1, 0]);
    }),
  ));
