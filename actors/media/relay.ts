/**
 * The media of calls, as the border element asks for it: an offer or an answer goes in, the description that the other side
 * is shown comes back. RFC 3264, RFC 4568; docs/protocol/media.md. DECISIONS.md D-135.
 *
 *   inside  -- RTP -->  relay  -- SRTP -->  outside
 *   offer(toward outside): ports opened, keys made       answer(toward inside): the other end's keys and addresses
 *   offer again, from either end: the same ports         end: ports closed, keys zeroed
 *
 * Two implementations stand behind it: our own relay (`embedded.ts`), and rtpengine (`rtpengine.ts`).
 */
import { Context, Data, type Effect } from "effect";
import type { Sdp } from "../../codecs/sip/mod.ts";
import type { BadMedia } from "../../machines/media/mod.ts";

export type Side = "inside" | "outside";

/** The Call-ID and the From tag of an INVITE. */
export interface MediaDialog {
  readonly callId: string;
  readonly from: string;
}

export interface MediaRequest {
  /** What names the call to whoever asks, on both its sides and in each of its re-offers. */
  readonly call: string;
  /** The From tag of the request that brings the offer; of its answer, the same one. */
  readonly from: string;
  /** The To tag, where the dialog has one. Of an answer it names the fork that answers. */
  readonly to?: string;
  /** With the first offer: the INVITE that opens the call, as the inside has it. */
  readonly dialog?: MediaDialog;
  /** The side that will be shown what comes back. */
  readonly toward: Side;
  readonly sdp: Sdp;
}

/**
 * `notSecured`: what is offered or answered would leave no stream, or one that is taken in the clear. `notAnOffer`: there is
 * no offer that this answers, or it does not fit it. `badAddress`: it names no address that media can be sent to. `limit`:
 * as many calls, streams or ports are in use as we have. `unavailable`: no relay answers, or it refuses. `noCodec`: the
 * telephone network and the telephone have no codec in common.
 */
export type MediaRefusal = "notSecured" | "notAnOffer" | "badAddress" | "limit" | "unavailable" | "noCodec";
export class MediaRefused extends Data.TaggedError("MediaRefused")<{
  readonly reason: MediaRefusal;
  readonly why: string;
}> {}

/** Of what came from one side in one stream. Times are Unix milliseconds. */
export interface MediaCounters {
  readonly packets: number;
  readonly bytes: number;
  /** RTCP packets. */
  readonly reports?: number;
  /** By the sequence numbers: expected and not seen. */
  readonly lost: number;
  /** RFC 3550 §6.4.1, in milliseconds; by the arrival here. */
  readonly jitterMs: number;
  /** What the receiver of our packets said last of what it lost, of 256; undefined: nothing yet. RFC 3550 §6.4.1. */
  readonly reportedLoss?: number;
  readonly reportedJitterMs?: number;
  /** Packets that went no further, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly lastSeenMs?: number;
}

export interface MediaStreamReport {
  /** As SDP names it: audio, video. */
  readonly kind: string;
  /** `srtp`: RTP inside, SRTP outside. `passed`: secured from end to end, and not opened here. */
  readonly mode: "srtp" | "passed";
  readonly suite?: string;
  readonly fromInside: MediaCounters;
  readonly fromOutside: MediaCounters;
}

export interface MediaCall {
  readonly call: string;
  readonly sinceMs: number;
  /** Why its media from outside, or to there, have been bad for too long; undefined: they have not. */
  readonly bad?: BadMedia;
  /** It goes on over the telephone network. */
  readonly isMoved?: true;
  /** The From tag of the INVITE that opened it, where the first offer said so. */
  readonly from?: string;
  readonly streams: ReadonlyArray<MediaStreamReport>;
}

/** The media of a call are bad, here or, as its relay tells us, at the other end. */
export interface MediaTrouble {
  readonly call: string;
  /** Of the INVITE that opened it, where the first offer said so. */
  readonly dialog: MediaDialog | undefined;
  readonly why: BadMedia | "noticed";
}

/** A call for which nothing comes from outside that should. */
export interface QuietCall {
  readonly call: string;
  readonly dialog: MediaDialog;
  readonly ms: number;
}

/** A call's media on their way to the telephone network. docs/protocol/media.md#fallback */
export interface MediaMoves {
  /** What the telephone network is offered: the sound that the telephone has agreed on, at ports of ours. */
  readonly offer: (call: string) => Effect.Effect<Sdp, MediaRefused>;
  /** Its offer, or its answer to ours; nothing moves yet. Gives our answer to an offer. */
  readonly settle: (call: string, sdp: Sdp) => Effect.Effect<Sdp, MediaRefused>;
  /** From now on, to where the last description says. False: there is no such call, or nothing is settled. */
  readonly move: (call: string) => boolean;
  /** Tells the other relay that the media are bad here. */
  readonly tell: (call: string) => void;
  /** For how long nothing has come from outside that should, for the call of that dialog; undefined: there is none. */
  readonly silence: (dialog: MediaDialog) => { readonly media: string; readonly ms: number } | undefined;
  /** All calls of a dialog that is known for which that is at least so long. */
  readonly quiet: (atLeastMs: number) => ReadonlyArray<QuietCall>;
}

export interface MediaRelayShape {
  readonly offer: (request: MediaRequest) => Effect.Effect<Sdp, MediaRefused>;
  readonly answer: (request: MediaRequest) => Effect.Effect<Sdp, MediaRefused>;
  /** Of a call that nobody knows: nothing. */
  readonly end: (call: string) => Effect.Effect<void>;
  readonly calls: Effect.Effect<ReadonlyArray<MediaCall>>;
  /** Where it can take calls to the telephone network. */
  readonly moves?: MediaMoves;
}

export class MediaRelay extends Context.Service<MediaRelay, MediaRelayShape>()("vipr/actors/media/MediaRelay") {}
