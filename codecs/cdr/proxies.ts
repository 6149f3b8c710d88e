/**
 * Accounting of SIP proxies: what the module `acc` of Kamailio and OpenSIPS writes into the system log. One dialog is one
 * telephone call; nothing but its numbers tells whether it came in or went out.
 *
 *   Kamailio   "ACC: transaction answered: ...method=INVITE" --> answer;   start_time=...; end_time=...; --> end, numbers
 *              start_time is the INVITE's, so that the time of the answer stands in the first line alone
 *   OpenSIPS   "ACC: call ended: ...call_start_time=...;ms_duration=..." --> answer, end
 */
import { keepNewest } from "../shared/mod.ts";
import { lineReader } from "./document.ts";
import type { Cutter, Place, Position } from "./place.ts";
import { type CdrRow, faultRow, legOf, legRow, ownText, quietRow } from "./row.ts";
import { epochMsOf } from "./zone.ts";

/** Answers remembered of dialogs whose end has not been read. */
const DIALOGS_MAX = 20_000;
const ANSWERED = /^2\d\d$/;

/** The value of the first of these names that has one; else empty. */
type Fields = (...names: ReadonlyArray<string>) => string;

const fieldsOf = (text: string): Fields => {
  const pairs = new Map(
    [...text.matchAll(/([A-Za-z_]+)=([^;]*)/g)].map(([, name, value]) => [name!.toLowerCase(), value!.trim()] as const),
  );
  return (...names) => {
    for (const name of names) {
      const value = pairs.get(name);
      if (value !== undefined && value !== "" && value !== "n/a") return value;
    }
    return "";
  };
};
/** What administrators name the columns that they add, the most telling first. */
const CALLER = ["caller", "src_user", "from_user", "calling", "fu", "from_uri", "src"];
const CALLEE = ["callee", "dst_user", "ruri_user", "ru", "ruri", "to_user", "called", "to_uri", "dst"];

const numbersOf = (of: Fields) => {
  const [caller, callee] = [of(...CALLER), of(...CALLEE)];
  return {
    calling: caller === "" ? undefined : ({ text: caller, source: "callerFromTrunk" } as const),
    called: callee === "" ? undefined : ({ text: callee, source: "dialled" } as const),
  };
};

export const kamailioReader = (from: Position): Cutter<CdrRow> => {
  const answers = new Map<string, { readonly atMs: number; readonly place: Place; readonly of: Fields }>();
  const rowOf = (text: string, place: Place): CdrRow => {
    const of = fieldsOf(text.slice(Math.max(0, text.search(/ACC: |start_time=/))));
    const id = of("call_id", "callid");
    if (/ACC: transaction answered/.test(text)) {
      const atMs = epochMsOf(of("timestamp", "time"));
      if (atMs === undefined) return faultRow(place, "badLine", "timestamp is not a time");
      if (of("method") === "INVITE" && ANSWERED.test(of("code")) && !answers.has(id))
        keepNewest(answers, DIALOGS_MAX, ownText(id), { atMs, place, of });
      return quietRow(place, atMs);
    }
    if (!text.includes("start_time=")) return quietRow(place);
    const [startMs, endMs] = [epochMsOf(of("start_time")), epochMsOf(of("end_time"))];
    if (startMs === undefined || endMs === undefined)
      return faultRow(place, "badLine", "start_time or end_time is not a time");
    const answer = answers.get(id);
    answers.delete(id);
    if (startMs === endMs && answer === undefined) return faultRow(place, "unanswered", undefined, endMs);
    if (answer === undefined) return faultRow(place, "answerMissing", undefined, endMs);
    const numbers = numbersOf(of);
    const known = numbers.called === undefined ? numbersOf(answer.of) : numbers;
    return legRow(place, legOf({ key: `sip ${ownText(id)}`, startMs, answerMs: answer.atMs, endMs, ...known }));
  };
  const reader = lineReader(from, rowOf);
  /** Reading begun again here finds every answer that is still needed. */
  const at = (): Position => {
    const [oldest] = answers.values();
    return oldest === undefined ? reader.at() : { offset: oldest.place.offset, line: oldest.place.line };
  };
  return { ...reader, at };
};

/** The table `acc_cdrs` exported: it has the INVITE's time and no answer's. */
export const kamailioTableReader = (from: Position): Cutter<CdrRow> =>
  lineReader(from, (text, place) => {
    if (/start_time/i.test(text)) return quietRow(place);
    const fields = text.split(",").map((field) => field.replaceAll('"', ""));
    if (fields.length < 4) return faultRow(place, "badLine", `${fields.length} fields`);
    return faultRow(place, Number(fields[3]) === 0 ? "unanswered" : "answerMissing");
  });

export const opensipsReader = (from: Position): Cutter<CdrRow> =>
  lineReader(from, (text, place) => {
    const what = /ACC: call (ended|missed)/.exec(text)?.[1];
    const of = fieldsOf(text.slice(Math.max(0, text.indexOf("ACC: "))));
    if (what === undefined) return quietRow(place);
    if (what === "missed") return faultRow(place, "unanswered", undefined, epochMsOf(of("timestamp")));
    const [createdMs, answerMs] = [epochMsOf(of("created")), epochMsOf(of("call_start_time"))];
    const lastedMs = /^[0-9]{1,10}$/.test(of("ms_duration"))
      ? Number(of("ms_duration"))
      : 1000 * Number(of("duration") || Number.NaN);
    if (answerMs === undefined || Number.isNaN(lastedMs))
      return faultRow(place, "badLine", "call_start_time or ms_duration is none");
    const times = { startMs: createdMs ?? answerMs, answerMs, endMs: answerMs + lastedMs };
    return legRow(place, legOf({ key: `sip ${ownText(of("call_id", "callid"))}`, ...times, ...numbersOf(of) }));
  });
