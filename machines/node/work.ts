/** What the parts of a node give each other, and what they keep until a port, an answer or a certificate comes. All of it is data. */
import type {
  Body,
  Destination,
  ForwardingOption,
  MessageContents,
  NodeId,
  Packet,
  Request,
  Signature,
  SignerIdentity,
  StoreKindData,
} from "../../codecs/reload/mod.ts";
import type {
  Asked,
  PeerEvent,
  PendingRequest,
  ReloadOutcome,
  ReplyTo,
  reloadTransaction,
  Signer,
  Signers,
  ValueStorageEvent,
  ValueVersion,
} from "../reload/mod.ts";
import type { Bucket } from "./trust.ts";
import type { NodeStream, Trip } from "./types.ts";

export interface UnsignedMessage {
  readonly transactionId: bigint;
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Body;
  /** Certificates of the signers of values in the body. Ours is added. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  readonly options?: ReadonlyArray<ForwardingOption>;
  /** Our certificate is left out: the receiver has it from the TLS handshake of its link, or can fetch it. */
  readonly bare?: boolean;
}

/** What a message is signed for. */
export type ToSign =
  | { readonly type: "answer"; readonly reply: ReplyTo }
  /** An answer that is too long for the asker: an error instead. */
  | { readonly type: "tooLong"; readonly reply: ReplyTo }
  | { readonly type: "request"; readonly transactionId: bigint }
  /** Once more, with our certificate. */
  | { readonly type: "again"; readonly transactionId: bigint }
  | { readonly type: "greeting"; readonly link: number };

/** A message whose signature holds. */
export interface VerifiedMessage {
  readonly signer: Signer;
  readonly contents: MessageContents;
  /** Undefined for a code we do not know, or when the body does not parse as that code's; `why` says which. */
  readonly body: Body | undefined;
  readonly why: string;
  /** For the signatures of the values in it. */
  readonly bucket: Bucket;
}
/** Why a message does not verify. `unknown`: the signer whose certificate is missing, if that is the reason. */
export interface RejectedMessage {
  readonly rejected: string;
  readonly unknown: SignerIdentity | undefined;
}
export type Verified = VerifiedMessage | RejectedMessage;

/** A message at its destination. `link`: the one that brought it and waits for it; undefined once it waits no more. */
export interface Delivery {
  readonly packet: Packet;
  readonly from: NodeId;
  readonly link: number | undefined;
  /** Certificates that it does not carry, once they have been fetched. */
  readonly fetched: ReadonlyArray<Uint8Array> | undefined;
}

/** What is done with the signers of values. */
export type ToVerify =
  | {
      readonly type: "serve";
      readonly link: number | undefined;
      readonly asked: Asked;
      readonly request: Request;
      readonly users: ReadonlyArray<string>;
    }
  | { readonly type: "end"; readonly asker: Asker; readonly outcome: ReloadOutcome };

/** One signature under examination. */
export interface Check {
  readonly signature: Signature;
  readonly bytes: Uint8Array;
  readonly bucket: Bucket;
  /** Certificates of the bucket that may be the signer's, and how many have been tried. */
  candidates: ReadonlyArray<Uint8Array>;
  tried: number;
  signer: Signer | undefined;
}

/** Work that an answer of a port goes on with, by its token. */
export type Job =
  | {
      readonly type: "sign";
      readonly unsigned: UnsignedMessage;
      readonly contents: Uint8Array;
      readonly purpose: ToSign;
    }
  | {
      readonly type: "message";
      readonly check: Check;
      readonly contents: MessageContents;
      readonly delivery: Delivery;
    }
  | {
      readonly type: "greeted";
      readonly check: Check;
      readonly link: number;
      readonly message: Uint8Array;
      readonly isAnswer: boolean;
    }
  | {
      readonly type: "values";
      check: Check | undefined;
      readonly bucket: Bucket;
      readonly resource: Uint8Array;
      readonly kinds: ReadonlyArray<StoreKindData>;
      readonly found: Array<Array<Signer | undefined>>;
      readonly purpose: ToVerify;
    }
  /** `stream`: the one whose chain is checked; by then the number may be that of another. */
  | { readonly type: "names"; readonly link: number; readonly stream: NodeStream };

