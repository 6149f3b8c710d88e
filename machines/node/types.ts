/** What goes into a node and what comes out of it: settings, events, orders. All of it is data. DECISIONS.md D-267. */
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { Body, Destination, Endpoint, NodeId, Request, SignerIdentity } from "../../codecs/reload/mod.ts";
import type { Snapshot, Step } from "../kit/mod.ts";
import type {
  Asked,
  PeerPolicy,
  PeerSettings,
  PeerState,
  ReloadOutcome,
  ReplyTo,
  Restored,
  RowChange,
  Signers,
  ValueStorageSettings,
} from "../reload/mod.ts";
import type { CertifiedFacts } from "./trust.ts";

/**
 * Which of our messages carry our certificate. `always`: all. `strangers`: all but those to a neighbour, which has seen it when
 * the link was made. `answers`: of the others only answers, once the certificate is stored in the overlay; the node that
 * answers need not be the one that was asked, so that answers carry it.
 */
export type Carry = "always" | "strangers" | "answers";

export interface NodeCoreLimits {
  /** The least time without an acknowledgement after which a link is doubtful, and how long one stays open then. */
  readonly rtoMsMin: number;
  readonly holdMs: number;
  /** Messages a second that are read from one neighbour, with bursts of two seconds' worth. */
  readonly messagesPerSecond: number;
  /** Messages longer than this leave in fragments; 0 for never, as a stream needs none. */
  readonly fragmentBytes: number;
  readonly carry: Carry;
}

export interface NodeSettings {
  readonly self: NodeId;
  /** DER, leaf first: of the key with which `sign` is performed. */
  readonly certificates: ReadonlyArray<Uint8Array>;
  readonly algorithm: "ecdsa" | "rsa";
  /** What that certificate says. */
  readonly facts: CertifiedFacts;
  /** How our signatures name it. */
  readonly identity: SignerIdentity;
  readonly overlay: OverlayConfiguration;
  /** Trusted where the configuration names no roots. DER. */
  readonly roots: ReadonlyArray<Uint8Array>;
  /** SEED_BYTES random bytes: transaction ids and delays are drawn from it. */
  readonly seed: Uint8Array;
  readonly limits: NodeCoreLimits;
  /** Undefined: the owner serves the requests for values. `isDurable`: what is stored is on disk before it is acknowledged. */
  readonly storage?: { readonly settings: ValueStorageSettings; readonly isDurable: boolean } | undefined;
  /** Each step of a machine is reported as `stepped`, for traces and checkers. */
  readonly isTraced?: boolean;
}

/** A request of the owner's. */
export interface NodeRequest {
  /** The owner's own number for it: its outcome repeats it. */
  readonly ref: number;
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Request;
  /** The link to send it on; by routing when absent, or when there is no such link. */
  readonly over?: NodeId | undefined;
  /** Certificates of the signers of values in the body. */
  readonly certificates?: ReadonlyArray<Uint8Array> | undefined;
  /** Of an answer that holds values: who signed each of them. */
  readonly verifiesValues?: boolean | undefined;
}

/** A stream by which a link begins: who is at its other end, as TLS has proved it. */
export interface NodeStream {
  readonly host: string;
  readonly port: number;
  /** DER, leaf first. */
  readonly certificates: ReadonlyArray<Uint8Array>;
}

export type NodeEvent =
  /** Another node has dialled us. `link`: a negative number that was not used before. */
  | { readonly type: "accepted"; readonly link: number; readonly stream: NodeStream }
  /** The outcome of `dial`. */
  | { readonly type: "connected"; readonly link: number; readonly stream: NodeStream }
  | { readonly type: "unreachable"; readonly link: number; readonly why: string }
  | { readonly type: "received"; readonly link: number; readonly bytes: Uint8Array }
  /** The transport had no room for a `write`. */
  | { readonly type: "unwritten"; readonly link: number }
  | { readonly type: "lost"; readonly link: number; readonly why: string }
  /** Answers to `sign`, `verifySignature` and `verifyChain`; without facts the chain is not valid. */
  | { readonly type: "signed"; readonly token: number; readonly value: Uint8Array }
  | { readonly type: "signatureVerified"; readonly token: number; readonly holds: boolean }
  | { readonly type: "chainVerified"; readonly token: number; readonly facts: CertifiedFacts | undefined }
  | { readonly type: "timerFired"; readonly timer: string }
  | { readonly type: "requested"; readonly request: NodeRequest }
  /** The owner waits no more. */
  | { readonly type: "abandoned"; readonly ref: number }
  | {
      readonly type: "answered";
      readonly reply: ReplyTo;
      readonly body: Body;
      readonly certificates: ReadonlyArray<Uint8Array>;
    }
  /** From now on each message is shown as `captured`, or no more is. */
  | { readonly type: "capture"; readonly isOn: boolean }
  /** Other nodes can fetch our certificate from the overlay, or cannot. */
  | { readonly type: "published"; readonly isThere: boolean }
  | {
      readonly type: "configured";
      readonly overlay: OverlayConfiguration;
      readonly roots: ReadonlyArray<Uint8Array>;
      readonly policy: PeerPolicy;
    }
  /** Values from disk, of before this node was stopped: before it joins. */
  | { readonly type: "restored"; readonly values: ReadonlyArray<Restored> }
  /** The answer to `store`. */
  | { readonly type: "stored"; readonly isStored: boolean }
  | { readonly type: "join"; readonly settings: PeerSettings }
  /** It is in the ring already, with the links that it has, all to peers: for simulations, whose rings need not be joined. */
  | { readonly type: "placed"; readonly settings: PeerSettings }
  | { readonly type: "leave" };

