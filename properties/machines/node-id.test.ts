/**
 * Node-IDs cannot be confused with other 64- and 128-bit numbers that carry a mark of their own, nor with plain ones.
 * `npm run types` is the check: a line below `@ts-expect-error` that compiles is itself an error.
 */
import * as assert from "node:assert/strict";
import type { Resolve } from "../../actors/validation/mod.ts";
import { toNode } from "../../codecs/reload/mod.ts";
import { type Branded, NodeId, nodeIdFrom, nodeIdText, type VServiceId } from "../../codecs/shared/mod.ts";
import type { Grant } from "../../codecs/ticket/mod.ts";
import type { PvpParties } from "../../codecs/validation/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { fullBucket, mayAnswer, type Signer, viewWith } from "../../machines/reload/mod.ts";
import type { TicketIssuerInput } from "../../machines/ticket/mod.ts";
import { callStore, type PvpClaim } from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";

test("RFC 6940 §11.1: a Node-ID is 16 bytes, and a bigint at run time", () => {
  const read = decode(NodeId, encode(NodeId, nodeIdFrom(7n)));
  assert.deepEqual(read, { ok: true, value: 7n });
});

/** Never called, nor is the next: what is here is for the compiler. */
export const mistakesOfOverlay = (
  vservice: Branded<bigint, "VServiceId">,
  at: Branded<bigint, "Ntp">,
  node: NodeId,
): ReadonlyArray<unknown> => {
  // @ts-expect-error a plain bigint for a Node-ID
  const plain: NodeId = 7n;
  // @ts-expect-error ... as a destination
  const position = toNode(node + 1n);
  // @ts-expect-error a VServiceID for a Node-ID
  const other: NodeId = vservice;
  // @ts-expect-error ... the reverse
  const service: Branded<bigint, "VServiceId"> = node;
  // @ts-expect-error ... as a destination
  const destination = toNode(vservice);
  // @ts-expect-error a time for a Node-ID, as the owner of a certificate
  const signer: Signer = { nodeId: at, users: [], certificate: new Uint8Array() };
  // @ts-expect-error ... among peers
  const view = viewWith(node, [at], 3, 16);
  // @ts-expect-error ... as the signer of an answer
  const may = mayAnswer(viewWith(node, [node], 3, 16), destination, vservice);
  // @ts-expect-error a Node-ID for a number of another type
  const bucket = fullBucket(node, 0);
  return [plain, position, other, service, destination, signer, view, may, bucket];
};

export const mistakesOfValidation = (
  id: bigint,
  vservice: VServiceId,
  [grant, issuer, claim, parties]: readonly [Grant, TicketIssuerInput, PvpClaim, PvpParties],
  resolve: Resolve,
): ReadonlyArray<unknown> => {
  // @ts-expect-error a plain bigint as the node that grants a ticket
  const granted: Grant = { ...grant, grantingNode: id };
  // @ts-expect-error ... that is to grant tickets
  const granting: TicketIssuerInput = { ...issuer, grantingNode: 7n };
  // @ts-expect-error ... as the node of a claim
  const claimed: PvpClaim = { ...claim, nodeId: id };
  // @ts-expect-error a VServiceID for it, as where the two are interchanged
  const interchanged: PvpClaim = { ...claim, nodeId: vservice };
  // @ts-expect-error a plain bigint in a user name
  const named: PvpParties = { ...parties, originator: id };
  // @ts-expect-error ... as a node of a store's calls
  const store = callStore([id]);
  // @ts-expect-error ... as the node whose address is asked for
  const resolved = resolve(id);
  // @ts-expect-error ... as a Node-ID to be written: a VServiceID has a text of its own
  const text = nodeIdText(vservice);
  return [granted, granting, claimed, interchanged, named, store, resolved, text];
};
