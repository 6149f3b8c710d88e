/**
 * A claim is removed by a Store that its owner signed. Somebody with a certificate for the owner's Node-ID, under a chain that
 * RFC 5280 refuses, removes nothing at a real node. Each chain by which it could be done in 0.1.0, and one that may.
 */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import type { Credentials } from "../../actors/ports/mod.ts";
import {
  encodeRegistration,
  encodeRegistrationKey,
  kindId,
  type StoredDataValue,
  toNode,
} from "../../codecs/reload/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { keyOfPem } from "../../runtime/keys.ts";
import { overlayOf, testOverlay } from "../reload/ring-of-nodes.ts";
import { makeMessageSecurity } from "../reload/security-host.ts";
import { answerTo, dialled } from "../reload/stranger.ts";
import { chainOf, faults, OVERLAY, type Row, VICTIM } from "./chains.ts";

const STOLEN = [
  "URI excluded by its host",
  "sub-CA with an unknown critical extension",
  "leaf with an unknown critical extension",
  "leaf for codeSigning alone",
  "leaf without digitalSignature",
  "sub-CA of RSA 1024",
];
const RESOURCE = Uint8Array.from({ length: 16 }, (_, i) => i);

const credentialsOf = (row: Row, nowMs: number): Credentials => {
  const { root, shown, leafHolder } = chainOf(row, nowMs);
  const key = keyOfPem(leafHolder.secret.export({ type: "pkcs8", format: "pem" }) as string)!;
  return { key, certificates: shown, roots: [root] };
};

testOverlay(
  "a Store under a chain that is not to be believed removes nobody's claim",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const owner = credentialsOf({ name: "", verdict: "good" }, nowMs);
    // The rows leave the root as it is, so that all of them lead to the same one but for its serial number.
    const trusted: Array<Uint8Array> = [...owner.roots];
    const thieves = STOLEN.map((name) => {
      const row = faults.find((one) => one.name === name)!;
      const credentials = credentialsOf(row, nowMs);
      trusted.push(...credentials.roots);
      return { name, credentials };
    });
    const overlay = yield* overlayOf(3);
    const [node] = overlay.members;
    const roots = [...trusted, ...(yield* overlay.issue(1n)).roots];
    const keeper = yield* overlay.join({ credentials: { ...(yield* overlay.issue(9n)), roots } });
    assert.equal(OVERLAY, overlay.configuration.name);
    yield* Effect.sleep(1_000); // the first node knows of the second one's place, and takes its leave of it
    yield* node!.end;

    const link = { ...owner, roots };
    const sent = Effect.fnUntraced(function* (by: Credentials, exists: boolean, transactionId: bigint) {
      const security = yield* makeMessageSecurity(by, { now: () => overlay.configuration, roots: () => roots });
      const key = encodeRegistrationKey({ nodeId: VICTIM, vservice: vserviceId(1n) });
      const contents = exists ? encodeRegistration(VICTIM) : new Uint8Array();
      const value: StoredDataValue = { key, value: { exists, value: contents } };
      const storageTime = BigInt(nowMs) + transactionId;
      const signature = yield* security.signValue(RESOURCE, kindId.viprRegistration, storageTime, value);
      const values = [{ storageTime, lifetime: 3_600, value, signature }];
      const kinds = [{ kind: kindId.viprRegistration, generation: 0n, values }];
      const body = { type: "storeReq", value: { resource: RESOURCE, replica: 0, kinds } } as const;
      const packet = yield* security.sign({ transactionId, destinations: [toNode(keeper.nodeId)], body });
      // Who sends a forged message finds the link closed.
      const heard = Effect.flatMap(dialled(keeper, link), (stream) => answerTo(stream, packet));
      return yield* Effect.scoped(Effect.catchTag(heard, "StreamClosed", () => Effect.succeed("closed")));
    });
    const claims = Effect.map(
      keeper.fetch({ resourceId: RESOURCE, kind: kindId.viprRegistration }),
      (found) => found.length,
    );

    assert.equal(yield* sent(owner, true, 1n), "storeAns");
    assert.equal(yield* claims, 1);
    for (const [i, { name, credentials }] of thieves.entries()) {
      assert.notEqual(yield* sent(credentials, false, BigInt(10 + i)), "storeAns", name);
      assert.equal(yield* claims, 1, name);
    }
    // The same by its owner is done: what was refused above was refused for its chain.
    assert.equal(yield* sent(owner, false, 100n), "storeAns");
    assert.equal(yield* claims, 0);
  }),
);
