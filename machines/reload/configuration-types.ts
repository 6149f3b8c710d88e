/** The input, events, orders and context of the machine that holds the configuration document. */
import type { KindConfiguration, OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { ErrorName, NodeId } from "../../codecs/reload/mod.ts";
import type { Note } from "../kit/mod.ts";

export interface ConfigurationInput {
  readonly self: NodeId;
  readonly overlay: OverlayConfiguration;
  readonly startedMs: number;
}

/** What was offered, read and verified; or why it cannot be believed. */
export type Offered =
  | { readonly type: "document"; readonly overlay: OverlayConfiguration }
  /** Each with the Node-ID that signed it. */
  | { readonly type: "kinds"; readonly kinds: ReadonlyArray<SignedBy> }
  | { readonly type: "unreadable"; readonly why: string }
  /** `sequence`: the one in the document. */
  | { readonly type: "forged"; readonly why: string; readonly sequence: number | undefined };
export interface SignedBy {
  readonly kind: KindConfiguration;
  readonly by: NodeId | "authority";
}

export type ConfigurationTimer = "refresh" | "expire";
export type ConfigurationEvent =
  /** `id`: the offer, for the answer to it. */
  | { readonly type: "offered"; readonly id: number; readonly offered: Offered; readonly atMs: number }
  | { readonly type: "heard"; readonly node: NodeId; readonly sequence: number }
  /** A ConfigUpdate of ours was not answered, or long ago: where the node still shows an older sequence, it is sent again. */
  | { readonly type: "pushOver"; readonly node: NodeId }
  | { readonly type: "timerFired"; readonly timer: ConfigurationTimer; readonly atMs: number };

export type ConfigurationAction =
  | { readonly type: "answer"; readonly id: number }
  | { readonly type: "refuse"; readonly id: number; readonly error: ErrorName; readonly info: string }
  | { readonly type: "adopt"; readonly id: number; readonly overlay: OverlayConfiguration }
  | { readonly type: "push"; readonly to: NodeId }
  | { readonly type: "pushToNeighbours" }
  | { readonly type: "ask"; readonly node: NodeId }
  | { readonly type: "refresh" }
  | { readonly type: "leave"; readonly why: string }
  | {
      readonly type: "startTimer";
      readonly timer: ConfigurationTimer;
      /** Drawn between these. */
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: ConfigurationTimer }
  | Note;

export interface ConfigurationContext extends ConfigurationInput {
  /** The signer of each Kind that came by a ConfigUpdate, by Kind-ID. */
  readonly signers: Readonly<Record<number, NodeId | "authority">>;
  /** Nodes we have sent this document to of late, and those we have asked for a newer one, with the sequence they showed. */
  readonly pushed: Readonly<Record<string, number>>;
  readonly asked: Readonly<Record<string, number>>;
}
