/**
 * What a program that carries calls shows of them: the call agent, the border element. Field names are a promise to scripts,
 * docs/operator.md explains them. Numbers are masked, and nothing of a message's content is in it.
 */

export const CALLS_VERSION = 1;
/** Calls shown one by one, those that began last; the others are counted. */
export const CALL_ROWS_MAX = 1_000;
/** Unreadable messages shown one by one. */
export const UNREADABLE_SHOWN_MAX = 32;

export interface CallRow {
  readonly id: string;
  /** As the company sees it; unknown to a program that sees the media only. */
  readonly direction: "sent" | "received" | "unknown";
  readonly state: "ringing" | "up";
  /** The trunk's name, or the domain of the other company. */
  readonly by: string;
  /** Since it was answered; 0 while it rings. */
  readonly seconds: number;
  /** Masked; null where it is unknown or no number. */
  readonly calling: string | null;
  readonly called: string | null;
  /** By what is measured: packets, loss, jitter. Left out where no media passes here. */
  readonly media?: Readonly<Record<string, number>>;
  /** The name of its ladder, /ladders/ID, where it is known. */
  readonly ladder?: string;
}

export interface UnreadableMessage {
  /** ISO 8601. */
  readonly at: string;
  /** `udp:192.0.2.7:5060` */
  readonly from: string;
  /** Where in the message, and what is wrong there. */
  readonly place: string;
  readonly reason: string;
}

export interface CallsReport {
  readonly version: number;
  /** `agent`, `border`. */
  readonly program: string;
  readonly upSeconds: number;
  /** All of them, also those of which there is no row. */
  readonly underWay: number;
  readonly calls: ReadonlyArray<CallRow>;
  readonly counters: Readonly<Record<string, number>>;
  /** Counts by reason, under a name for each question: `fellBack`, `unreadable`, `refused`. */
  readonly reasons: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The newest first. */
  readonly unreadable: ReadonlyArray<UnreadableMessage>;
}
