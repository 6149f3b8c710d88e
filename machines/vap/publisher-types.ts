/** The publisher: what it knows, what happens to it, what it orders. See publisher.ts. */
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import type { Note } from "../kit/mod.ts";
import type { PublishedNumbers } from "./published-numbers.ts";

/** The overlay's rate and lifetime, which the publisher keeps to. */
export interface VapPublisherInput {
  readonly storesPerSecond: number;
  /** Tokens that may be saved up. */
  readonly burst: number;
  /** How long the overlay stores a number; undefined when somebody else refreshes. */
  readonly lifetimeMs: number | undefined;
  /** How long to wait after a failed store. */
  readonly pauseMs: readonly [min: number, max: number];
}
export interface Publication {
  /** The caller that waits for the outcome; 0 for none, as with a refresh. */
  readonly ref: number;
  readonly vservice: VServiceId;
  readonly number: E164;
  readonly attempts: number;
}
/** One that the overlay has been asked to store. */
export interface Storing extends Publication {
  /** Its answer names it by this. */
  readonly store: number;
  /** Its VService went away meanwhile. */
  readonly withdrawn?: true;
}
export interface VapPublisherContext extends VapPublisherInput {
  readonly queue: ReadonlyArray<Publication>;
  readonly storing: ReadonlyArray<Storing>;
  /** Stores ordered so far. */
  readonly stores: number;
  readonly tokens: number;
  /** Numbers that the overlay stores, and when each is to be stored again. */
  readonly published: PublishedNumbers;
  readonly refilling: boolean;
  /** When the timer `refresh` fires; undefined: it does not run. */
  readonly refreshAtMs: number | undefined;
}
export type VapPublisherTimer = "refill" | "refresh" | "pause";
/** What happens to the publisher. */
export type VapPublisherEvent =
  | {
      readonly type: "publish";
      readonly ref: number;
      readonly vservice: VServiceId;
      readonly number: E164;
      /** The overlay stores it already: when it is to be stored again, and the time now. */
      readonly stored?: { readonly dueAtMs: number; readonly atMs: number };
    }
  | { readonly type: "withdraw"; readonly vservice: VServiceId }
  /** `store`: of the order that it answers. `draw`: 0 to 1, uniform, another each time. */
  | { readonly type: "stored"; readonly store: number; readonly atMs: number; readonly draw: number }
  | { readonly type: "storeFailed"; readonly store: number; readonly atMs: number; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: VapPublisherTimer; readonly atMs: number }
  | { readonly type: "stop" };
/** What the publisher orders of its host. */
export type VapPublisherAction =
  | { readonly type: "store"; readonly store: number; readonly vservice: VServiceId; readonly number: E164 }
  | { readonly type: "report"; readonly ref: number; readonly outcome: PublishOutcome }
  | {
      readonly type: "startTimer";
      readonly timer: VapPublisherTimer;
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: VapPublisherTimer }
  | Note;
/** What became of a number; `why` is for people. */
export type PublishOutcome =
  | { readonly type: "stored" }
  | { readonly type: "failed"; readonly reason: PublishFailure; readonly why: string };
/** `full`: too many wait. `overlay`: the last attempt failed. `withdrawn`: its VService was. `stopped`: the publisher was. */
export type PublishFailure = "full" | "overlay" | "withdrawn" | "stopped";
