/** The operator's port: what it reports, whose orders it takes, and which requests it does not answer. */

import { ok, deepStrictEqual as same } from "node:assert";
import net from "node:net";
import { Effect, Logger } from "effect";
import fc from "fast-check";
import { type AdminRequest, estimatedNodes, handleAdmin, type RingReport } from "../../actors/admin/mod.ts";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { nodeIdText, nonceOf, orderSeal } from "../../codecs/shared/mod.ts";
import { distance, predecessorsOf, RING_SIZE, successorsOf } from "../../machines/reload/mod.ts";
import { serveAdmin } from "../../runtime/admin.ts";
import { askAdmin } from "../../runtime/admin-client.ts";
import { runs, test, testEffect } from "../kit/harness.ts";
import { anyNodeId } from "../kit/node-ids.ts";
import { type Member, overlayOf, testOverlay } from "../reload/ring-of-nodes.ts";

const TOKEN = "a-token-of-this-test";
const NUMBER = "+14085555432";
const times = { startedMs: 0, certificateEndsMs: Date.UTC(2027, 0, 2, 3, 4, 5) };
const asked = (more: Partial<AdminRequest>): AdminRequest => ({
  method: "GET",
  path: "/ring.json",
  host: "127.0.0.1:8080",
  authorization: `Bearer ${TOKEN}`,
  body: "",
  ...more,
});
const order = (path: string, body: unknown, more: Partial<AdminRequest> = {}) =>
  asked({ method: "POST", path, body: JSON.stringify(body), ...more });
const doorOf = (node: Member) => handleAdmin({ node, token: TOKEN, times });

testOverlay(
  "the report: each node sees the others, its figures agree with each other, and it survives JSON",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(21);
    for (let i = 0; i < 4; i++) yield* overlay.join();
    yield* Effect.sleep(30_000);
    for (const node of overlay.members) {
      const { status, body } = yield* doorOf(node)(asked({}));
      const report = body as RingReport;
      same([status, JSON.parse(JSON.stringify(report))], [200, report]);
      same([report.nodeId, report.nodesSeen, report.state], [nodeIdText(node.nodeId), 5, "settled"]);
      same(report.certificateExpires, "2027-01-02T03:04:05.000Z");
      for (const { nodeId, distance: part, place, address } of [...report.successors, ...report.predecessors]) {
        const id = BigInt(`0x${nodeId}`);
        ok(Math.abs(part - Number(distance(node.nodeId, id)) / Number(RING_SIZE)) < 1e-9);
        ok(Math.abs(place - Number(id) / Number(RING_SIZE)) < 1e-9);
        ok(/^(127\.0\.0\.1|memory):\d+$/.test(address ?? ""), `${address} of ${nodeId}`);
      }
    }
    const shares = yield* Effect.forEach(overlay.members, (node) =>
      Effect.map(doorOf(node)(asked({})), ({ body }) => body),
    );
    const whole = (shares as ReadonlyArray<RingReport>).reduce((sum, { share }) => sum + share, 0);
    ok(Math.abs(whole - 1) < 1e-9, `shares sum to ${whole}`);
  }),
);

testOverlay(
  "orders: published by one, found by another, withdrawn; what is no number is refused without repeating it",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(22);
    yield* overlay.join();
    const [one, other] = overlay.members as [Member, Member];
    const published = yield* doorOf(one)(order("/publish", { number: "+1 (408) 555-5432", vservice: "2a" }));
    same(published.status, 200);
    const found = yield* doorOf(other)(order("/find", { number: NUMBER }));
    const claim = { nodeId: nodeIdText(one.nodeId), vservice: "000000000000002a" };
    same(found, { status: 200, body: { claims: [claim] } });
    // No node withdraws another's entry: it is the signer's own.
    same((yield* doorOf(other)(order("/withdraw", { number: NUMBER, vservice: "2a" }))).status, 200);
    same((yield* doorOf(other)(order("/find", { number: NUMBER }))).body, { claims: [claim] });
    same((yield* doorOf(one)(order("/withdraw", { number: NUMBER, vservice: "2a" }))).status, 200);
    same((yield* doorOf(other)(order("/find", { number: NUMBER }))).body, { claims: [] });
    for (const bad of [
      null,
      7,
      "x",
      [],
      {},
      { number: 14085555432 },
      { number: "12x" },
      { number: NUMBER, vservice: "g" },
    ])
      same((yield* doorOf(one)(order("/publish", bad))).status, 400);
    const late = yield* doorOf(one)(order("/publish", { number: NUMBER, lifetimeS: 604_801 }));
    same(late.status, 400);
    ok(!JSON.stringify(late.body).includes(NUMBER.slice(1)));
    same((yield* doorOf(one)(asked({ method: "POST", path: "/publish", body: "{" }))).status, 400);
  }),
);

