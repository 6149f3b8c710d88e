/** Black and white lists on both sides: before a ticket is made, and before agents hear of a route. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Fiber, Logger } from "effect";
import fc from "fast-check";
import { makeServices } from "../../actors/vipr/services.ts";
import { e164, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { readValInfo, type VService, writeValInfo } from "../../codecs/vap/mod.ts";
import type { ViprEvent } from "../../machines/vipr/mod.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const NUMBER = e164("+14085555432");
/** Published before the restart: the overlay has it from us, and no agent has published it since. */
const HELD = e164("+14085555433");
const identity = { service: 101, subservice: 4, vservice: vserviceId(7n), instance: 1n };
const domains = fc.constantFrom("a.example", "b.example", "c.example");
const lists = fc.option(
  fc.record({
    type: fc.constantFrom("blacklist" as const, "whitelist" as const),
    domains: fc.array(domains, { minLength: 1, maxLength: 3 }),
  }),
  { nil: undefined },
);

/** Published before the restart, by agents that are not back yet. */
const AWAY = vserviceId(88n);

const documentOf = (list: VService["list"]): VService => ({
  id: "demo",
  dhtName: "x",
  didCount: 1,
  domain: "own.example",
  routes: [{ sipUris: ["sip:x@own.example:5061"] }],
  ...(list === undefined ? {} : { list }),
});

/** Services with one VService, and how many tickets were made. */
const opened = (list: VService["list"]) => {
  const seen = { tickets: 0, events: [] as Array<ViprEvent["type"]> };
  const issuer = {
    issue: () =>
      Effect.sync(() => {
        seen.tickets += 1;
        return "dGlja2V0";
      }),
  };
  const services = makeServices(
    (domain) => (domain === "own.example" ? (issuer as any) : undefined),
    (vservice, number) => Effect.succeed(vservice === 7n && number === HELD),
    (event) => Effect.sync(() => void seen.events.push(event.type)),
    (vservice) => vservice === AWAY,
  );
  services.publish(identity, documentOf(list));
  services.addNumber(vserviceId(7n), NUMBER);
  return { services, seen };
};
const run = <A>(effect: Effect.Effect<A>): A => Effect.runSync(Effect.provide(effect, Logger.layer([])));

const isWanted = (list: VService["list"], domain: string): boolean =>
  list === undefined || list.domains.includes(domain) === (list.type === "whitelist");

test("lists: the terminating side makes no ticket for a domain that is not welcome, and says 403", () =>
  fc.assert(
    fc.property(lists, domains, (list, domain) => {
      const { services, seen } = opened(list);
      const grant = run(services.grant({ number: NUMBER, domain, vservice: vserviceId(7n) }));
      same(
        [grant.type, grant.type === "refused" ? grant.code : 0, seen.tickets, seen.events],
        isWanted(list, domain) ? ["granted", 0, 1, ["granted"]] : ["refused", 403, 0, ["declined"]],
      );
    }),
    { numRuns: runs },
  ));

test("lists: a number that the VService has not published is 404, whoever asks; without an issuer 503", () => {
  const { services, seen } = opened({ type: "whitelist", domains: ["a.example"] });
  const codeOf = (number: string, domain: string, vservice: VServiceId) => {
    const grant = run(services.grant({ number: e164(number), domain, vservice }));
    return grant.type === "refused" ? grant.code : "granted";
  };
  same(codeOf(e164("+15551234567"), "a.example", vserviceId(7n)), 404);
  same(codeOf(NUMBER, "a.example", vserviceId(8n)), 404);
  same(codeOf(NUMBER, "b.example", vserviceId(7n)), 403);
  services.publish(identity, { ...documentOf(undefined), domain: "other.example" });
  same([codeOf(NUMBER, "b.example", vserviceId(7n)), seen.tickets], [503, 0]);
});

// docs/protocol/pvp.md
test("lists: the originating side takes no route of a domain that its VService does not welcome, or of two domains", () =>
  fc.assert(
    fc.property(lists, domains, domains, (list, first, second) => {
      const { services } = opened(list);
      const routes = [{ sipUris: [`sip:x@${first}:5061`] }, { sipUris: [`sip:y@${second.toUpperCase()}:5061`] }];
      const led = services.leadsTo(vserviceId(7n), { number: NUMBER, ticket: "x", routes });
      same(
        led,
        first === second ? { domain: first, isWelcome: isWanted(list, first) } : { domain: "", isWelcome: false },
      );
      same(services.leadsTo(vserviceId(7n), { number: NUMBER, ticket: "x", routes: [] }).isWelcome, false);
      const odd = [{ sipUris: ["tel:+1", "http://a.example"] }];
      same(services.leadsTo(vserviceId(7n), { number: NUMBER, ticket: "x", routes: odd }).isWelcome, false);
    }),
    { numRuns: runs },
  ));

