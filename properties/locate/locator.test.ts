/** The locator on virtual time: what it keeps and for how long, whom it asks, who comes last. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer } from "effect";
import { type Locator, openLocator } from "../../actors/locate/mod.ts";
import { Dns } from "../../actors/ports/mod.ts";
import { parseUri, type SipUri } from "../../codecs/sip/mod.ts";
import type { DnsAnswer, DnsQuestion } from "../../machines/locate/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { answerIn, at, DOMAIN, srv, type Zone } from "./zone.ts";

const uriOf = (text: string): SipUri => {
  const uri = parseUri(text);
  ok(uri.ok);
  return uri.value as SipUri;
};

interface World {
  readonly locator: Locator;
  zone: Zone;
  ttlS: number;
  readonly asked: Array<string>;
  /** The hosts that it finds, in their order. */
  readonly hosts: (text?: string) => Effect.Effect<ReadonlyArray<string>>;
}
/** `answer`: what the DNS does; by default it answers at once. */
const world = (
  name: string,
  zone: Zone,
  body: (world: World) => Effect.Effect<void>,
  answer: (found: DnsAnswer, question: DnsQuestion) => Effect.Effect<DnsAnswer> = Effect.succeed,
): void =>
  test(name, async () => {
    const state = { zone, ttlS: 60, asked: [] as Array<string> };
    const dns = Layer.succeed(Dns, {
      ask: (question: DnsQuestion) =>
        Effect.suspend(() => {
          state.asked.push(`${question.kind} ${question.name}`);
          return answer(answerIn(state.zone, question, state.ttlS), question);
        }),
    });
    const program = Effect.gen(function* () {
      const locator = yield* openLocator({ transports: ["UDP", "TCP"], families: ["IPv4"] });
      const hosts = (text = `sip:${DOMAIN}:5060`) =>
        Effect.map(locator.locate(uriOf(text)), (found) =>
          found.type === "targets" ? found.targets.map(({ host }) => host) : [found.why],
        );
      yield* body(Object.assign(state, { locator, hosts }));
    });
    await runVirtual(Effect.scoped(program).pipe(Effect.provide(dns), Effect.provide(memoryLayer({ seed: 3 }))));
  });

const ONE: Zone = { [`A ${DOMAIN}`]: at("192.0.2.1") };

world("what was answered is kept for its time to live, and asked again after it", ONE, (world) =>
  Effect.gen(function* () {
    const { hosts, asked } = world;
    for (let i = 0; i < 5; i++) same(yield* hosts(), ["192.0.2.1"]);
    same(asked, [`A ${DOMAIN}`]);
    world.zone = { [`A ${DOMAIN}`]: at("192.0.2.2") };
    yield* Effect.sleep(59_000);
    same(yield* hosts(), ["192.0.2.1"]);
    yield* Effect.sleep(1_000);
    same(yield* hosts(), ["192.0.2.2"]);
    same(asked.length, 2);
  }),
);

world("records of before are taken while nobody answers, for a day", ONE, (world) =>
  Effect.gen(function* () {
    const { hosts } = world;
    same(yield* hosts(), ["192.0.2.1"]);
    world.zone = { [`A ${DOMAIN}`]: "ETIMEOUT" };
    yield* Effect.sleep(3_600_000);
    same(yield* hosts(), ["192.0.2.1"]);
    yield* Effect.sleep(24 * 3_600_000);
    same(yield* hosts(), ["noAnswer"]);
    world.zone = { [`A ${DOMAIN}`]: at("192.0.2.2") };
    yield* Effect.sleep(5_000);
    same(yield* hosts(), ["192.0.2.2"]);
  }),
);

world("a name that is gone is gone: no records of before", ONE, (world) =>
  Effect.gen(function* () {
    same(yield* world.hosts(), ["192.0.2.1"]);
    world.zone = {};
    yield* Effect.sleep(60_000);
    same(yield* world.hosts(), ["noAddress"]);
  }),
);

world(
  "many who look for one name at once ask once, and each is answered",
  ONE,
  ({ hosts, asked }) =>
    Effect.gen(function* () {
      const all = yield* Effect.all(
        Array.from({ length: 200 }, () => hosts()),
        { concurrency: "unbounded" },
      );
      same(new Set(all.flat()), new Set(["192.0.2.1"]));
      same(asked, [`A ${DOMAIN}`]);
    }),
  (found) => Effect.as(Effect.sleep(300), found),
);

world(
  "an answer that comes too late for one call is there for the next",
  ONE,
  ({ hosts, asked }) =>
    Effect.gen(function* () {
      same(yield* hosts(), ["noAnswer"]);
      yield* Effect.sleep(1_000);
      same(yield* hosts(), ["192.0.2.1"]);
      same(asked, [`A ${DOMAIN}`]);
    }),
  (found) => Effect.as(Effect.sleep(2_000), found),
);

world("an address asks nobody anything", ONE, ({ hosts, asked }) =>
  Effect.gen(function* () {
    same(yield* hosts("sip:192.0.2.7;transport=tcp"), ["192.0.2.7"]);
    same(yield* hosts("sip:nord.example;maddr=192.0.2.8"), ["192.0.2.8"]);
    same(asked, []);
  }),
);

const TWO: Zone = {
  [`SRV _sip._udp.${DOMAIN}`]: [srv(1, 0, 5_060, "a"), srv(2, 0, 5_060, "b")],
  "A a": at("192.0.2.1"),
  "A b": at("192.0.2.2"),
};

world("RFC 3263 §4.3: who was down comes last, for half a minute", TWO, ({ hosts, locator }) =>
  Effect.gen(function* () {
    const uri = `sip:${DOMAIN};transport=udp`;
    same(yield* hosts(uri), ["192.0.2.1", "192.0.2.2"]);
    locator.failed({ transport: "UDP", host: "192.0.2.1", port: 5_060 });
    same(yield* hosts(uri), ["192.0.2.2", "192.0.2.1"]);
    yield* Effect.sleep(30_000);
    same(yield* hosts(uri), ["192.0.2.1", "192.0.2.2"]);
  }),
);

world(
  "names that nobody answers for are a question each, few at once, and do not hold up others for ever",
  ONE,
  ({ hosts, asked }) =>
    Effect.gen(function* () {
      const flood = (from: number) =>
        Effect.all(
          Array.from({ length: 2_000 }, (_, i) => hosts(`sip:n${from + i}.silent.example:5060`)),
          { concurrency: "unbounded" },
        );
      same(new Set((yield* flood(0)).flat()), new Set(["noAnswer"]));
      same(asked.length, 256);
      yield* Effect.sleep(30_000);
      same(yield* hosts(), ["192.0.2.1"]);
    }),
  (found, { name }) => (name === DOMAIN ? Effect.succeed(found) : Effect.never),
);

world(
  "of more calls to a name than are looked for at once, the rest hears it at once",
  ONE,
  ({ hosts }) =>
    Effect.gen(function* () {
      const all = yield* Effect.all(
        Array.from({ length: 1_100 }, () => hosts()),
        { concurrency: "unbounded" },
      );
      same(all.flat().filter((one) => one === "busy").length, 1_100 - 1_024);
    }),
  () => Effect.never,
);
