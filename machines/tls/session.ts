/**
 * Events, orders and context that the client's and the server's machine have in common. RFC 5246. DECISIONS.md D-031.
 * Requirements: RFC 5054 §3.1.
 */
import type { AlertDescription, SrpGroupBits, SrpSuite } from "../../codecs/tls/mod.ts";
import type { Note } from "../kit/mod.ts";
import { type Inbound, noInbound, type Unit } from "./inbound.ts";
import type { WriteProtection } from "./record.ts";

/** Random bytes of one handshake: three draws of `RANDOM_BYTES`. */
export interface TlsRandomness {
  /** Sent in our hello. */
  readonly random: Uint8Array;
  /** a or b: "SHOULD be at least 256 bits in length" (RFC 5054 §2.5.3, §2.5.4). */
  readonly secret: Uint8Array;
  /** From which the records' IVs are made. */
  readonly ivKey: Uint8Array;
}
/** Bytes of each of the three: the length of a hello's random (RFC 5246 §7.4.1.2), and the 256 bits of RFC 5054 §2.5.3. */
export const RANDOM_BYTES = 32;

/** Until `secured`, where nothing else is configured; ours, the RFCs name none. */
export const HANDSHAKE_TIMEOUT_MS = 20_000;

/** Which power of SRP: g^a or g^b, g^x, the server's v^u, and the premaster secret. RFC 5054 §2.6. */
export type PowerId = "ours" | "verifier" | "scrambled" | "premaster";

/** What either side is told: bytes of the stream below, answers to its orders, data and the wish to close from above. */
export type TlsEvent =
  | { readonly type: "received"; readonly bytes: Uint8Array }
  /** The answer to `power`. */
  | { readonly type: "powered"; readonly id: PowerId; readonly value: bigint }
  /** Bytes for the peer; only once `secured`. */
  | { readonly type: "sendData"; readonly bytes: Uint8Array }
  | { readonly type: "close" }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "handshake" };

/** What either side orders: bytes for the stream below, powers, data for above, its one timer, and notes for a log. */
export type TlsAction =
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** base ^ exponent modulo the prime of the group: ordered, since it takes a millisecond or more. */
  | {
      readonly type: "power";
      readonly id: PowerId;
      readonly base: bigint;
      readonly exponent: bigint;
      readonly group: SrpGroupBits;
    }
  /** Both Finished messages were right: data may be sent and received. */
  | ({ readonly type: "secured" } & TlsFacts)
  | { readonly type: "data"; readonly bytes: Uint8Array }
  /** The last order, always and once. */
  | { readonly type: "ended"; readonly outcome: TlsOutcome }
  | { readonly type: "startTimer"; readonly timer: "handshake"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "handshake" }
  | Note;

/** What a handshake agreed: the SRP suite, the bits of its group, RFC 7627's master secret, RFC 7366's order. */
export interface TlsFacts {
  readonly suite: SrpSuite;
  readonly group: SrpGroupBits;
  readonly extendedMasterSecret: boolean;
  readonly encryptThenMac: boolean;
}

/** How a session ended. */
export type TlsOutcome =
  /** Ended by a close_notify of either side: no data is missing. */
  | { readonly type: "closed" }
  /** We sent this alert. */
  | { readonly type: "refused"; readonly alert: AlertDescription; readonly why: string }
  /** The peer sent this one. */
  | { readonly type: "alerted"; readonly alert: AlertDescription | number }
  /** The stream below was closed without a close_notify: data may be missing. */
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timedOut" };

export interface Ending {
  readonly outcome: TlsOutcome;
  readonly alert?: { readonly level: "warning" | "fatal"; readonly description: AlertDescription };
}

/** The part of the context that both sides share. */
export interface TlsSession {
  readonly side: "client" | "server";
  readonly randomness: TlsRandomness;
  readonly inbound: Inbound;
  /** Read from `inbound`, and not yet acted upon. */
  readonly unit: Unit | undefined;
  readonly write: WriteProtection | undefined;
  /** All handshake messages so far, for the Finished messages; dropped once the session is open. */
  readonly transcript: Uint8Array;
  readonly facts: TlsFacts | undefined;
  /** Powers that were ordered and have not arrived; any other is ignored. */
  readonly asked: ReadonlyArray<PowerId>;
  readonly isOpen: boolean;
  readonly ending: Ending | undefined;
}

export const newSession = (side: TlsSession["side"], randomness: TlsRandomness): TlsSession => ({
  side,
  randomness,
  inbound: noInbound(side),
  unit: undefined,
  write: undefined,
  transcript: new Uint8Array(),
  facts: undefined,
  asked: [],
  isOpen: false,
  ending: undefined,
});

export const refuse = (alert: AlertDescription, why: string): { readonly ending: Ending } => ({
  ending: { outcome: { type: "refused", alert, why }, alert: { level: "fatal", description: alert } },
});
