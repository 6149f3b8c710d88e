/** How streams fail to open, to listen and to go on: a reason for code, and a sentence for the log. */
import { Data } from "effect";

/**
 * `refused`: nobody listens there. `timedOut`: no connection in time. `unreachable`: no such host or no way to it.
 * `tls`: the peer does not speak TLS with us. `notTrusted`: its certificates do not lead to our roots, or do not prove the
 * domain that was meant. `noCredentials`: we have nothing to show. `limit`: we have too many open. `closed`: it closed first.
 */
export type DialReason =
  | "refused"
  | "timedOut"
  | "unreachable"
  | "tls"
  | "notTrusted"
  | "noCredentials"
  | "limit"
  | "closed";
/** A stream could not be opened; `why` is for people. */
export class DialFailed extends Data.TaggedError("DialFailed")<{ readonly reason: DialReason; readonly why: string }> {}

/** `portTaken`: another program listens there. `noAddress`: this machine does not have it. */
export type ListenReason = "portTaken" | "notPermitted" | "noAddress" | "other";
/** Nothing listens at that address and port; `why` is for people. */
export class ListenFailed extends Data.TaggedError("ListenFailed")<{
  readonly reason: ListenReason;
  readonly why: string;
}> {}

/** `ended`: in order, by either side. `broken`: by the network or the peer's end. `malformed`: it brought what no peer may send. */
export type ClosedReason = "ended" | "broken" | "malformed";
/** A stream is over: neither read nor write comes about any more; `why` is for people. */
export class StreamClosed extends Data.TaggedError("StreamClosed")<{
  readonly reason: ClosedReason;
  readonly why: string;
}> {}
