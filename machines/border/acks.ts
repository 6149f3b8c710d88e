/**
 * ACKs. That of a refusal ends its transaction; that of a 2xx has none: it goes the way of its call, each time it comes.
 * RFC 3261 §13.2.2.4, §17.1.1.3; RFC 6026 §7.
 *
 *   ACK --> of a transaction: acked     of a call: in its order --> late offers --> sent on, or both sides hung up
 */
import { hopsOf, printSip, type SipRequest, tagOf } from "../../codecs/sip/mod.ts";
import type { Destination, Ids, OwnAddresses, Transactions } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";
import type { BorderContext, CallOf } from "./context.ts";
import type { Crossing } from "./crossing.ts";
import { Ending } from "./ending.ts";
import type { LateOffer, LateOffers } from "./late-offers.ts";
import type { Questions } from "./questions.ts";
import type { Requests } from "./requests.ts";
import type { BorderSource } from "./types.ts";

export interface AckParts {
  /** With which our own tags begin. */
  readonly mark: string;
  readonly transactions: Transactions<BorderContext>;
  readonly requests: Requests;
  readonly questions: Questions;
  readonly late: LateOffers;
  readonly crossing: Crossing;
  readonly own: OwnAddresses<Side>;
  readonly ids: Ids;
  readonly send: (to: Destination, bytes: Uint8Array) => void;
  readonly isStray: () => void;
  /** The call is over, of which this is an ACK. */
  readonly ended: (of: CallOf, ack: SipRequest) => void;
}

export class Acks {
  private readonly parts: AckParts;
  private readonly ending: Ending;

  constructor(parts: AckParts) {
    this.parts = parts;
    this.ending = new Ending(parts);
  }

  received(source: BorderSource, side: Side, ack: SipRequest, nowMs: number) {
    const { mark, transactions, requests, questions, late, isStray } = this.parts;
    const server = transactions.serverOf(ack, source, "INVITE");
    if (server !== undefined && server.snapshot.value !== "accepted") return transactions.tell(server, "acked", nowMs);
    const isOurs = tagOf(ack, "To")?.startsWith(mark);
    const found = isOurs ? undefined : side === "outside" ? requests.wayIn(source, ack) : requests.wayOut(ack);
    const isProbe = found !== undefined && side === "inside" && requests.isProbe(found.hop.to);
    if (found === undefined || isProbe || hopsOf(ack) === 0) return isStray();
    const { crossing, ids, send, ended } = this.parts;
    const { of, hop } = found;
    const pass = (passed: SipRequest) =>
      send(hop.to, printSip(crossing.request(passed, of, hop, hop.to, ids.branch(), false)));
    const end = (offer: LateOffer, atMs: number) => {
      this.ending.both(found, offer, atMs);
      ended(of, ack);
    };
    questions.inOrder(of.call, () => late.acked({ of, side, ack: found.request, pass, end }, nowMs));
  }
}
