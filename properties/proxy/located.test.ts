/** Neighbours by name: several places in order, those that took nothing last, and whose messages come from them. RFC 3263 §4.3. */
import { ok, deepStrictEqual as same } from "node:assert";
import process from "node:process";
import { Effect } from "effect";
import fc from "fast-check";
import type { Located } from "../../actors/locate/mod.ts";
import { followPeers } from "../../actors/proxy/located.ts";
import { serveAgentProxy } from "../../actors/proxy/mod.ts";
import type { PeerTarget, SipPeer } from "../../machines/proxy/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { runs, test, testWith } from "../kit/harness.ts";
import { startNsd } from "../kit/nsd.ts";
import { answerIn, at, naptr, srv, type Zone } from "../locate/zone.ts";
import { openPhone } from "./phone.ts";
import { answer, invite, PBX, type Place, request, World, within } from "./world.ts";

const udp = (host: string, port = 5_060): PeerTarget => ({ transport: "UDP", host, port });
const CARRIER: SipPeer = {
  name: "one",
  side: "trunk",
  transport: "UDP",
  host: "carrier.example",
  port: 5_060,
  located: "anyTransport",
};
const [FIRST, SECOND, THIRD] = ["198.51.100.11", "198.51.100.12", "198.51.100.13"].map((host) => ({
  host,
  port: 5_080,
}));
const TARGETS = [FIRST!, SECOND!, THIRD!].map(({ host, port }) => udp(host, port));

const located = (): World => {
  const pbx: SipPeer = { name: "pbx", side: "pbx", transport: "UDP", host: PBX.host, port: 5_060 };
  const world = new World({ peers: [pbx, CARRIER], route: () => ({ trunks: ["one"] }) });
  world.core.located("one", TARGETS);
  return world;
};
const hostsOf = (sent: ReturnType<World["taken"]>, method = "INVITE") =>
  sent.flatMap(({ to, message }) => (message.type === "request" && message.method === method ? [to.host] : []));
const downs = ({ orders }: World) => orders.flatMap((order) => (order.type === "down" ? [order.to.host] : []));

// RFC 3261 §16.6
test("RFC 3263 §4.3: 503, silence and no connection lead to the next place of the same trunk", () => {
  const world = located();
  const first = world.from(PBX, invite());
  same(hostsOf(first), [FIRST!.host]);
  const refused = first.find(({ to }) => to.host === FIRST!.host)!.message;
  same(hostsOf(world.from(FIRST as Place, answer(refused, 503))), [SECOND!.host]);
  // Nothing for five seconds; the third is then the last and has the caller's patience.
  same(new Set(hostsOf(world.pass(5_100))), new Set([SECOND!.host, THIRD!.host]));
  same(downs(world), [FIRST!.host, SECOND!.host]);
  const busy = world.orders.flatMap((order) => (order.type === "send" && order.to.host === THIRD!.host ? [order] : []));
  ok(busy.length > 0);
});

// RFC 3261 §16.7
test("a refusal that is the callee's own ends the call at the first place", () => {
  const world = located();
  const first = world.from(PBX, invite()).find(({ to }) => to.host === FIRST!.host)!.message;
  same(hostsOf(world.from(FIRST as Place, answer(first, 486))), []);
  same(downs(world), []);
});

test("the Request-URI names the trunk, and not the place to which its name has led", () => {
  const [sent] = located()
    .from(PBX, invite())
    .filter(({ to }) => to.host === FIRST!.host);
  same(sent!.message.type === "request" && sent!.message.uri, "sip:+49305550901@carrier.example");
  same(sent!.to.port, 5_080);
});

test("who calls from one of the places is the trunk, until the name leads elsewhere", () => {
  const world = located();
  const from = (place: Place) =>
    world.from(place, request("OPTIONS", { uri: "sip:192.0.2.1", branch: `z9hG4bK${place.host}` }));
  const statusOf = (place: Place) => {
    const [sent] = from(place);
    return sent!.message.type === "response" && sent!.message.status;
  };
  same([statusOf(THIRD as Place), statusOf({ host: "203.0.113.9", port: 5_060 })], [200, 403]);
  world.core.located("one", [udp("203.0.113.9")]);
  same([statusOf({ ...THIRD!, port: 5_081 }), statusOf({ host: "203.0.113.9", port: 5_061 })], [403, 200]);
});

test("after 401 the call goes where it was asked for, whatever comes first now", () => {
  const world = located();
  const first = world.from(PBX, invite()).find(({ to }) => to.host === FIRST!.host)!.message;
  world.from(FIRST as Place, answer(first, 401, { lines: ['WWW-Authenticate: Digest realm="a", nonce="b"'] }));
  world.core.located("one", [TARGETS[2]!, TARGETS[1]!, TARGETS[0]!]);
  same(hostsOf(world.from(PBX, invite({ cseq: 2, branch: "z9hG4bK-again" }))), [FIRST!.host]);
  same(hostsOf(world.from(PBX, invite({ callId: "another", branch: "z9hG4bK-other" }))), [THIRD!.host]);
});

