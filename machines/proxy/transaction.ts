/** One transaction as the proxy keeps it: its machine's snapshot, what is sent again, and where it goes. RFC 3261 §17. */
import type { Header, SipRequest } from "../../codecs/sip/mod.ts";
import type { Snapshot } from "../kit/mod.ts";
import { clientKeyOf } from "../sip/mod.ts";
import type { Destination, Source } from "./types.ts";
import { replyTo } from "./via.ts";
import type { Timer } from "./wheel.ts";

/** Whatever has timers in the wheel: nearly always none or one, which knows the next. */
export interface Timed {
  timers: Timer<any> | undefined;
}

/** `C`: what the core hangs on a transaction. */
export class ClientTransaction<C> implements Timed {
  readonly type = "client";
  readonly key: string;
  readonly isInvite: boolean;
  readonly to: Destination;
  /** As it was sent; undefined once nothing can be made of it any more. */
  request: SipRequest | undefined;
  bytes: Uint8Array;
  snapshot: Snapshot<any>;
  timers: Timer<any> | undefined = undefined;
  context: C | undefined;
  hasProvisional = false;
  /** A CANCEL is to go out as soon as it may, with these fields. RFC 3261 §9.1. */
  cancelWith: ReadonlyArray<Header> | undefined;
  isCancelled = false;
  /** Who answers it is hung up, which takes the request. */
  isAbandoned = false;
  constructor(
    request: SipRequest,
    bytes: Uint8Array,
    to: Destination,
    context: C | undefined,
    snapshot: Snapshot<any>,
  ) {
    this.key = clientKeyOf(request);
    this.isInvite = request.method === "INVITE";
    this.request = request;
    this.bytes = bytes;
    this.to = to;
    this.context = context;
    this.snapshot = snapshot;
  }
}

const NOTHING = new Uint8Array();

export class ServerTransaction<C> implements Timed {
  readonly type = "server";
  readonly key: string;
  readonly isInvite: boolean;
  readonly to: Destination;
  readonly stream: number;
  snapshot: Snapshot<any>;
  /** What a request that comes again is answered with. */
  last: Uint8Array = NOTHING;
  /** An INVITE to which nothing has been sent: 100 is made of it when it has to be. */
  unanswered: SipRequest | undefined;
  timers: Timer<any> | undefined = undefined;
  context: C | undefined = undefined;
  constructor(key: string, request: SipRequest, source: Source, snapshot: Snapshot<any>) {
    this.key = key;
    this.isInvite = request.method === "INVITE";
    this.to = replyTo(request, source);
    this.stream = source.stream;
    this.unanswered = this.isInvite ? request : undefined;
    this.snapshot = snapshot;
  }
}
