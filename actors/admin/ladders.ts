/**
 * The calls of a program as ladders: each message with its time, who sent it to whom, and its status. Troubleshooting wants
 * what went by before somebody looked, so that messages are kept always; they are read when somebody looks.
 *
 *   MessageLog --> by the tags of their calls --> GET /ladders.json    the newest calls in short
 *                                                 GET /ladders/ID      one of them, message by message
 *
 * Numbers are masked, no header field and no body is shown: anyone on this machine may read it.
 */
import { Effect } from "effect";
import { maskE164 } from "../../codecs/shared/mod.ts";
import { callLabel, cseqOf, headerOf, numberOf, parseNameAddr, type SipMessage, tagOf } from "../../codecs/sip/mod.ts";
import type { LoggedMessage, MessageLog, SipPlace } from "../proxy/mod.ts";
import type { Ladder, LadderMessage, LadderState, LadderSummary } from "./ladders-form.ts";
import { type AdminHandle, objectionTo, refused } from "./request.ts";

export const LADDERS_PATH = "/ladders.json";
export const LADDER_PATH = "/ladders/";
/** Calls kept, those that began last; of these so many are listed. */
export const LADDERS_KEPT_MAX = 200;
const LADDERS_LISTED_MAX = 50;
/** Of one call; what comes later is counted. */
const LADDER_MESSAGES_MAX = 120;
/** Digits that are a telephone number, in whatever form a company writes it. */
const DIGITS = /^[+0-9*#().-]+$/;

interface Kept {
  readonly id: string;
  readonly tag: string;
  readonly calling: string | null;
  readonly called: string | null;
  readonly messages: Array<LadderMessage>;
  lastMs: number;
  more: number;
  state: LadderState;
  status: number | null;
}

export interface Ladders {
  readonly newest: () => ReadonlyArray<LadderSummary>;
  readonly of: (id: string) => Ladder | undefined;
}

export const makeLadders = (
  log: Pick<MessageLog, "after">,
  placeOf: (at: LoggedMessage["at"]) => SipPlace,
): Ladders => {
  /** By the From tag of the INVITE that opened the call: the oldest first. */
  const kept = new Map<string, Kept>();
  let read = 0;
  const look = () => {
    const { last, messages } = log.after(read);
    read = last;
    for (const one of messages) {
      const ladder = ladderOf(kept, one);
      if (ladder !== undefined) add(ladder, one, placeOf);
    }
  };
  return {
    newest: () => {
      look();
      return [...kept.values()].slice(-LADDERS_LISTED_MAX).reverse().map(summaryOf);
    },
    of: (id) => {
      look();
      const found = [...kept.values()].find((one) => one.id === id);
      return found && { ...summaryOf(found), more: found.more, messages: found.messages };
    },
  };
};

/** The call that a message belongs to, whichever end has sent it; an INVITE without a To tag opens one. RFC 3261 §12. */
const ladderOf = (kept: Map<string, Kept>, { atMs, message }: LoggedMessage): Kept | undefined => {
  const from = tagOf(message, "From");
  const to = tagOf(message, "To");
  const known = (from && kept.get(from)) ?? (to && kept.get(to));
  if (known !== undefined && known !== "") return known;
  if (from === undefined || to !== undefined || message.type !== "request" || message.method !== "INVITE")
    return undefined;
  const opened: Kept = {
    ...{ id: callLabel(from), tag: from, calling: maskedIn(message, "From"), called: maskedIn(message, "To") },
    ...{ messages: [], lastMs: atMs, more: 0, state: "ringing", status: null },
  };
  kept.set(from, opened);
  const [oldest] = kept.keys();
  if (kept.size > LADDERS_KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  return opened;
};

const add = (ladder: Kept, one: LoggedMessage, placeOf: (at: LoggedMessage["at"]) => SipPlace): void => {
  const { atMs, isSent, at, message } = one;
  ladder.lastMs = atMs;
  settle(ladder, message);
  if (ladder.messages.length >= LADDER_MESSAGES_MAX) {
    ladder.more += 1;
    return;
  }
  const { number, method } = cseqOf(message);
  const status = message.type === "response" ? message.status : null;
  ladder.messages.push({ atMs, isSent, with: placeOf(at), transport: at.transport, method, cseq: number, status });
};

/** What has become of the call, as far as its messages say. */
const settle = (ladder: Kept, message: SipMessage): void => {
  if (message.type === "request") {
    if (message.method === "BYE") ladder.state = "over";
    return;
  }
  const isOfCall = cseqOf(message).method === "INVITE" && tagOf(message, "From") === ladder.tag;
  if (!isOfCall || ladder.state === "over" || ladder.state === "up") return;
  if (message.status >= 200) ladder.state = message.status < 300 ? "up" : "failed";
  ladder.status = message.status;
};

const summaryOf = ({ id, calling, called, messages, lastMs, state, status }: Kept): LadderSummary => ({
  ...{ id, calling, called, state, status, lastMs },
  atMs: messages[0]?.atMs ?? lastMs,
  messages: messages.length,
});

const maskedIn = (message: SipMessage, name: "From" | "To"): string | null => {
  const address = parseNameAddr(name, headerOf(message, name) ?? "");
  if (!address.ok) return null;
  const { uri } = address.value;
  const digits = numberOf(uri) ?? (uri.type === "sip" ? uri.user : undefined);
  return digits !== undefined && DIGITS.test(digits) ? maskE164(digits) : null;
};

export const withLadders =
  (ladders: Ladders, next: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      const { path } = request;
      if (path !== LADDERS_PATH && !path.startsWith(LADDER_PATH)) return next(request);
      const objection = objectionTo(request, "GET");
      if (objection !== undefined) return Effect.succeed(objection);
      if (path === LADDERS_PATH) return Effect.succeed({ status: 200, body: { ladders: ladders.newest() } });
      const found = ladders.of(path.slice(LADDER_PATH.length));
      return Effect.succeed(
        found === undefined ? refused(404, "no such call is kept here") : { status: 200, body: found },
      );
    });
