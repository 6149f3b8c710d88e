/** The domains a server grants tickets for, while it runs: whatever is set counts from then on, by the secret of that moment. */
import { deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { openTicketChecker } from "../../actors/ticket/mod.ts";
import { openDomains } from "../../actors/vipr/domains.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

const RUNS = 6; // each secret is stretched, a tenth of a second
const NUMBER = e164("+14085555432");
const NAMES = ["a.example", "b.example"] as const;
const FOR = { number: NUMBER, grantedTo: "c.example", vservice: vserviceId(7n) };

/** Of each domain the epoch of its secret, 0 when it is none of ours. */
const states = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 4 });
const secretOf = (domain: string, epoch: number) => ({ epoch, password: `${domain} ${epoch}` });

test("domains: tickets are of the domains and the epochs that were set last, and of no others", () =>
  fc.assert(
    fc.asyncProperty(states, (script) =>
      runVirtual(
        Effect.gen(function* () {
          const domains = yield* openDomains(nodeIdFrom(5n));
          for (const epochs of script) {
            const ours = NAMES.flatMap((name, i) =>
              epochs[i]! > 0 ? [[name, secretOf(name, epochs[i]!)] as const] : [],
            );
            yield* domains.set({ tickets: Object.fromEntries(ours), privateDomains: [NAMES[0]] });
            same(NAMES.map(domains.isPrivate), [true, false]);
            for (const [i, name] of NAMES.entries()) {
              const issuer = domains.issuerFor(name);
              same(issuer === undefined, epochs[i] === 0);
              if (issuer === undefined) continue;
              const checker = yield* openTicketChecker([secretOf(name, epochs[i]!)]);
              const ticket = yield* issuer.issue(FOR);
              same((yield* checker.check({ ticket, number: NUMBER, domains: ["c.example"] })).type, "admit");
            }
          }
          same(domains.issuerFor("constructor"), undefined);
        }).pipe(Effect.scoped, Effect.provide(Layer.merge(memoryLayer({ seed: 1 }), Logger.layer([])))),
      ),
    ),
    { numRuns: RUNS },
  ));
