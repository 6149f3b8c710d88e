/** How a node, or what it is asked to do, fails: each error with a reason or a code to match, and a sentence for people. */
import { Data } from "effect";
import type { ErrorName, UnnamedError } from "../../codecs/reload/mod.ts";
import type { ListenReason, StoreFault } from "../ports/mod.ts";

/** `configuration`: what it asks for, or its end. `ring`: no place there, or not in time. */
export type JoinFault = "configuration" | "certificate" | "store" | "port" | "ring";
/** A node has no place in the ring; `why` is for people. */
export class JoinFailed extends Data.TaggedError("JoinFailed")<{
  readonly reason: JoinFault;
  readonly why: string;
  /** The store's reason, when it was the store. */
  readonly fault?: StoreFault;
  /** Why the port could not be had, when it was the port. */
  readonly listen?: ListenReason;
}> {}

/** The responsible peer refused: `code` is the error's name in RFC 6940, `info` what the peer added: `quota`, `rate`, `count`… */
export class OverlayRefused extends Data.TaggedError("OverlayRefused")<{
  readonly code: ErrorName | UnnamedError;
  readonly info: string;
}> {}
/**
 * `timedOut`: no answer within the request's lifetime. `lost`: it could not be sent. `busy`: too many requests wait for
 * their turn. `store`: this node could not save that it is about to store the value.
 */
export type UnreachableReason = "timedOut" | "lost" | "busy" | "store";
/** The overlay gave no answer, or our own disk did not let us ask; `why` is for people. */
export class OverlayUnreachable extends Data.TaggedError("OverlayUnreachable")<{
  readonly reason: UnreachableReason;
  readonly why: string;
}> {}
/** How a request of ours ends that has no answer to its question. */
export type OverlayError = OverlayRefused | OverlayUnreachable;

/** The operator's document is refused: by RFC 6940's name for the error, and what was wrong. */
export class ConfigurationRefused extends Data.TaggedError("ConfigurationRefused")<{
  readonly code: ErrorName | UnnamedError;
  readonly info: string;
}> {}
