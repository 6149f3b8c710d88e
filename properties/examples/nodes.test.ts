/** Nodes embedded in a loop: they make a ring, whoever is asked answers, and one that leaves is missed by nobody. */
import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { identityOf, nodeIdFrom, toResource } from "../../codecs/reload/mod.ts";
import { bytesOfBig, nodeIdText } from "../../codecs/shared/mod.ts";
import { type NodeSettings, SEED_BYTES } from "../../machines/node/mod.ts";
import { type PeerSettings, peerTiming, storageTiming } from "../../machines/reload/mod.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";
import { testEffect } from "../kit/harness.ts";
import { coreLimits } from "../reload/security-host.ts";
import { type Member, type NodeKeys, Wire } from "./nodes.ts";

const NAME = "ring.example";
const FIRST = { host: "10.0.0.1", port: 6084 };
const overlay = viprOverlay({ name: NAME, sequence: 1 });

/** Three places, evenly around the ring. */
const PLACES = [1n << 126n, 3n << 126n, 2n << 126n].map(nodeIdFrom);

const nodesOn = Effect.fnUntraced(function* (wire: Wire) {
  const keys = yield* Keys;
  const root = yield* authorityNamed("root", undefined, wire.nowMs);
  const roots = [root.certificate];
  const times = { notBeforeMs: wire.nowMs - 1_000, notAfterMs: wire.nowMs + 86_400_000 };
  const members: Array<Member> = [];
  for (const [i, self] of PLACES.entries()) {
    const key = yield* keys.generate;
    const uris = [`reload://${nodeIdText(self)}@${NAME}/`];
    const certificate = yield* certified(key, root, { uris, ...times });
    // The keys of this package are Effects that are done at once.
    const port: NodeKeys = {
      sign: (bytes) => Effect.runSync(keys.sign(key, bytes)),
      verify: (by, bytes, signature, algorithm) => Effect.runSync(keys.verify(by, bytes, signature, algorithm)),
      facts: (chain, trusted, atMs) => {
        const checked = Effect.runSync(Effect.option(keys.verifyChain(chain, trusted, atMs)));
        return checked._tag === "Some" ? checked.value : undefined;
      },
    };
    const settings: NodeSettings = {
      self,
      certificates: [certificate],
      algorithm: key.algorithm,
      identity: identityOf(certificate),
      facts: port.facts([certificate], roots, wire.nowMs)!,
      overlay,
      roots,
      seed: new Uint8Array(SEED_BYTES).fill(i),
      limits: coreLimits,
      storage: { settings: { ...overlay, timing: storageTiming, startedMs: wire.nowMs }, isDurable: false },
    };
    const endpoint = { host: `10.0.0.${i + 1}`, port: 6084 };
    const member = wire.add(endpoint, settings, port);
    members.push(member);
    const peer: PeerSettings = {
      self,
      endpoint,
      bootstrap: i === 0 ? [] : [FIRST],
      mayBeFirst: i === 0,
      applications: [],
      neighbours: 3,
      fingers: 16,
      reactive: true,
      timing: peerTiming,
      startedMs: wire.nowMs,
    };
    member.tell({ type: "join", settings: peer });
    wire.run(5_000);
  }
  return members;
});

const statesOf = ({ reports }: Member) => reports.flatMap((report) => (report.type === "state" ? [report.state] : []));

testEffect(
  "embedded: three nodes in a loop make a ring, the responsible one answers, and one that leaves is missed by nobody",
  Effect.provide(
    Effect.gen(function* () {
      const wire = new Wire(yield* Clock.currentTimeMillis);
      const [one, two, three] = (yield* nodesOn(wire)) as [Member, Member, Member];
      for (const member of [one, two, three]) assert.equal(statesOf(member).at(-1), "settled");
      const inOrder = PLACES.toSorted((a, b) => (a < b ? -1 : 1));
      for (const { node } of [one, two, three]) {
        const next = inOrder[(inOrder.indexOf(node.settings.self) + 1) % inOrder.length];
        assert.equal(node.view.successors[0], next);
      }
      let refs = 0;
      const askedBy = (member: Member, place: bigint) => {
        const ref = ++refs;
        const destinations = [toResource(bytesOfBig(place, 16))];
        const body = { type: "pingReq", value: { padding: new Uint8Array() } } as const;
        member.tell({ type: "requested", request: { ref, destinations, body } });
        wire.run(1_000);
        for (const report of member.reports)
          if (report.type === "ended" && report.ref === ref)
            return report.outcome.type === "answer" ? report.outcome.signer : report.outcome.type;
        return "nothing";
      };
      for (const member of [one, two, three])
        for (const place of PLACES) assert.equal(askedBy(member, place - 5n), place);
      three.tell({ type: "leave" });
      wire.run(5_000);
      assert.equal(statesOf(three).at(-1), "left");
      assert.equal(askedBy(one, PLACES[2]! - 5n), PLACES[1]); // its successor has its part now
    }),
    keysLayer,
  ),
);
