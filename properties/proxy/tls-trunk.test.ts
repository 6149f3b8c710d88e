/** A trunk over TLS that asks for no certificate of ours: believed by its roots and its name, or not spoken to. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Queue } from "effect";
import { Dns, Listener } from "../../actors/ports/mod.ts";
import { serveAgentProxy } from "../../actors/proxy/mod.ts";
import { openServerTrust } from "../../actors/proxy/server-trust.ts";
import {
  cutSip,
  emptySipRemainder,
  printSip,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipRequest,
} from "../../codecs/sip/mod.ts";
import type { SipPeer } from "../../machines/proxy/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { answerIn, at } from "../locate/zone.ts";
import { openPhone } from "./phone.ts";
import { answer, invite, within } from "./world.ts";

const HOST = "127.0.0.1";
const NAME = "carrier.example";
const names = Layer.succeed(Dns, {
  ask: (question) => Effect.succeed(answerIn({ [`A ${NAME}`]: at(HOST) }, question)),
});

/** A carrier that answers each INVITE, on the stream that it came by. */
const carrier = Effect.fn("test.carrier")(function* (
  proves: string,
  authority: Effect.Success<ReturnType<typeof makeAuthority>>,
) {
  const heard = yield* Queue.unbounded<SipRequest>();
  const tls = yield* credentialsUnder(proves, authority);
  let contact = "";
  const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0, tls, anyClient: true }, (stream) =>
    Effect.ignore(
      Effect.gen(function* () {
        let remainder = emptySipRemainder;
        while (true) {
          const cut = cutSip(remainder, yield* stream.read, SIP_BYTES_MAX);
          remainder = cut.rest;
          for (const message of cut.messages as ReadonlyArray<SipMessage>) {
            if (message.type !== "request") continue;
            Queue.offerUnsafe(heard, message);
            if (message.method !== "ACK") yield* stream.write(printSip(answer(message, 200, { contact })));
          }
        }
      }),
    ),
  );
  contact = `<sip:carrier@${HOST}:${port};transport=tls>`;
  return { port, request: Effect.timeout(Queue.take(heard), 10_000) };
});

const laws = (name: string, layer: () => Layer.Layer<any>, run: Run): void => {
  const law = lawsOn(name, layer, run);
  const calling = (
    proves: string,
    body: (status: number, methods: () => Effect.Effect<string, any>) => Effect.Effect<void, any>,
  ) =>
    Effect.gen(function* () {
      const authority = yield* makeAuthority({ name: "carriers", nowMs: yield* Clock.currentTimeMillis });
      const trunk = yield* carrier(proves, authority);
      const pbx = yield* openPhone(HOST);
      const peers: ReadonlyArray<SipPeer> = [
        { name: "pbx", side: "pbx", transport: "UDP", host: HOST, port: pbx.port },
        { name: "one", side: "trunk", transport: "TLS", host: NAME, port: trunk.port },
      ];
      const proxy = yield* serveAgentProxy({
        listen: [
          { transport: "UDP", host: HOST, port: 0, side: "pbx" },
          { transport: "TLS", host: HOST, port: 5_061, side: "trunk", isOutgoing: true },
        ],
        peers,
        servers: new Map([["one", [authority.root]]]),
        route: () => ({ trunks: ["one"] }),
        record: () => Effect.void,
      });
      const to = { host: HOST, port: proxy.listening[0]!.port };
      const out = invite({ via: `${pbx.via};branch=z9hG4bK-tls`, callId: `tls-${proves}`, contact: pbx.contact });
      yield* pbx.send(out, to);
      const final = yield* pbx.response;
      if (final.status === 200) {
        yield* pbx.send(within("ACK", out, final, { via: pbx.via }), to);
        yield* pbx.send(within("BYE", out, final, { via: pbx.via }), to);
        same((yield* pbx.response).status, 200);
      }
      yield* body(final.status, () => Effect.map(trunk.request, ({ method }) => method));
    }).pipe(Effect.provide(names));

  // RFC 3261 §16.6, §18.1.1
  law(
    "the whole call goes by one stream of ours, to the server whose certificate names the trunk",
    calling(NAME, (status, method) =>
      Effect.gen(function* () {
        same(status, 200);
        same([yield* method(), yield* method(), yield* method()], ["INVITE", "ACK", "BYE"]);
      }),
    ),
  );
  // docs/protocol/sip.md
  law(
    "a server that proves another name hears nothing, and the call is told 503",
    calling("evil.example", (status) => Effect.sync(() => same(status, 503))),
  );
};

laws("memory", () => memoryLayer({ seed: 8 }), runVirtual);
laws(
  "here",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);

test("a place is believed as its trunk; elsewhere the only such trunk, where we have no certificate", () => {
  const peer = (name: string): SipPeer => ({
    name,
    side: "trunk",
    transport: "TLS",
    host: `${name}.example`,
    port: 5_061,
  });
  const peers = [peer("a"), peer("b"), peer("c")];
  const [one, two] = [[new Uint8Array([1])], [new Uint8Array([2])]];
  const both = openServerTrust(
    peers,
    new Map([
      ["a", one],
      ["b", two],
    ]),
  );
  both.located("a", [{ transport: "TLS", host: "192.0.2.1", port: 5_061 }]);
  both.located("c", [{ transport: "TLS", host: "192.0.2.3", port: 5_061 }]);
  same(both.of("192.0.2.1", true), { roots: one, name: "a.example" });
  same([both.of("192.0.2.3", true), both.of("192.0.2.9", false)], [undefined, undefined]);
  both.located("a", [{ transport: "TLS", host: "192.0.2.2", port: 5_061 }]);
  same(both.of("192.0.2.1", true), undefined);
  const only = openServerTrust(peers, new Map([["b", two]]));
  same(only.of("192.0.2.9", false), { roots: two, name: "b.example" });
  ok(only.of("192.0.2.9", true) === undefined);
});
