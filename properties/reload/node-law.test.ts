/**
 * What a node without a world owes whoever hosts it: any events leave it whole, the same events give the same orders, its state is
 * data that can be copied, its tables have limits, and a link that is gone leaves no timer behind. DECISIONS.md D-267.
 */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  Certificates,
  encodeBody,
  encodeRegistration,
  encodeRegistrationKey,
  FramedMessage,
  fragmentWhole,
  identityOf,
  kindId,
  MessageContents,
  nodeIdFrom,
  overlayHash,
  Packet,
  type Request,
  reloadVersion,
  type StoredData,
  sealedPayload,
  signatureBy,
  toNode,
  toResource,
  x509,
} from "../../codecs/reload/mod.ts";
import { nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import {
  type CertifiedFacts,
  type Core,
  handle,
  type NodeEvent,
  type NodeOrder,
  openNode,
  REQUESTS_MAX,
  SIGNING_MAX,
} from "../../machines/node/mod.ts";
import { peerTiming, storageTiming } from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { coreLimits } from "./security-host.ts";

const NAME = "ring.example";
const SELF = nodeIdFrom(1n);
const START_MS = 1_301_616_000_000;
const overlay = viprOverlay({ name: NAME, sequence: 1 });
/** Nobody reads these here: what a certificate says is decreed. */
const certificateOf = (id: number): Uint8Array => new Uint8Array(40).fill(id);
const factsOf = (...ids: ReadonlyArray<number>): CertifiedFacts => ({
  nodeIds: ids.map((id) => nodeIdFrom(BigInt(id))),
  uris: ids.map((id) => `reload://${nodeIdText(nodeIdFrom(BigInt(id)))}@${NAME}/`),
  emails: [],
  notBeforeMs: START_MS - 1_000,
  notAfterMs: START_MS + 86_400_000,
  issuers: [],
});
/** The holder of certificate 5 has two Node-IDs. */
const decreed = (certificate: Uint8Array): CertifiedFacts | undefined => {
  const [id = 0] = certificate;
  return id === 0 || id > 5 ? undefined : id === 5 ? factsOf(5, 6) : factsOf(id);
};

const open = (): Core =>
  openNode({
    self: SELF,
    certificates: [certificateOf(1)],
    algorithm: "ecdsa",
    identity: identityOf(certificateOf(1)),
    facts: factsOf(1),
    overlay,
    roots: [],
    seed: new Uint8Array(32).fill(3),
    limits: { ...coreLimits, messagesPerSecond: 20, carry: "answers" },
    storage: { settings: { ...overlay, timing: storageTiming, startedMs: START_MS }, isDurable: true },
  });

const policy = { bootstrap: [], reactive: true, updateMs: 600_000, pingMs: 3_600_000 };
const joinThrough = (...hosts: ReadonlyArray<string>): NodeEvent => ({
  type: "join",
  settings: {
    self: SELF,
    endpoint: { host: "10.0.0.1", port: 6084 },
    bootstrap: hosts.map((host) => ({ host, port: 6084 })),
    mayBeFirst: true,
    applications: [],
    neighbours: 3,
    fingers: 16,
    reactive: true,
    timing: peerTiming,
    startedMs: START_MS,
  },
});

const none = new Uint8Array();
const resource = new Uint8Array(16).fill(9);
/** A registration of node 2's, as it would sign it. */
const registration: StoredData = {
  storageTime: BigInt(START_MS),
  lifetime: 3_600,
  value: {
    key: encodeRegistrationKey({ nodeId: nodeIdFrom(2n), vservice: vserviceId(1n) }),
    value: { exists: true, value: encodeRegistration(nodeIdFrom(2n)) },
  },
  signature: signatureBy("ecdsa", identityOf(certificateOf(2)), new Uint8Array(70)),
};
const kinds = [{ kind: kindId.viprRegistration, generation: 0n, values: [registration] }];

const bodies: ReadonlyArray<Body> = [
  { type: "storeReq", value: { resource, replica: 0, kinds } },
  { type: "pingReq", value: { padding: none } },
  { type: "pingAns", value: { responseId: 1n, time: 1n } },
  { type: "attachReq", value: { ufrag: none, password: none, role: "passive", candidates: [], sendUpdate: true } },
  { type: "storeReq", value: { resource, replica: 0, kinds: [{ kind: 7, generation: 0n, values: none }] } },
  { type: "findReq", value: { resource, kinds: [7] } },
  { type: "error", value: { code: 2, info: none } },
  { type: "leaveReq", value: { leavingPeer: nodeIdFrom(2n), overlayData: none } },
];

/** A message signed, as far as it shows, by the holder of that certificate. */
const packetOf = (
  signer: number,
  of: number,
  transactionId: bigint,
  to: bigint,
  via: ReadonlyArray<number>,
): Packet => {
  const certificate = certificateOf(signer);
  const contents = encode(MessageContents, encodeBody(bodies[of % bodies.length]!));
  const shown = encode(Certificates, signer % 2 === 0 ? [x509(certificate)] : []);
  return {
    overlay: overlayHash(NAME),
    configurationSequence: 1,
    version: reloadVersion,
    ttl: 20,
    fragment: fragmentWhole,
    transactionId,
    maxResponseLength: 0,
    viaList: via.map((id) => toNode(nodeIdFrom(BigInt(id)))),
    destinationList: [toNode(nodeIdFrom(to))],
    options: [],
    payload: sealedPayload(contents, shown, signatureBy("ecdsa", identityOf(certificate), new Uint8Array(70))),
  };
};

/** What happens to the node; a `port` answers one of the orders that wait, or says something that nobody asked for. */
type Step =
  | { readonly is: "event"; readonly event: NodeEvent }
  | { readonly is: "port"; readonly which: number; readonly isGood: boolean }
  | { readonly is: "timer"; readonly which: number }
  | { readonly is: "time"; readonly ms: number };

/** Mostly a few, so that much happens to the same one. */
const link = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(-1, -2, 1) }, fc.integer({ min: -3, max: 4 }));
const small = fc.integer({ min: 0, max: 7 });
const member = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(2, 3) },
  { weight: 2, arbitrary: fc.constant(5) },
  small,
);
const request = fc.constantFrom<Request>(
  { type: "pingReq", value: { padding: none } },
  { type: "storeReq", value: { resource, replica: 0, kinds: [] } },
);
const packet = fc
  .record({
    signer: member,
    of: small,
    transactionId: fc.bigInt({ min: 0n, max: 3n }),
    to: fc.oneof({ weight: 4, arbitrary: fc.constant(1n) }, fc.bigInt({ min: 0n, max: 3n })),
    via: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(small, { maxLength: 2 })),
  })
  .map(({ signer, of, transactionId, to, via }) => packetOf(signer, of, transactionId, to, via));
