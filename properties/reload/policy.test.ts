/** Which signer may write where: the policies of RFC 6940 §7.3, each against its own words, for every writer, place and value that it can mean. */

import * as assert from "node:assert/strict";
import { NODE_ID_BYTES, nodeIdFrom, resourceOf, type StoredDataValue } from "../../codecs/reload/mod.ts";
import { bytesOfBig, concat, equalBytes, utf8 } from "../../codecs/shared/mod.ts";
import { mayWrite, type Writer } from "../../machines/reload/mod.ts";
import { test } from "../kit/harness.ts";

const MULTIPLE_MAX = 3;
const USERS = ["alice@ring.example", "bob@ring.example"];
const NODES = [5n, 6n, 1n << 127n];
const bytesOf = (node: bigint): Uint8Array => bytesOfBig(node, NODE_ID_BYTES);
const numbered = (node: bigint, i: number): Uint8Array => resourceOf(concat(bytesOf(node), Uint8Array.of(0, 0, 0, i)));

// Every place that a policy can mean for these writers, one number too far, and a place of nobody's.
const places: ReadonlyArray<Uint8Array> = [
  ...USERS.map((user) => resourceOf(utf8(user))),
  ...NODES.map((node) => resourceOf(bytesOf(node))),
  ...NODES.flatMap((node) => [0, 1, 2, 3, 4].map((i) => numbered(node, i))),
  new Uint8Array(16),
];
const keys: ReadonlyArray<Uint8Array> = [...NODES.map(bytesOf), new Uint8Array(), bytesOf(5n).subarray(1)];
const value = { exists: true, value: Uint8Array.of(1) };

const writers: ReadonlyArray<Writer> = NODES.flatMap((node) =>
  [[], [USERS[0]!], [USERS[1]!], USERS].map((users) => ({ nodeId: nodeIdFrom(node), users })),
);
const values: ReadonlyArray<StoredDataValue> = [value, { index: 0, value }, ...keys.map((key) => ({ key, value }))];

type Policy = (writer: Writer, place: Uint8Array, value: StoredDataValue) => boolean;
const isUsers: Policy = ({ users }, place) => users.some((user) => equalBytes(place, resourceOf(utf8(user))));
const policies: Readonly<Record<string, Policy>> = {
  "USER-MATCH": isUsers,
  "NODE-MATCH": ({ nodeId }, place) => equalBytes(place, resourceOf(bytesOf(nodeId))),
  "USER-NODE-MATCH": (writer, place, given) =>
    isUsers(writer, place, given) && "key" in given && equalBytes(given.key, bytesOf(writer.nodeId)),
  "NODE-MULTIPLE": ({ nodeId }, place) => [1, 2, 3].some((i) => equalBytes(place, numbered(nodeId, i))),
  "A-POLICY-OF-OTHERS": () => false,
};

// RFC 6940 §7.3.2, §7.3.3, §13.5.1
test("RFC 6940 §7.3.1 to §7.3.4: who may write where under each policy, against the policies' own words", () => {
  const allowed = Object.entries(policies).map(([name, policy]) => {
    let count = 0;
    for (const writer of writers)
      for (const place of places)
        for (const given of values) {
          const may = mayWrite(name, MULTIPLE_MAX, writer, place, given);
          assert.equal(may, policy(writer, place, given), name);
          if (may) count++;
        }
    return [name, count];
  });
  // Of 12 writers, 21 places and 7 values: what each policy lets in is counted by hand.
  assert.deepEqual(allowed, [
    ["USER-MATCH", 3 * 4 * 7],
    ["NODE-MATCH", 12 * 7],
    ["USER-NODE-MATCH", 3 * 4],
    ["NODE-MULTIPLE", 12 * 3 * 7],
    ["A-POLICY-OF-OTHERS", 0],
  ]);
});
