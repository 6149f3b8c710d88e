/** One request on its way: what the core knows of it beside its two transactions. RFC 3261 §16.2, "response context". */
import type { CallTexts, Header, SipRequest, SipResponse } from "../../codecs/sip/mod.ts";
import type { Snapshot } from "../kit/mod.ts";
import type { ActiveCall, Ending } from "./calls.ts";
import type { HopKind } from "./response-context.ts";
import type { ClientTransaction, ServerTransaction } from "./transaction.ts";
import type { Destination, SipPeer, Source } from "./types.ts";
import type { Timer } from "./wheel.ts";

/** One place to try. */
export interface CoreHop {
  readonly kind: HopKind;
  readonly to: Destination;
  /** The neighbour; undefined where a Route or a Contact leads elsewhere. */
  readonly peer: SipPeer | undefined;
  /** What stands in the Request-URI there. */
  readonly uri: string;
  /** Of the way over SIP: they are written on the request. */
  readonly route: string | undefined;
  readonly ticket: string | undefined;
}

export class Context {
  readonly timers: Array<Timer<any>> = [];
  readonly server: ServerTransaction<Context>;
  readonly source: Source;
  /** Without our Routes; undefined once it is answered. */
  request: SipRequest | undefined;
  hops: ReadonlyArray<CoreHop>;
  snapshot: Snapshot<any> | undefined = undefined;
  at = 0;
  branch: ClientTransaction<Context> | undefined = undefined;
  /** Its final response came over SIP. */
  isOverSip = false;
  /** The branch whose 2xx went upstream. */
  answeredBy: ClientTransaction<Context> | undefined = undefined;
  best: SipResponse | undefined = undefined;
  /** A reliable provisional response brought the answer to the offer. RFC 3262 §5. */
  isDescribed = false;
  /** A large request was sent over TCP, and can go as a datagram yet. RFC 3261 §18.1.1. */
  isLarge = false;
  /** Reason fields of the CANCEL that came. RFC 3326 §2. */
  reasons: ReadonlyArray<Header> = [];
  /** The telephone call that it opens, and what its header fields say. */
  call: ActiveCall | undefined = undefined;
  about: CallTexts | undefined = undefined;
  /** The call that it ends. */
  ending: Ending | undefined = undefined;
  /** Who calls whom, while nobody has answered. */
  pair: string | undefined = undefined;
  constructor(server: ServerTransaction<Context>, source: Source, request: SipRequest, hops: ReadonlyArray<CoreHop>) {
    this.server = server;
    this.source = source;
    this.request = request;
    this.hops = hops;
  }
}
