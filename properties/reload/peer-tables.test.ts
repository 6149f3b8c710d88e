/** What a Chord peer tells of its tables, and when: Updates, Attaches, searches, a RouteQuery, a Leave. RFC 6940 §6.5, §10.5 to §10.9. */

import * as assert from "node:assert/strict";
import { ChordLeaveData, nodeIdFrom, toNode } from "../../codecs/reload/mod.ts";
import { bigOf, bytesOfBig } from "../../codecs/shared/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import { contextOf, settle } from "../../machines/reload/joining.ts";
import {
  distance,
  fingerRange,
  nextHop,
  type PeerAction,
  type PeerEvent,
  peerTiming,
} from "../../machines/reload/mod.ts";
import { viewOf } from "../../machines/reload/table.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import {
  asking,
  attach,
  joined,
  linked,
  requests,
  SELF,
  settings,
  settled,
  timer,
  timers,
  update,
  updated,
} from "./peer-talk.ts";

// RFC 6940 §6.4.2.4.1
test("RFC 6940 §6.4.2.3: a new link is sent our tables, and so is an Attach over a link that is there", () => {
  const peer = joined();
  const updates = (actions: ReadonlyArray<PeerAction>) =>
    actions.flatMap((action) =>
      action.type === "request" && action.body.type === "updateReq" ? [[action.over, action.body.value.type]] : [],
    );
  assert.deepEqual(updates(peer.tell(linked(450n))), [[450n, "full"]]);
  const again = (sendUpdate: boolean): PeerEvent => ({
    type: "attachReq",
    asked: asking(450n),
    body: { ...attach, sendUpdate },
  });
  assert.deepEqual(updates(peer.tell(again(true))), [[450n, "full"]]);
  assert.deepEqual(updates(peer.tell(again(false))), []);
  const [answer] = peer.tell(again(true));
  assert.ok(answer?.type === "answer" && answer.body.type === "attachAns");
  assert.equal(answer.body.value.sendUpdate, false, "our own tables are asked for by an Attach, not by its answer");
});

test("RFC 6940 §6.5.1: a linked node without an Update is a neighbour for its own messages alone", () => {
  const peer = joined();
  const before = viewOf(peer.context().table);
  peer.tell(linked(550n));
  const view = viewOf(peer.context().table);
  assert.deepEqual([view.successors, view.predecessors], [before.successors, before.predecessors]);
  assert.equal(nextHop(view, 550n), 550n);
  assert.equal(nextHop(view, 560n), 600n);
  peer.tell(updated(550n, update([], [])));
  assert.equal(nextHop(viewOf(peer.context().table), 560n), 550n);
});

// RFC 6940 §6.5.1.13, §6.6.5
test("RFC 6940 §6.5.1.1: the offerer of an Attach is passive, its answerer active", () => {
  const peer = joined();
  const offers = peer.tell(updated(600n, update([], [550n])));
  const [offer] = offers.flatMap((action) =>
    action.type === "request" && action.body.type === "attachReq" ? [action.body.value] : [],
  );
  const said = peer.tell({ type: "attachReq", asked: asking(450n), body: attach });
  const [answer] = said.flatMap((action) =>
    action.type === "answer" && action.body.type === "attachAns" ? [action.body.value] : [],
  );
  assert.deepEqual([offer?.role, answer?.role], ["passive", "active"]);
  // Who answers dials, so that the offerer is the server of TLS; and no candidate asks for ICE.
  assert.ok(said.some((action) => action.type === "connect" && action.node === 450n));
  for (const { candidates } of [offer!, answer!])
    assert.deepEqual(
      candidates.map(({ type, overlayLink }) => [type, overlayLink]),
      [["host", "tlsTcpFhNoIce"]],
    );
});

test("RFC 6940 §10.5: the fingers of a joining node are attached to at n + 2^(128-i)", () => {
  const { actions } = settle({ ...contextOf(settings), table: settled().context().table }, 1_000);
  const sought = (actions ?? []).flatMap((action) =>
    action.type === "request" && action.request.type === "finger"
      ? [[action.request.entry, requests([action])[0]]]
      : [],
  );
  // The first entry has the predecessors in its range, the second the peer across.
  assert.deepEqual(
    sought,
    Array.from({ length: 16 }, (_, i) => i + 1)
      .filter((entry) => entry > 2)
      .map((entry) => [
        entry,
        ["attachReq", "finger", bytesOfBig((SELF + (1n << BigInt(128 - entry))) % (1n << 128n), 16)],
      ]),
  );
});

