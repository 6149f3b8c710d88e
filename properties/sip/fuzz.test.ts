/** A door that is hammered on: no bytes kill a fiber, none stops the next call, and no log tells a number or a secret. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Logger } from "effect";
import fc from "fast-check";
import { Dialer } from "../../actors/ports/mod.ts";
import { concat, e164, vserviceId } from "../../codecs/shared/mod.ts";
import { cancelOf, printSip, requestIn, withHeader, withTicket } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { changed, changes } from "./arbitrary.ts";
import { twoDomains } from "./domains.ts";
import { invite } from "./samples.ts";

const BOB = e164("+49305550001");
const by = { transport: "TLS", host: "acme.example", port: 5061 } as const;
const dialog = {
  callId: "c",
  local: "<sip:+14085550001@acme.example>;tag=a",
  remote: "<sip:+49305550001@nord.example>;tag=b",
  target: "sip:127.0.0.1:1",
  routes: [],
  invited: 1,
};

/** Sends the bytes to nord's door, as acme and with a good ticket in them, and to its two inside ports; then calls. */
const hammer = (given: ReadonlyArray<readonly (readonly [number, number])[]>) =>
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const dialer = yield* Dialer;
    yield* nord.teach(acme, BOB);
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const good = withTicket(invite, ticket);
    const bye = requestIn(dialog, "BYE", by, "z9hG4bKb");
    const sound = [
      good,
      cancelOf(good),
      requestIn(dialog, "ACK", by, "z9hG4bKc"),
      bye,
      withHeader(bye, "To", "<sip:b@h>"),
    ];
    const ports = [{ ...nord.border.outside, tls: acme.credentials }, ...nord.border.inside, nord.agent.listening];
    for (const [i, changes] of given.entries()) {
      const bytes = changed(concat(...sound.slice(i % sound.length).map(printSip)), changes);
      for (const target of ports)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const stream = yield* dialer.dial(target);
            yield* Effect.ignore(stream.write(bytes));
            yield* Effect.sleep(5);
          }),
        );
    }
    const outcome = yield* acme.agent.placeCall({ calling: e164("+14085550001"), called: BOB, talkMs: 10 });
    same(outcome.via, "sip");
    return [acme.secret.password, nord.secret.password, ticket];
  });

test("border and agent: hammered on with messages all but right, they go on, and their logs tell nothing", () =>
  fc.assert(
    fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 12 }), async (given) => {
      const said: Array<string> = [];
      const logger = Logger.make(({ logLevel, message }) => {
        said.push(`${logLevel} ${JSON.stringify(message)}`);
      });
      const layer = Logger.layer([logger]);
      const secrets = await runVirtual(
        hammer(given).pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 1 })), Effect.provide(layer)),
      );
      same(
        said.filter((line) => /^(Error|Fatal)/.test(line)),
        [],
      );
      ok(said.length > 0);
      for (const line of said) {
        ok(!/\+?[0-9]{9,}/.test(line), line);
        ok(!secrets.some((secret) => line.includes(secret)), "a secret was told");
      }
    }),
    { numRuns: Math.max(5, Math.floor(runs / 10)) },
  ));