test("of ever so many places a few are tried", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 1, maxLength: 60 }), (last) => {
      const world = located();
      world.core.located(
        "one",
        last.map((n) => udp(`203.0.113.${n}`)),
      );
      const tried = new Set<string>();
      let sent = world.from(PBX, invite());
      for (let i = 0; i < 100; i++) {
        for (const host of hostsOf(sent)) tried.add(host);
        const next = sent.find(({ message }) => message.type === "request" && message.method === "INVITE");
        if (next === undefined) break;
        sent = world.from({ host: next.to.host, port: next.to.port }, answer(next.message, 503));
      }
      same(
        [...tried],
        last.slice(0, 8).map((n) => `203.0.113.${n}`),
      );
    }),
    { numRuns: runs },
  );
});

test("names are looked for again, the addresses of before hold while nobody answers, and who was down comes last", async () => {
  const said: Array<readonly string[]> = [];
  let found: Located = { type: "nowhere", why: "noAnswer" };
  let asked = 0;
  const program = Effect.gen(function* () {
    const targets = (...hosts: ReadonlyArray<string>): Located => ({
      type: "targets",
      targets: hosts.map((host) => ({ ...udp(host), name: CARRIER.host })),
      ttlS: 20,
      isWhole: true,
    });
    const find = () =>
      Effect.sync(() => {
        asked += 1;
        return found;
      });
    const following = yield* followPeers([CARRIER], { find, failed: () => {} }, ["UDP"], (name, all) => {
      same(name, "one");
      said.push(all.map(({ host }) => host));
    });
    yield* following.start;
    same([asked, said.length], [1, 0]);
    found = targets("a", "b");
    yield* Effect.sleep(5_001);
    same(said.at(-1), ["a", "b"]);
    following.down(udp("a"));
    same(said.at(-1), ["b", "a"]);
    following.down(udp("elsewhere"));
    same(said.length, 2);
    found = { type: "nowhere", why: "noAnswer" };
    yield* Effect.sleep(20_000);
    same([asked, said.length], [3, 2]);
    found = targets("c");
    yield* Effect.sleep(5_000);
    same(said.at(-1), ["c"]);
    following.down(udp("c"));
    same(said.at(-1), ["c"]);
    yield* Effect.sleep(19_000);
    same(asked, 4);
  });
  await runVirtual(Effect.scoped(program).pipe(Effect.provide(memoryLayer({ seed: 1 }))));
});

/** A PBX, an agent and a carrier whose first server is away: the call arrives at the second one. */
const callOver = Effect.fn("test.located")(function* (
  domain: string,
  pbxHost: string,
  carrierHost: string,
  port: number,
) {
  const pbx = yield* openPhone(pbxHost);
  const carrier = yield* openPhone(carrierHost, port);
  const peers: ReadonlyArray<SipPeer> = [
    { name: "pbx", side: "pbx", transport: "UDP", host: pbxHost, port: pbx.port },
    { ...CARRIER, host: domain },
  ];
  const proxy = yield* serveAgentProxy({
    listen: [{ transport: "UDP", host: "127.0.0.1", port: 0 }],
    peers,
    route: () => ({ trunks: ["one"] }),
    record: () => Effect.void,
    timing: { silenceMs: 300 },
  });
  const to = { host: "127.0.0.1", port: proxy.listening[0]!.port };
  const out = invite({ via: `${pbx.via};branch=z9hG4bK-${domain}`, callId: domain, contact: pbx.contact });
  yield* pbx.send(out, to);
  const heard = yield* carrier.request;
  same(heard.uri, `sip:+49305550901@192.0.2.1`);
  yield* carrier.send(answer(heard, 200, { contact: carrier.contact }), to);
  const accepted = yield* pbx.response;
  same(accepted.status, 200);
  yield* pbx.send(within("ACK", out, accepted, { via: pbx.via }), to);
  same((yield* carrier.request).method, "ACK");
  same(proxy.counters().failedOver, 1);
});

const ZONE: Zone = {
  "NAPTR carrier.example": [naptr(1, 1, "SIP+D2U", "_sip._udp.carrier.example")],
  "SRV _sip._udp.carrier.example": [
    srv(1, 0, 5_080, "away.carrier.example"),
    srv(2, 0, 5_085, "there.carrier.example"),
  ],
  "A away.carrier.example": at("127.0.0.3"),
  "A there.carrier.example": at("127.0.0.2"),
};

test("a trunk by its domain: NAPTR, SRV, and the second server where the first says nothing", async () => {
  const layer = memoryLayer({ seed: 5, dns: (question) => answerIn(ZONE, question) });
  await runVirtual(
    Effect.scoped(callOver("carrier.example", "127.0.0.4", "127.0.0.2", 5_085)).pipe(Effect.provide(layer)),
  );
});

testWith("nsd", "the same with a real DNS server and real sockets", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const port = 20_000 + (process.pid % 20_000);
      const records = [
        '@ IN NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp.carrier.test.',
        `_sip._udp IN SRV 1 0 9 away`,
        `_sip._udp IN SRV 2 0 ${port} there`,
        "away IN A 127.0.0.3",
        "there IN A 127.0.0.2",
      ].join("\n");
      const servers = [yield* startNsd({ "carrier.test": records })];
      yield* callOver("carrier.test", "127.0.0.4", "127.0.0.2", port).pipe(
        Effect.provide(nodeLayer({ dns: { servers } })),
      );
    }).pipe(Effect.scoped),
  ),
);
