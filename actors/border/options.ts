/** What a border element is given, and what it shows. docs/protocol/sip.md#the-border-element. */
import type { Effect } from "effect";
import type { BorderCount, BorderLimits, RefusalReason } from "../../machines/border/mod.ts";
import type { CoreTiming, Transport } from "../../machines/proxy/mod.ts";
import type { OnReject } from "../../machines/sip/mod.ts";
import type { MediaRelayShape } from "../media/mod.ts";
import type { Credentials, Listening, StreamRefusal } from "../ports/mod.ts";
import type { AgentProxy } from "../proxy/mod.ts";
import type { TicketChecker, TicketSecret } from "../ticket/mod.ts";

export interface BorderPlace {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How others reach it: for an address that is not our own. An IPv6 address in brackets. */
  readonly advertise?: { readonly host: string; readonly port?: number } | undefined;
}

export interface InsidePlace extends BorderPlace {
  readonly transport: Transport;
}

export interface CallAgentAt {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
}

/** One of the keys that our tokens are sealed with. */
export interface TokenSecret {
  /** 0 to 255: another one for each key. */
  readonly id: number;
  /** `TOKEN_KEY_BYTES` random bytes. */
  readonly bytes: Uint8Array;
}

export interface BorderOptions {
  /** Ours: lower case, A-labels. */
  readonly domain: string;
  /** Mutual TLS. The host is told to other domains as the way back. */
  readonly outside: BorderPlace;
  /** With a certificate that proves the domain, RFC 5922. */
  readonly credentials: Credentials;
  /** Where our call agents connect to: a network that is ours alone. */
  readonly inside: ReadonlyArray<InsidePlace>;
  /** For TLS inside; default: those of the outside. */
  readonly insideCredentials?: Credentials;
  /** In the order in which a call from outside tries them. */
  readonly callAgents: ReadonlyArray<CallAgentAt>;
  /** What the ViPR server seals tickets with, newest epoch last. */
  readonly secrets: ReadonlyArray<TicketSecret>;
  /** Newest last; those before still open what they have sealed. Default: one of this run, so that a restart ends its calls. */
  readonly tokenSecrets?: ReadonlyArray<TokenSecret>;
  /** Default `silence`. */
  readonly onReject?: OnReject;
  /** Default false. */
  readonly hidesCallIds?: boolean;
  /** RTP inside, SRTP outside. Default: none, and media must be secured from end to end. */
  readonly relay?: MediaRelayShape;
  /** Other companies may have addresses of private networks. Default false: nobody has us connect there. */
  readonly privateOutside?: boolean;
  readonly timing?: Partial<CoreTiming>;
  readonly limits?: Partial<BorderOptionLimits>;
}

export interface BorderOptionLimits extends BorderLimits {
  /** Streams that one domain opens to us. */
  readonly connectionsOfDomain: number;
  /** Of one message by a stream; one that is longer loses the stream. */
  readonly messageBytes: number;
}

/** Why a stream from outside is not served. */
export type ConnectionReason =
  | StreamRefusal
  | "noDomain"
  | "tooManyConnections"
  /** Not from outside, but to there: it leads to a private network, or to this machine. */
  | "insideAddress";

export interface BorderCounters extends Readonly<Record<BorderCount, number>> {
  /** What was not let through, by reason. */
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
  readonly connectionsRefused: Readonly<Partial<Record<ConnectionReason, number>>>;
  /** Calls that are up or being set up. */
  readonly underWay: number;
  readonly transactions: number;
  /** Streams from outside that are open. */
  readonly connections: number;
  /** Descriptions that the media relay has not answered yet. */
  readonly mediaWaiting: number;
}

export interface Border extends Pick<AgentProxy, "messages" | "placeOf"> {
  readonly outside: Listening;
  /** In their order. */
  readonly inside: ReadonlyArray<Listening>;
  readonly counters: () => BorderCounters;
  /** For a new epoch, or to void an old one. */
  readonly tickets: TicketChecker;
  /** From now on: for streams that come and that we open. Those that are open stay. */
  readonly useCredentials: (credentials: Credentials) => Effect.Effect<void>;
  /** From now on: for calls and streams that come. Those that are up stay, and streams that are open keep `messageBytes`. */
  readonly useLimits: (limits: Partial<BorderOptionLimits>) => Effect.Effect<void>;
}
