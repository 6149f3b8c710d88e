/** A call agent's session with its ViPR server: what it knows, what happens to it, what it orders. See client.ts. */
import type { E164, Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import type { ValInfo, VapContent, VapMessage, VService } from "../../codecs/vap/mod.ts";
import type { Decision, Note, Of } from "../kit/mod.ts";
import type { StoredNumbers } from "./stored-numbers.ts";
import type { VapOutcome } from "./transaction.ts";

/** Who the call agent is, and how long it waits before it connects again, in milliseconds. */
export interface VapClientInput {
  /** For the server's operator: product, version, host. */
  readonly name: string;
  readonly vservice: VServiceId;
  readonly instance: bigint;
  /**
   * ServiceVersion of the first publication. It must exceed every version used before a restart; Unix seconds do, unless
   * we published more than once a second.
   */
  readonly firstVersion: number;
  readonly reconnectMs: readonly [min: number, max: number];
}
export type VapJob =
  | {
      readonly type: "number";
      readonly ref: number;
      readonly number: E164;
      readonly attempts: number;
      /** It was unpublished while it was asked for: it is not published again. */
      readonly isUnpublished?: true;
    }
  | { readonly type: "vcr"; readonly ref: number; readonly vcr: Vcr; readonly attempts: number };
/** A request that was sent and is not answered yet, and what it is for. */
export interface Ask {
  readonly ask: number;
  readonly what:
    | "register"
    | "keepalive"
    | "subscribe"
    | "unregister"
    | ({ readonly type: "service" } & VersionedService)
    | VapJob;
}
/** `version` grows with every change. */
export interface VersionedService {
  readonly content: VService;
  readonly version: number;
}
export interface VapClientContext extends VapClientInput {
  /** The server's name for this session. Survives the connection, so that the next one can resume the session. */
  readonly handle: number | undefined;
  readonly keepaliveMs: number;
  /** To be published, in place of `service`. `ref`: the caller that waits for it. */
  readonly wanted: (VersionedService & { readonly ref: number }) | undefined;
  /** What a server has accepted last. It stays in force where another is refused. */
  readonly service: VersionedService | undefined;
  /** The server of this session has `service`. */
  readonly isPublished: boolean;
  /** The server has lost the overlay, and what we published with it: the timer `republish` runs. */
  readonly isRevoked: boolean;
  /** How long the overlay stores a number; 0 when the server did not say. */
  readonly lifetimeMs: number;
  /** Attempts to connect since the last success. */
  readonly failures: number;
  readonly subscription: number | undefined;
  readonly numbers: ReadonlyArray<Of<VapJob, "number">>;
  readonly vcrs: ReadonlyArray<Of<VapJob, "vcr">>;
  /** Numbers that the overlay stores: published again when two thirds of their lifetime have passed. */
  readonly stored: StoredNumbers;
  /** Those of `stored` whose place is below it are published again, a few at a time. */
  readonly refreshBelow: number;
  /** The timer `refresh` runs. */
  readonly isRefreshing: boolean;
  readonly asks: ReadonlyArray<Ask>;
  readonly nextAsk: number;
  /** The `ref` of the caller that waits for the end; 0 for none. */
  readonly ending: number;
}
export type VapClientTimer = "keepalive" | "reconnect" | "refresh" | "republish";
/** What happens to a call agent's session. */
export type VapClientEvent =
  | { readonly type: "publishService"; readonly ref: number; readonly content: VService }
  | { readonly type: "publishNumber"; readonly ref: number; readonly number: E164 }
  /** It is ours no more: not asked for, and not published again. What the overlay stores lasts as long as it does. */
  | { readonly type: "unpublishNumber"; readonly number: E164 }
  | { readonly type: "upload"; readonly ref: number; readonly vcr: Vcr }
  | { readonly type: "unregister"; readonly ref: number }
  /** The caller of this upload waits no more: it is not sent, or not sent again. */
  | { readonly type: "withdraw"; readonly ref: number }
  /** What `learned` brought is stored, or could not be: then there is no answer, and the server sends it again. */
  | { readonly type: "kept"; readonly transactionId: Uint8Array; readonly isKept: boolean }
  | { readonly type: "connected" }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "answered"; readonly ask: number; readonly outcome: VapOutcome }
  /** A request of the server's. `genuine`: its MESSAGE-INTEGRITY was made with our key. */
  | { readonly type: "asked"; readonly request: VapMessage; readonly genuine: boolean }
  | { readonly type: "timerFired"; readonly timer: VapClientTimer };
/** What a call agent's session orders of its host. */
export type VapClientAction =
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  | { readonly type: "ask"; readonly ask: number; readonly request: VapContent }
  | { readonly type: "answer"; readonly transactionId: Uint8Array; readonly content: VapContent }
  | { readonly type: "settle"; readonly ref: number; readonly result: VapResult }
  /** A Notify, answered when the event `kept` says that it is stored. */
  | { readonly type: "learned"; readonly info: ValInfo; readonly transactionId: Uint8Array }
  | {
      readonly type: "report";
      readonly what: "registered" | "published" | "revoked" | "lost" | "refused";
      readonly why: string;
    }
  | {
      readonly type: "startTimer";
      readonly timer: VapClientTimer;
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: VapClientTimer }
  | Note;
/** What became of one job; `quota` of a publication: entries that are allowed, and that there are. */
export type VapResult =
  | { readonly type: "done"; readonly quota?: { readonly limit: number; readonly current: number } }
  | {
      readonly type: "failed";
      readonly reason: VapFailure;
      /** The server's error code, where `reason` is "refused". */
      readonly code?: number;
      readonly why: string;
    };
/** `replaced`: by another publication. `full`: too many wait. `refused`: by the server. `ended`: the session is over. */
export type VapFailure = "replaced" | "full" | "refused" | "ended";

/** What a function of the client's files decides, and which orders it may give. */
export type ClientDecision<K extends VapClientAction["type"] = never> = Decision<
  VapClientContext,
  Of<VapClientAction, K>
>;