const frame = fc
  .tuple(packet, fc.nat(5), fc.boolean())
  .map(([one, sequence, isAck]) =>
    encode(
      FramedMessage,
      isAck
        ? { type: "ack", frame: { sequence, received: 0 } }
        : { type: "data", frame: { sequence, message: encode(Packet, one) } },
    ),
  );
/** A frame as it is, cut, or with a byte changed; or any bytes. */
const bytes = fc.oneof(
  { weight: 6, arbitrary: frame },
  fc.tuple(frame, fc.nat()).map(([whole, at]) => whole.slice(0, at % whole.length)),
  fc.tuple(frame, fc.nat(), fc.nat(255)).map(([whole, at, byte]) => whole.with(at % whole.length, byte)),
  fc.uint8Array({ minLength: 1, maxLength: 60 }),
);
const stream = member.map((id) => ({ host: "10.0.0.9", port: 1, certificates: id === 7 ? [] : [certificateOf(id)] }));
const event: fc.Arbitrary<NodeEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("accepted" as const), link, stream }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("connected" as const), link, stream }) },
  fc.record({ type: fc.constant("unreachable" as const), link, why: fc.constant("refused") }),
  { weight: 12, arbitrary: fc.record({ type: fc.constant("received" as const), link, bytes }) },
  fc.record({ type: fc.constant("lost" as const), link, why: fc.constant("gone") }),
  fc.record({ type: fc.constant("unwritten" as const), link }),
  fc.record({ type: fc.constant("signed" as const), token: small, value: fc.constant(none) }),
  fc.record({ type: fc.constant("signatureVerified" as const), token: small, holds: fc.boolean() }),
  fc.record({ type: fc.constant("chainVerified" as const), token: small, facts: fc.constant(undefined) }),
  fc.record({
    type: fc.constant("timerFired" as const),
    timer: fc.constantFrom(
      "",
      "peer react",
      "peer zz",
      "storage expire",
      "link 1 rto",
      "link 1 shown",
      "link -1 identify",
      "link -1 rate",
      "link x",
      "request 7",
      "repeat 1",
    ),
  }),
  fc.tuple(small, request, fc.boolean()).map(
    ([ref, body, isFar]): NodeEvent => ({
      type: "requested",
      request: { ref, destinations: [isFar ? toResource(resource) : toNode(nodeIdFrom(BigInt(ref)))], body },
    }),
  ),
  fc.record({ type: fc.constant("abandoned" as const), ref: small }),
  fc.record({ type: fc.constant("published" as const), isThere: fc.boolean() }),
  fc.record({ type: fc.constant("stored" as const), isStored: fc.boolean() }),
  fc.constant<NodeEvent>({
    type: "configured",
    overlay: { ...overlay, badNodes: [nodeIdFrom(2n)] },
    roots: [],
    policy,
  }),
  fc.constant<NodeEvent>(joinThrough("10.0.0.3")),
  fc.constant<NodeEvent>({ type: "leave" }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: event.map((event) => ({ is: "event" as const, event })) },
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant("port" as const),
      which: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat()),
      isGood: fc.oneof({ weight: 8, arbitrary: fc.constant(true) }, fc.constant(false)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("timer" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("time" as const), ms: fc.nat(20_000) }) },
);
/** It joins, or forms the ring alone, and then anything happens. */
const life = fc
  .tuple(
    fc.constantFrom<ReadonlyArray<string>>([], ["10.0.0.2"]),
    fc.array(step, { minLength: 20, maxLength: 120, size: "max" }),
  )
  .map(([hosts, steps]): ReadonlyArray<Step> => [{ is: "event", event: joinThrough(...hosts) }, ...steps]);

