/** A domain as a destination of streams: its places in order, those that take none passed over, no look-up for an address. */
import { deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Queue } from "effect";
import { openLocator } from "../../actors/locate/mod.ts";
import { Listener } from "../../actors/ports/mod.ts";
import { openStreams } from "../../actors/proxy/streams.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import type { Destination } from "../../machines/proxy/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { answerIn, at, srv, type Zone } from "../locate/zone.ts";

const DOMAIN = "nord.example";
const ZONE: Zone = {
  [`SRV _sips._tcp.${DOMAIN}`]: [srv(1, 0, 5_071, "away"), srv(2, 0, 5_072, "stranger"), srv(3, 0, 5_073, "there")],
  "A away": at("192.0.2.1"),
  "A stranger": at("192.0.2.2"),
  "A there": at("192.0.2.3"),
};

test("RFC 3263 §4.3: who takes no connection or proves another name is passed over; an address asks nobody", async () => {
  const asked: Array<string> = [];
  const program = Effect.gen(function* () {
    const authority = yield* makeAuthority({ name: "places", nowMs: yield* Clock.currentTimeMillis });
    const ours = yield* credentialsUnder("acme.example", authority);
    const heard = yield* Queue.unbounded<string>();
    const lost = yield* Queue.unbounded<string>();
    const hosts = [
      ["192.0.2.2", 5_072, "evil.example"],
      ["192.0.2.3", 5_073, DOMAIN],
    ] as const;
    for (const [host, port, proves] of hosts)
      yield* (yield* Listener).listen({ host, port, tls: yield* credentialsUnder(proves, authority) }, (stream) =>
        Effect.ignore(Effect.andThen(stream.read, Queue.offer(heard, host))),
      );
    const locator = yield* openLocator({ transports: ["TLS"], families: ["IPv4"] });
    const wanted = (domain: string) => ({
      secure: true,
      target: domain,
      name: domain,
      port: undefined,
      transport: undefined,
    });
    const streams = yield* openStreams(
      {
        credentials: () => ours,
        domainsOf: (certificates) =>
          Effect.succeed([
            certificates[0]!.length > 0 && Buffer.from(certificates[0]!).includes(DOMAIN) ? DOMAIN : "other",
          ]),
        places: {
          of: (domain) =>
            Effect.map(locator.find(wanted(domain)), (found) => (found.type === "targets" ? found.targets : [])),
          failed: (place) => locator.failed({ ...place, transport: "TLS" }),
        },
      },
      { ready: Effect.void, received: () => {}, lost: ({ host }) => Queue.offer(lost, host) },
    );
    const to: Destination = { transport: "TLS", own: 0, host: DOMAIN, port: 5_061, stream: 0, domain: DOMAIN };
    streams.send({ ...to, isNamed: true }, utf8("x"));
    same(yield* Queue.take(heard), "192.0.2.3");
    // Those that failed come last now.
    const found = yield* locator.find(wanted(DOMAIN));
    same(found.type === "targets" && found.targets.map(({ host }) => host), ["192.0.2.3", "192.0.2.1", "192.0.2.2"]);
    const before = asked.length;
    streams.send({ ...to, host: "192.0.2.3", port: 5_073 }, utf8("x"));
    same(yield* Queue.take(heard), "192.0.2.3");
    same(asked.length, before);
    streams.send({ ...to, host: "nowhere.example", domain: "nowhere.example", isNamed: true }, utf8("x"));
    for (let host = ""; host !== "nowhere.example"; ) host = yield* Queue.take(lost);
  });
  const dns = (question: Parameters<typeof answerIn>[1]) => {
    asked.push(question.name);
    return answerIn(ZONE, question);
  };
  await runVirtual(Effect.scoped(program).pipe(Effect.provide(memoryLayer({ seed: 2, dns }))));
});
