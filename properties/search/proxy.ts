/**
 * The call agent's proxy core between a PBX, two trunks, a border element and strangers. Half of what it is fed answers what it
 * has sent, so that its transactions and calls come far; all that it sends must be SIP, and in the end it keeps nothing.
 */
import { deepStrictEqual as same } from "node:assert";
import { e164 } from "../../codecs/shared/mod.ts";
import {
  cancelOf,
  dialogOfCaller,
  headerOf,
  printSip,
  readDatagram,
  requestIn,
  responseTo,
  type SipRequest,
  type SipResponse,
  textBody,
} from "../../codecs/sip/mod.ts";
import { type CoreOrder, ProxyCore } from "../../machines/proxy/mod.ts";
import {
  BORDER,
  invite,
  OWN,
  PBX,
  PEERS,
  type Place,
  request,
  SECURED_SDP,
  sourceOf,
  TRUNK,
  TRUNK2,
} from "../proxy/world.ts";
import type { Chance } from "./random.ts";
import { lightly, type Subject, sentAs, tortureBy } from "./subject.ts";

const PLACES: ReadonlyArray<Place> = [PBX, TRUNK, TRUNK2, BORDER, { host: "203.0.113.9", port: 5_060 }];
const BY = { transport: "UDP", host: PBX.host, port: PBX.port } as const;
const CONTACT = { name: "Contact", value: "<sip:ben@198.51.100.1:5060>" };
const STATUSES = [100, 180, 183, 200, 200, 200, 202, 302, 401, 407, 422, 481, 486, 487, 500, 503, 603];
const METHODS = ["OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "CANCEL", "ACK", "BYE", "REFER"];
/** Of what was sent, so much may still be answered. */
const RECENT_MAX = 64;
/** Longer than any transaction, and than any call whose end nobody hears. */
const LONG_MS = 1_000_000;
const DAYS_MS = 3 * 86_400_000;

class Recent<A> {
  readonly all: Array<A> = [];
  #at = 0;
  add(one: A): void {
    this.all[this.#at++ % RECENT_MAX] = one;
  }
}

export const proxySubject = (): Subject => {
  let nowMs = 1_700_000_000_000;
  let calls = 0;
  let last: Uint8Array = new Uint8Array();
  const vipr = {
    called: e164("+49305550901"),
    uri: "sip:+49305550901@nord.example;maddr=203.0.113.5",
    ticket: "dGlja2V0",
  };
  const core = new ProxyCore(
    {
      own: OWN,
      peers: PEERS,
      mark: "mark",
      route: () => (calls % 3 === 0 ? { trunks: ["one", "two"], vipr } : { trunks: ["one", "two"] }),
    },
    nowMs,
  );
  /** Requests that it has sent on, and answers that it has sent back. */
  const sent = new Recent<SipRequest>();
  const asked = new Recent<SipRequest>();
  const answers = new Recent<SipResponse>();

  const perform = (orders: ReadonlyArray<CoreOrder>) => {
    for (const order of orders) {
      if (order.type !== "send") continue;
      const message = sentAs(order.bytes);
      if (message?.type === "request") sent.add(message);
      else if (message !== undefined && message.status > 100 && message.status < 300) answers.add(message);
    }
  };
  const pass = (untilMs: number) => {
    for (let next = core.nextMs(); next !== undefined && next <= untilMs; next = core.nextMs()) {
      nowMs = Math.max(nowMs, next);
      core.due(nowMs);
      perform(core.take());
    }
    nowMs = untilMs;
  };

  const newRequest = (chance: Chance): SipRequest => {
    const callId = `call-${++calls}`;
    const words = { callId, branch: `z9hG4bK-${calls}` };
    const made =
      chance.below(3) === 0
        ? request(chance.of(METHODS), words)
        : invite(chance.below(2) === 0 ? words : { ...words, body: SECURED_SDP });
    asked.add(made);
    return made;
  };
  const message = (chance: Chance): Uint8Array => {
    const kind = chance.below(10);
    if (kind < 3 && sent.all.length > 0) {
      const hasMedia = chance.below(2) === 0;
      const headers = hasMedia ? [CONTACT, { name: "Content-Type", value: "application/sdp" }] : [CONTACT];
      const parts = { toTag: `t${chance.below(3)}`, headers, body: textBody(hasMedia ? SECURED_SDP : "") };
      const response = responseTo(chance.of(sent.all), chance.of(STATUSES), parts);
      return lightly(printSip(response), chance);
    }
    if (kind < 4 && answers.all.length > 0 && asked.all.length > 0) {
      const method = chance.of(["ACK", "BYE", "INVITE", "UPDATE"]);
      const answer = chance.of(answers.all);
      const callId = headerOf(answer, "Call-ID");
      const of = asked.all.find((one) => headerOf(one, "Call-ID") === callId) ?? asked.all[0]!;
      const dialog = dialogOfCaller(of, answer);
      if (dialog !== undefined)
        return lightly(printSip(withMethod(requestIn(dialog, "BYE", BY, `z9hG4bK-w${++calls}`), method)), chance);
    }
    if (kind < 6) return lightly(printSip(newRequest(chance)), chance);
    if (kind < 7 && asked.all.length > 0) return lightly(printSip(cancelOf(chance.of(asked.all))), chance);
    return tortureBy(chance);
  };

  return {
    name: "proxy",
    step: (chance) => {
      pass(nowMs + chance.below(50));
      last = message(chance);
      const found = readDatagram(last);
      const source = sourceOf(chance.of(PLACES));
      if (found === undefined) return;
      if ("type" in found) core.receive(source, found, nowMs);
      else core.unreadable(source, found);
      perform(core.take());
    },
    settle: () => {
      pass(nowMs + LONG_MS);
      nowMs += DAYS_MS;
      core.expire(nowMs);
      core.take();
      same(core.size, { transactions: 0, calls: 0, bytes: 0 });
    },
    last: () => last,
  };
};

/** The same request by another method. */
const withMethod = (request: SipRequest, method: string): SipRequest => {
  const headers = request.headers.map(({ name, value }) =>
    name === "CSeq" ? { name, value: value.replace(/ .*/, ` ${method}`) } : { name, value },
  );
  return { ...request, method, headers };
};
