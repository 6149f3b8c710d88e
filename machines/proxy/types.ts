/**
 * What goes into the proxy core and what comes out. RFC 3261 §16 and §18.
 *
 *   message and where it came from ---+
 *   a timer is due, a stream broke ---+--> core --> orders: send, save, forget, ended, count
 *   `route`: where a call may go -----+
 * Requirements: RFC 3261 §17.1.1.2.
 */
import type { E164, UnixMs } from "../../codecs/shared/mod.ts";
import type { CallTexts, SipError, SipRequest } from "../../codecs/sip/mod.ts";

export type Transport = "UDP" | "TCP" | "TLS";
/** Who is at the other end of a flow. `fallback`: in this process, what takes calls to the telephone network that are up. */
export type ProxySide = "pbx" | "trunk" | "border" | "fallback";

/** A place where we are reached, and what we call ourselves there. */
export interface OwnAddress<S extends string = ProxySide> {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  /** Every message that comes here is from this side; undefined: the sender's address tells. */
  readonly side: S | undefined;
  /** Other hosts by which we are called there, at the same port. */
  readonly names?: ReadonlyArray<string>;
}

/** A neighbour by configuration: a PBX, a trunk, the border element. */
export interface SipPeer<S extends string = ProxySide> {
  readonly name: string;
  readonly side: S;
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  /** Its port is found by its name, and its transport too: RFC 3263. Those above hold until then. Default: they hold. */
  readonly located?: "anyTransport" | "itsTransport";
  /** It takes a request of more than `DATAGRAM_BYTES_MAX` over TCP. RFC 3261 §18.1.1. Default false: it is sent as it is. */
  readonly isLargeOverTcp?: boolean;
  /** A border element that relays media and secures it outside: what PBX and border element agree on may be in the clear. */
  readonly securesMedia?: boolean;
}

/** Where a message came from. */
export interface Source {
  readonly transport: Transport;
  /** The place of our own address among all. */
  readonly own: number;
  readonly host: string;
  readonly port: number;
  /** The stream's number, above 0; 0 for datagrams. */
  readonly stream: number;
  /** Whose transactions its requests begin: nobody else's continue them. Default: the host. */
  readonly who?: string;
  /** Proved by its stream: a response that has to open another one asks for the same. */
  readonly domain?: string;
}

/** Where a message goes: by that stream while it is open, or else to that address. */
export interface Destination {
  readonly transport: Transport;
  readonly own: number;
  readonly host: string;
  readonly port: number;
  readonly stream: number;
  /** `host` is a domain without a port of its own: its places are found by NAPTR and SRV, RFC 3263. */
  readonly isNamed?: boolean;
  /** The domain that the certificate there must prove. Default: any that is trusted. */
  readonly domain?: string | undefined;
}

/** A telephone call that is over: the trunk's dialog. docs/protocol/sip.md#call-records. */
export interface CallReport extends CallTexts {
  /** Its own, also after a restart: letters and digits. */
  readonly id: string;
  readonly direction: "sent" | "received";
  /** The trunk's name. */
  readonly trunk: string;
  readonly startMs: UnixMs;
  readonly stopMs: UnixMs;
}

/** Where a new call of the PBX goes. */
export interface Way {
  /** Over the border element, before anything else. */
  readonly vipr?: { readonly called: E164; readonly uri: string; readonly ticket: string };
  /** Names of trunks, in the order in which they are tried. */
  readonly trunks: ReadonlyArray<string>;
}

/** Asked for each INVITE of the PBX that opens a dialog. */
export type RouteOf = (request: SipRequest, texts: CallTexts, atMs: number) => Way;

/** Why a call that had a route over SIP took the telephone network. */
export type FallbackReason =
  | "offerNotSecured"
  | "noBorder"
  | "unreachable"
  | "silent"
  | "refused"
  | "answerNotSecured"
  | "noContact";

export type CoreCount =
  | "calls"
  | "answered"
  | "viaVipr"
  | "failedOver"
  | "refusedByLimit"
  | "loops"
  | "strangers"
  | "unreadable"
  | "strayResponses";

export type CoreOrder =
  | { readonly type: "send"; readonly to: Destination; readonly bytes: Uint8Array }
  /** To be written before long; it holds up nothing. */
  | { readonly type: "save"; readonly id: string; readonly call: Uint8Array }
  | { readonly type: "forget"; readonly id: string }
  /** What was saved under the report's id is needed no longer once the report is safe. */
  | { readonly type: "ended"; readonly report: CallReport }
  /** A neighbour's place took nothing, and the next one was tried. RFC 3263 §4.3. */
  | { readonly type: "down"; readonly to: Destination }
  | { readonly type: "fellBack"; readonly reason: FallbackReason; readonly status: number | undefined }
  /** A call over SIP is up, or over: where `fallback` wants to know. The INVITE is as it came, without Routes of ours. */
  | { readonly type: "sipCall"; readonly key: string; readonly role: "caller" | "callee"; readonly invite: SipRequest }
  | { readonly type: "sipCallOver"; readonly key: string }
  | { readonly type: "unreadable"; readonly from: Source; readonly error: SipError }
  | { readonly type: "count"; readonly what: CoreCount };

export interface CoreOptions {
  readonly own: ReadonlyArray<OwnAddress>;
  readonly peers: ReadonlyArray<SipPeer>;
  readonly route: RouteOf;
  /** Random letters and digits of this run: they make branches and tags unguessable. */
  readonly mark: string;
  /** What takes calls over SIP to the telephone network; it is the neighbour of that side. Default: nothing. */
  readonly fallback?: FallbackTaker | undefined;
  readonly timing?: Partial<CoreTiming>;
  readonly limits?: Partial<CoreLimits>;
}

export interface FallbackTaker {
  /** Whether a call from that trunk is one of ours on its way to the telephone network, and none for the PBX. */
  readonly takes: (invite: SipRequest, trunk: string) => boolean;
}

export interface CoreTiming {
  /** RFC 3261 §17.1.1.1. Default 500. */
  readonly t1Ms: number;
  /** How long an attempt over SIP may bring nothing but 100. Default 2 000, docs/protocol/sip.md#the-callers-side. */
  readonly attemptMs: number;
  /** How long a trunk may bring nothing at all, where another can be tried. Default 5 000. */
  readonly silenceMs: number;
  /** Timer C, more than three minutes. Default 185 000. */
  readonly ringMs: number;
}

export interface CoreLimits {
  /** Transactions at once, of either kind. */
  readonly transactionsMax: number;
  /** Calls under way. */
  readonly callsMax: number;
  /** Bytes that transactions hold for sending again. */
  readonly bytesMax: number;
  /** INVITEs from one number to another that nobody has answered: more of them are a loop through an exchange. */
  readonly sameCallMax: number;
}
