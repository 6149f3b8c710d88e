/**
 * What we answer ourselves, without a transaction: it may come again, and is answered the same again. RFC 3261 §8.2.7.
 */
import { printSip, responseTo, type SipRequest, type SipResponse, type Unreadable } from "../../codecs/sip/mod.ts";
import type { Ids } from "./ids.ts";
import { badRequestTo, capabilitiesOf, refusalOf } from "./respond.ts";
import type { CoreOrder, Source } from "./types.ts";
import { replyTo } from "./via.ts";

export class Replies {
  private readonly ids: Ids;
  private readonly order: (order: CoreOrder) => void;
  constructor(ids: Ids, order: (order: CoreOrder) => void) {
    this.ids = ids;
    this.order = order;
  }

  refuse(request: SipRequest, source: Source, status: number): void {
    this.send(request, source, refusalOf(request, status, this.ids.tagOfRefusal(request)));
  }

  accept(request: SipRequest, source: Source): void {
    this.send(request, source, responseTo(request, 200, { toTag: this.ids.tagOfRefusal(request) }));
  }

  /** It names us and nobody behind us. RFC 3261 §11.2. */
  answerForUs(request: SipRequest, source: Source) {
    if (request.method !== "OPTIONS") return this.refuse(request, source, 404);
    this.send(request, source, capabilitiesOf(request, this.ids.tagOfRefusal(request)));
  }

  /** RFC 3261 §21.4.1. Where the Via is what cannot be read, it goes back where the request came from. */
  refuseUnreadable(found: Unreadable, source: Source): void {
    const { request } = found;
    const response = badRequestTo(found, this.ids.tag());
    if (request === undefined || response === undefined) return;
    // Copied, and not passed on as they came: what made them unreadable is not sent again.
    const headers = response.headers.map(({ name, value }) => ({ name, value }));
    this.send(request, source, { ...response, headers });
  }

  private send(request: SipRequest, source: Source, response: SipResponse): void {
    this.order({ type: "send", to: replyTo(request, source), bytes: printSip(response) });
  }
}
