/** The route cache as an actor: a ticket's validity ends a route, a restart does not. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Queue } from "effect";
import { openRouteCache } from "../../actors/agent/mod.ts";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

const NUMBER = e164("+14085550001");
const LIFETIME_MS = 7 * 24 * 3_600_000;
const inMemory = (what: string, program: Effect.Effect<void, unknown, any>) =>
  test(`routes: ${what}`, () => runVirtual(Effect.provide(Effect.scoped(program), memoryLayer({ seed: 5 })) as never));

const validated = Effect.fnUntraced(function* (number = NUMBER) {
  const secret = { epoch: 1, password: "of nord" };
  const issuer = yield* openTicketIssuer({
    grantingNode: nodeIdFrom(1n),
    grantingDomain: "nord.example",
    secret,
    lifetimeMs: LIFETIME_MS,
  });
  const ticket = yield* issuer.issue({ number, grantedTo: "acme.example", vservice: vserviceId(1n) });
  return { number, ticket, routes: [{ sipUris: ["sip:x@nord.example"] }] } satisfies ValInfo as ValInfo;
});

inMemory(
  "a route is gone when the validity of its ticket has ended, from memory and from the store",
  Effect.gen(function* () {
    const store = memoryStore();
    const cache = yield* openRouteCache({ store });
    const learned = yield* Queue.unbounded<ValInfo>();
    yield* cache.learnFrom(learned);
    yield* Queue.offer(learned, yield* validated());
    yield* Effect.sleep(0);
    // A ticket is as old as the first of its quarter of a lifetime. DECISIONS.md D-243.
    yield* Effect.sleep(cache.all()[0]!.expiresMs - (yield* Clock.currentTimeMillis) - 1);
    const before = yield* Clock.currentTimeMillis;
    same(cache.to(NUMBER, before)?.uris, ["sip:x@nord.example"]);
    same((yield* store.scan("routes")).length, 1);
    yield* Effect.sleep(1);
    same(cache.to(NUMBER, before + 1), undefined);
    yield* Effect.sleep(3_600_000);
    same([cache.all(), yield* store.scan("routes")], [[], []]);
  }),
);

inMemory(
  "after a restart the cache has what it had, with the same expiry",
  Effect.gen(function* () {
    const store = memoryStore();
    const info = yield* validated();
    const first = yield* Effect.scoped(
      Effect.gen(function* () {
        const cache = yield* openRouteCache({ store });
        same(yield* cache.learn(info), undefined);
        return cache.all();
      }),
    );
    yield* Effect.sleep(LIFETIME_MS / 2);
    const again = yield* openRouteCache({ store });
    same(again.all(), first);
    yield* Effect.sleep(LIFETIME_MS / 2);
    same((yield* openRouteCache({ store })).all(), []);
  }),
);

inMemory(
  "a route that had to go for want of room is not there after a restart either",
  Effect.gen(function* () {
    const store = memoryStore();
    const cache = yield* openRouteCache({ store, routesMax: 2 });
    const numbers = [e164("+14085550001"), e164("+14085550002"), e164("+14085550003")];
    for (const number of numbers) same(yield* cache.learn(yield* validated(number)), undefined);
    same(
      (yield* openRouteCache({ store }))
        .all()
        .map(({ number }) => number)
        .toSorted(),
      numbers.slice(1),
    );
  }),
);

inMemory(
  "a store that refuses costs the restart, not the route; a forged document costs nothing",
  Effect.gen(function* () {
    const full = Effect.fail(new StoreFailed({ reason: "full", why: "no room" }));
    const store: StoreShape = { ...memoryStore(), write: () => full };
    const cache = yield* openRouteCache({ store });
    const info = yield* validated();
    same([yield* cache.learn(info), yield* cache.keep(info)], ["notStored", false]);
    ok(cache.to(NUMBER, yield* Clock.currentTimeMillis) !== undefined);
    same(yield* cache.keep({ ...info, ticket: "bm8gdGlja2V0" }), true); // sent again it would be no better
    same(yield* cache.learn({ ...info, number: e164("+14085550009") }), "otherNumber");
    same(yield* cache.learn({ ...info, ticket: "bm8gdGlja2V0" }), "badTicket");
    same(cache.all().length, 1);
  }),
);
