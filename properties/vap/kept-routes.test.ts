/** Validated routes until an agent has them: `actors/vap/kept-routes.ts`, alone and behind a server on a virtual clock. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Queue, Scope } from "effect";
import fc from "fast-check";
import { Dialer, StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import {
  connectVap,
  KEPT_OF_VSERVICE_MAX,
  openKeptRoutes,
  openOwners,
  serveVap,
  type VapClientOptions,
  type VapHandlers,
} from "../../actors/vap/mod.ts";
import { e164, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import {
  decodeKeptRoute,
  encodeKeptRoute,
  keptRouteKey,
  protect,
  type ValInfo,
  VapMessage,
  vapKey,
  writeValInfo,
} from "../../codecs/vap/mod.ts";
import { cut, emptyRemainder } from "../../codecs/wire/mod.ts";
import { memoryLayer, memoryStore, type Ports, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { document, meaningful, VSERVICE, valInfo } from "./values.ts";

const OTHER = vserviceId(VSERVICE + 1n);
const DAY_MS = 86_400_000;
const infoOf = (i: number, ticket = valInfo.ticket): ValInfo => ({
  ...valInfo,
  number: e164(`+4989${10_000 + i}`),
  ticket,
});
const numbersOf = (infos: ReadonlyArray<{ readonly number: string }>) => infos.map(({ number }) => number);
const virtually = (name: string, program: Effect.Effect<unknown, unknown, Ports | Scope.Scope>) =>
  test(name, async () => {
    await runVirtual(Effect.provide(Effect.scoped(program), memoryLayer({ seed: 1 })));
  });

test("kept routes: a row is read as it was written; other bytes are no route", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(VSERVICE, OTHER),
      fc.nat(99),
      fc.nat(),
      fc.uint8Array({ maxLength: 40 }),
      (vservice, i, sinceMs, other) => {
        const info = infoOf(i);
        const route = { vservice, number: info.number, sinceMs, content: writeValInfo(info) };
        same(decodeKeptRoute(keptRouteKey(route), encodeKeptRoute(route)), route);
        const read = decodeKeptRoute(other, other);
        ok(read === undefined || /^\+[1-9]/.test(read.number));
      },
    ),
    { numRuns: runs },
  ));

type Step =
  | { readonly type: "keep" | "taken"; readonly vservice: VServiceId; readonly i: number; readonly ticket: string }
  | { readonly type: "restart" };
const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constantFrom("keep" as const, "taken" as const),
        vservice: fc.constantFrom(VSERVICE, OTHER),
        i: fc.nat(3),
        ticket: fc.constantFrom("AAECAw==", "AAECBA=="),
      }),
    },
    fc.constant({ type: "restart" as const }),
  ),
  { maxLength: 30 },
);

test("kept routes: the newest of each number is there until that one is taken, over restarts too", () =>
  fc.assert(
    fc.asyncProperty(steps, (script) =>
      Effect.runPromise(
        Effect.gen(function* () {
          const store = memoryStore();
          let routes = yield* openKeptRoutes(store);
          const model = new Map<string, Array<ValInfo>>([VSERVICE, OTHER].map((id) => [String(id), []]));
          for (const step of script) {
            if (step.type === "restart") routes = yield* openKeptRoutes(store);
            else {
              const { vservice, i, ticket } = step;
              const info = infoOf(i, ticket);
              const [before, id] = [model.get(String(vservice))!, String(vservice)];
              const kept = before.find(({ number }) => number === info.number);
              const others = before.filter((one) => one !== kept);
              if (step.type === "keep") {
                yield* routes.keep(vservice, info);
                model.set(id, [...others, info]);
              } else {
                const isIt = kept?.ticket === ticket;
                same(yield* routes.taken(vservice, info.number, writeValInfo(info)), isIt);
                if (isIt) model.set(id, others);
              }
            }
            for (const vservice of [VSERVICE, OTHER])
              same(
                (yield* routes.of(vservice, 0, 99)).map(({ content }) => content).sort(byBytes),
                model.get(String(vservice))!.map(writeValInfo).sort(byBytes),
              );
          }
        }),
      ),
    ),
    { numRuns: runs },
  ));
const byBytes = (a: Uint8Array, b: Uint8Array): number => (String(a) < String(b) ? -1 : 1);

virtually(
  "kept routes: what is too old, from before the owner, or unwelcome by now is removed and not told",
  Effect.gen(function* () {
    const store = memoryStore();
    let isWanted = true;
    const routes = yield* openKeptRoutes(store, () => isWanted);
    yield* routes.keep(VSERVICE, infoOf(1));
    yield* Effect.sleep(10 * DAY_MS);
    yield* routes.keep(VSERVICE, infoOf(2));
    yield* Effect.sleep(25 * DAY_MS);
    same(numbersOf(yield* routes.of(VSERVICE, 0, 9)), [infoOf(2).number]);
    yield* routes.keep(VSERVICE, infoOf(3));
    const { sinceMs } = (yield* routes.of(VSERVICE, 0, 9)).at(-1)!;
    same(numbersOf(yield* routes.of(VSERVICE, sinceMs, 9)), [infoOf(3).number]);
    isWanted = false;
    same(yield* routes.of(VSERVICE, 0, 9), []);
    isWanted = true;
    same(yield* (yield* openKeptRoutes(store)).of(VSERVICE, 0, 9), []);
  }),
);

virtually(
  "kept routes: a VService with too many loses its oldest, another none",
  Effect.gen(function* () {
    const routes = yield* openKeptRoutes(memoryStore());
    yield* routes.keep(OTHER, infoOf(0));
    for (let i = 0; i <= KEPT_OF_VSERVICE_MAX; i++) yield* routes.keep(VSERVICE, infoOf(i));
    const all = yield* routes.of(VSERVICE, 0, 2 * KEPT_OF_VSERVICE_MAX);
    same([all.length, all[0]!.number], [KEPT_OF_VSERVICE_MAX, infoOf(1).number]);
    same(numbersOf(yield* routes.of(OTHER, 0, 9)), [infoOf(0).number]);
  }),
);

const handlers: VapHandlers = {
  publishVService: () => Effect.succeed({ quotaLimit: 100, quotaCurrent: 7, dhtLifetimeS: 3_600 }),
  withdrawVService: () => Effect.void,
  publishNumber: () => Effect.void,
  uploadVcr: () => Effect.void,
};
/** A server over one store, with owners and routes in it. */
const serving = Effect.fnUntraced(function* (store: StoreShape, users: Readonly<Record<string, string>>) {
  const owners = yield* openOwners(store, (name) => Object.hasOwn(users, name));
  const routes = yield* openKeptRoutes(store);
  const server = yield* serveVap({ host: "127.0.0.1", port: 5620, users, owners, routes }, handlers);
  return {
    routes,
    validated: (vservice: VServiceId, info: ValInfo) =>
      Effect.andThen(routes.keep(vservice, info), server.notify(vservice, info)),
  };
});
const USERS = { ann: "secret", bob: "other" };
const agent = Effect.fnUntraced(function* (options: Partial<VapClientOptions> = {}) {
  const at = { host: "127.0.0.1", port: 5620, username: "ann", password: "secret" };
  const client = yield* connectVap({ ...at, name: "test/1.0", vservice: VSERVICE, ...options });
  yield* client.publishVService(document);
  yield* Effect.sleep(1_000);
  return client;
});
const heardBy = (client: { readonly learned: Queue.Dequeue<ValInfo> }) =>
  Effect.flatMap(Queue.size(client.learned), (size) => Effect.replicateEffect(Queue.take(client.learned), size));

