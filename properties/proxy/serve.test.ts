/** The proxy on ports: memory's and this runtime's own sockets. Calls over UDP and TCP, records, and a restart. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Latch, type Layer } from "effect";
import { type Change, Dialer, StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { CALLS_TABLE } from "../../actors/proxy/call-store.ts";
import { type AgentProxyOptions, serveAgentProxy } from "../../actors/proxy/mod.ts";
import {
  cutSip,
  emptySipRemainder,
  listOf,
  printSip,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "../../codecs/sip/mod.ts";
import type { CallReport, SipPeer } from "../../machines/proxy/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import { openPhone } from "./phone.ts";
import { answer, invite, within } from "./world.ts";

const HOST = "127.0.0.1";

/** As it hears and sends, 100 (Trying) included. */
const phone = Effect.map(openPhone(HOST), ({ port, hear, send }) => ({
  port,
  hear,
  request: Effect.map(hear, (message) => message as SipRequest),
  response: Effect.map(hear, (message) => message as SipResponse),
  send: (message: SipMessage, to: number) => send(message, { host: HOST, port: to }),
}));

const proxyWith = Effect.fn("test.proxy")(function* (
  peers: ReadonlyArray<SipPeer>,
  more: Partial<AgentProxyOptions> = {},
  store: StoreShape = memoryStore(),
) {
  const records: Array<CallReport> = [];
  const proxy = yield* serveAgentProxy({
    listen: [
      { transport: "UDP", host: HOST, port: 0, side: "pbx" },
      { transport: "UDP", host: HOST, port: 0, side: "trunk" },
      { transport: "TCP", host: HOST, port: 0, side: "pbx" },
    ],
    peers,
    route: () => ({ trunks: peers.filter(({ side }) => side === "trunk").map(({ name }) => name) }),
    record: (reports, also: ReadonlyArray<Change>) =>
      Effect.map(store.write(also), () => void records.push(...reports)),
    store,
    ...more,
  });
  return { proxy, records, store };
});
const peerAt = (name: string, side: "pbx" | "trunk", port: number): SipPeer => ({
  name,
  side,
  transport: "UDP",
  host: HOST,
  port,
});

const inviteFrom = (port: number, callId: string, contact = `<sip:pbx@${HOST}:${port}>`): SipRequest =>
  invite({ via: `SIP/2.0/UDP ${HOST}:${port};branch=z9hG4bK-${callId}`, callId, contact });

type Phone = Effect.Success<typeof phone>;
/** A call from the exchange that the trunk has answered: the INVITE, and the 200 that came back. */
const callUp = Effect.fnUntraced(function* (
  callId: string,
  [pbx, forPbx]: readonly [phone: Phone, to: number],
  [trunk, forTrunk]: readonly [phone: Phone, to: number],
) {
  const out = inviteFrom(pbx.port, callId);
  yield* pbx.send(out, forPbx);
  same((yield* pbx.response).status, 100);
  const heard = yield* trunk.request;
  yield* trunk.send(answer(heard, 200, { contact: `<sip:t@${HOST}:${trunk.port}>` }), forTrunk);
  return { out, accepted: yield* pbx.response };
});

const viaOf = (port: number) => `SIP/2.0/UDP ${HOST}:${port}`;
const eventually = (is: () => boolean) =>
  Effect.gen(function* () {
    for (let i = 0; i < 3_000 && !is(); i++) yield* Effect.sleep(10);
    ok(is());
  });
const rowsOf = (store: StoreShape) => Effect.map(store.scan(CALLS_TABLE), (rows) => rows.length);