export type NodeOrder =
  /** Bytes for a link; what does not leave at once is lost, as datagrams are, and reported. */
  | { readonly type: "write"; readonly link: number; readonly bytes: Uint8Array }
  /** Read from the link, from the first time on; and read no more until then. */
  | { readonly type: "resume"; readonly link: number }
  | { readonly type: "pause"; readonly link: number }
  | { readonly type: "dial"; readonly link: number; readonly endpoint: Endpoint }
  /** The node knows that link no more. */
  | { readonly type: "close"; readonly link: number; readonly why: string }
  /** Rows to be on disk together; the next order of this kind comes after the answer to this one. */
  | { readonly type: "store"; readonly changes: ReadonlyArray<RowChange> }
  | { readonly type: "sign"; readonly token: number; readonly bytes: Uint8Array }
  | {
      readonly type: "verifySignature";
      readonly token: number;
      readonly certificate: Uint8Array;
      readonly bytes: Uint8Array;
      readonly signature: Uint8Array;
      readonly algorithm: "ecdsa" | "rsa";
    }
  | {
      readonly type: "verifyChain";
      readonly token: number;
      readonly chain: ReadonlyArray<Uint8Array>;
      readonly roots: ReadonlyArray<Uint8Array>;
    }
  /** A new start of the same timer replaces the old one. */
  | { readonly type: "startTimer"; readonly timer: string; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: string }
  | NodeNote
  /** Where steps are traced: one of a machine. A run of it has a name, which a later run may have again; it begins with (start). */
  | {
      readonly type: "stepped";
      readonly machine: string;
      readonly run: string;
      readonly event: { readonly type: string };
      readonly step: Step<Snapshot<unknown>, unknown>;
    }
  /** Where messages are captured: one as it goes over a link or came from it, without its frame. */
  | { readonly type: "captured"; readonly link: number; readonly isSent: boolean; readonly message: Uint8Array }
  /** Another node shows a certificate of our Node-ID: one account enrolled twice, and both run. */
  | { readonly type: "sameNode"; readonly host: string }
  /** What the parts are told that stand above the messages. */
  | NodeReport;

/** For the log. */
export interface NodeNote {
  readonly type: "note";
  readonly level: "debug" | "warning";
  readonly what: string;
  readonly about: Readonly<Record<string, string | number>>;
}

export type NodeReport =
  /** A request of another node that no part of this node answers; of a Store, with the signers of its values. */
  | {
      readonly type: "serve";
      readonly asked: Asked;
      readonly request: Request;
      readonly signers: Signers;
      /** The user names in the certificate of the node that asks. */
      readonly users: ReadonlyArray<string>;
    }
  | { readonly type: "ended"; readonly ref: number; readonly outcome: ReloadOutcome; readonly signers: Signers }
  /** A node's message showed a configuration sequence that is not ours. */
  | { readonly type: "heard"; readonly node: NodeId; readonly sequence: number }
  /** How far the join or the leave has come. `why`: of a failure. */
  | { readonly type: "state"; readonly state: PeerState; readonly why: string };

/** A look-up of our own that has ended. look-ups.ts */
export interface LookUp {
  /** Of the Resource-ID, whose 128 bits they are. */
  readonly resource: bigint;
  /** The neighbour that was given the request; undefined: nobody, or this node itself. */
  readonly firstHop: NodeId | undefined;
  /** The neighbour that brought the answer. */
  readonly lastHop: NodeId | undefined;
  /** Who signed the answer: the node that is responsible. */
  readonly responsible: NodeId | undefined;
  readonly hops: number | undefined;
  readonly outcome: ReloadOutcome["type"];
  readonly begunMs: number;
  readonly endedMs: number;
}

/** By which neighbour an answer has come, and over how many links. */
export interface Trip {
  readonly lastHop: NodeId;
  readonly hops: number;
}

export type Counter =
  | "forwarded"
  | "delivered"
  | "refused"
  | "dropped"
  | "repeated"
  | "badSignatures"
  | "garbage"
  | "certificatesFetched";
