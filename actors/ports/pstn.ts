/** The telephone network, as a call agent's trunk shows it: calls out, calls in, and what each end sees of them. */
import { Context, type Effect, type Scope } from "effect";
import type { E164, UnixMs } from "../../codecs/shared/mod.ts";

/** A call to be carried. Times are the caller's exchange's, in milliseconds since 1970. */
export interface PstnCall {
  /** Undefined: the caller withholds the number. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  /** When it is answered. */
  readonly startMs: UnixMs;
  readonly durationMs: number;
}

/** What one end sees. Times are stamped by that end's own exchange. */
export type PstnEvent =
  | { readonly type: "answered"; readonly atMs: UnixMs }
  | { readonly type: "ended"; readonly atMs: UnixMs }
  | { readonly type: "failed"; readonly why: string };

/** A call as it reaches its destination: the caller's number may be missing or wrong. */
export interface PstnIncoming {
  readonly calling: E164 | undefined;
  readonly called: E164;
}

/** A line of the telephone network: which numbers ring there, and who answers. */
export interface PstnLine {
  /** For the log. */
  readonly name: string;
  /** Which numbers ring here. The line attached first wins. */
  readonly serves: (number: E164) => boolean;
  /** A call comes in; what it gives back is told of it. */
  readonly incoming: (call: PstnIncoming) => Effect.Effect<(event: PstnEvent) => Effect.Effect<void>>;
}

/** A telephone network. */
export interface PstnShape {
  /** Numbers ring at this line until the scope closes. Gives what this line's calls are placed with. */
  readonly attach: (line: PstnLine) => Effect.Effect<PstnTrunk, never, Scope.Scope>;
  /** A call by a caller attached to no line. */
  readonly place: PstnTrunk["place"];
}

/** What a line's own calls are placed by. */
export interface PstnTrunk {
  /** Carries the call to its end, telling the caller's side meanwhile. Nothing is told after `ended` or `failed`. */
  readonly place: (call: PstnCall, tell: (event: PstnEvent) => Effect.Effect<void>) => Effect.Effect<void>;
}

/** The port to the telephone network, of simulations and the demonstration. */
export class Pstn extends Context.Service<Pstn, PstnShape>()("vipr/actors/ports/Pstn") {}