type ToPort = NodeOrder & { readonly type: "sign" | "verifySignature" | "verifyChain" | "store" };
const isToPort = (order: NodeOrder): order is ToPort =>
  order.type === "sign" || order.type === "verifySignature" || order.type === "verifyChain" || order.type === "store";

const answerTo = (order: ToPort, isGood: boolean): NodeEvent => {
  switch (order.type) {
    case "sign":
      return { type: "signed", token: order.token, value: new Uint8Array(70) };
    case "verifySignature":
      return { type: "signatureVerified", token: order.token, holds: isGood };
    case "verifyChain":
      return { type: "chainVerified", token: order.token, facts: isGood ? decreed(order.chain[0]!) : undefined };
    case "store":
      return { type: "stored", isStored: isGood };
  }
};

/** Hosts a node as the steps say; `each` sees what every event has led to, and may put a copy in the node's place. */
const live = (
  steps: ReadonlyArray<Step>,
  each: (core: Core, orders: ReadonlyArray<NodeOrder>) => Core = (core) => core,
): { readonly orders: ReadonlyArray<NodeOrder>; readonly core: Core; readonly timers: ReadonlySet<string> } => {
  let core = open();
  let nowMs = START_MS;
  const all: Array<NodeOrder> = [];
  const toPorts: Array<ToPort> = [];
  const timers = new Set<string>();
  const tell = (event: NodeEvent): void => {
    if (event.type === "timerFired") timers.delete(event.timer);
    const orders = handle(core, event, nowMs);
    for (const order of orders) {
      if (isToPort(order)) toPorts.push(order);
      if (order.type === "startTimer") timers.add(order.timer);
      if (order.type === "stopTimer") timers.delete(order.timer);
    }
    all.push(...orders);
    core = each(core, orders);
  };
  for (const one of steps) {
    if (one.is === "event") tell(one.event);
    else if (one.is === "time") nowMs += one.ms;
    else if (one.is === "timer" && timers.size > 0) {
      const timer = [...timers][one.which % timers.size]!;
      tell({ type: "timerFired", timer });
    } else if (one.is === "port" && toPorts.length > 0)
      tell(answerTo(toPorts.splice(one.which % toPorts.length, 1)[0]!, one.isGood));
  }
  return { orders: all, core, timers };
};