virtually(
  "kept routes: an agent that was away hears what was validated meanwhile, over a restart of the server, and once",
  Effect.gen(function* () {
    const store = memoryStore();
    const life = yield* Scope.make();
    const server = yield* Scope.provide(serving(store, USERS), life);
    // The VService has its owner; then no agent is there.
    const first = yield* Scope.make();
    yield* Scope.provide(agent(), first);
    yield* Scope.close(first, Exit.void);
    yield* Effect.sleep(120_000);
    same(yield* server.validated(VSERVICE, infoOf(1)), 0);
    yield* Scope.close(life, Exit.void);
    const next = yield* serving(store, USERS);
    const back = yield* agent();
    same(yield* heardBy(back), [infoOf(1)]);
    same(yield* next.routes.of(VSERVICE, 0, 9), []);
    const second = yield* agent({ instance: 2n });
    same(yield* heardBy(second), []);
  }),
);

virtually(
  "kept routes: an agent that is killed before it has stored a route is told it again, until it has",
  Effect.gen(function* () {
    const server = yield* serving(memoryStore(), USERS);
    for (let life = 0; life < 3; life++) {
      const scope = yield* Scope.make();
      yield* Scope.provide(agent({ learn: () => Effect.never }), scope);
      if (life === 0) same(yield* server.validated(VSERVICE, infoOf(1)), 1);
      yield* Effect.sleep(1_000);
      yield* Scope.close(scope, Exit.void);
    }
    same(numbersOf(yield* server.routes.of(VSERVICE, 0, 9)), [infoOf(1).number]);
    const stored: Array<ValInfo> = [];
    const learn = (info: ValInfo) => Effect.sync(() => stored.push(info) > 0);
    yield* agent({ learn });
    same(stored, [infoOf(1)]);
    same(yield* server.routes.of(VSERVICE, 0, 9), []);
  }),
);

