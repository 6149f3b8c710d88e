/** The machine of a Chord peer, one event at a time: join, admit, stabilize, lose, leave. RFC 6940 §10.5 to §10.9. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { type ChordUpdate, chordLeaveType, nodeIdFrom, toNode } from "../../codecs/reload/mod.ts";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import { HEARD_MAX } from "../../machines/reload/candidates.ts";
import {
  type PeerAction,
  type PeerEvent,
  type PeerTimer,
  type PendingRequest,
  peerTiming,
  reloadPeer,
} from "../../machines/reload/mod.ts";
import { ASKING_MAX } from "../../machines/reload/stabilize.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import {
  ACROSS,
  appAttach,
  asking,
  attach,
  failing,
  joined,
  joining,
  leaving,
  linked,
  peerOf,
  refusal,
  requests,
  SELF,
  settings,
  settled,
  timer,
  timers,
  unreachable,
  update,
  updated,
} from "./peer-talk.ts";

// RFC 6940 §11.4; docs/protocol/overlay.md
test("RFC 6940 §10.5: dial, Attach to n+1, meet the neighbours, Join, wait for the Update that names us", () => {
  const peer = peerOf();
  assert.deepEqual(
    peer.first.map(({ type }) => type),
    ["report", "dial", "startTimer"],
  );
  peer.tell(linked(900n));
  const dialled = peer.tell({ type: "dialled", node: nodeIdFrom(900n) });
  assert.deepEqual(requests(dialled), [["attachReq", "admission", bytesOfBig(SELF + 1n, 16)]]);
  peer.tell({
    type: "answered",
    request: { type: "admission" },
    signer: nodeIdFrom(600n),
    body: { type: "attachAns", value: attach },
  });
  peer.tell(linked(600n));
  const met = peer.tell(updated(600n, update([400n, 300n], [900n, 300n])));
  // Future neighbours, source-routed through the peer that named them, §10.6. The bootstrap node's Update is wanted too.
  assert.deepEqual(requests(met), [
    ["attachReq", "attach", 600n, 900n],
    ["attachReq", "attach", 600n, 300n],
    ["attachReq", "attach", 600n, 400n],
  ]);
  assert.match(peer.value(), /meeting/);
  for (const node of [400n, 300n]) {
    peer.tell(linked(node));
    peer.tell(updated(node, update([], [])));
  }
  const ready = peer.tell(updated(900n, update([600n], [300n])));
  assert.deepEqual(requests(ready), [["joinReq", "join", 600n]]);
  // "MUST NOT send any Update message placing itself in the overlay until" now.
  const settled = peer.tell(updated(600n, update([SELF, 400n], [900n])));
  assert.deepEqual(
    requests(settled)
      .filter(([type]) => type === "updateReq")
      .map(([, , to]) => to),
    [900n, 600n, 400n, 300n],
  );
  assert.equal(peer.value(), '"settled"');
  const ring = settled.findLast(({ type }) => type === "ring") as Extract<PeerAction, { type: "ring" }>;
  assert.deepEqual(ring.view.predecessors, [400n, 300n, 900n]);
  assert.deepEqual(ring.view.successors, [600n, 900n, 300n]);
  assert.ok(ring.view.joined);
});

test("RFC 6940 §10.7.3: an Update makes its sender a peer where it is linked, and nobody else", () => {
  const peer = joined();
  const ready = () => peer.context().table.ready.includes(nodeIdFrom(777n));
  peer.tell(updated(777n, update([], [])));
  assert.equal(ready(), false);
  peer.tell(linked(777n));
  peer.tell(updated(777n, update([], [])));
  assert.equal(ready(), true);
});

test("RFC 6940 §6.4.2.1: the first node forms the overlay alone, another one never does", () => {
  assert.equal(peerOf({ bootstrap: [], mayBeFirst: true }).value(), '"settled"');
  const peer = peerOf();
  for (let i = 0; i < 20; i++) {
    peer.tell({ type: "dialFailed", why: "refused" });
    peer.tell(timer("pause"));
  }
  assert.equal(peer.value(), '"failed"');
});

test("RFC 6940 §10.5: a peer that begins anew before its link was seen to close is taken in again, with what it is to store", () => {
  const peer = joined();
  const again = nodeIdFrom(400n);
  assert.equal(peer.context().table.view.predecessors[0], again);
  const orders = peer.tell({
    type: "joinReq",
    asked: asking(again),
    body: { joiningPeer: again, overlayData: new Uint8Array() },
  });
  assert.deepEqual(
    orders.flatMap((order) => (order.type === "answer" || order.type === "handOver" ? [order.type] : [])),
    ["answer", "handOver"],
  );
  assert.deepEqual(peer.context().table.view.predecessors, [300n, 900n, 600n], "its part is ours until it knows");
  peer.tell({ type: "handedOver", to: again, atMs: 2_000 });
  const updateAns = { type: "updateAns", value: {} } as const;
  peer.tell({ type: "answered", request: { type: "admit", node: again }, signer: again, body: updateAns });
  assert.equal(peer.context().table.view.predecessors[0], again);
});

// RFC 6940 §6.4.2.1, §10.7.3
test("RFC 6940 §10.5: the admitting peer hands over first and sends its Update then", () => {
  const peer = joined();
  const joiner = nodeIdFrom(450n);
  const join = {
    type: "joinReq",
    asked: asking(joiner),
    body: { joiningPeer: joiner, overlayData: new Uint8Array() },
  } as const;
  assert.equal(refusal(peer.tell({ ...join, asked: asking(joiner, 400n) }))?.error, "forbidden");
  assert.equal(
    refusal(peer.tell({ ...join, body: { ...join.body, joiningPeer: nodeIdFrom(451n) } }))?.error,
    "forbidden",
  );
  assert.equal(
    refusal(peer.tell({ type: "joinReq", asked: asking(550n), body: { ...join.body, joiningPeer: nodeIdFrom(550n) } }))
      ?.error,
    "notFound",
  );
  peer.tell(linked(joiner));
  const types = (actions: ReadonlyArray<PeerAction>) => actions.map(({ type }) => type);
  assert.deepEqual(types(peer.tell(join)), ["answer", "handOver"]);
  assert.deepEqual(types(peer.tell(join)), ["answer"], "a retransmission changes nothing");
  const [told] = peer.tell({ type: "handedOver", to: joiner, atMs: 2_000 });
  assert.ok(told?.type === "request" && told.request.type === "admit");
  assert.deepEqual(told.body.value, {
    uptime: 2,
    type: "neighbors",
    tables: { predecessors: [450n, 400n, 300n], successors: [600n, 900n, 300n] },
  });
  assert.ok(!peer.context().table.ready.includes(joiner), "until it knows, its part is still ours");
  const updateAns = { type: "updateAns", value: {} } as const;
  peer.tell({ type: "answered", request: { type: "admit", node: joiner }, signer: joiner, body: updateAns });
  assert.ok(peer.context().table.ready.includes(joiner));
  assert.deepEqual(
    requests(peer.tell(timer("react"))).map(([, , to]) => to),
    [900n, 600n, 400n, 300n, 450n],
  );
});

test("RFC 6940 §10.5: of two that join at once the second waits, and looks again when the first has come between", () => {
  const peer = joined();
  const join = (node: bigint): PeerEvent => ({
    type: "joinReq",
    asked: asking(node),
    body: { joiningPeer: nodeIdFrom(node), overlayData: new Uint8Array() },
  });
  for (const node of [450n, 440n, 460n]) peer.tell(linked(node));
  assert.equal(peer.tell(join(450n)).length, 2);
  assert.deepEqual(peer.tell(join(440n)), []);
  assert.deepEqual(peer.tell(join(460n)), []);
  peer.tell({ type: "handedOver", to: nodeIdFrom(450n), atMs: 1 });
  const body = { type: "updateAns", value: {} } as const;
  const next = peer.tell({
    type: "answered",
    request: { type: "admit", node: nodeIdFrom(450n) },
    signer: nodeIdFrom(450n),
    body,
  });
  const turned = next.filter(({ type }) => type === "refuse" || type === "handOver" || type === "answer");
  assert.deepEqual(
    turned.map((action) => (action.type === "handOver" ? action.to : action.type)),
    ["refuse", "answer", 460n],
  );
  // The one in progress goes away: no other is left waiting.
  peer.tell({ type: "unlinked", node: nodeIdFrom(460n), why: "gone" });
  assert.deepEqual(peer.context().joiners, []);
});

test("RFC 6940 §10.7.1: a lost neighbour is replaced by the next best, and the others hear of it", () => {
  const peer = joined();
  const lost = peer.tell({ type: "unlinked", node: nodeIdFrom(600n), why: "gone" });
  const ring = lost.find(({ type }) => type === "ring") as Extract<PeerAction, { type: "ring" }>;
  assert.equal(ring.change, "lost");
  assert.deepEqual(ring.view.successors, [900n, 300n, 400n]);
  assert.deepEqual(
    lost.filter(({ type }) => type === "startTimer").map((action) => (action as { timer: string }).timer),
    ["react", "update"],
  );
});

// RFC 6940 §10.6
test("RFC 6940 §10.7.3: an Update that names a nearer peer leads to an Attach through its sender", () => {
  const peer = joined();
  assert.deepEqual(requests(peer.tell(updated(600n, update([SELF, 400n], [550n, 900n])))), [
    ["attachReq", "attach", 600n, 550n],
  ]);
  assert.deepEqual(requests(peer.tell(updated(600n, update([SELF], [550n])))), [], "once asked is enough");
});

test("an Update that names thousands of nodes is looked at so far and no farther, and leads to few Attaches", () => {
  const peer = joined();
  const phantoms = Array.from({ length: HEARD_MAX }, (_, i) => SELF + (1n << 100n) + BigInt(i));
  const near = SELF + 1n;
  const attached = (nodes: ReadonlyArray<bigint>) => requests(peer.tell(updated(600n, update([SELF], nodes))));
  const first = attached([...phantoms, near]);
  assert.ok(first.length <= ASKING_MAX, `${first.length} requests`);
  assert.ok(!first.some(([, , , node]) => node === near));
  assert.ok(attached([near, ...phantoms]).some(([, , , node]) => node === near));
});

// RFC 6940 §10.7.3
test("RFC 6940 §10.7.1: a loss among the nearest is announced at once to all, one farther off later to the neighbours", () => {
  const { react, reactLater, updateMin } = peerTiming;
  const peer = settled();
  assert.deepEqual(timers(peer.tell({ type: "unlinked", node: nodeIdFrom(SELF + 40n), why: "gone" })), [
    ["react", reactLater, reactLater],
  ]);
  const later = requests(peer.tell(timer("react")));
  assert.equal(later.length, 8);
  // Responsibilities have changed: an Update goes to every linked node, and the rounds start anew.
  assert.deepEqual(timers(peer.tell({ type: "unlinked", node: nodeIdFrom(SELF - 10n), why: "gone" })), [
    ["react", react, 0],
    ["update", updateMin, updateMin / 4],
  ]);
  assert.equal(requests(peer.tell(timer("react"))).length, peer.context().table.linked.length);
  // An Update that waits is hurried by a nearer change.
  peer.tell({ type: "unlinked", node: nodeIdFrom(SELF + 60n), why: "gone" });
  peer.tell({ type: "unlinked", node: nodeIdFrom(SELF + 50n), why: "gone" });
  assert.deepEqual(
    timers(peer.tell({ type: "unlinked", node: nodeIdFrom(SELF + 10n), why: "gone" })).filter(
      ([name]) => name === "react",
    ),
    [["react", react, 0]],
  );
});

test("RFC 6940 §10.7.2: for a lost finger another is sought, once", () => {
  const peer = settled();
  const entry: PendingRequest = { type: "finger", entry: 2 };
  const lost = peer.tell({ type: "unlinked", node: ACROSS, why: "gone" });
  assert.ok(requests(lost).some(([type, request]) => type === "attachReq" && request === "finger"));
  assert.ok(peer.context().searching.includes(2));
  peer.tell(linked(ACROSS));
  peer.tell(updated(ACROSS, update([], [])));
  assert.deepEqual(
    requests(peer.tell({ type: "unlinked", node: ACROSS, why: "gone" })).filter(([, request]) => request === "finger"),
    [],
  );
  peer.tell({ type: "failed", request: entry, why: "timedOut" });
  assert.ok(!peer.context().searching.includes(2));
});

// docs/protocol/overlay.md
test("RFC 6940 §10.7.4.4: a bootstrap node is asked for the peer responsible for the place after ours, and another than our successor is attached to", () => {
  const peer = settled();
  const boot = nodeIdFrom(77n);
  const check = () => {
    const [dial] = peer.tell(timer("partition")).filter(({ type }) => type === "dial");
    assert.deepEqual(dial, { type: "dial", endpoint: settings.bootstrap[0] });
    peer.tell(linked(boot));
    const [ping] = requests(peer.tell({ type: "dialled", node: boot }));
    assert.deepEqual(ping, ["pingReq", "partition", bytesOfBig(SELF + 1n, 16)]);
  };
  const told = (signer: bigint) =>
    peer.tell({
      type: "answered",
      request: { type: "partition", via: boot },
      signer: nodeIdFrom(signer),
      body: { type: "pingAns", value: { responseId: 1n, time: 1n } },
    });
  check();
  assert.deepEqual(told(SELF + 10n), [{ type: "release", node: boot }], "one ring: the bootstrap node is let go");
  check();
  assert.deepEqual(requests(told(SELF + 5n)), [["attachReq", "attach", boot, SELF + 5n]]);
});

test("under a document without bootstrap nodes none is asked, and the next check comes after the same time", () => {
  const peer = settled();
  peer.tell({ type: "configured", policy: { bootstrap: [], reactive: true, updateMs: 600_000, pingMs: 3_600_000 } });
  const said = peer.tell(timer("partition"));
  assert.deepEqual(
    said.map((action) => (action.type === "startTimer" ? action.timer : action.type)),
    ["partition"],
  );
});

// RFC 6940 §6.4.2.2
test("RFC 6940 §10.9: a Leave counts when it comes from the leaving node itself", () => {
  const peer = joined();
  const overlayData = Uint8Array.of(chordLeaveType.fromPredecessor, 0, 0);
  const leave = (by: bigint, of: bigint): PeerEvent => ({
    type: "leaveReq",
    asked: asking(by),
    body: { leavingPeer: nodeIdFrom(of), overlayData },
  });
  assert.equal(refusal(peer.tell(leave(400n, 600n)))?.error, "forbidden");
  // A recorded one, over somebody else's link.
  const replayed = { ...leave(600n, 600n), asked: asking(600n, 400n) } as PeerEvent;
  assert.equal(refusal(peer.tell(replayed))?.error, "forbidden");
  assert.ok(peer.context().table.ready.includes(nodeIdFrom(600n)));
  peer.tell(leave(600n, 600n));
  assert.ok(!peer.context().table.ready.includes(nodeIdFrom(600n)));
});

test("RFC 6940 §10.7.1: a node that has not joined yet and loses the one peer it knows looks for no other ring, and leaves no timer when it is ended", () => {
  const gone: ReadonlyArray<PeerEvent> = [
    { type: "unlinked", node: nodeIdFrom(501n), why: "gone" },
    {
      type: "leaveReq",
      asked: asking(501n),
      body: { leavingPeer: nodeIdFrom(501n), overlayData: Uint8Array.of(chordLeaveType.fromPredecessor, 0, 0) },
    },
  ];
  for (const event of gone) {
    const peer = peerOf();
    peer.tell(linked(501n));
    peer.tell(updated(501n, update([], [])));
    assert.deepEqual(peer.context().table.peers, [501n]);
    assert.deepEqual(timers(peer.tell(event)), []);
    assert.deepEqual(peer.context().table.peers, []);
  }
});

test("RFC 6940 §6.5.1.2: of two nodes that attach to each other at once, one gives way", () => {
  const peer = joined();
  const asked = (node: bigint): PeerEvent => ({ type: "attachReq", asked: asking(node), body: attach });
  peer.tell(updated(600n, update([], [550n, 480n])));
  assert.equal(refusal(peer.tell(asked(480n)))?.error, "inProgress");
  assert.deepEqual(
    peer.tell(asked(550n)).map(({ type }) => type),
    ["answer", "connect"],
  );
});

test("RFC 6940 §6.5.2.2: the address of an application that we serve is given, another is not found", () => {
  const peer = joined();
  const asked = (application: number) => appAttach(asking(600n), application);
  const [answer] = peer.tell(asked(0xf056));
  assert.ok(answer?.type === "answer" && answer.body.type === "appAttachAns");
  assert.deepEqual(answer.body.value.candidates[0]!.address, {
    type: "ipv4",
    address: { addr: 0xc0000201, port: 5621 },
  });
  assert.equal(refusal(peer.tell(asked(0xf057)))?.error, "notFound");
});

// RFC 6940 §6.4.2.2
test("RFC 6940 §10.9: a node that leaves hands over its values, sends its Leaves, and is gone", () => {
  const peer = joined();
  assert.deepEqual(
    peer.tell({ type: "leave" }).flatMap((action) => (action.type === "handOver" ? [action.to] : [])),
    [600n],
  );
  const [, handedOver, ...ended] = leaving;
  const farewells = requests(peer.tell(handedOver!));
  // In so small a ring every predecessor but the farthest is a successor too, and gets a successor's Leave.
  assert.deepEqual(
    farewells.map(([type, , to]) => [type, to]),
    [
      ["leaveReq", 400n],
      ["leaveReq", 600n],
      ["leaveReq", 900n],
      ["leaveReq", 300n],
    ],
  );
  for (const event of ended) peer.tell(event);
  assert.equal(peer.value(), '"left"');
});

// RFC 6940 §10.7.4.1
test("RFC 6940 §11.1: a new configuration changes the times, the reaction and the bootstrap nodes of a living peer", () => {
  const { snapshot } = reloadPeer.start(settings);
  const bootstrap = [{ host: "192.0.2.7", port: 6084 }];
  const policy = { bootstrap, reactive: false, updateMs: 60_000, pingMs: 90_000 };
  const now = reloadPeer.step(snapshot, { type: "configured", policy }).snapshot.context.settings;
  assert.deepEqual(
    [now.bootstrap, now.reactive, now.timing.update, now.timing.ping, now.timing.step],
    [bootstrap, false, 60_000, 90_000, settings.timing.step],
  );
});

const node = fc.constantFrom(SELF, SELF + 1n, 450n, 400n, 300n, 600n, 900n, 1n << 127n);
const nodes = fc.uniqueArray(node, { maxLength: 4 });
const anyAsked = fc.tuple(node, node, fc.boolean()).map(([signer, other, own]) => asking(signer, own ? signer : other));
const anyUpdate = fc.oneof(
  fc.tuple(nodes, nodes).map(([a, b]) => update(a, b)),
  fc.constant<ChordUpdate>({ uptime: 0, type: "peerReady", tables: {} }),
);
const request: fc.Arbitrary<PendingRequest> = fc.oneof(
  fc.constantFrom<PendingRequest>(
    { type: "admission" },
    { type: "join" },
    { type: "finger", entry: 2 },
    { type: "search", entry: 1 },
    { type: "partition", via: nodeIdFrom(900n) },
  ),
  fc.tuple(node, fc.option(node, { nil: undefined })).map(
    ([node, via]): PendingRequest => ({
      type: "attach",
      node: nodeIdFrom(node),
      via: via === undefined ? undefined : nodeIdFrom(via),
    }),
  ),
  fc.constant<PendingRequest>({ type: "join" }),
  node.map((node): PendingRequest => ({ type: "leave", node: nodeIdFrom(node) })),
  node.map((node): PendingRequest => ({ type: "admit", node: nodeIdFrom(node) })),
  node.map((node): PendingRequest => ({ type: "update", node: nodeIdFrom(node) })),
);
machineLaws(
  reloadPeer,
  {
    inputs: fc
      .record({ mayBeFirst: fc.boolean(), reactive: fc.boolean(), hasBootstrap: fc.boolean() })
      .map(({ hasBootstrap, ...given }) => ({
        ...settings,
        ...given,
        bootstrap: hasBootstrap || !given.mayBeFirst ? settings.bootstrap : [],
      })),
    events: () =>
      fc.oneof(
        node.map((node): PeerEvent => ({ type: "dialled", node: nodeIdFrom(node) })),
        fc.constant<PeerEvent>({ type: "dialFailed", why: "refused" }),
        { weight: 3, arbitrary: node.filter((id) => id !== SELF).map(linked) },
        node.map((node): PeerEvent => ({ type: "unlinked", node: nodeIdFrom(node), why: "gone" })),
        {
          weight: 4,
          arbitrary: fc
            .tuple(anyAsked, anyUpdate)
            .map(([asked, body]): PeerEvent => ({ type: "updateReq", asked, body })),
        },
        anyAsked.map((asked): PeerEvent => ({ type: "attachReq", asked, body: attach })),
        anyAsked.map(
          (asked): PeerEvent => ({
            type: "joinReq",
            asked,
            body: { joiningPeer: asked.signer, overlayData: new Uint8Array() },
          }),
        ),
        anyAsked.map(
          (asked): PeerEvent => ({
            type: "leaveReq",
            asked,
            body: { leavingPeer: asked.signer, overlayData: Uint8Array.of(1, 0, 0) },
          }),
        ),
        anyAsked.map((asked): PeerEvent => ({ type: "pingReq", asked })),
        fc
          .tuple(anyAsked, fc.constantFrom(0xf056, 0xf057))
          .map(([asked, application]) => appAttach(asked, application)),
        fc.boolean().map(
          (reactive): PeerEvent => ({
            type: "configured",
            policy: { bootstrap: [], reactive, updateMs: 60_000, pingMs: 90_000 },
          }),
        ),
        fc.tuple(anyAsked, node).map(
          ([asked, id]): PeerEvent => ({
            type: "routeQueryReq",
            asked,
            body: { sendUpdate: true, destination: toNode(nodeIdFrom(id)), overlayData: new Uint8Array() },
          }),
        ),
        fc.tuple(request, node).map(
          ([request, signer]): PeerEvent => ({
            type: "answered",
            request,
            signer: nodeIdFrom(signer),
            body: { type: "attachAns", value: attach },
          }),
        ),
        request.map((request): PeerEvent => ({ type: "failed", request, why: "timedOut" })),
        node.map((to): PeerEvent => ({ type: "handedOver", to: nodeIdFrom(to), atMs: 5 })),
        fc.constant<PeerEvent>({ type: "leave" }),
      ),
  },
  {
    fired: (timer, atMs): PeerEvent => ({ type: "timerFired", timer: timer as PeerTimer, atMs, draw: 5n }),
    plays: [
      { input: settings, events: [...joining, ...leaving] },
      { input: settings, events: [...joining, linked(450n), updated(450n, update([], [])), timer("react")] },
      { input: settings, events: [...joining.slice(0, 2), failing({ type: "admission" })] },
      { input: settings, events: [...joining.slice(0, -1), failing({ type: "join" })] },
      { input: settings, events: unreachable },
      { input: { ...settings, mayBeFirst: true }, events: unreachable },
    ],
  },
);
