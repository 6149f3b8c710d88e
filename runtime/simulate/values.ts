/** Registrations of numbers: made, stored through the overlay, and looked for in the storage of the living nodes. */
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type Answer,
  decodeRegistrationKey,
  ecdsaSignature,
  encodeRegistration,
  encodeRegistrationKey,
  everything,
  identityOf,
  kindId,
  type Request,
  resourceOfNumber,
  type Signature,
  type StoreReq,
} from "../../codecs/reload/mod.ts";
import { bigOf, bytesOfBig, e164FromDigits, hexOf, vserviceId } from "../../codecs/shared/mod.ts";
import { resourceAtKey, type Signer, type Signers, type ValueTable } from "../../machines/reload/mod.ts";

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

/** Signatures are not computed here: the signer of each is remembered beside it. */
const signers = new WeakMap<Signature, Signer>();
/** One certificate for all nodes: its size is counted, its contents are not read. */
const certificate = new Uint8Array(8);
const identity = identityOf(certificate);

export const registrationOf = (index: number, publisher: NodeId): Value => {
  const resource = resourceOfNumber(e164FromDigits(FIRST_NUMBER + index));
  return { index, resource, id: bigOf(resource), publisher };
};

export const storeOf = ({ resource, publisher }: Value, atMs: number): Request => {
  const signature = ecdsaSignature(identity, bytesOfBig(publisher, 16));
  signers.set(signature, { nodeId: publisher, users: [], certificate });
  const key = encodeRegistrationKey({ nodeId: publisher, vservice: vserviceId(1n) });
  const value = { key, value: { exists: true, value: encodeRegistration(publisher) } };
  const values = [{ storageTime: BigInt(atMs), lifetime: LIFETIME_S, value, signature }];
  return { type: "storeReq", value: { resource, replica: 0, kinds: [{ kind: KIND, generation: 0n, values }] } };
};

/** Who signed each value of a Store. */
export const signersOf = ({ kinds }: StoreReq): Signers =>
  kinds.map(({ values }) =>
    values instanceof Uint8Array ? [] : values.map(({ signature }) => signers.get(signature)),
  );

export const fetchOf = ({ resource }: Value): Request => ({
  type: "fetchReq",
  value: { resource, specifiers: [{ kind: KIND, generation: 0n, specifier: everything(KIND) }] },
});

/** Whether the answer to a Fetch contains the registration. */
export const hasRegistration = (answer: Answer, { publisher }: Value): boolean =>
  answer.type === "fetchAns" &&
  answer.value.kinds.some(
    ({ values }) =>
      !(values instanceof Uint8Array) &&
      values.some(({ value }) => {
        const key = "key" in value ? decodeRegistrationKey(value.key) : undefined;
        return key?.ok === true && key.value.nodeId === publisher;
      }),
  );

export const isStored = (valueTable: ValueTable, { resource }: Value): boolean =>
  resourceAtKey(valueTable, hexOf(resource)) !== undefined;