virtually(
  "kept routes: a thousand are told part by part, each once, and new ones between them",
  Effect.gen(function* () {
    const server = yield* serving(memoryStore(), USERS);
    const first = yield* Scope.make();
    yield* Scope.provide(agent(), first);
    yield* Scope.close(first, Exit.void);
    yield* Effect.sleep(120_000);
    for (let i = 0; i < 1_000; i++) yield* server.validated(VSERVICE, infoOf(i));
    const stored: Array<string> = [];
    yield* agent({ learn: ({ number }) => Effect.sync(() => stored.push(number) > 0) });
    yield* server.validated(VSERVICE, infoOf(1_000));
    yield* Effect.sleep(60_000);
    same([...stored].sort(), Array.from({ length: 1_001 }, (_, i) => infoOf(i).number).sort());
    same(yield* server.routes.of(VSERVICE, 0, 9), []);
  }),
);

/** A client of our own making that registers and subscribes, and answers no Notify. */
const overheardBy = Effect.fnUntraced(function* (username: string, password: string) {
  const stream = yield* (yield* Dialer).dial({ host: "127.0.0.1", port: 5620 });
  const [register, , , , subscribe] = meaningful;
  for (const [i, { type, attributes }] of [register!, subscribe!].entries()) {
    const content = { method: type.method as "register", class: type.class, attributes };
    yield* stream.write(
      protect(content, new Uint8Array(12).fill(i + 1), { username, key: vapKey(username, password) }),
    );
  }
  const heard: Array<VapMessage> = [];
  let remainder = emptyRemainder;
  const reading = Effect.forever(
    Effect.map(stream.read, (chunk) => {
      const result = cut(VapMessage, remainder, chunk, 65_555);
      remainder = result.rest;
      heard.push(...result.messages);
    }),
  );
  yield* Effect.raceFirst(Effect.exit(reading), Effect.sleep(1_000));
  const answers = heard.filter(({ type }) => type.class === "success").length;
  return { answers, isTold: heard.some(({ type }) => type.method === "notify") };
}, Effect.scoped);

virtually(
  "kept routes: who owns the VService later is not told what was validated before",
  Effect.gen(function* () {
    const store = memoryStore();
    const life = yield* Scope.make();
    const server = yield* Scope.provide(serving(store, USERS), life);
    yield* Scope.provide(agent(), life);
    yield* server.routes.keep(VSERVICE, infoOf(1));
    const bob = { username: "bob", password: "other", instance: 9n };
    same(yield* overheardBy("bob", "other"), { answers: 2, isTold: false });
    same(yield* overheardBy("ann", "secret"), { answers: 2, isTold: true });
    same(numbersOf(yield* server.routes.of(VSERVICE, 0, 9)), [infoOf(1).number]);
    yield* Scope.close(life, Exit.void);
    // Ann was removed.
    const next = yield* serving(store, { bob: "other" });
    const heir = yield* agent(bob);
    same(yield* heardBy(heir), []);
    same(yield* next.routes.of(VSERVICE, 0, 9), []);
  }),
);

virtually(
  "kept routes: a store that refuses costs the keeping, and nothing is told without end",
  Effect.gen(function* () {
    const whole = memoryStore();
    let isFull = false;
    const full = new StoreFailed({ reason: "full", why: "no space" });
    const store: StoreShape = {
      ...whole,
      write: (changes) => (isFull ? Effect.fail(full) : whole.write(changes)),
    };
    const server = yield* serving(store, USERS);
    const stored: Array<string> = [];
    yield* agent({ learn: ({ number }) => Effect.sync(() => stored.push(number) > 0) });
    isFull = true;
    same(yield* server.validated(VSERVICE, infoOf(1)), 1);
    isFull = false;
    yield* server.routes.keep(VSERVICE, infoOf(2));
    isFull = true;
    yield* agent({ instance: 2n, learn: ({ number }) => Effect.sync(() => stored.push(number) > 0) });
    yield* Effect.sleep(60_000);
    same(stored, [infoOf(1).number, infoOf(2).number]);
  }),
);
