/**
 * Ends a call on both its sides, as each would have had it from the other: when the answer in an ACK cannot be taken.
 * RFC 3261 §13.2.2.4, §15; docs/protocol/sip.md#an-offer-that-comes-late.
 *
 *   side that sent the ACK <-- BYE -- | border | -- ACK that refuses each stream, BYE --> side that offered
 */
import {
  cseqOf,
  dialogOfCallee,
  printSip,
  refusalOf,
  requestIn,
  type SipRequest,
  withHeader,
  withSession,
} from "../../codecs/sip/mod.ts";
import type { Destination, Ids, OwnAddresses, Transactions } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";
import type { BorderContext } from "./context.ts";
import type { Crossing } from "./crossing.ts";
import type { LateOffer } from "./late-offers.ts";
import type { WithinCall } from "./requests.ts";

/**
 * Of a BYE to an end whose other end's numbers we have not counted: the greatest, RFC 3261 §8.1.1.5. Nothing comes after it.
 */
const LAST_CSEQ = 2 ** 31 - 1;

export interface EndingParts {
  readonly own: OwnAddresses<Side>;
  readonly crossing: Crossing;
  readonly transactions: Transactions<BorderContext>;
  readonly ids: Ids;
  readonly send: (to: Destination, bytes: Uint8Array) => void;
}

export class Ending {
  private readonly parts: EndingParts;

  constructor(parts: EndingParts) {
    this.parts = parts;
  }

  /** `ack`: as it came, and its way. */
  both({ of, hop, request: ack }: WithinCall, offer: LateOffer, nowMs: number) {
    const { crossing, ids, send } = this.parts;
    const sent = (request: SipRequest) => crossing.request(request, of, hop, hop.to, ids.branch(), false);
    send(hop.to, printSip(sent(withSession(ack, refusalOf(offer.received)))));
    const bye = withHeader({ ...ack, method: "BYE" }, "CSeq", `${cseqOf(ack).number + 1} BYE`);
    const bare = withHeader({ ...bye, body: new Uint8Array() }, "Content-Type", undefined);
    this.ask(sent(bare), hop.to, nowMs);
    this.back(offer, nowMs);
  }

  /** BYE to whoever sent the INVITE, by the way of its responses. */
  private back({ context, response }: LateOffer, nowMs: number) {
    const { request, server } = context;
    const shown = this.parts.crossing.response(context, response);
    const dialog = request && shown && dialogOfCallee(request, shown);
    if (dialog === undefined) return;
    const { transport, host, port } = this.parts.own.all[server.to.own]!;
    const by = { transport, host, port };
    this.ask(requestIn({ ...dialog, invited: LAST_CSEQ - 1 }, "BYE", by, this.parts.ids.branch()), server.to, nowMs);
  }

  private ask(bye: SipRequest, to: Destination, nowMs: number) {
    this.parts.transactions.ask(bye, printSip(bye), to, undefined, nowMs);
  }
}