testOverlay(
  "only this machine's names are served, only the token is obeyed, and nothing else is there",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(23);
    const door = doorOf(overlay.members[0]!);
    for (const host of ["127.0.0.1", "127.0.0.1:1", "LOCALHOST:8080", "[::1]:9", "127.255.0.7"])
      same((yield* door(asked({ host }))).status, 200, host);
    const names = fc.sample(fc.oneof(fc.domain(), fc.ipV4(), fc.webAuthority(), fc.string()), {
      numRuns: runs,
      seed: 3,
    });
    const strange = [
      "",
      "127.0.0.1.example.com",
      "localhost.example.com",
      "127.0.0.1@evil.example",
      "[::2]",
      "10.0.0.1",
    ];
    for (const host of [...strange, ...names])
      if (!/^(127(\.\d+){3}|localhost)(:\d+)?$/i.test(host)) same((yield* door(asked({ host }))).status, 421, host);
    const wrong = ["", TOKEN, "Bearer ", `Bearer ${TOKEN}x`, `bearer ${TOKEN}`, `Bearer ${TOKEN.slice(1)}`];
    for (const authorization of wrong)
      for (const path of ["/publish", "/withdraw", "/find"])
        same((yield* door(order(path, { number: NUMBER }, { authorization }))).status, 401);
    same((yield* door(asked({ authorization: "" }))).status, 200);
    for (const path of ["/", "/ring", "/__proto__", "/constructor", "//ring.json"])
      same((yield* door(asked({ path }))).status, 404, path);
    for (const method of ["POST", "PUT", "DELETE", "HEAD", ""]) same((yield* door(asked({ method }))).status, 405);
    const other = yield* door(order("/find", { number: NUMBER }, { method: "GET" }));
    same([other.status, other.allow], [405, "POST"]);
  }),
);

test("the number of nodes is exact when the neighbours are all, and near when they are not", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.infiniteStream(anyNodeId()), (count, ids) => {
      const peers = new Set<NodeId>();
      for (const id of ids) if (peers.add(id).size === count) break;
      const self = [...peers][0]!;
      const guess = estimatedNodes(self, successorsOf(self, peers, 20), predecessorsOf(self, peers, 20));
      if (count <= 21) same(guess, count);
      ok(guess >= Math.min(count, 41), `${guess} of ${count}`);
    }),
    { numRuns: runs },
  );
  // Evenly spread, since chance may put neighbours as near as it likes.
  for (const count of [42, 100, 5_000]) {
    const peers = Array.from({ length: count }, (_, i) => nodeIdFrom((RING_SIZE * BigInt(i)) / BigInt(count)));
    const guess = estimatedNodes(
      nodeIdFrom(0n),
      successorsOf(nodeIdFrom(0n), peers, 20),
      predecessorsOf(nodeIdFrom(0n), peers, 20),
    );
    ok(Math.abs(guess - count) <= 1, `${guess} of ${count}`);
  }
});

const answersRaw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });

testEffect(
  "over real HTTP: asked and answered; rubbish, too much, and a handler that dies harm nothing",
  Effect.scoped(
    Effect.gen(function* () {
      const at = yield* serveAdmin({ host: "127.0.0.1", port: 0 }, (request) =>
        request.path === "/die" ? Effect.die("on purpose") : Effect.succeed({ status: 200, body: request }),
      );
      const read = yield* askAdmin(at, "/ring.json?x=1");
      const { method, path, host } = read.body as AdminRequest;
      same([method, path, host], ["GET", "/ring.json", `127.0.0.1:${at.port}`]);
      const posted = yield* askAdmin(at, { path: "/find", token: "t", body: { number: NUMBER } });
      const { authorization, body } = posted.body as AdminRequest;
      const sent = JSON.stringify({ number: NUMBER });
      same([authorization, body], [orderSeal("t", nonceOf(authorization)!, "/find", sent), sent]);
      same([posted.status, posted.isSealed], [200, false]);
      const many = "x".repeat(5_000);
      const long = yield* Effect.promise(() =>
        answersRaw(at.port, `POST /find HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n${many}`),
      );
      ok(long === "" || long.startsWith("HTTP/1.1 413"), long);
      const rubbish = yield* Effect.promise(() => answersRaw(at.port, "\u0016\u0003\u0001 rubbish\r\n\r\n"));
      ok(!rubbish.includes("200"), rubbish);
      same(yield* askAdmin(at, "/die"), { status: 500, body: { error: "see the log" }, isSealed: false });
      same((yield* askAdmin(at, "/ring.json")).status, 200);
      const closed = yield* Effect.flip(askAdmin({ host: "127.0.0.1", port: 1 }, "/ring.json"));
      same(closed._tag, "AdminUnreachable");
    }),
  ).pipe(Effect.provide(Logger.layer([]))),
);
