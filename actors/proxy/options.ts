/** What a proxy is given, and what it shows. */

import type { Effect } from "effect";
import type { SipRequest } from "../../codecs/sip/mod.ts";
import type {
  CallReport,
  CallView,
  CoreCount,
  CoreLimits,
  CoreTiming,
  Destination,
  FallbackReason,
  FallbackTaker,
  ProxySide,
  RouteOf,
  SipPeer,
  Source,
  Transport,
} from "../../machines/proxy/mod.ts";
import type { Change, Credentials, Listening, StoreFailed, StoreShape } from "../ports/mod.ts";
import type { MessageLog } from "./message-log.ts";
import type { ServerRoots } from "./server-trust.ts";
import type { UnreadableLog } from "./unreadable.ts";

export interface ProxyListen<S extends string = ProxySide> {
  readonly transport: Transport;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whose messages come here: needed where two sides share an IP address. Default: the sender's address tells. */
  readonly side?: S | undefined;
  /** How others reach it: for an address that is not our own, or when we listen on all of them. An IPv6 address in brackets. */
  readonly advertise?: { readonly host: string; readonly port?: number } | undefined;
  /** Nobody can connect to it: it names us on streams that we open. */
  readonly isOutgoing?: true;
  /** Whoever is there is in this process: messages are handed over, and no socket is open. As UDP. */
  readonly inProcess?: InProcess;
  /** Other hosts by which it is called, at the same port. */
  readonly names?: ReadonlyArray<string>;
}

/** The other end of a message, as the operator knows it. */
export interface SipPlace {
  readonly side: ProxySide | "inside" | "outside" | "stranger";
  /** Of the neighbour in the configuration, or the domain; the address where it has neither. */
  readonly name: string;
}

export interface InProcess {
  /** Where it is, as a neighbour. */
  readonly at: { readonly host: string; readonly port: number };
  /** Takes what is sent to it. */
  readonly received: (bytes: Uint8Array) => void;
  /** Is given what takes what it sends. */
  readonly start: (send: (bytes: Uint8Array) => void) => void;
}

/** What takes calls over SIP to the telephone network. docs/protocol/media.md#fallback */
export interface AgentFallback extends FallbackTaker {
  readonly up: (key: string, role: "caller" | "callee", invite: SipRequest) => void;
  readonly over: (key: string) => void;
  /** Is given what ends a call over SIP at both its ends. */
  readonly start: (hangUp: (key: string) => void) => void;
  /** The proxy ends, and can send until this returns. */
  readonly stop: () => void;
}

export interface AgentProxyOptions {
  readonly listen: ReadonlyArray<ProxyListen>;
  readonly peers: ReadonlyArray<SipPeer>;
  /** For TLS, either way. */
  readonly credentials?: Credentials;
  /** Trunks over TLS whose server alone shows a certificate. Default: none. */
  readonly servers?: ServerRoots;
  /** Where a call of the PBX goes: asked in the turn that brings it, so that it must not wait. */
  readonly route: RouteOf;
  /**
   * Takes the records of calls that are over. `also`: changes of `store` that go into the same write, so that each is recorded
   * once whatever happens, and so that the disk is waited for once. Told again, later and later, until it succeeds.
   */
  readonly record: (
    reports: ReadonlyArray<CallReport>,
    also: ReadonlyArray<Change>,
  ) => Effect.Effect<void, StoreFailed>;
  /** Where calls under way are kept over a restart. Default: nowhere. */
  readonly store?: StoreShape;
  /** Has a listen with `inProcess`, and a neighbour of the side `fallback` there. Default: nothing. */
  readonly fallback?: AgentFallback;
  readonly timing?: Partial<CoreTiming>;
  readonly limits?: Partial<CoreLimits>;
}

export interface AgentProxyCounters extends Readonly<Record<CoreCount, number>> {
  /** Calls that had a route over SIP and took the telephone network, by the reason. */
  readonly fellBack: Readonly<Partial<Record<FallbackReason, number>>>;
  /** Calls under way: answered and not over, or being tried. */
  readonly underWay: number;
  readonly transactions: number;
  /** Records that wait for the store or for whoever takes them. */
  readonly unwritten: number;
}

export interface AgentProxy {
  /** For TLS from now on, either way; streams that are open stay. */
  readonly useCredentials: (credentials: Credentials | undefined) => Effect.Effect<void>;
  /** In the order of `listen`. */
  readonly listening: ReadonlyArray<Listening>;
  readonly counters: () => AgentProxyCounters;
  /** Telephone calls under way, those that began last. */
  readonly newestCalls: (max: number) => ReadonlyArray<CallView>;
  readonly unreadable: Pick<UnreadableLog, "byReason" | "newest">;
  /** The newest messages, and who is at the other end of one: a neighbour, or a stranger. */
  readonly messages: Pick<MessageLog, "after">;
  readonly placeOf: (at: Source | Destination) => SipPlace;
}
