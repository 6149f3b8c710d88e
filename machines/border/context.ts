/** One request on its way through a border element. RFC 3261 §16.2. */
import type { SipRequest } from "../../codecs/sip/mod.ts";
import { type Hop, RequestContext, type ServerTransaction, type Source } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";

export interface BorderHop extends Hop<Side> {
  /** What stands in the Request-URI there. */
  readonly uri: string;
  /** Route values, first to last. */
  readonly routes: ReadonlyArray<string>;
}

/** The call that a request belongs to, or opens. */
export interface CallOf {
  readonly call: string;
  readonly domain: string;
  readonly number: string;
}

export class BorderContext extends RequestContext<BorderHop> {
  /** The side that it came from. */
  readonly from: Side;
  readonly of: CallOf;
  /** It opens a dialog. */
  readonly opens: boolean;
  /** As it goes on: with the description that the other side is shown. */
  sent: SipRequest;
  /** Its CANCEL has come, and may have to wait for its turn. */
  isGivenUp = false;
  /** Our record as the newest response showed it, sealed for what it says: the 200 of a call mostly shows that of its 180. */
  record: { readonly value: string; readonly of: string } | undefined = undefined;
  /** It brings an offer. The description of a PRACK may answer one instead. */
  offers = false;
  /** `request`: as it came. */
  constructor(
    server: ServerTransaction<BorderContext>,
    source: Source,
    request: SipRequest,
    sent: SipRequest,
    hops: ReadonlyArray<BorderHop>,
    of: CallOf,
    from: Side,
    opens: boolean,
  ) {
    super(server, source, request, hops);
    this.sent = sent;
    this.of = of;
    this.from = from;
    this.opens = opens;
  }
}
