/**
 * What goes into a border element's core and what comes out. RFC 3261 §16 and §18; docs/protocol/sip.md#the-border-element.
 *
 *   message, who sent it, by which side --+
 *   a timer is due, a stream broke -------+--> core --> orders: send, media, endMedia, count, refused
 *   what the media relay has made of it --+
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import type { Sdp } from "../../codecs/sip/mod.ts";
import type { CoreTiming, Destination, OwnAddress, SipPeer, Source } from "../proxy/mod.ts";
import type { BorderRefusal, OnReject, Side } from "../sip/mod.ts";
import type { EpochSeal } from "../ticket/mod.ts";
import type { TokenKey } from "./tokens.ts";

export interface BorderSource extends Source {
  /** Proved by the certificate of the stream that the message came by; none inside. RFC 5922 §7. */
  readonly domains: ReadonlyArray<string>;
}

/** Why a message was not let through. */
export type RefusalReason =
  | BorderRefusal
  /** No dialog that goes through us, or not by these names. */
  | "unknownDialog"
  /** Within a call of another domain's. */
  | "otherDomain"
  | "notAnInvite"
  | "unreadable"
  /** The call's own answer was not secured: either way. */
  | "answerNotSecured"
  /** ... nor the offer that came with it. */
  | "offerNotSecured"
  /** REFER to another number than the one that was called. */
  | "referElsewhere"
  | "replaces"
  | "method"
  /** More calls at once, or calls a second, than the domain may have. */
  | "tooManyCalls"
  | "callRate"
  | "bodyTooLong"
  /** We are full ourselves. */
  | "full"
  /** The media relay takes no more, or not this. */
  | "media"
  /** Media from outside name an address of a private network, of this machine, or none. */
  | "mediaAddress"
  /** The way back to outside leads to such an address. */
  | "insideAddress"
  /** From inside, but from none of our call agents. */
  | "stranger";

export type BorderCount =
  | "admitted"
  | "forwarded"
  | "answered"
  | "failed"
  | "strayResponses"
  | "strayAcks"
  | "held"
  | "dropped";

/** The INVITE that opens a call, as the inside has it: its Call-ID and From tag, by which a call agent knows it. */
export interface MediaDialog {
  readonly callId: string;
  readonly from: string;
}

/** An offer or an answer as the relay is shown it. `call`: the same for both ends and all re-offers of a call. */
export interface MediaQuestion {
  readonly call: string;
  readonly from: string;
  readonly to?: string;
  /** With the offer that opens the call. */
  readonly dialog?: MediaDialog;
  /** Where what comes back will be shown. */
  readonly toward: Side;
  readonly sdp: Sdp;
}
export type MediaAnswer = { readonly sdp: Sdp } | { readonly refused: string; readonly isOurs: boolean };

/** Of another company's border element. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export type BorderOrder =
  | { readonly type: "send"; readonly to: Destination; readonly bytes: Uint8Array }
  /** Nothing has come from there in the whole time of a transaction, by a stream: it is worth another one. */
  | { readonly type: "silent"; readonly to: Destination }
  /** To be answered by `placed` with this id: where that domain is reached, but where messages to it go now. RFC 3263 §4.3. */
  | { readonly type: "places"; readonly id: number; readonly besides: Destination }
  /** To be answered by `described` with this id. */
  | { readonly type: "media"; readonly id: number; readonly kind: "offer" | "answer"; readonly question: MediaQuestion }
  | { readonly type: "endMedia"; readonly call: string }
  | { readonly type: "count"; readonly what: BorderCount }
  | {
      readonly type: "refused";
      readonly why: RefusalReason;
      readonly method: string;
      readonly domains: ReadonlyArray<string>;
      readonly number: E164 | undefined;
    };

export interface BorderCoreOptions {
  /** Ours: lower case, A-labels. */
  readonly domain: string;
  /** The first is the outside one, over TLS; all others are inside. */
  readonly own: ReadonlyArray<OwnAddress<Side>>;
  /** In the order in which a call from outside tries them. Only from their hosts is anything taken inside. */
  readonly callAgents: ReadonlyArray<SipPeer<Side>>;
  /** Random letters and digits of this run: they make branches and tags unguessable. */
  readonly mark: string;
  /** Newest last; at least one. */
  readonly keys: ReadonlyArray<TokenKey>;
  /** Whose tickets are taken now: asked with each call. */
  readonly epochs: () => ReadonlyArray<EpochSeal>;
  readonly onReject: OnReject;
  /** Call-IDs of the inside are not shown either. */
  readonly hidesCallIds: boolean;
  /** A media relay makes what is secured outside of whatever there is inside. */
  readonly hasRelay: boolean;
  /** Other companies may have addresses of private networks: in laboratories, and where companies share a network. */
  readonly privateOutside?: boolean;
  readonly timing?: Partial<CoreTiming>;
  readonly limits?: Partial<BorderLimits>;
}

export interface BorderLimits {
  /** Of one domain, either way: calls that are up or being set up. */
  readonly callsOfDomain: number;
  /** Of one domain, from outside: new calls a second, over a few seconds. */
  readonly callsPerSecond: number;
  /** Of all domains together. */
  readonly calls: number;
  /** Of a request from outside. */
  readonly bodyBytes: number;
  readonly transactions: number;
  /** Held for sending again. */
  readonly bytes: number;
}
