/**
 * How many bytes a message of the simulation would have. Messages are not encoded; the first one of each kind is, and the
 * others of that kind are taken to be as long. Via list, destinations, certificates and the nodes that an Update names are
 * counted for each message. TCP, TLS and acknowledgements are not counted.
 */
import {
  type Body,
  type ChordUpdate,
  Destination,
  ecdsaSignature,
  encodeBody,
  FRAME_OVERHEAD_BYTES,
  fragmentWhole,
  GenericCertificate,
  identityOf,
  MessageContents,
  NODE_ID_BYTES,
  nodeIdFrom,
  Packet,
  Payload,
  reloadVersion,
  toNode,
  toResource,
  x509,
} from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";

/** A certificate as the authority of this package issues it, P-256; and a signature by it, both in DER. */
const CERTIFICATE_BYTES = 520;
const SIGNATURE_BYTES = 71;

const certificate = new Uint8Array(CERTIFICATE_BYTES);
const CERTIFICATE_SIZE = encode(GenericCertificate, x509(certificate)).length;
const NODE_SIZE = encode(Destination, toNode(nodeIdFrom(0n))).length;
const RESOURCE_SIZE = encode(Destination, toResource(new Uint8Array(NODE_ID_BYTES))).length;

/** The first bytes of each kind of message, which hold its code, and its size. */
interface Kind {
  readonly head: Uint8Array;
  readonly size: number;
}

export interface Sizes {
  /** The payload of a packet in the simulation: the message code and an empty body. */
  readonly payloadOf: (body: Body) => Uint8Array;
  /** Bytes on a link. `certificates`: those beyond the sender's own. */
  readonly of: (packet: Packet, body: Body, certificates: number) => number;
}

export const makeSizes = (): Sizes => {
  const kinds = new Map<string, Kind>();
  const kindOf = (body: Body): Kind => {
    const held = kinds.get(body.type);
    if (held !== undefined) return held;
    const contents = encodeBody(body);
    const head = encode(MessageContents, { ...contents, body: new Uint8Array() });
    const kind = { head, size: sizeOf(contents) - NODE_ID_BYTES * named(body) };
    kinds.set(body.type, kind);
    return kind;
  };
  return {
    payloadOf: (body) => kindOf(body).head,
    of: (packet, body, certificates) =>
      kindOf(body).size +
      NODE_ID_BYTES * named(body) +
      NODE_SIZE * packet.viaList.length +
      packet.destinationList.reduce(
        (sum, to) => sum + ("type" in to && to.type === "node" ? NODE_SIZE : RESOURCE_SIZE),
        0,
      ) +
      CERTIFICATE_SIZE * certificates,
  };
};

const sizeOf = (contents: MessageContents): number => {
  const signature = ecdsaSignature(identityOf(certificate), new Uint8Array(SIGNATURE_BYTES));
  const payload = encode(Payload, { contents, security: { certificates: [x509(certificate)], signature } });
  return FRAME_OVERHEAD_BYTES + encode(Packet, { ...blank, payload }).length;
};

/** Header fields that are the same in every packet of the simulation, or that the simulation does not read. */
export const blank: Packet = {
  overlay: 0,
  configurationSequence: 1,
  version: reloadVersion,
  ttl: 100,
  fragment: fragmentWhole,
  transactionId: 0n,
  maxResponseLength: 0,
  viaList: [],
  destinationList: [],
  options: [],
  payload: new Uint8Array(),
};

/** The nodes an Update names. */
const named = (body: Body): number => (body.type === "updateReq" ? nodesIn(body.value) : 0);
const nodesIn = (update: ChordUpdate): number => {
  if (update.type === "peerReady") return 0;
  const { predecessors, successors } = update.tables;
  return predecessors.length + successors.length + (update.type === "full" ? update.tables.fingers.length : 0);
};
