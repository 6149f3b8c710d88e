/**
 * Which signer may write which value where: the access control policies of RFC 6940 §7.3, and VIPR-MATCH,
 * docs/protocol/overlay.md#the-vipr-usage. Functions only.
 * Requirements: RFC 6940 §7.3.1, §7.3.2, §7.3.3, §7.3.4, §13.5.1.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";

import {
  dataValueOf,
  decodeRegistration,
  decodeRegistrationKey,
  NODE_ID_BYTES,
  resourceOf,
  resourceOfNode,
  type StoredDataValue,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig, concat, equalBytes, utf8 } from "../../codecs/shared/mod.ts";
import { encode, u32 } from "../../codecs/wire/mod.ts";

export interface Writer {
  readonly nodeId: NodeId;
  readonly users: ReadonlyArray<string>;
}

/** Under an unknown policy no signer may write. */
export const mayWrite = (
  policy: string,
  maxNodeMultiple: number,
  writer: Writer,
  resource: Uint8Array,
  value: StoredDataValue,
): boolean => {
  switch (policy) {
    case "VIPR-MATCH":
      return matchesRegistration(writer.nodeId, value);
    case "NODE-MATCH":
      return equalBytes(resourceOfNode(writer.nodeId), resource);
    case "USER-MATCH":
      return writer.users.some((user) => equalBytes(resourceOf(utf8(user)), resource));
    case "USER-NODE-MATCH":
      return (
        "key" in value &&
        equalBytes(value.key, bytesOfBig(writer.nodeId, NODE_ID_BYTES)) &&
        writer.users.some((user) => equalBytes(resourceOf(utf8(user)), resource))
      );
    case "NODE-MULTIPLE":
      return Array.from({ length: maxNodeMultiple }, (_, i) =>
        resourceOf(concat(bytesOfBig(writer.nodeId, NODE_ID_BYTES), encode(u32, i + 1))),
      ).some((allowed) => equalBytes(allowed, resource));
    default:
      return false;
  }
};

/** The Node-ID in the key and the Node-ID in the value both equal the writer's; a removal has no value. */
export const matchesRegistration = (nodeId: NodeId, value: StoredDataValue): boolean => {
  if (!("key" in value)) return false;
  const key = decodeRegistrationKey(value.key);
  if (!key.ok || key.value.nodeId !== nodeId) return false;
  const { exists, value: contact } = dataValueOf(value);
  if (!exists) return contact.length === 0;
  const named = decodeRegistration(contact);
  return named.ok && named.value === nodeId;
};
