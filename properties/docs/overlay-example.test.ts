/** The worked example of docs/protocol/overlay.md is made by the code: VIPR_TABLES=write writes it anew. */

import * as assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import {
  encodeBody,
  encodeRegistration,
  encodeRegistrationKey,
  fragmentWhole,
  identityOf,
  kindId,
  MessageContents,
  messageSignatureInput,
  nodeIdFrom,
  overlayHash,
  Packet,
  reloadVersion,
  resourceOfNode,
  resourceOfNumber,
  resourceOfStretched,
  SignerIdentity,
  signedBytesOf,
  stretchedNumber,
  toNode,
  toResource,
  valueSignatureInput,
} from "../../codecs/reload/mod.ts";
import { e164, hexOf, vserviceId } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";

const file = new URL("../../docs/protocol/overlay.md", import.meta.url);
const EXAMPLE = /<!-- example -->\n```text\n[\s\S]*?```\n/;

/** Hexadecimal, with a space behind each of these many bytes. */
const cutAt = (bytes: Uint8Array, ...sizes: ReadonlyArray<number>): string => {
  const parts: Array<string> = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    parts.push(hexOf(bytes.subarray(at, at + size)));
    at += size;
  }
  return parts.filter((part) => part !== "").join(" ");
};

const example = (): string => {
  const [overlay, number, nodeId] = ["overlay.example", e164("+14085555432"), 0xabcdefn] as const;
  const hash = overlayHash(overlay);
  const identity = identityOf(Uint8Array.of(0x30, 0));
  const resource = resourceOfNumber(number);
  const key = encodeRegistrationKey({ nodeId: nodeIdFrom(nodeId), vservice: vserviceId(7n) });
  const value = { key, value: { exists: true, value: encodeRegistration(nodeIdFrom(nodeId)) } };
  const storageTime = 1_767_225_600_000n;
  const contents = encode(MessageContents, encodeBody({ type: "pingReq", value: { padding: new Uint8Array() } }));
  const transactionId = 0x0102030405060708n;
  const header = encode(Packet, {
    overlay: hash,
    configurationSequence: 1,
    version: reloadVersion,
    ttl: 98,
    fragment: fragmentWhole,
    transactionId,
    maxResponseLength: 0,
    viaList: [toNode(nodeIdFrom(1n))],
    destinationList: [toResource(resource)],
    options: [],
    payload: new Uint8Array(),
  });
  const valueInput = valueSignatureInput(
    resource,
    kindId.viprRegistration,
    storageTime,
    signedBytesOf(value),
    identity,
  );
  const messageInput = messageSignatureInput(hash, transactionId, contents, identity);
  const identitySize = encode(SignerIdentity, identity).length;
  return [
    `overlay     ${overlay}: ${hash.toString(16)}`,
    `number      ${number}: sha1 ${hexOf(resource)}`,
    `                          scrypt ${hexOf(resourceOfStretched(stretchedNumber(number, overlay)))}`,
    `node        ${nodeId.toString(16).padStart(32, "0")}: its certificate at ${hexOf(resourceOfNode(nodeIdFrom(nodeId)))}`,
    "",
    "a certificate of the two bytes 3000 as signer:",
    `  ${cutAt(encode(SignerIdentity, identity), 1, 2, 1, 1)}`,
    "the value of that number, node and VService 7, as it is signed:",
    `  ${cutAt(signedBytesOf(value), 2, 16, 8, 1, 4)}`,
    `what its signature covers, storage time ${storageTime}, ${valueInput.length} bytes:`,
    `  ${cutAt(valueInput.subarray(0, valueInput.length - identitySize), 1, 16, 4, 8)}`,
    `  ${hexOf(valueInput.subarray(-identitySize))}`,
    "",
    `header (${header.length} bytes, a payload would be counted too) from node 1 to that number, as its first neighbour sends it on:`,
    `  ${cutAt(header.subarray(0, 38), 4, 4, 2, 1, 1, 4, 4, 8, 4, 2, 2, 2)}`,
    `  ${cutAt(header.subarray(38), 18, 19)}`,
    `contents of a PingReq without padding:  ${cutAt(contents, 2, 4, 2)}`,
    `what the message's signature covers, ${messageInput.length} bytes:`,
    `  ${cutAt(messageInput, 4, 8, contents.length)}`,
  ].join("\n");
};

test("docs/protocol/overlay.md: the example is what the code makes", () => {
  const text = readFileSync(file, "utf8");
  assert.ok(EXAMPLE.test(text));
  const written = text.replace(EXAMPLE, () => `<!-- example -->\n\`\`\`text\n${example()}\n\`\`\`\n`);
  if (process.env.VIPR_TABLES === "write") writeFileSync(file, written);
  else assert.equal(text, written);
});
