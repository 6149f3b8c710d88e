/**
 * Both companies' files of the same calls: what each reads of its own gives equal passwords, in as many calls as two exact
 * clocks would. asterisk/ends has a file of either side for each kind of trouble on the way.
 */
import { deepStrictEqual as same } from "node:assert";
import { nodeIdFrom, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import type { JudgedCall } from "../../machines/records/mod.ts";
import { originatorPassword, ROUND_MS, terminatorPassword, userNameFor } from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";
import { type Company, readFileOf } from "./read.ts";

const lines = ["peera", "peerb", "relay", "pstnc"];
const side = (country: string, own: string, dids: Readonly<Record<string, string>> = {}): Company => ({
  numbers: { country, own: [own], dids, trunks: { net: { plus: "always" } } },
  trunks: [{ name: "net", channels: lines.map((name) => `PJSIP/${name}`) }],
});
const originator = side("US", "+14085550400..+14085550499");
const terminator = side("DE", "+49305550000..+49305550999");
/** Its dialplan goes on at the telephone's extension: the file has that, and not the number. */
const gone = side(
  "DE",
  "+49305550000..+49305550999",
  Object.fromEntries([0, 1, 2, 3, 4].map((n) => [`+4930555060${n}`, `30${n}`])),
);

const callsOf = (file: string, company: Company): ReadonlyArray<JudgedCall> =>
  readFileOf(`asterisk/ends/${file}.csv`, company).outcomes.flatMap((outcome) =>
    outcome.type === "call" ? [outcome.call] : [],
  );

const ofPair = (calls: ReadonlyArray<JudgedCall>, { calling, called }: JudgedCall): ReadonlyArray<JudgedCall> =>
  calls.filter((one) => one.calling === calling && one.called === called).sort((a, b) => a.startMs - b.startMs);

/** In how many calls both have the same password by method A. The calls of a pair of numbers came one after another. */
const equal = (sent: ReadonlyArray<JudgedCall>, received: ReadonlyArray<JudgedCall>): number => {
  const claim = { originator: nodeIdFrom(1n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
  return sent.filter((call) => {
    const other = ofPair(received, call)[ofPair(sent, call).indexOf(call)];
    if (other === undefined) return false;
    const name = userNameFor("A", call, claim, unixMs(call.startMs), ROUND_MS);
    return originatorPassword(name, call, ROUND_MS) === terminatorPassword(name, other, ROUND_MS);
  }).length;
};

/** Two exact clocks would give as many. */
const expected: ReadonlyArray<readonly [file: string, terminator: Company, calls: number, equal: number]> = [
  ["direct", terminator, 100, 100],
  ["viapstn", terminator, 100, 100],
  ["relay-ok1500", terminator, 100, 100],
  ["relay-drop2ok", terminator, 50, 50],
  ["relay-drop3bye", terminator, 50, 41],
  ["bgoto", gone, 50, 50],
];
for (const [file, company, calls, count] of expected)
  test(`records: both ends of ${file}: ${count} of ${calls} calls have equal passwords`, () => {
    const sent = callsOf(`${file}-originator`, originator);
    const received = callsOf(`${file}-terminator`, company);
    same([sent.length, received.length], [calls, calls]);
    same(equal(sent, received), count);
  });

// Where nobody took the call after Answer, the last row ends when Dial gives up, ten seconds before the call does.
test("records: a terminator that answers first has a record of each call, though some rows say NO ANSWER", () => {
  const sent = callsOf("banswersfirst-originator", originator);
  const received = callsOf("banswersfirst-terminator", terminator);
  same([sent.length, received.length, equal(sent, received)], [45, 45, 40]);
});