const laws = (name: string, layer: () => Layer.Layer<any>, run: Run): void => {
  const law = lawsOn(name, layer, run);

  // RFC 3261 §18.1.1, §18.2.1
  law(
    "a call over UDP, and its record when it is over",
    Effect.gen(function* () {
      const [pbx, trunk] = [yield* phone, yield* phone];
      const { proxy, records, store } = yield* proxyWith([
        peerAt("pbx", "pbx", pbx.port),
        peerAt("one", "trunk", trunk.port),
      ]);
      const [forPbx, forTrunk] = proxy.listening.map(({ port }) => port) as [number, number];
      const by = { via: viaOf(pbx.port) };
      const out = inviteFrom(pbx.port, "udp");
      const beforeMs = yield* Clock.currentTimeMillis;
      yield* pbx.send(out, forPbx);
      same((yield* pbx.response).status, 100);
      const heard = yield* trunk.request;
      // One Record-Route for each of our two addresses.
      same(listOf(heard, "Record-Route").length, 2);
      yield* trunk.send(answer(heard, 200, { contact: `<sip:t@${HOST}:${trunk.port}>` }), forTrunk);
      const accepted = yield* pbx.response;
      same(accepted.status, 200);
      yield* pbx.send(within("ACK", out, accepted, by), forPbx);
      same((yield* trunk.request).method, "ACK");
      yield* Effect.sleep(100);
      same(yield* rowsOf(store), 1);
      yield* pbx.send(within("BYE", out, accepted, by), forPbx);
      const bye = yield* trunk.request;
      same(bye.method, "BYE");
      yield* trunk.send(answer(bye, 200), forTrunk);
      same((yield* pbx.response).status, 200);
      // The BYE is answered when its record is safe.
      same([records.length, yield* rowsOf(store)], [1, 0]);
      const [{ startMs, stopMs, trunk: name }] = records as [CallReport];
      ok(name === "one" && startMs >= beforeMs && stopMs >= startMs);
    }),
  );

  law(
    "a call that was up before a restart is recorded when its BYE comes after it",
    Effect.gen(function* () {
      const [pbx, trunk] = [yield* phone, yield* phone];
      const peers = [peerAt("pbx", "pbx", pbx.port), peerAt("one", "trunk", trunk.port)];
      const store = memoryStore();
      const by = { via: viaOf(pbx.port) };
      const [{ out, accepted }, ports] = yield* Effect.scoped(
        Effect.gen(function* () {
          const { proxy } = yield* proxyWith(peers, {}, store);
          const [forPbx, forTrunk] = proxy.listening.map(({ port }) => port) as [number, number];
          const call = yield* callUp("restart", [pbx, forPbx], [trunk, forTrunk]);
          yield* Effect.sleep(100);
          return [call, [forPbx, forTrunk]] as const;
        }),
      );
      same(yield* rowsOf(store), 1);
      const [forPbx, forTrunk] = ports as [number, number];
      const { records } = yield* proxyWith(
        peers,
        {
          listen: [
            { transport: "UDP", host: HOST, port: forPbx, side: "pbx" },
            { transport: "UDP", host: HOST, port: forTrunk, side: "trunk" },
          ],
        },
        store,
      );
      yield* pbx.send(within("BYE", out, accepted, by), forPbx);
      const bye = yield* trunk.request;
      yield* trunk.send(answer(bye, 200), forTrunk);
      same((yield* pbx.response).status, 200);
      yield* eventually(() => records.length === 1);
      same(yield* rowsOf(store), 0);
    }),
  );

  law(
    "a BYE that is sent again while its record is being written is answered when that is done, and not before",
    Effect.gen(function* () {
      const [pbx, trunk] = [yield* phone, yield* phone];
      const disk = yield* Latch.make(true);
      const memory = memoryStore();
      const store: StoreShape = { ...memory, write: (changes) => Effect.andThen(disk.await, memory.write(changes)) };
      const { proxy, records } = yield* proxyWith(
        [peerAt("pbx", "pbx", pbx.port), peerAt("one", "trunk", trunk.port)],
        {},
        store,
      );
      const [forPbx, forTrunk] = proxy.listening.map(({ port }) => port) as [number, number];
      const { out, accepted } = yield* callUp("again", [pbx, forPbx], [trunk, forTrunk]);
      yield* Effect.sleep(100);
      yield* Latch.close(disk);
      const bye = within("BYE", out, accepted, { via: viaOf(pbx.port) });
      yield* pbx.send(bye, forPbx);
      yield* trunk.send(answer(yield* trunk.request, 200), forTrunk);
      yield* eventually(() => proxy.counters().unwritten > 0);
      yield* pbx.send(bye, forPbx);
      yield* Effect.forkScoped(Effect.delay(Latch.open(disk), 300));
      same((yield* pbx.response).status, 200);
      same(records.length, 1);
    }),
  );

  law(
    "a disk that does not answer holds nobody on the line",
    Effect.gen(function* () {
      const [pbx, trunk] = [yield* phone, yield* phone];
      const store: StoreShape = {
        ...memoryStore(),
        write: () => Effect.fail(new StoreFailed({ reason: "full", why: "no room" })),
      };
      const { proxy, records } = yield* proxyWith(
        [peerAt("pbx", "pbx", pbx.port), peerAt("one", "trunk", trunk.port)],
        {},
        store,
      );
      const [forPbx, forTrunk] = proxy.listening.map(({ port }) => port) as [number, number];
      const by = { via: viaOf(pbx.port) };
      const { out, accepted } = yield* callUp("full", [pbx, forPbx], [trunk, forTrunk]);
      yield* pbx.send(within("BYE", out, accepted, by), forPbx);
      const bye = yield* trunk.request;
      yield* trunk.send(answer(bye, 200), forTrunk);
      same((yield* pbx.response).status, 200);
      same([records.length, proxy.counters().unwritten > 0], [0, true]);
    }),
  );

  // RFC 3261 §16.1, §18, §18.1.1, §18.2.2
  law(
    "a PBX over TCP, a trunk over UDP; the stream that the PBX opened takes what is for it",
    Effect.gen(function* () {
      const trunk = yield* phone;
      const { proxy, records } = yield* proxyWith([
        { name: "pbx", side: "pbx", transport: "TCP", host: HOST, port: 5_060 },
        peerAt("one", "trunk", trunk.port),
      ]);
      const [, forTrunk, forPbx] = proxy.listening.map(({ port }) => port) as [number, number, number];
      const stream = yield* (yield* Dialer).dial({ host: HOST, port: forPbx });
      let remainder = emptySipRemainder;
      const waiting: Array<SipMessage> = [];
      const hear = Effect.gen(function* () {
        while (waiting.length === 0) {
          const cut = cutSip(remainder, yield* stream.read, SIP_BYTES_MAX);
          remainder = cut.rest;
          waiting.push(...cut.messages);
        }
        return waiting.shift()!;
      });
      const out = invite({
        via: `SIP/2.0/TCP ${HOST}:5060;branch=z9hG4bK-tcp;alias`,
        callId: "tcp",
        contact: `<sip:pbx@${HOST}:5060;transport=tcp>`,
      });
      yield* stream.write(printSip(out));
      same(((yield* hear) as SipResponse).status, 100);
      const heard = yield* trunk.request;
      yield* trunk.send(answer(heard, 200, { contact: `<sip:t@${HOST}:${trunk.port}>` }), forTrunk);
      const accepted = (yield* hear) as SipResponse;
      same(accepted.status, 200);
      yield* stream.write(printSip(within("ACK", out, accepted, { via: `SIP/2.0/TCP ${HOST}:5060` })));
      same((yield* trunk.request).method, "ACK");
      // The trunk hangs up: by the stream that is there.
      const bye = within("BYE", heard, accepted, { isBack: true, via: viaOf(trunk.port) });
      yield* trunk.send({ ...bye, uri: `sip:pbx@${HOST}:5060;transport=tcp` }, forTrunk);
      const heardBye = yield* hear;
      same((heardBye as SipRequest).method, "BYE");
      yield* stream.write(printSip(answer(heardBye, 200)));
      same((yield* trunk.response).status, 200);
      yield* eventually(() => records.length === 1);
    }),
  );
};

laws("memory", () => memoryLayer({ seed: 3, delayMs: [1, 5], datagrams: { delayMs: [1, 5] } }), runVirtual);
laws(
  "sockets",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