/** What one part gives to another. */
export type Work =
  | { readonly type: "signed"; readonly purpose: ToSign; readonly packet: Packet; readonly isError: boolean }
  | { readonly type: "verified"; readonly delivery: Delivery; readonly message: Verified }
  | {
      readonly type: "identified";
      readonly job: Job & { readonly type: "greeted" };
      readonly signer: Signer | undefined;
    }
  | { readonly type: "nextValue"; readonly job: Job & { readonly type: "values" } }
  | { readonly type: "valuesVerified"; readonly purpose: ToVerify; readonly signers: Signers }
  | { readonly type: "arrived"; readonly link: number; readonly message: Uint8Array }
  | { readonly type: "oversized"; readonly link: number; readonly beginning: Packet }
  /** The link may give its next message. */
  | { readonly type: "goOn"; readonly link: number }
  /** A request of another node, for the part that answers it. */
  | {
      readonly type: "serve";
      readonly asked: Asked;
      readonly request: Request;
      readonly signers: Signers;
      readonly users: ReadonlyArray<string>;
    }
  /** A request of ours is answered or given up; it may have to be repeated. */
  | { readonly type: "finished"; readonly ended: EndedRequest; readonly bucket: Bucket | undefined }
  /** ... and has ended for good. */
  | { readonly type: "ended"; readonly asker: Asker; readonly outcome: ReloadOutcome; readonly signers: Signers }
  | { readonly type: "peer"; readonly event: PeerEvent }
  | { readonly type: "storage"; readonly event: ValueStorageEvent }
  | { readonly type: "stored"; readonly isStored: boolean };

/** Who waits for a request of ours. */
export type Asker =
  | { readonly type: "owner"; readonly ref: number; readonly verifiesValues: boolean }
  /** Messages whose certificates are fetched. */
  | { readonly type: "certificate"; readonly name: string }
  | { readonly type: "peer"; readonly request: PendingRequest }
  | { readonly type: "copy"; readonly to: NodeId | undefined; readonly versions: ReadonlyArray<ValueVersion> }
  | { readonly type: "inquiry"; readonly to: NodeId | undefined; readonly versions: ReadonlyArray<ValueVersion> }
  | {
      readonly type: "recall";
      readonly to: NodeId | undefined;
      readonly resource: Uint8Array;
      readonly versions: ReadonlyArray<ValueVersion>;
    }
  /** A refused request, which is repeated once the node that refused has the Kinds. */
  | { readonly type: "kinds"; readonly repeat: number };

export interface RequestTo {
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Request;
  /** The link to send it on; by routing when absent, or when there is no such link. */
  readonly over?: NodeId | undefined;
  readonly certificates?: ReadonlyArray<Uint8Array> | undefined;
  /** The request carries our certificate, and its answer must carry all that it needs: none is fetched for either. */
  readonly isSelfContained?: boolean;
}

export interface EndedRequest {
  readonly asker: Asker;
  readonly to: RequestTo;
  /** Counted from 1. */
  readonly attempt: number;
  readonly outcome: ReloadOutcome;
}

/** A request of ours that is not answered yet. */
export interface OwnRequest {
  readonly asker: Asker;
  readonly to: RequestTo;
  readonly attempt: number;
  readonly unsigned: UnsignedMessage & { readonly body: Request };
  /** Our certificate is left out the first time. */
  readonly bare: boolean;
  /** As it is sent; undefined until it is signed. */
  packet: Packet | undefined;
  isSent: boolean;
  /** The neighbour that was given it last. */
  firstHop: NodeId | undefined;
  /** How its answer has come. */
  trip: Trip | undefined;
  readonly begunMs: number;
  carriesCertificate: boolean;
  snapshot: ReturnType<typeof reloadTransaction.start>["snapshot"] | undefined;
}

/** A certificate that a message names and does not carry. */
export interface WantedCertificate {
  readonly identity: SignerIdentity;
  readonly nodeId: NodeId;
}
/** One that is being fetched, and how many messages wait for it beside the first. */
export interface CertificateFetch extends WantedCertificate {
  waiters: number;
}

/** A message that waits for certificates. */
export interface WaitingMessage {
  readonly delivery: Delivery;
  /** Names of the fetches that it waits for. */
  readonly names: Set<string>;
  readonly wanted: number;
  readonly fetched: Array<Uint8Array>;
}

/** A request that was refused and waits to be repeated. */
export interface Repeat {
  readonly ended: EndedRequest;
  /** Until a newer configuration is in force, at most. */
  readonly isBehind: boolean;
}