test("RFC 6940 §10.7.4.1: an Update goes to each neighbour again and again, at most every chord-update-interval, with an offset by chance", () => {
  const peer = settled();
  for (let round = 0; round < 3; round++) {
    const said = peer.tell(timer("update"));
    const { successors, predecessors } = viewOf(peer.context().table);
    assert.deepEqual(
      requests(said)
        .flatMap(([type, , to]) => (type === "updateReq" ? [to] : []))
        .sort(),
      [...new Set([...predecessors, ...successors])].sort(),
    );
    assert.deepEqual(timers(said), [["update", peerTiming.update, peerTiming.update / 4]]);
  }
});

test("RFC 6940 §10.7.4.2: once a chord-ping-interval one empty finger is searched for, the far ones more often, at a random place of its range", () => {
  const peer = settled();
  const searched = (draw: bigint) => {
    const said = peer.tell({ type: "timerFired", timer: "ping", atMs: 1_000, draw });
    assert.deepEqual(timers(said), [["ping", peerTiming.ping, peerTiming.ping / 4]]);
    const pings = said.flatMap((action) => (action.type === "request" ? [action] : []));
    assert.equal(pings.length, 1);
    const [ping] = pings;
    assert.ok(ping?.body.type === "pingReq" && ping.request.type === "search");
    const [to] = ping.destinations;
    assert.ok(to !== undefined && "type" in to && to.type === "resource");
    const { from, size } = fingerRange(SELF, ping.request.entry);
    assert.ok(distance(nodeIdFrom(from), bigOf(to.data)) < size, "within the range");
    return [ping.request.entry, bigOf(to.data)] as const;
  };
  const counts = new Map<number, number>();
  const places = new Set<bigint>();
  const chance = chanceOf(7);
  for (let i = 0; i < 400; i++) {
    const [entry, place] = searched(bigOf(chance.bytes(8)));
    counts.set(entry, (counts.get(entry) ?? 0) + 1);
    places.add(place);
  }
  assert.equal(places.size, 400);
  // Half of the searches are for the farthest empty entry, a quarter for the next. The first two are not empty.
  assert.ok(!counts.has(1) && !counts.has(2));
  assert.ok(counts.get(3)! > counts.get(4)! && counts.get(4)! > counts.get(5)!, JSON.stringify([...counts]));
});

test("RFC 6940 §10.8: a RouteQuery names the next peer, and an Update follows where it is asked for", () => {
  const peer = joined();
  const query = (id: bigint, sendUpdate: boolean) =>
    peer.tell({
      type: "routeQueryReq",
      asked: asking(600n),
      body: { sendUpdate, destination: toNode(nodeIdFrom(id)), overlayData: new Uint8Array() },
    });
  const nextOf = (actions: ReadonlyArray<PeerAction>) =>
    actions.flatMap((action) =>
      action.type === "answer" && action.body.type === "routeQueryAns" ? [action.body.value.nextPeer] : [],
    );
  assert.deepEqual(nextOf(query(650n, false)), [600n]);
  assert.deepEqual(nextOf(query(450n, false)), [SELF], "ours");
  assert.deepEqual(requests(query(650n, false)), []);
  assert.deepEqual(requests(query(650n, true)), [["updateReq", "update", 600n]]);
});

test("RFC 6940 §10.9: a Leave has the predecessors for the successors, and the successors for the predecessors", () => {
  const peer = settled();
  const { predecessors, successors } = viewOf(peer.context().table);
  peer.tell({ type: "leave" });
  const said = peer.tell({ type: "handedOver", to: successors[0]!, atMs: 1 }).flatMap((action) => {
    if (action.type !== "request" || action.body.type !== "leaveReq") return [];
    const data = decode(ChordLeaveData, action.body.value.overlayData);
    return data.ok && action.request.type === "leave" ? [[action.request.node, data.value]] : [];
  });
  assert.deepEqual(said, [
    ...predecessors.map((node) => [node, { type: "fromSuccessor", nodes: successors }]),
    ...successors.map((node) => [node, { type: "fromPredecessor", nodes: predecessors }]),
  ]);
});
