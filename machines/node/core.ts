/**
 * The state of a node, and how its parts speak to each other: by work in one list, which node.ts hands out until it is empty.
 *
 *   event --> a part --> orders, for the host --> ... answers come back as events, by their token
 *                   \--> work, for another part --> ...
 *
 * Everything here is plain data: a `structuredClone` of it is the node at that moment.
 */
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  Certificates,
  type Destination,
  type ForwardingOption,
  type MessageContents,
  type NodeId,
  overlayHash,
  type Packet,
  type Request,
  type Signature,
  type SignerIdentity,
  type StoreKindData,
  x509,
} from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import {
  type Asked,
  type Bucket as RateBucket,
  type Gathering,
  nothingGathered,
  type ReloadOutcome,
  type ReplyTo,
  type RingView,
  type reloadTransaction,
  type Signer,
  type Signers,
} from "../reload/mod.ts";
import { type Chance, chanceOf } from "./chance.ts";
import { type LinkTable, makeLinkTable } from "./link-table.ts";
import { makeSeenRequests, type SeenRequests } from "./seen-requests.ts";
import { type Bucket, makeTrust, type Trust } from "./trust.ts";
import type { Counter, NodeNote, NodeOrder, NodeSettings } from "./types.ts";

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
  | { readonly type: "end"; readonly ref: number; readonly outcome: ReloadOutcome };

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
      readonly then: ToSign;
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
      readonly then: ToVerify;
    }
  | { readonly type: "names"; readonly link: number };

/** What one part gives to another. */
export type Work =
  | { readonly type: "signed"; readonly then: ToSign; readonly packet: Packet; readonly isError: boolean }
  | { readonly type: "verified"; readonly delivery: Delivery; readonly message: Verified }
  | { readonly type: "identified"; readonly job: Job & { readonly type: "greeted" }; readonly signer: Signer | undefined }
  | { readonly type: "nextValue"; readonly job: Job & { readonly type: "values" } }
  | { readonly type: "valuesVerified"; readonly then: ToVerify; readonly signers: Signers }
  | { readonly type: "arrived"; readonly link: number; readonly message: Uint8Array }
  | { readonly type: "oversized"; readonly link: number; readonly beginning: Packet }
  /** The link may give its next message. */
  | { readonly type: "goOn"; readonly link: number }
  /** A request of ours for certificates has ended. */
  | { readonly type: "fetched"; readonly name: string; readonly outcome: ReloadOutcome };

/** Who waits for a request of ours: the owner, or messages whose certificates are fetched. */
export type Asker = { readonly ref: number; readonly verifiesValues: boolean } | { readonly name: string };

/** A request of ours that is not answered yet. */
export interface OwnRequest {
  readonly asker: Asker;
  readonly unsigned: UnsignedMessage & { readonly body: Request };
  readonly over: NodeId | undefined;
  /** Our certificate is left out the first time. */
  readonly bare: boolean;
  /** The answer must carry all certificates that it needs: none is fetched for it. */
  readonly isSelfContained: boolean;
  /** As it is sent; undefined until it is signed. */
  packet: Packet | undefined;
  isSent: boolean;
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

export interface Core {
  readonly settings: NodeSettings;
  /** Of the overlay's name. */
  readonly overlayHash: number;
  /** The certificate list that most of our messages carry, encoded once. */
  readonly carried: Uint8Array;
  overlay: OverlayConfiguration;
  roots: ReadonlyArray<Uint8Array>;
  view: RingView;
  /** Others can fetch our certificate from the overlay, as far as we know. */
  isPublished: boolean;
  /** Of the event that is being handled: its time, and the orders that it leads to. */
  nowMs: number;
  orders: Array<NodeOrder>;
  readonly work: Array<Work>;
  readonly chance: Chance;
  readonly trust: Trust;
  readonly jobs: Map<number, Job>;
  tokens: number;
  readonly table: LinkTable;
  readonly rates: Map<NodeId, RateBucket>;
  readonly requests: Map<bigint, OwnRequest>;
  /** Transactions of the owner's requests, by its number for each. */
  readonly owned: Map<number, bigint>;
  readonly seen: SeenRequests;
  fragments: Gathering;
  /** Packets from this node to itself. */
  readonly loopback: Array<Packet>;
  isLooping: boolean;
  readonly waiting: Set<WaitingMessage>;
  readonly fetches: Map<string, CertificateFetch>;
  readonly absentUntilMs: Map<string, number>;
  readonly counters: Record<Counter, number>;
  quietUntilMs: number;
}

export const openCore = (settings: NodeSettings): Core => ({
  settings,
  overlayHash: overlayHash(settings.overlay.name),
  carried: encode(Certificates, settings.certificates.map(x509)),
  overlay: settings.overlay,
  roots: settings.overlay.rootCertificates.length > 0 ? settings.overlay.rootCertificates : settings.roots,
  view: { self: settings.self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
  isPublished: false,
  nowMs: 0,
  orders: [],
  work: [],
  chance: chanceOf(settings.seed),
  trust: makeTrust(),
  jobs: new Map(),
  tokens: 0,
  table: makeLinkTable(),
  rates: new Map(),
  requests: new Map(),
  owned: new Map(),
  seen: makeSeenRequests(),
  fragments: nothingGathered,
  loopback: [],
  isLooping: false,
  waiting: new Set(),
  fetches: new Map(),
  absentUntilMs: new Map(),
  counters: noCounts(),
  quietUntilMs: 0,
});

const noCounts = (): Record<Counter, number> => ({
  forwarded: 0,
  delivered: 0,
  refused: 0,
  dropped: 0,
  repeated: 0,
  badSignatures: 0,
  garbage: 0,
  certificatesFetched: 0,
});

/** Under a new token. */
export const begin = (core: Core, job: Job): number => {
  core.jobs.set(++core.tokens, job);
  return core.tokens;
};

export const note = (core: Core, level: NodeNote["level"], what: string, about: NodeNote["about"]): void =>
  void core.orders.push({ type: "note", level, what, about });

export const drop = (core: Core, why: string): void => {
  core.counters.dropped++;
  note(core, "debug", "reload.dropped", { why });
};
