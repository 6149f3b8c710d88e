/** The port to the DNS on the runtime that this file runs on, against a real nsd; and a locator on top of it. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { openLocator } from "../../actors/locate/mod.ts";
import { Dns } from "../../actors/ports/mod.ts";
import { parseUri, type SipUri } from "../../codecs/sip/mod.ts";
import type { DnsQuestion } from "../../machines/locate/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { testEffect, testWith } from "../kit/harness.ts";
import { startNsd } from "../kit/nsd.ts";

const ZONE = `
@           IN NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.Sip.nord.test.
@           IN NAPTR 20 50 "S" "sip+D2U" "" _sip._udp.nord.test.
_sips._tcp.sip 77 IN SRV 1 0 5071 a
_sips._tcp.sip 77 IN SRV 2 0 5072 b
_sip._udp   IN SRV 1 0 0 .
a        33 IN A 127.0.0.2
a        44 IN AAAA 2001:db8::1
b        22 IN CNAME a
only4       IN A 127.0.0.3
`;
const asked = (question: DnsQuestion) => Effect.flatMap(Effect.service(Dns), (dns) => dns.ask(question));
const locating = (text: string) =>
  Effect.gen(function* () {
    const uri = parseUri(text);
    ok(uri.ok);
    const locator = yield* openLocator({ transports: ["UDP", "TCP", "TLS"], families: ["IPv6", "IPv4"] });
    return yield* locator.locate(uri.value as SipUri);
  });

testWith("nsd", "NAPTR, SRV, A and AAAA of a real server: names, times, and what is not there", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const servers = [yield* startNsd({ "nord.test": ZONE })];
      yield* Effect.gen(function* () {
        const naptr = yield* asked({ kind: "NAPTR", name: "nord.test" });
        ok(naptr.type === "records");
        const [first] = naptr.records.toSorted((a, b) => ("order" in a && "order" in b ? a.order - b.order : 0));
        same(first, {
          kind: "NAPTR",
          order: 10,
          preference: 50,
          flags: "s",
          service: "SIPS+D2T",
          regexp: "",
          replacement: "_sips._tcp.sip.nord.test",
        });
        const denied = yield* asked({ kind: "SRV", name: "_sip._udp.nord.test" });
        same(denied.type === "records" && denied.records, [
          { kind: "SRV", priority: 1, weight: 0, port: 0, target: "" },
        ]);
        // Another name's records by CNAME; Deno takes the time of the one, others the least of both.
        const address = yield* asked({ kind: "A", name: "b.nord.test" });
        ok(address.type === "records" && (address.ttlS === 22 || address.ttlS === 33), JSON.stringify(address));
        same(address.records, [{ kind: "A", address: "127.0.0.2" }]);
        for (const question of [
          { kind: "AAAA", name: "only4.nord.test" },
          { kind: "NAPTR", name: "a.nord.test" },
          { kind: "SRV", name: "_sip._sctp.nord.test" },
          { kind: "A", name: "nobody.nord.test" },
        ] as const)
          same(yield* asked(question), { type: "none" }, `${question.kind} ${question.name}`);
        const found = yield* locating("sip:nord.test");
        same(found.type === "targets" && found.targets, [
          { transport: "TLS", host: "2001:db8::1", port: 5_071, name: "nord.test" },
          { transport: "TLS", host: "127.0.0.2", port: 5_071, name: "nord.test" },
          { transport: "TLS", host: "2001:db8::1", port: 5_072, name: "nord.test" },
          { transport: "TLS", host: "127.0.0.2", port: 5_072, name: "nord.test" },
        ]);
        same(yield* locating("sip:nord.test;transport=udp"), { type: "nowhere", why: "notOffered" });
        same(yield* locating("sip:only4.nord.test:5090"), {
          type: "targets",
          targets: [{ transport: "UDP", host: "127.0.0.3", port: 5_090, name: "only4.nord.test" }],
          ttlS: 300,
          isWhole: true,
        });
      }).pipe(Effect.provide(nodeLayer({ dns: { servers } })));
    }).pipe(Effect.scoped),
  ),
);

testEffect(
  "where nobody answers, asking fails by itself, and an address needs nobody",
  Effect.gen(function* () {
    const located = yield* locating("sips:192.0.2.7:5071");
    same(located.type === "targets" && located.targets.map(({ host, port }) => [host, port]), [["192.0.2.7", 5_071]]);
    same((yield* asked({ kind: "SRV", name: "_sip._udp.nord.test" })).type, "failed");
  }).pipe(Effect.scoped, Effect.provide(nodeLayer({ dns: { servers: ["127.0.0.1:9"] } }))),
);
