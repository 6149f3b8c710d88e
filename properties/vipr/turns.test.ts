/** Companies on one server, one after another: no part is exceeded, none is idle while it has room, and a busy one delays no other. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { LOOK_UPS_MAX, VALIDATIONS_MAX } from "../../actors/vipr/validating.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { callStore, ROUND_MS } from "../../machines/validation/mod.ts";
import {
  enqueueTurn,
  nextTurnMs,
  openTurns,
  partOf,
  takeTurn,
  turnBegun,
  turnEnded,
  turnFound,
} from "../../machines/vipr/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { sentCall } from "../validation/arbitrary.ts";

const COMPANIES = ["", "acme", "nord", "west"] as const;
const LIMITS = { validationsMax: 16, lookUpsMax: 8, waitingMax: 40 };

type Step =
  | { readonly type: "enqueue"; readonly company: string; readonly dueMs: number }
  | { readonly type: "take" }
  | { readonly type: "found" | "ended"; readonly at: number }
  | { readonly type: "pass"; readonly ms: number };
const company = fc.constantFrom(...COMPANIES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("enqueue" as const), company, dueMs: fc.nat(100) }) },
  { weight: 4, arbitrary: fc.constant({ type: "take" } as const) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("found", "ended"), at: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.nat(60) }) },
);
interface Item {
  readonly company: string;
  readonly dueMs: number;
  readonly order: number;
}

test("turns: against a plain list, no part is exceeded, and whoever is due and has room is served in turn", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200, size: "max" }),
      fc.array(fc.constantFrom(0, 0.1, 0.25, 0.5, 1), { minLength: 4, maxLength: 4 }),
      (steps, parts) => {
        const part = (of: string) => parts[COMPANIES.indexOf(of as (typeof COMPANIES)[number])]!;
        const turns = openTurns<Item>({ ...LIMITS, partOf: part });
        const waiting: Array<Item> = [];
        const running: Array<{ readonly company: string; isFound: boolean }> = [];
        /** Turns of others since each company could have had its own. */
        const passedOver = new Map<string, Map<string, number>>();
        let [nowMs, order] = [0, 0];
        const validatingOf = (of: string) => running.filter((one) => one.company === of).length;
        const lookingUpOf = (of: string) => running.filter((one) => one.company === of && !one.isFound).length;
        const hasRoom = (of: string) =>
          validatingOf(of) < partOf(LIMITS.validationsMax, part(of)) &&
          lookingUpOf(of) < partOf(LIMITS.lookUpsMax, part(of));
        const isFull = () =>
          running.length >= LIMITS.validationsMax ||
          running.filter(({ isFound }) => !isFound).length >= LIMITS.lookUpsMax;
        const mayBegin = () => (isFull() ? [] : waiting.filter(({ company }) => hasRoom(company)));
        for (const one of steps) {
          switch (one.type) {
            case "enqueue": {
              const item = { company: one.company, dueMs: nowMs + one.dueMs, order: ++order };
              same(enqueueTurn(turns, item.company, item, item.dueMs), waiting.length < LIMITS.waitingMax);
              if (waiting.length < LIMITS.waitingMax) waiting.push(item);
              break;
            }
            case "take": {
              const able = mayBegin().filter(({ dueMs }) => dueMs <= nowMs);
              const taken = takeTurn(turns, nowMs);
              same(taken === undefined, able.length === 0);
              if (taken === undefined) break;
              const { item } = taken;
              const first = able
                .filter(({ company }) => company === item.company)
                .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
              same([item, taken.company], [first, item.company]);
              for (const other of new Set(able.map(({ company }) => company))) {
                if (other === item.company) continue;
                const seen = passedOver.get(other) ?? new Map<string, number>();
                seen.set(item.company, (seen.get(item.company) ?? 0) + 1);
                passedOver.set(other, seen);
                ok(seen.get(item.company)! <= 1, `${item.company} had two turns while ${other} waited`);
              }
              passedOver.delete(item.company);
              for (const [other] of passedOver)
                if (!able.some(({ company }) => company === other)) passedOver.delete(other);
              waiting.splice(waiting.indexOf(item), 1);
              turnBegun(turns, item.company);
              running.push({ company: item.company, isFound: false });
              ok(validatingOf(item.company) <= partOf(LIMITS.validationsMax, part(item.company)));
              ok(running.length <= LIMITS.validationsMax);
              break;
            }
            case "found": {
              const found = running[one.at];
              if (found === undefined || found.isFound) break;
              found.isFound = true;
              turnFound(turns, found.company);
              break;
            }
            case "ended": {
              const [ended] = running.splice(one.at, 1);
              if (ended === undefined) break;
              if (!ended.isFound) turnFound(turns, ended.company);
              turnEnded(turns, ended.company);
              break;
            }
            case "pass":
              nowMs += one.ms;
          }
          const next = mayBegin().map(({ dueMs }) => dueMs);
          same(nextTurnMs(turns), next.length === 0 ? undefined : Math.min(...next));
          same(turns.waiting, waiting.length);
        }
      },
    ),
    { numRuns: runs },
  );
});

test("turns: a company with a thousand calls that nobody answers delays no call of another", () =>
  runVirtual(
    Effect.gen(function* () {
      const [busy, quiet] = [vserviceId(1n), vserviceId(2n)];
      const lookedUp: Array<string> = [];
      const startMs = yield* Clock.currentTimeMillis;
      const originating = yield* openOriginating(
        {
          nodeId: nodeIdFrom(1n),
          waitBetweenMs: [1_000, 1_000],
          requiredBits: 12,
          roundMs: ROUND_MS,
          isPrivate: () => false,
          domainOf: () => "a.example",
          companies: { of: (vservice) => (vservice === busy ? "busy" : "quiet"), partOf: () => 0.5 },
          learned: () => Effect.void,
          watch: () => Effect.void,
        },
        {
          // Neither does the overlay answer who claims a number, nor a claimant: each for as long as may be.
          lookUp: (number) =>
            Effect.gen(function* () {
              if (number.startsWith("+1555")) return yield* Effect.never;
              lookedUp.push(`${number} ${(yield* Clock.currentTimeMillis) - startMs}`);
              return [];
            }),
          resolve: () => Effect.never,
        },
        yield* Effect.orDie(openRecords(undefined, callStore([]))),
      );
      for (let i = 0; i < 1_000; i++)
        yield* originating.take({ ...sentCall, vservice: busy, called: e164(`+1555${1_000_000 + i}`) });
      yield* Effect.sleep(2_000);
      same(yield* originating.underWay, Math.min(LOOK_UPS_MAX, VALIDATIONS_MAX) / 2);
      const called = e164("+493055509");
      yield* originating.take({ ...sentCall, vservice: quiet, called });
      yield* Effect.sleep(2_000);
      same(lookedUp, [`${called} 3000`]);
    }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(memoryLayer({ seed: 3 }), Logger.layer([])))),
  ));
