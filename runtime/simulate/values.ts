/** Registrations of numbers: made, stored through the overlay, and looked for in the storage of the living nodes. */
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type Answer,
  decodeRegistrationKey,
  encodeRegistration,
  encodeRegistrationKey,
  everything,
  kindId,
  type Request,
  resourceOfNumber,
  signatureBy,
  signedBytesOf,
  valueSignatureInput,
} from "../../codecs/reload/mod.ts";
import { bigOf, e164FromDigits, hexOf, vserviceId } from "../../codecs/shared/mod.ts";
import { resourceAtKey, type Signers } from "../../machines/reload/mod.ts";
import type { SimNode } from "./node.ts";

const KIND = kindId.viprRegistration;
/** "DHTLifetime default 7 days", in seconds. */
const LIFETIME_S = 604_800;
/** Numbers of one country code: +1 and ten digits. */
const FIRST_NUMBER = 12_000_000_000;
export const VALUES_MAX = 1_000_000;

/** One number, and the node that claims it. */
export interface Value {
  readonly index: number;
  readonly resource: Uint8Array;
  readonly id: bigint;
  readonly publisher: NodeId;
}

export const registrationOf = (index: number, publisher: NodeId): Value => {
  const resource = resourceOfNumber(e164FromDigits(FIRST_NUMBER + index));
  return { index, resource, id: bigOf(resource), publisher };
};

export const storeOf = ({ resource, publisher }: Value, { core, sign }: SimNode, atMs: number): Request => {
  const { identity, algorithm } = core.settings;
  const key = encodeRegistrationKey({ nodeId: publisher, vservice: vserviceId(1n) });
  const value = { key, value: { exists: true, value: encodeRegistration(publisher) } };
  const storageTime = BigInt(atMs);
  const bytes = valueSignatureInput(resource, KIND, storageTime, signedBytesOf(value), identity);
  const signature = signatureBy(algorithm, identity, sign(bytes));
  const values = [{ storageTime, lifetime: LIFETIME_S, value, signature }];
  return { type: "storeReq", value: { resource, replica: 0, kinds: [{ kind: KIND, generation: 0n, values }] } };
};

export const fetchOf = ({ resource }: Value): Request => ({
  type: "fetchReq",
  value: { resource, specifiers: [{ kind: KIND, generation: 0n, specifier: everything(KIND) }] },
});

/** Whether the answer to a Fetch contains the registration, signed by its node. */
export const hasRegistration = (answer: Answer, signers: Signers, { publisher }: Value): boolean =>
  answer.type === "fetchAns" &&
  answer.value.kinds.some(
    ({ values }, at) =>
      !(values instanceof Uint8Array) &&
      values.some(({ value }, i) => {
        const key = "key" in value ? decodeRegistrationKey(value.key) : undefined;
        return key?.ok === true && key.value.nodeId === publisher && signers[at]?.[i]?.nodeId === publisher;
      }),
  );

export const isStored = ({ core }: SimNode, { resource }: Value): boolean =>
  core.storage !== undefined && resourceAtKey(core.storage.snapshot.context.valueTable, hexOf(resource)) !== undefined;
