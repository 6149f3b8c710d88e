/** A ViPR server's session with one client: what it knows, what happens to it, what it orders. See server.ts. */
import type { E164, Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import type { ServiceIdentity, VapContent, VapMessage, Verdict, VService } from "../../codecs/vap/mod.ts";
import type { Decision, Note, Of } from "../kit/mod.ts";

/** One connection of a call agent, and its times in milliseconds. */
export interface VapServerInput {
  readonly handle: number;
  readonly connection: number;
  readonly keepaliveMs: number;
  /** How long a connection may stay without a Register. */
  readonly greetingMs: number;
  /** How long a client that unregistered may take to close. The draft's 30 s. */
  readonly lingerMs: number;
}
export interface Instance {
  readonly identity: ServiceIdentity;
  readonly version: number;
}
/** The content of one Notify. */
export interface Notification {
  readonly vservice: VServiceId;
  readonly content: Uint8Array;
  readonly transactionId: Uint8Array;
}
export interface VapServerContext extends Omit<VapServerInput, "connection"> {
  /** Undefined while the client is away. */
  readonly connection: number | undefined;
  readonly username: string;
  /** When the last genuine message of the client arrived. */
  readonly heardAtMs: number;
  /** Published, and accepted. */
  readonly instances: ReadonlyArray<Instance>;
  readonly subscriptions: ReadonlyArray<{ readonly id: number; readonly vservice: VServiceId }>;
  readonly nextSubscription: number;
  /** Requests that are not settled yet; `coming`: the instance that is published once it is. */
  readonly pending: ReadonlyArray<{
    readonly ref: number;
    readonly event: Received;
    readonly coming?: Instance;
  }>;
  readonly nextRef: number;
  /** Sent, and not yet answered. */
  readonly notified: ReadonlyArray<Notification>;
  /** Validated while the client was away, or sent when its connection broke. */
  readonly waiting: ReadonlyArray<Notification>;
  readonly distrusted: number;
}
/** Entries that a user may have in the overlay, those there are, and how long the overlay stores one, in seconds. */
export interface VapQuota {
  readonly limit: number;
  readonly current: number;
  readonly lifetimeS: number;
}
/** What happens to a server's session. */
export type VapServerEvent =
  | {
      readonly type: "received";
      readonly connection: number;
      readonly message: VapMessage;
      readonly verdict: Verdict;
      readonly atMs: number;
      /** Whose sessions are as many as may be: a Register that would begin one more is refused. */
      readonly full?: "user" | "server";
    }
  | { readonly type: "lost"; readonly connection: number; readonly why: string }
  | {
      readonly type: "settled";
      readonly ref: number;
      readonly outcome:
        | { readonly type: "done"; readonly quota: VapQuota | undefined }
        | { readonly type: "failed"; readonly why: string };
    }
  | {
      readonly type: "learned";
      readonly ref: number;
      readonly vservice: VServiceId;
      readonly content: Uint8Array;
      readonly transactionId: Uint8Array;
    }
  /** The overlay is lost: what was published in this session is revoked, each instance by a PublishRevoke of its own. */
  | { readonly type: "revoked"; readonly why: string; readonly transactionIds: ReadonlyArray<Uint8Array> }
  /** The user begins another session, and has no room for this one, whose client is away. */
  | { readonly type: "displaced" }
  | { readonly type: "timerFired"; readonly timer: VapServerTimer; readonly atMs: number };
/** Why the server closes a connection. */
export type VapCloseReason =
  | "distrusted"
  | "noRegister"
  | "resumedElsewhere"
  | "keepalivePassed"
  | "unregistered"
  | "displaced";
export type VapServerTimer = "greeting" | "keepalive" | "linger";
/** What a server's session orders of its host. */
export type VapServerAction =
  | {
      readonly type: "send";
      readonly connection: number;
      readonly transactionId: Uint8Array;
      readonly content: VapContent;
      /** The user whose key makes the MESSAGE-INTEGRITY; undefined: there is none. */
      readonly username: string | undefined;
    }
  | { readonly type: "close"; readonly connection: number; readonly reason: VapCloseReason }
  | { readonly type: "opened"; readonly username: string; readonly name: string }
  | {
      readonly type: "publishVService";
      readonly ref: number;
      readonly identity: ServiceIdentity;
      readonly version: number;
      readonly service: VService;
    }
  | { readonly type: "withdrawVService"; readonly identity: ServiceIdentity }
  | { readonly type: "publishNumber"; readonly ref: number; readonly vservice: VServiceId; readonly number: E164 }
  | { readonly type: "upload"; readonly ref: number; readonly vcr: Vcr }
  /** How many clients a `learned` has reached, or will reach when this client comes back: 0 or 1. */
  | { readonly type: "told"; readonly ref: number; readonly count: number }
  /** The client follows the routes of that VService from now on: those that nobody has taken yet are told again. */
  | { readonly type: "subscribed"; readonly vservice: VServiceId }
  /** The client has answered that Notify. */
  | { readonly type: "taken"; readonly vservice: VServiceId; readonly content: Uint8Array }
  | { readonly type: "startTimer"; readonly timer: VapServerTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: VapServerTimer }
  | Note;

export type Received = Of<VapServerEvent, "received">;
/** What a function of the server's files decides, and which orders it may give. */
export type ServerDecision<K extends VapServerAction["type"] = never> = Decision<
  VapServerContext,
  Of<VapServerAction, K>
>;
