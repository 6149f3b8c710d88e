/** What lies at a server from before its VService had another user is proved to nobody: numbers in the overlay, calls. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import type { StoreShape } from "../../actors/ports/mod.ts";
import { validate } from "../../actors/validation/mod.ts";
import { connectVap } from "../../actors/vap/mod.ts";
import { startViprServer, type ViprServer } from "../../actors/vipr/mod.ts";
import { e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import { memoryStore } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS } from "../validation/arbitrary.ts";
import { memberOf, OVERLAY } from "./member.ts";

const FREE = { host: "127.0.0.1", port: 0 } as const;
const MINUTE_MS = 60_000;
const [NUMBER, CALLER, VSERVICE, NODE] = [e164("+498912345678"), e164("+14085551000"), vserviceId(7n), nodeIdFrom(5n)];

/** A call that ended so long after the hour. */
const callAt = (minutes: number): Vcr => ({
  direction: "received",
  called: NUMBER,
  calling: CALLER,
  startMs: unixMs(HOUR_MS + minutes * MINUTE_MS),
  stopMs: unixMs(HOUR_MS + (minutes + 3) * MINUTE_MS),
  vservice: VSERVICE,
});

const agentOf = Effect.fnUntraced(function* (server: ViprServer, username: string) {
  const agent = yield* connectVap({ ...server.vap, username, password: username, name: "x/1.0", vservice: VSERVICE });
  const routes = [{ sipUris: [`sip:x@${username}.example:5061`] }];
  yield* agent.publishVService({ id: "x", dhtName: OVERLAY, didCount: 1, domain: "owner.example", routes });
  return agent;
});

/** What somebody comes to who knows of the call. */
const prove = Effect.fnUntraced(function* (server: ViprServer, call: Vcr) {
  const [verdict] = yield* validate(
    { call, nodeId: nodeIdFrom(1n), domain: "caller.example", waitBetweenMs: [0, 0] },
    {
      lookUp: () => Effect.succeed([{ nodeId: NODE, vservice: VSERVICE }]),
      resolve: () => Effect.succeed(server.pvp),
    },
  );
  return verdict?.verdict === "validated"
    ? verdict.info.routes[0]!.sipUris[0]!
    : verdict?.verdict === "declined"
      ? verdict.code
      : verdict?.verdict;
});

const lives = Effect.gen(function* () {
  const { credentials, overlay } = yield* memberOf(NODE);
  const store: StoreShape = memoryStore();
  const users = new Set(["ann", "bob"]);
  const life = startViprServer({
    nodes: [credentials],
    overlay,
    listen: { reload: FREE, vap: FREE, pvp: FREE },
    vap: { users: (name) => (users.has(name) ? vapKey(name, name) : undefined) },
    tickets: { "owner.example": { epoch: 1, password: "p" } },
    limits: { leaveMs: 0 },
    store,
  });
  const [anns, bobs] = [callAt(10), callAt(30)];
  yield* Effect.scoped(
    Effect.gen(function* () {
      const server = yield* life;
      const ann = yield* agentOf(server, "ann");
      yield* ann.publishNumbers([NUMBER]);
      yield* ann.uploadVcr(anns);
      same(yield* prove(server, anns), "sip:x@ann.example:5061");
    }),
  );
  // Its user is back after a restart, and has not come to its numbers yet; another publishes nothing under it.
  yield* Effect.scoped(
    Effect.gen(function* () {
      const server = yield* life;
      const bob = yield* Effect.result(Effect.timeout(agentOf(server, "bob"), 1_000));
      same(bob._tag, "Failure");
      const ann = yield* agentOf(server, "ann");
      same(yield* prove(server, anns), "sip:x@ann.example:5061");
      yield* ann.unregister;
    }),
  );
  // She was removed, and he may have it: neither her calls nor her numbers prove anything for him.
  users.delete("ann");
  yield* Effect.scoped(
    Effect.gen(function* () {
      const server = yield* life;
      const bob = yield* agentOf(server, "bob");
      yield* bob.uploadVcr(bobs);
      same([yield* prove(server, anns), yield* prove(server, bobs)], ["refused", 404]);
      yield* bob.publishNumbers([NUMBER]);
      same([yield* prove(server, anns), yield* prove(server, bobs)], ["refused", "sip:x@bob.example:5061"]);
    }),
  );
});

test("a VService outlives a restart as its user's, with its numbers and calls; its next user has neither", () =>
  Effect.runPromise(lives.pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))))));

const elsewhere = Effect.gen(function* () {
  const { credentials, overlay } = yield* memberOf(NODE);
  const server = yield* startViprServer({
    nodes: [credentials],
    overlay,
    listen: { reload: FREE, vap: FREE, pvp: FREE },
    vap: { users: (name) => vapKey(name, name) },
    tickets: { "owner.example": { epoch: 1, password: "p" } },
    limits: { leaveMs: 0 },
  });
  const agent = yield* connectVap({
    ...server.vap,
    username: "ann",
    password: "ann",
    name: "x/1.0",
    vservice: VSERVICE,
  });
  const document = {
    id: "x",
    didCount: 1,
    domain: "owner.example",
    routes: [{ sipUris: ["sip:x@owner.example:5061"] }],
  };
  const refused = yield* Effect.flip(agent.publishVService({ ...document, dhtName: `not.${OVERLAY}` }));
  ok(refused._tag === "VapRefused", refused._tag);
  same([refused.code, refused.why], [481, `error 481: DHTname not.${OVERLAY}: the overlay here is ${OVERLAY}`]);
  // It is nobody's yet: another user may have it.
  yield* agentOf(server, "bob");
});

// docs/protocol/vap.md
test("docs/protocol/overlay.md#the-vipr-usage: a VService of another overlay is refused with 481, and is nobody's", () =>
  Effect.runPromise(elsewhere.pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))))));
