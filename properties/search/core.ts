/**
 * A core of SIP between neighbours by chance. Half of what it is fed answers what it has sent, so that its transactions and
 * calls come far; all that it sends must be SIP, and in the end it keeps nothing.
 */
import { ok } from "node:assert";
import {
  cancelOf,
  dialogOfCaller,
  headerOf,
  printSip,
  readDatagram,
  requestIn,
  responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  textBody,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import type { Destination } from "../../machines/proxy/mod.ts";
import { Chance } from "../kit/chance.ts";
import { lightly, type Subject, sentAs, tortureBy } from "./subject.ts";

export interface Core<S, O> {
  receive(source: S, message: SipMessage, nowMs: number): void;
  unreadable(source: S, found: Unreadable): void;
  take(): ReadonlyArray<O | { readonly type: "send"; readonly bytes: Uint8Array; readonly to: Destination }>;
  due(nowMs: number): void;
  nextMs(): number | undefined;
  expire(nowMs: number): void;
  readonly size: Readonly<Record<string, number>>;
}

export interface CoreParts<S, O> {
  readonly name: string;
  readonly core: Core<S, O>;
  readonly startMs: number;
  readonly sources: ReadonlyArray<S>;
  /** A sound request, of which no two have the same call and branch, and who would send it. */
  readonly fresh: (chance: Chance, number: number) => readonly [SipRequest, S];
  /** Who is there. */
  readonly at: (host: string) => S | undefined;
  /** A session description of whoever answers; empty: none. */
  readonly body: (chance: Chance) => string;
  /** What else it orders. */
  readonly perform?: (order: O, nowMs: number) => void;
}

const CONTACT = { name: "Contact", value: "<sip:ben@198.51.100.1:5060>" };
const BY = { transport: "UDP", host: "192.0.2.11", port: 5_060 } as const;
const STATUSES = [100, 180, 183, 200, 200, 200, 202, 302, 401, 407, 422, 481, 486, 487, 500, 503, 603];
/** Of what was sent, so much may still be answered. */
const RECENT_MAX = 16;
/** Longer than any transaction, and than any call whose end nobody hears. */
const LONG_MS = 1_000_000;
const DAY_MS = 25 * 3_600_000;

/** A message, and who sends it as a rule. */
type Fed<S> = readonly [SipMessage, S | undefined];

class Recent<A> {
  readonly all: Array<A> = [];
  #at = 0;
  add(one: A): void {
    this.all[this.#at++ % RECENT_MAX] = one;
  }
}

export const coreSubject = <S, O extends { readonly type: string }>(parts: CoreParts<S, O>): Subject => {
  const { name, core, sources, fresh, body, at } = parts;
  let nowMs = parts.startMs;
  let made = 0;
  let last: Uint8Array = new Uint8Array();
  /** Requests that it has sent on, those that it was sent, and its answers to them. */
  const sent = new Recent<readonly [SipRequest, S | undefined]>();
  const asked = new Recent<readonly [SipRequest, S]>();
  const answers = new Recent<SipResponse>();

  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  const perform = () => {
    for (let orders = core.take(); orders.length > 0; orders = core.take())
      for (const order of orders) {
        if (!("bytes" in order)) {
          count("what" in order ? String(order.what) : "why" in order ? String(order.why) : order.type);
          parts.perform?.(order as O, nowMs);
          continue;
        }
        count("sent");
        const message = sentAs(order.bytes);
        if (message?.type === "request") {
          sent.add([message, at(order.to.host)]);
          count("requests");
        } else if (message !== undefined && message.status > 100 && message.status < 300) answers.add(message);
      }
  };
  const pass = (untilMs: number) => {
    for (let next = core.nextMs(); next !== undefined && next <= untilMs; next = core.nextMs()) {
      nowMs = Math.max(nowMs, next);
      core.due(nowMs);
      perform();
    }
    nowMs = untilMs;
  };

  const answered = (chance: Chance): Fed<S> => {
    const sdp = body(chance);
    const headers = sdp === "" ? [CONTACT] : [CONTACT, { name: "Content-Type", value: "application/sdp" }];
    const more = { toTag: `t${chance.below(3)}`, headers, body: textBody(sdp) };
    const [request, by] = chance.of(sent.all);
    return [responseTo(request, chance.of(STATUSES), more), by];
  };
  const within = (chance: Chance): Fed<S> | undefined => {
    const answer = chance.of(answers.all);
    const callId = headerOf(answer, "Call-ID");
    const [of, by] = asked.all.find(([one]) => headerOf(one, "Call-ID") === callId) ?? asked.all[0]!;
    const dialog = dialogOfCaller(of, answer);
    const method = chance.of(["ACK", "BYE", "INVITE", "UPDATE"]);
    return dialog && [withMethod(requestIn(dialog, "BYE", BY, `z9hG4bK-w${++made}`), method), by];
  };
  const newRequest = (chance: Chance): Fed<S> => {
    const one = fresh(chance, ++made);
    asked.add(one);
    return one;
  };
  const cancelled = (chance: Chance): Fed<S> => {
    const [request, by] = chance.of(asked.all);
    return [cancelOf(request), by];
  };
  const message = (chance: Chance): Fed<S> | undefined => {
    const kind = chance.below(20);
    if (kind < 6 && sent.all.length > 0) return answered(chance);
    if (kind < 10 && answers.all.length > 0 && asked.all.length > 0) return within(chance);
    if (kind < 13) return newRequest(chance);
    return kind < 14 && asked.all.length > 0 ? cancelled(chance) : undefined;
  };

  /** A sound call goes on its way, whatever came before it. */
  const carriesOn = () => {
    const [invite, source] = freshInvite();
    const before = goneOn();
    core.receive(source, invite, nowMs);
    perform();
    ok(goneOn() > before, `a sound call is not passed on: ${new TextDecoder().decode(printSip(invite))}`);
  };
  /** Or it was shown to a media relay, which may refuse it. */
  const goneOn = (): number => (counts.requests ?? 0) + (counts.media ?? 0);
  const freshInvite = (): readonly [SipRequest, S] => {
    for (let seed = 0; ; seed++) {
      const one = fresh(new Chance(seed), ++made);
      if (one[0].method === "INVITE") return one;
    }
  };

  return {
    name,
    step: (chance) => {
      pass(nowMs + chance.below(50));
      const [sound, by] = message(chance) ?? [];
      last = sound === undefined ? tortureBy(chance) : lightly(printSip(sound), chance);
      const found = readDatagram(last);
      if (found === undefined) return;
      const source = by === undefined || chance.below(8) === 0 ? chance.of(sources) : by;
      if ("type" in found) core.receive(source, found, nowMs);
      else core.unreadable(source, found);
      perform();
    },
    settle: () => {
      pass(nowMs + LONG_MS);
      nowMs += DAY_MS;
      core.expire(nowMs);
      perform();
      ok(
        Object.values(core.size).every((left) => left === 0),
        `something is left: ${JSON.stringify(core.size)}`,
      );
      carriesOn();
    },
    last: () => last,
    counts: () => counts,
  };
};

/** The same request by another method. */
const withMethod = (request: SipRequest, method: string): SipRequest => {
  const headers = request.headers.map(({ name, value }) =>
    name === "CSeq" ? { name, value: value.replace(/ .*/, ` ${method}`) } : { name, value },
  );
  return { ...request, method, headers };
};
