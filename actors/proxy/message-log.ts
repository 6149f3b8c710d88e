/**
 * The newest SIP messages of a program, as they came and as they left, for the ladders of its calls. Nothing is read of a
 * message before somebody asks: a call costs no more than to keep what it has sent. DECISIONS.md D-313.
 *
 *   received, sent --> a ring of MESSAGES_KEPT_MAX --> after(n): those since the nth, parsed
 */
import { Clock, Effect } from "effect";
import { headTextOf, messageOfHeadText, parseSip, printSip, type SipMessage } from "../../codecs/sip/mod.ts";
import type { Destination, Source } from "../../machines/proxy/mod.ts";
import { Captured, type CapturedPlace, type Captures } from "../capture/mod.ts";

/** Some seconds of a busy program, an hour of a small one; about two megabytes. */
export const MESSAGES_KEPT_MAX = 2_048;

export interface LoggedMessage {
  readonly atMs: number;
  readonly isSent: boolean;
  /** The other end. */
  readonly at: Source | Destination;
  readonly message: SipMessage;
}

type Send = (to: Destination, bytes: Uint8Array) => void;
export interface MessageLog {
  readonly received: (from: Source, message: SipMessage) => void;
  readonly arrived: (all: { readonly source: Source; readonly messages: ReadonlyArray<SipMessage> }) => void;
  readonly sent: Send;
  /** Sends, and keeps what it has sent. */
  readonly logging: (send: Send) => Send;
  /** In order, and the number of the newest one: to be asked after the next time. */
  readonly after: (n: number) => { readonly last: number; readonly messages: ReadonlyArray<LoggedMessage> };
}

interface Entry {
  readonly atMs: number;
  readonly isSent: boolean;
  readonly at: Source | Destination;
  /**
   * Of a message that came the text of its head: its fields live some milliseconds, and as long as they were kept here the
   * collector moved them. Its body is not kept, for it may hold keys.
   */
  readonly what: string | Uint8Array;
}

/** `captures`: of who captures them, by the addresses of our own at which they come and go. */
export const makeMessageLog = (
  nowMs: () => number,
  captures?: Captures,
  own: ReadonlyArray<CapturedPlace> = [],
): MessageLog => {
  const entries: Array<Entry> = [];
  let count = 0;
  const keep = (entry: Entry) => {
    entries[count % MESSAGES_KEPT_MAX] = entry;
    count += 1;
  };
  const capture = (at: Source | Destination, isSent: boolean, bytes: Uint8Array) => {
    const transport = at.transport === "UDP" ? "udp" : "tcp";
    captures?.saw({ protocol: "sip", isSent, transport, own: own[at.own], peer: at, bytes });
  };
  const sent: Send = (at, bytes) => {
    keep({ atMs: nowMs(), isSent: true, at, what: bytes });
    if (captures?.isOn === true) capture(at, true, bytes);
  };
  const received: MessageLog["received"] = (at, message) => {
    keep({ atMs: nowMs(), isSent: false, at, what: headTextOf(message) });
    if (captures?.isOn === true) capture(at, false, printSip(message));
  };
  return {
    received,
    arrived: ({ source, messages }) => {
      for (const message of messages) received(source, message);
    },
    sent,
    logging: (send) => (to, bytes) => {
      sent(to, bytes);
      send(to, bytes);
    },
    after: (n) => {
      const messages: Array<LoggedMessage> = [];
      for (let i = Math.max(n, count - MESSAGES_KEPT_MAX, 0); i < count; i += 1) {
        const { what, ...entry } = entries[i % MESSAGES_KEPT_MAX]!;
        const message = typeof what === "string" ? messageOfHeadText(what) : read(what);
        if (message !== undefined) messages.push({ ...entry, message });
      }
      return { last: count, messages };
    },
  };
};

export const openMessageLog = (own: ReadonlyArray<CapturedPlace>): Effect.Effect<MessageLog> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock;
    return makeMessageLog(() => clock.currentTimeMillisUnsafe(), yield* Captured, own);
  });

const read = (bytes: Uint8Array): SipMessage | undefined => {
  const found = parseSip(bytes);
  return found.ok ? found.value : undefined;
};
