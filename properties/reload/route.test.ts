/** What becomes of a packet, by its header alone. RFC 6940 §6.1, §6.2, §6.3.2. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { isLaterSequence } from "../../codecs/overlay/mod.ts";
import {
  type Destination,
  encodeBody,
  fragmentWhole,
  isRequestCode,
  MessageContents,
  messageCode,
  nodeIdFrom,
  type Packet,
  Packet as PacketWire,
  sequenceAny,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { mayAnswer, type RingView, routeOf, WILDCARD, wayBack } from "../../machines/reload/mod.ts";
import { refusalOf } from "../../machines/reload/receipt.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import { nodeIds } from "../kit/node-ids.ts";

const settings = { overlay: 1, initialTtl: 100 };
const view: RingView = {
  self: nodeIdFrom(500n),
  joined: true,
  predecessors: [nodeIdFrom(400n), nodeIdFrom(300n)],
  successors: [nodeIdFrom(600n), nodeIdFrom(700n)],
  fingers: [nodeIdFrom(1000n)],
  linked: [nodeIdFrom(300n), nodeIdFrom(400n), nodeIdFrom(600n), nodeIdFrom(700n), nodeIdFrom(1000n), nodeIdFrom(450n)],
};
const request = encode(MessageContents, encodeBody({ type: "pingReq", value: { padding: new Uint8Array() } }));
const answer = encode(MessageContents, encodeBody({ type: "pingAns", value: { responseId: 1n, time: 1n } }));
const packet = (destinationList: ReadonlyArray<Destination>, more: Partial<Packet> = {}): Packet => ({
  overlay: 1,
  configurationSequence: 0,
  version: 10,
  ttl: 50,
  fragment: fragmentWhole,
  transactionId: 7n,
  maxResponseLength: 0,
  viaList: [],
  destinationList,
  options: [],
  payload: request,
  ...more,
});
const resource = (id: bigint) => toResource(bytesOfBig(id, 16));
const route = (given: Packet, from = 300n) => routeOf(view, settings, given, nodeIdFrom(from));
const sentTo = (given: Packet, from = 300n) => {
  const verdict = route(given, from);
  return verdict.type === "forward" ? verdict.to : verdict.type;
};

test("RFC 6940 §6.1.1: what is ours is delivered, the wildcard with it", () => {
  assert.equal(sentTo(packet([resource(450n)])), "deliver");
  assert.equal(sentTo(packet([resource(500n)])), "deliver");
  assert.equal(sentTo(packet([toNode(nodeIdFrom(500n))])), "deliver");
  assert.equal(sentTo(packet([toNode(WILDCARD)])), "deliver");
});

// RFC 6940 §6.1.1, §6.1.2, §6.2.1
test("RFC 6940 §10.3: the directly linked, else the largest before it, else the smallest after it", () => {
  assert.equal(sentTo(packet([toNode(nodeIdFrom(450n))])), 450n); // a client: linked, and in no table
  assert.equal(sentTo(packet([resource(650n)])), 600n);
  assert.equal(sentTo(packet([resource(400n)])), 400n);
  assert.equal(sentTo(packet([resource(350n)]), 600n), 300n);
  assert.equal(sentTo(packet([resource(350n)]), 300n), 400n); // not back to where it came from
  assert.equal(sentTo(packet([resource(5_000n)])), 1000n);
  assert.equal(sentTo(packet([resource(510n)])), 600n);
});

test("RFC 6940 §6.1.1: our own entry is taken off, and the next one looked at", () => {
  const verdict = route(packet([toNode(nodeIdFrom(500n)), toNode(nodeIdFrom(600n))]));
  assert.ok(verdict.type === "forward");
  assert.deepEqual(verdict.packet.destinationList, [toNode(nodeIdFrom(600n))]);
  assert.deepEqual(verdict.packet.viaList, [toNode(nodeIdFrom(300n))]);
  assert.equal(verdict.packet.ttl, 49);
});

// RFC 6940 §6.1.1, §6.3.2.2
test("RFC 6940 §6.1: what must be dropped is dropped", () => {
  assert.equal(sentTo(packet([])), "drop");
  assert.equal(sentTo(packet([toNode(nodeIdFrom(480n))])), "drop"); // in our part of the ring, and nobody
  assert.equal(sentTo(packet([resource(450n), toNode(nodeIdFrom(1n))])), "drop");
  assert.equal(sentTo(packet([{ compactId: 0x8001 }])), "drop");
  assert.equal(sentTo(packet([{ type: "opaqueId", data: Uint8Array.of(1) }])), "drop");
  assert.equal(sentTo(packet([{ type: 9, data: Uint8Array.of(1) }])), "drop");
  assert.equal(sentTo(packet([toNode(nodeIdFrom(600n)), { type: 9, data: Uint8Array.of(1) }])), 600n); // not ours to understand
});

// RFC 6940 §6.3.2.2
test("RFC 6940 §6.7: a fragment field without its high bit is dropped, and so is a resource in a via list", () => {
  assert.equal(sentTo(packet([toNode(nodeIdFrom(500n))], { fragment: 0x40000000 })), "drop");
  assert.equal(sentTo(packet([toNode(nodeIdFrom(500n))], { viaList: [resource(1n)] })), "drop");
});

// RFC 6940 §6.1, §6.3.2.3, §13.6.5; docs/protocol/overlay.md
test("RFC 6940 §6.3.2, §14.9: refusals by their names", () => {
  const refused = (given: Packet) => {
    const verdict = route(given);
    return verdict.type === "refuse" ? verdict.error : verdict.type;
  };
  assert.equal(refused(packet([toNode(nodeIdFrom(600n))], { ttl: 0 })), "ttlExceeded");
  assert.equal(refused(packet([toNode(nodeIdFrom(500n))], { ttl: 0 })), "deliver");
  assert.equal(refused(packet([toNode(nodeIdFrom(500n))], { ttl: 101 })), "ttlExceeded");
  assert.equal(
    refused(packet([toNode(nodeIdFrom(600n)), toNode(nodeIdFrom(700n)), toNode(nodeIdFrom(600n))])),
    "invalidMessage",
  ); // §13.6.5
  assert.equal(refused(packet([{ compactId: 0x8001 }, { compactId: 0x8001 }])), "invalidMessage");
  assert.equal(refused(packet([toNode(nodeIdFrom(500n))], { version: 1 })), "incompatibleWithOverlay");
  assert.equal(refused(packet([toNode(nodeIdFrom(500n))], { overlay: 2 })), "incompatibleWithOverlay");
  const critical = { options: [{ type: 9, flags: 1, option: new Uint8Array() }] };
  assert.equal(refused(packet([toNode(nodeIdFrom(600n))], critical)), "unsupportedForwardingOption");
});

test("RFC 6940 §6.1.2: an answer carries no via list, and a later fragment of it is not taken for one", () => {
  const via = (given: Packet) => {
    const verdict = route(given);
    return verdict.type === "forward" ? verdict.packet.viaList.length : undefined;
  };
  assert.equal(via(packet([toNode(nodeIdFrom(600n))], { payload: answer })), 0);
  assert.equal(via(packet([toNode(nodeIdFrom(600n))], { payload: answer, fragment: 0xc0000100 })), 1);
});

test("any packet gets a verdict, and a forwarded one can still be written", () => {
  const anyPacket = arbitraryOf(PacketWire).map((given) => ({
    ...given,
    overlay: 1,
    version: 10,
    ttl: given.ttl % 101,
  }));
  fc.assert(
    fc.property(anyPacket, fc.boolean(), (given, joined) => {
      const verdict = routeOf({ ...view, joined }, settings, given, nodeIdFrom(300n));
      if (verdict.type === "forward") assert.ok(encode(PacketWire, verdict.packet).length > 0);
      else assert.match(verdict.type, /^(deliver|refuse|drop)$/);
    }),
    { numRuns: runs },
  );
});

// RFC 6940 §6.1.2, §6.2
test("RFC 6940 §6.2.2: the way back is the way there, reversed", () => {
  // A asks E over B, C and D: each peer adds the one before it.
  let sent = packet([toNode(nodeIdFrom(5n))], { viaList: [] });
  const names = nodeIds(1n, 2n, 3n, 4n, 5n);
  for (let i = 1; i < 4; i++) {
    const at: RingView = {
      ...view,
      self: names[i]!,
      predecessors: [nodeIdFrom(9n)],
      successors: [names[i + 1]!],
      fingers: [],
      linked: names,
    };
    const verdict = routeOf({ ...at, linked: [names[i + 1]!] }, settings, sent, names[i - 1]!);
    assert.ok(verdict.type === "forward");
    sent = verdict.packet;
  }
  assert.deepEqual(wayBack(sent, nodeIdFrom(4n)), nodeIds(4n, 3n, 2n, 1n).map(toNode));
});

// RFC 6940 §6.4.2.1
test("RFC 6940 §6.3.4: which nodes may answer", () => {
  assert.ok(mayAnswer(view, toNode(nodeIdFrom(600n)), nodeIdFrom(600n)));
  assert.ok(!mayAnswer(view, toNode(nodeIdFrom(600n)), nodeIdFrom(700n)));
  assert.ok(mayAnswer(view, toNode(WILDCARD), nodeIdFrom(700n)));
  assert.ok(mayAnswer(view, resource(650n), nodeIdFrom(700n)));
  assert.ok(mayAnswer(view, resource(650n), nodeIdFrom(660n))); // nearer than all we know
  assert.ok(!mayAnswer(view, resource(650n), nodeIdFrom(1000n)));
  assert.ok(!mayAnswer(view, { compactId: 0x8000 }, nodeIdFrom(600n)));
});

test("RFC 6940 §6.1.2: a request has everybody on its Via List by whom it came, however many they are", () => {
  for (let hops = 0; hops < 50; hops++) {
    const viaList = Array.from({ length: hops }, (_, i) => toNode(nodeIdFrom(BigInt(2_000 + i))));
    const verdict = route(packet([toNode(nodeIdFrom(600n))], { viaList }));
    assert.ok(verdict.type === "forward");
    assert.deepEqual(verdict.packet.viaList, [...viaList, toNode(nodeIdFrom(300n))]);
  }
});

test("RFC 6940 §6.3.2.1: a request made under another configuration is refused, and 65535 is a pass for a ConfigUpdate alone", () => {
  const sequence = fc.oneof(fc.nat(sequenceAny - 1), fc.constantFrom(0, 1, sequenceAny - 1));
  const requestCode = fc.constantFrom(...Object.values(messageCode).filter(isRequestCode));
  const contents = encodeBody({ type: "pingReq", value: { padding: new Uint8Array() } });
  fc.assert(
    fc.property(fc.oneof(sequence, fc.constant(sequenceAny)), sequence, requestCode, (theirs, ours, code) => {
      const refusal = refusalOf(packet([], { configurationSequence: theirs }), { ...contents, code }, ours);
      if (theirs === ours || (theirs === sequenceAny && code === messageCode.configUpdateReq))
        assert.equal(refusal, undefined);
      else if (theirs === sequenceAny) assert.match(refusal ?? "taken", /^configToo(Old|New)$/);
      else assert.equal(refusal, isLaterSequence(theirs, ours) ? "configTooNew" : "configTooOld");
    }),
    { numRuns: runs * 5 },
  );
});
