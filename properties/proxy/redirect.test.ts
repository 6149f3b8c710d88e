/** The redirect server: what it answers, the same each time, over UDP and TCP. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { Dialer } from "../../actors/ports/mod.ts";
import { serveRedirects } from "../../actors/proxy/mod.ts";
import { e164, isE164 } from "../../codecs/shared/mod.ts";
import {
  cutSip,
  emptySipRemainder,
  headerOf,
  numberOf,
  printSip,
  requestUriOf,
  SIP_BYTES_MAX,
  type SipRequest,
  type SipResponse,
  ticketOf,
} from "../../codecs/sip/mod.ts";
import { type Decision, decideCall, type LearnedRoute, redirectAnswer } from "../../machines/agent/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { runs, test } from "../kit/harness.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import { openPhone } from "./phone.ts";
import { invite, request } from "./world.ts";

const NUMBER = e164("+49305550901");
const route: LearnedRoute = {
  number: NUMBER,
  uris: ["sip:x7@nord.example:5061;maddr=192.0.2.7;transport=tls"],
  ticket: "AQAB+/==",
  expiresMs: 4e12,
  grantingDomain: "nord.example",
  issuedMs: 0,
};
const yes = () => true;
const rules = {
  isOwn: () => false,
  allowsNumber: yes,
  allowsDomain: yes,
  routeTo: (number: string) => (number === NUMBER ? route : undefined),
};
const decide = (request: SipRequest): Decision => {
  const uri = requestUriOf(request);
  const number = uri.ok ? numberOf(uri.value) : undefined;
  return decideCall(rules, number !== undefined && isE164(number) ? number : undefined, 0);
};
const options = { decide, border: { host: "192.0.2.12", port: 5_080 } };
const answerTo = (request: SipRequest) => redirectAnswer(request, "tag", options);
const field = (response: SipResponse | undefined, name: string) => response && headerOf(response, name);

test("redirect: a number with a route is 302, with the ticket in the Contact and beside it", () => {
  const found = answerTo(invite());
  same([found?.status, found && ticketOf(found)], [302, route.ticket]);
  same(
    field(found, "Contact"),
    "<sip:+49305550901@nord.example:5080;user=phone;maddr=192.0.2.12;transport=tcp?X-Cisco-ViPR-Ticket=AQAB%2B%2F%3D%3D>",
  );
  same(field(found, "X-ViPR-Route"), `<${route.uris[0]};lr>`);
  const plain = redirectAnswer(invite(), "tag", { decide, border: undefined });
  same(field(plain, "Contact"), `<${route.uris[0]}?X-Cisco-ViPR-Ticket=AQAB%2B%2F%3D%3D>`);
});

test("redirect: everything else has the answer of a stateless server", () => {
  const other = answerTo(invite({ uri: "sip:+49305550902@192.0.2.1" }));
  same([other?.status, field(other, "X-ViPR-Reason")], [404, "noRoute"]);
  same(answerTo(request("ACK")), undefined);
  same(answerTo(request("OPTIONS"))?.status, 200);
  same(answerTo(request("BYE", { to: "<sip:a@b>;tag=x" }))?.status, 481);
  same(answerTo(request("CANCEL"))?.status, 481);
  const message = answerTo(request("MESSAGE"));
  same([message?.status, field(message, "Allow")], [405, "INVITE, ACK, OPTIONS"]);
});

test("redirect: a request that comes again has the same answer", () =>
  fc.assert(
    fc.property(fc.constantFrom("INVITE", "OPTIONS", "BYE", "REGISTER"), fc.nat(9), (method, last) => {
      const one = request(method, { uri: `sip:+4930555090${last}@192.0.2.1` });
      same(answerTo(one), answerTo(one));
      ok(method !== "INVITE" || answerTo(one)?.status === (last === 1 ? 302 : 404));
    }),
    { numRuns: runs },
  ));

const laws = (name: string, layer: () => any, run: Run): void => {
  const law = lawsOn(name, layer, run);
  law(
    "redirect: over UDP and over TCP",
    Effect.gen(function* () {
      const host = "127.0.0.1";
      const udp = yield* serveRedirects({ transport: "UDP", host, port: 0 }, options);
      const phone = yield* openPhone(host);
      yield* phone.send(invite({ via: `${phone.via};branch=z9hG4bK-r;rport` }), udp);
      const answer = yield* phone.response;
      same([answer.status, headerOf(answer, "Via")?.includes(`rport=${phone.port}`)], [302, true]);
      const tcp = yield* serveRedirects({ transport: "TCP", host, port: 0 }, options);
      const stream = yield* (yield* Dialer).dial({ host, port: tcp.port });
      yield* stream.write(
        printSip(invite({ uri: "sip:+49305550902@192.0.2.1", via: "SIP/2.0/TCP x;branch=z9hG4bK-t" })),
      );
      let remainder = emptySipRemainder;
      while (true) {
        const cut = cutSip(remainder, yield* stream.read, SIP_BYTES_MAX);
        remainder = cut.rest;
        const [first] = cut.messages;
        if (first !== undefined) return same((first as SipResponse).status, 404);
      }
    }),
  );
};
laws("memory", () => memoryLayer({ seed: 3 }), runVirtual);
laws(
  "sockets",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
