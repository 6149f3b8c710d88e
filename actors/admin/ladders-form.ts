/** The form of /ladders.json and of /ladders/ID: field names are a promise to scripts, docs/operator.md explains them. */

/** `ringing`: not answered yet. `failed`: refused, or given up. */
export type LadderState = "ringing" | "up" | "over" | "failed";

export interface LadderSummary {
  /** Of 16 hexadecimal digits, the same at each program that carries the call. */
  readonly id: string;
  /** Of its first message, and of its newest; milliseconds since 1970. */
  readonly atMs: number;
  readonly lastMs: number;
  /** Masked; null where it is unknown or no number. */
  readonly calling: string | null;
  readonly called: string | null;
  readonly state: LadderState;
  /** Of the newest response to the INVITE. */
  readonly status: number | null;
  readonly messages: number;
}

export interface LadderMessage {
  readonly atMs: number;
  readonly isSent: boolean;
  /** The other end: `pbx`, `trunk`, `border`, `fallback`; of a border element `inside` or `outside`; or a `stranger`. */
  readonly with: { readonly side: string; readonly name: string };
  readonly transport: string;
  /** Of the request, or of the one that it answers. */
  readonly method: string;
  readonly cseq: number;
  /** Null for a request. */
  readonly status: number | null;
}

export interface Ladder extends Omit<LadderSummary, "messages"> {
  /** In their order. */
  readonly messages: ReadonlyArray<LadderMessage>;
  /** Beyond these. */
  readonly more: number;
}
