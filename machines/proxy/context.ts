/** One request on its way: what the core knows of it beside its two transactions. RFC 3261 §16.2, "response context". */
import type { CallTexts, Header, SipRequest, SipResponse } from "../../codecs/sip/mod.ts";
import type { Snapshot } from "../kit/mod.ts";
import type { ActiveCall, Ending } from "./calls.ts";
import type { HopKind } from "./response-context.ts";
import type { ClientTransaction, ServerTransaction } from "./transaction.ts";
import type { Destination, ProxySide, SipPeer, Source } from "./types.ts";
import type { Timer } from "./wheel.ts";

/** One place to try, of any proxy. */
export interface Hop<S extends string = ProxySide> {
  readonly kind: HopKind;
  readonly to: Destination;
  /** The neighbour; undefined where a Route or a Contact leads elsewhere. */
  readonly peer: SipPeer<S> | undefined;
}

/** ... of a call agent. */
export interface CoreHop extends Hop {
  /** What stands in the Request-URI there. */
  readonly uri: string;
  /** Of the way over SIP: they are written on the request. */
  readonly route: string | undefined;
  readonly ticket: string | undefined;
}

/** What every proxy knows of a request on its way. `H`: a place to try. */
export class RequestContext<H> {
  timers: Timer<any> | undefined = undefined;
  readonly server: ServerTransaction<any>;
  readonly source: Source;
  /** Without our Routes; undefined once it is answered. */
  request: SipRequest | undefined;
  hops: ReadonlyArray<H>;
  snapshot: Snapshot<any> | undefined = undefined;
  at = 0;
  branch: ClientTransaction<any> | undefined = undefined;
  /** The branch whose 2xx went upstream. */
  answeredBy: ClientTransaction<any> | undefined = undefined;
  best: SipResponse | undefined = undefined;
  /** A reliable provisional response brought the answer to the offer. RFC 3262 §5. */
  isDescribed = false;
  /** A large request was sent over TCP, and can go as a datagram yet. RFC 3261 §18.1.1. */
  isLarge = false;
  /** Reason fields of the CANCEL that came. RFC 3326 §2. */
  reasons: ReadonlyArray<Header> = [];
  constructor(server: ServerTransaction<any>, source: Source, request: SipRequest, hops: ReadonlyArray<H>) {
    this.server = server;
    this.source = source;
    this.request = request;
    this.hops = hops;
  }
}

/** ... and what a call agent does. */
export class Context extends RequestContext<CoreHop> {
  /** Its final response came over SIP. */
  isOverSip = false;
  /** It came from our border element, and opens a call over SIP. */
  isFromSip = false;
  /** The call over SIP that it ends. */
  sipEnding: string | undefined = undefined;
  /** The telephone call that it opens, and what its header fields say. */
  call: ActiveCall | undefined = undefined;
  about: CallTexts | undefined = undefined;
  /** The call that it ends. */
  ending: Ending | undefined = undefined;
  /** Who calls whom, while nobody has answered. */
  pair: string | undefined = undefined;
}
