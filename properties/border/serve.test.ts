/** Border elements on ports, memory's and this runtime's own: calls between two companies, who is not let in, renewal. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, type Layer } from "effect";
import type { Border } from "../../actors/border/mod.ts";
import { Datagrams, Dialer } from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { headerOf, printSip } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import { answer } from "../proxy/world.ts";
import { authorityOf } from "../sip/domains.ts";
import { company, follow, HOST, inviteTo, SECRET, ticketBy } from "./companies.ts";
import { securedSdp } from "./world.ts";

const laws = (name: string, layer: () => Layer.Layer<any>, run: Run): void => {
  const law = lawsOn(name, layer, run);

  law(
    "a call from one company to the other, hung up by the caller",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const acme = yield* company("acme.example", issue);
      const nord = yield* company("nord.example", issue);
      const ticket = yield* ticketBy("acme.example");
      yield* acme.agent.send(inviteTo(nord.border, ticket, "one", acme.agent), acme.inside);
      const heard = yield* nord.agent.request;
      ok(headerOf(heard, "X-Cisco-ViPR-Ticket") === undefined);
      const told = answer(heard, 200, { contact: nord.agent.contact, body: securedSdp(HOST) });
      yield* nord.agent.send(told, nord.inside);
      const up = yield* acme.agent.response;
      same(up.status, 200);
      same([acme.border.counters().underWay, nord.border.counters().underWay], [1, 1]);
      yield* acme.agent.send(follow("ACK", up, acme.agent, 1), acme.inside);
      same((yield* nord.agent.request).method, "ACK");
      yield* acme.agent.send(follow("BYE", up, acme.agent, 2), acme.inside);
      const bye = yield* nord.agent.request;
      same(bye.method, "BYE");
      yield* nord.agent.send(answer(bye, 200), nord.inside);
      same((yield* acme.agent.response).status, 200);
      const [here, there] = [acme.border.counters(), nord.border.counters()];
      same([here.forwarded, here.underWay, there.admitted, there.underWay, there.connections], [1, 0, 1, 0, 1]);
    }),
  );

  law(
    "setting a call up opens no socket and asks no DNS",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const asked: Array<string> = [];
      const datagrams = yield* Datagrams;
      const dialer = yield* Dialer;
      const watched = company("nord.example", issue).pipe(
        Effect.provideService(Dialer, {
          dial: (target) =>
            Effect.andThen(
              Effect.sync(() => asked.push("dial")),
              dialer.dial(target),
            ),
        }),
        Effect.provideService(Datagrams, {
          open: (on, handlers) =>
            Effect.andThen(
              Effect.sync(() => asked.push("open")),
              datagrams.open(on, handlers),
            ),
          addressesOf: (host) =>
            Effect.andThen(
              Effect.sync(() => asked.push(host)),
              datagrams.addressesOf(host),
            ),
        }),
      );
      const acme = yield* company("acme.example", issue);
      const nord = yield* watched;
      const ticket = yield* ticketBy("acme.example");
      const before = asked.length;
      yield* acme.agent.send(inviteTo(nord.border, ticket, "four", acme.agent), acme.inside);
      const heard = yield* nord.agent.request;
      yield* nord.agent.send(answer(heard, 200, { contact: nord.agent.contact, body: securedSdp(HOST) }), nord.inside);
      same((yield* acme.agent.response).status, 200);
      same([before, asked.slice(before)], [2, []]);
    }),
  );

  // ViPR overview §6.3
  law(
    "no ticket, plain TCP, a certificate of another authority: nobody answers, and each is counted",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const elsewhere = yield* authorityOf;
      const nord = yield* company("nord.example", issue);
      const dialer = yield* Dialer;
      const { port } = nord.border.outside;
      const tried = (credentials: object) =>
        Effect.scoped(
          Effect.gen(function* () {
            const stream = yield* dialer.dial({ host: HOST, port, ...credentials });
            yield* stream.write(utf8("OPTIONS sip:nord.example SIP/2.0\r\n\r\n"));
            return yield* stream.read;
          }),
        ).pipe(Effect.exit);
      yield* tried({});
      yield* tried({ tls: { ...(yield* elsewhere("acme.example")), roots: nord.credentials.roots } });
      const { connectionsRefused } = yield* eventually(
        nord.border,
        (counters) => Object.keys(counters.connectionsRefused).length >= 2,
      );
      ok((connectionsRefused.notTls ?? 0) >= 1, JSON.stringify(connectionsRefused));
    }),
  );

  // On virtual time: a transaction without an answer runs out after 32 s.
  if (name === "memory")
    law(
      "a call that the other border element leaves unanswered ends, and no other call of the same stream with it",
      Effect.gen(function* () {
        const issue = yield* authorityOf;
        const acme = yield* company("acme.example", issue);
        const nord = yield* company("nord.example", issue);
        const ticket = yield* ticketBy("acme.example");
        yield* acme.agent.send(inviteTo(nord.border, "bm9uZQ", "bad", acme.agent), acme.inside);
        yield* Effect.sleep(20_000);
        yield* acme.agent.send(inviteTo(nord.border, ticket, "good", acme.agent), acme.inside);
        const heard = yield* nord.agent.request;
        yield* nord.agent.send(answer(heard, 180, { contact: nord.agent.contact }), nord.inside);
        const rings = yield* acme.agent.response;
        yield* Effect.sleep(10_000);
        const ended = yield* acme.agent.response;
        same([rings.status, ended.status, headerOf(ended, "Call-ID")], [180, 408, "bad"]);
        yield* nord.agent.send(
          answer(heard, 200, { contact: nord.agent.contact, body: securedSdp(HOST) }),
          nord.inside,
        );
        const up = yield* acme.agent.response;
        same([up.status, nord.border.counters().connections], [200, 1]);
      }),
    );

  law(
    "by UDP nobody is there outside: a call with a good ticket is heard of by none, and answered by none",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const nord = yield* company("nord.example", issue);
      const ticket = yield* ticketBy("acme.example");
      let came = 0;
      const datagrams = yield* Datagrams;
      const socket = yield* datagrams.open({ host: HOST, port: 0 }, { received: () => void came++, failed: () => {} });
      const invite = inviteTo(nord.border, ticket, "udp", { port: socket.port });
      for (let i = 0; i < 3; i++) {
        socket.send(printSip(invite), HOST, nord.border.outside.port);
        yield* Effect.sleep(50);
      }
      const { admitted, refused, transactions } = nord.border.counters();
      same([came, admitted, refused, transactions], [0, 0, {}, 0]);
    }),
  );

  law(
    "whoever names our own network has us connect to nothing there, by its address or by a name that leads there",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const dialled: Array<string> = [];
      const dialer = yield* Dialer;
      const watched = company("acme.example", issue, { privateOutside: false }).pipe(
        Effect.provideService(Dialer, {
          dial: (target) =>
            Effect.andThen(
              Effect.sync(() => dialled.push(target.host)),
              dialer.dial(target),
            ),
        }),
      );
      const acme = yield* watched;
      const nord = yield* company("nord.example", issue);
      const ticket = yield* ticketBy("acme.example");
      const refused = Effect.fnUntraced(function* (place: string, callId: string) {
        const invite = inviteTo(nord.border, ticket, callId, acme.agent);
        const headers = invite.headers.map(({ name, value }) =>
          name === "Route" ? { name, value: `<sip:x7@${place};transport=tls;lr>` } : { name, value },
        );
        yield* acme.agent.send({ ...invite, headers }, acme.inside);
        return (yield* acme.agent.response).status;
      });
      const { port } = nord.border.outside;
      for (const [i, host] of ["127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.1.1", "127.1"].entries())
        same(yield* refused(`nord.example:${port};maddr=${host}`, `five-${i}`), 403, host);
      same(yield* refused(`localhost:${port}`, "six"), 503);
      same(dialled, []);
      const { refused: counted, connectionsRefused } = acme.border.counters();
      same([counted.insideAddress, connectionsRefused.insideAddress], [6, 1]);
    }),
  );

  law(
    "other certificates and another epoch are taken without a restart",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const acme = yield* company("acme.example", issue);
      const nord = yield* company("nord.example", issue);
      yield* nord.border.tickets.voidEpoch(1);
      const ticket = yield* ticketBy("acme.example");
      yield* acme.agent.send(inviteTo(nord.border, ticket, "two", acme.agent), acme.inside);
      yield* eventually(nord.border, ({ refused }) => refused.unknownEpoch === 1);
      yield* nord.border.tickets.accept(SECRET);
      yield* nord.border.useCredentials(yield* issue("nord.example"));
      yield* acme.agent.send(inviteTo(nord.border, ticket, "three", acme.agent), acme.inside);
      same((yield* nord.agent.request).method, "INVITE");
    }),
  );

  law(
    "other limits are taken without a restart, and what is not said is as by default",
    Effect.gen(function* () {
      const issue = yield* authorityOf;
      const acme = yield* company("acme.example", issue);
      const nord = yield* company("nord.example", issue);
      const ticket = yield* ticketBy("acme.example");
      const call = (name: string) => acme.agent.send(inviteTo(nord.border, ticket, name, acme.agent), acme.inside);
      yield* nord.border.useLimits({ callsOfDomain: 1 });
      yield* call("one");
      same((yield* nord.agent.request).method, "INVITE");
      yield* call("two");
      yield* eventually(nord.border, ({ refused }) => refused.tooManyCalls === 1);
      yield* nord.border.useLimits({});
      yield* call("three");
      same((yield* nord.agent.request).method, "INVITE");
    }),
  );
};

const eventually = (border: Border, is: (counters: ReturnType<Border["counters"]>) => boolean) =>
  Effect.gen(function* () {
    for (let i = 0; i < 500 && !is(border.counters()); i++) yield* Effect.sleep(10);
    ok(is(border.counters()), JSON.stringify(border.counters()));
    return border.counters();
  });

laws("memory", () => memoryLayer({ seed: 7 }), runVirtual);
laws("sockets", () => nodeLayer({ seed: 7 }), Effect.runPromise);