test("numbers: what the overlay still has from us is granted after a restart, and no other number", () => {
  const { services, seen } = opened(undefined);
  const grantOf = (number: string, vservice: VServiceId) =>
    run(services.grant({ number: e164(number), domain: "b.example", vservice }));
  same(grantOf(HELD, vserviceId(7n)).type, "granted");
  same(grantOf(e164("+14085555434"), vserviceId(7n)), { type: "refused", code: 404 });
  same(grantOf(HELD, vserviceId(8n)), { type: "refused", code: 404 });
  services.withdraw(identity);
  same(grantOf(HELD, vserviceId(7n)), { type: "refused", code: 404 });
  same(seen.tickets, 1);
});

test("lists: a domain is one domain however its host is written, and an address is nobody's", () => {
  const { services } = opened({ type: "blacklist", domains: ["b.example.", "a.example"] });
  const leads = (host: string) =>
    services.leadsTo(vserviceId(7n), { number: NUMBER, ticket: "", routes: [{ sipUris: [`sip:x@${host}:5061`] }] });
  for (const host of ["a.example", "A.Example", "a.example.", "b.example"]) same(leads(host).isWelcome, false, host);
  same(leads("C.example."), { domain: "c.example", isWelcome: true });
  same(leads("c.example.."), { domain: "", isWelcome: false });
  const addresses = ["192.0.2.1", "192.0.2.1.", "[2001:db8::1]", "3221225985", "0xc0000201", "192.0.513", "1.2.3.0x4"];
  for (const host of addresses) same(leads(host), { domain: "", isWelcome: false }, host);
  const codeOf = (domain: string) => {
    const grant = run(services.grant({ number: NUMBER, domain, vservice: vserviceId(7n) }));
    return grant.type === "refused" ? grant.code : "granted";
  };
  same(["a.example.", "b.example", "192.0.2.1", "c.example"].map(codeOf), [403, 403, 403, "granted"]);
});

test("routes of many instances: the answer holds as many as a reader takes, the first ones", () =>
  fc.assert(
    fc.property(fc.array(fc.nat(4_000), { minLength: 1, maxLength: 40 }), (lengths) => {
      const { services } = opened(undefined);
      const uris = lengths.map((length, i) => `sip:${"x".repeat(length)}${i}@own.example:5061`);
      for (const [i, uri] of uris.entries())
        services.publish(
          { ...identity, instance: BigInt(i + 1) },
          { ...documentOf(undefined), routes: [{ sipUris: [uri] }] },
        );
      const grant = run(services.grant({ number: NUMBER, domain: "a.example", vservice: vserviceId(7n) }));
      ok(grant.type === "granted");
      const read = readValInfo(writeValInfo(grant.valInfo));
      ok(read.ok);
      const shown = read.value.routes.flatMap(({ sipUris }) => sipUris);
      same(shown, uris.slice(0, shown.length));
      ok(shown.length === Math.min(16, uris.length) || shown.join().length > 24_000);
    }),
    { numRuns: runs },
  ));

test("grants: after a restart a caller waits for the agents of the VService that was called, and not for others", async () => {
  const granted = (returns: boolean, vservice: VServiceId) =>
    runVirtual(
      Effect.gen(function* () {
        const { services } = opened(undefined);
        const asked = yield* Effect.forkChild(services.grant({ number: NUMBER, domain: "a.example", vservice }));
        yield* Effect.sleep(1_000);
        const isEarly = asked.pollUnsafe() !== undefined;
        if (returns) {
          services.publish({ ...identity, vservice: AWAY }, documentOf(undefined));
          services.addNumber(AWAY, NUMBER);
        }
        return { isEarly, type: (yield* Fiber.join(asked)).type };
      }),
    );
  same(await granted(true, AWAY), { isEarly: false, type: "granted" });
  same(await granted(false, AWAY), { isEarly: false, type: "refused" });
  same(await granted(true, vserviceId(9n)), { isEarly: true, type: "refused" });
});