test("a node: the same events give the same orders, whatever comes, and no event is too much", () => {
  fc.assert(
    fc.property(life, (steps) => {
      assert.deepEqual(live(steps).orders, live(steps).orders);
    }),
    { numRuns: runs },
  );
});

test("a node: its state is data, and a copy of it at any moment goes on as it would have", () => {
  fc.assert(
    fc.property(life, (steps) => {
      assert.deepEqual(live(steps, (core) => structuredClone(core)).orders, live(steps).orders);
    }),
    { numRuns: Math.ceil(runs / 4) },
  );
});

test("a node: every order is data, nothing is left to do when an event has been handled, and each table has its limit", () => {
  fc.assert(
    fc.property(life, (steps) => {
      live(steps, (core, orders) => {
        structuredClone(orders);
        assert.equal(core.work.length, 0);
        assert.ok(core.jobs.size <= SIGNING_MAX && core.requests.size + core.repeats.size <= REQUESTS_MAX);
        assert.ok(core.waiting.size <= 64 && core.fetches.size <= 32 && core.loopback.length <= 512);
        for (const links of core.table.byNode.values()) assert.ok(links.length <= 3);
        return core;
      });
    }),
    { numRuns: Math.ceil(runs / 2) },
  );
});

test("a node: an order that no host answers leaves the others as they are; one that is answered twice is answered once", () => {
  fc.assert(
    fc.property(life, fc.nat(), (steps, which) => {
      const { core } = live(steps);
      const tokens = [...core.jobs.keys()];
      if (tokens.length === 0) return;
      const token = tokens[which % tokens.length]!;
      const answers: ReadonlyArray<NodeEvent> = [
        { type: "signed", token, value: none },
        { type: "signatureVerified", token, holds: false },
        { type: "chainVerified", token, facts: undefined },
      ];
      for (const answer of answers) handle(core, answer, START_MS);
      assert.ok(!core.jobs.has(token));
      for (const answer of answers) assert.deepEqual(handle(core, answer, START_MS), []);
    }),
    { numRuns: runs },
  );
});

test("a node: links that are gone leave neither a timer nor a neighbour", () => {
  fc.assert(
    fc.property(life, (steps) => {
      const gone = [-3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8].map(
        (link): Step => ({ is: "event", event: { type: "lost", link, why: "all of them" } }),
      );
      const { core, timers } = live([...steps, ...gone]);
      const left = [...core.table.links.keys()];
      assert.deepEqual(
        [...timers].filter((timer) => timer.startsWith("link") && !left.includes(Number(timer.split(" ")[1]))),
        [],
      );
      if (left.length === 0)
        assert.equal(core.table.byNode.size + core.table.visits.size + core.table.dialledAt.size, 0);
    }),
    { numRuns: runs },
  );
});

// RFC 6940 §6.5.1.2
test("a node: among these lives are links that open, messages that are served, rejected and answered, and values on disk", () => {
  const counts = { linked: 0, served: 0, rejected: 0, dropped: 0, written: 0, stored: 0, ended: 0, closed: 0 };
  for (const steps of fc.sample(life, { numRuns: 500, seed: 1 })) {
    const { core, orders } = live(steps);
    counts.linked += core.table.byNode.size;
    counts.served += core.counters.delivered;
    counts.rejected += core.counters.badSignatures;
    counts.dropped += core.counters.dropped;
    for (const { type } of orders) {
      if (type === "write") counts.written++;
      if (type === "store") counts.stored++;
      if (type === "ended") counts.ended++;
      if (type === "close") counts.closed++;
    }
  }
  for (const [what, count] of Object.entries(counts)) assert.ok(count > 0, `${what}: ${JSON.stringify(counts)}`);
});
