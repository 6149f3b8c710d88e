/**
 * Writes the example of call records, Master.csv, as Asterisk would: three ViPR domains and the world outside, over three
 * working days. Every choice comes from one seed, so that the file can be written again byte for byte.
 *
 *   node properties/examples/write-calls.ts > properties/examples/Master.csv
 */
import { chanceOf } from "../../runtime/memory.ts";
import { printAsterisk } from "../cdr/print.ts";

const SEED = 20_110_401;
const NUMBERS = 28;
const chance = chanceOf(SEED);

interface Place {
  readonly name: string;
  readonly numbers: ReadonlyArray<string>;
}
const numbers = (prefix: string, digits: number): ReadonlyArray<string> => {
  const found = new Set<string>();
  while (found.size < NUMBERS) found.add(prefix + String(chance.between(0, 10 ** digits - 1)).padStart(digits, "0"));
  return [...found].sort();
};
const DOMAINS: ReadonlyArray<Place> = [
  { name: "acme", numbers: numbers("+1408555", 4) },
  { name: "nord", numbers: numbers("+4930555", 4) },
  { name: "sakura", numbers: numbers("+8135550", 4) },
];
const OUTSIDE: ReadonlyArray<string> = [
  ...numbers("+1212736", 4).slice(0, 12),
  ...numbers("+44207946", 4).slice(0, 12),
];

const pick = <A>(from: ReadonlyArray<A>): A => from[chance.between(0, from.length - 1)]!;
const oneIn = (n: number): boolean => chance.between(1, n) === 1;

interface Row {
  readonly startMs: number;
  readonly src: string;
  readonly dst: string;
  readonly ringS: number;
  readonly talkS: number;
  readonly disposition: "ANSWERED" | "NO ANSWER" | "BUSY";
}

const DAYS = ["2011-04-04", "2011-04-05", "2011-04-06"].map((day) => Date.parse(`${day}T00:00:00Z`));
const HOUR_MS = 3_600_000;

/** Between eight and eighteen hours, at any second. */
const workingHour = (): number => pick(DAYS) + 8 * HOUR_MS + 1000 * chance.between(0, 10 * 3_600 - 1);
/** Conferences begin on the hour or the half hour, give or take some seconds. */
const onTheHour = (): number => pick(DAYS) + chance.between(17, 35) * (HOUR_MS / 2) + 1000 * chance.between(-6, 6);

const answered = (src: string, dst: string, minS: number, maxS: number): Row => {
  const startMs = oneIn(9) ? onTheHour() : workingHour();
  return {
    startMs,
    src,
    dst,
    ringS: chance.between(2, 20),
    talkS: chance.between(minS, maxS),
    disposition: "ANSWERED",
  };
};
const unanswered = (src: string, dst: string): Row => {
  const disposition = oneIn(3) ? "BUSY" : "NO ANSWER";
  const ringS = disposition === "BUSY" ? 1 : chance.between(15, 45);
  return { startMs: workingHour(), src, dst, ringS, talkS: 0, disposition };
};

const rows: Array<Row> = [];
for (const [d, domain] of DOMAINS.entries()) {
  const others = DOMAINS.filter((other) => other !== domain);
  for (const [i, dst] of domain.numbers.entries()) {
    if (i % 14 === 13) continue; // nobody ever calls these
    // Most numbers are called twice by the same other domain, and so become a route; some only once, or too shortly.
    const from = others[(i + d) % 2]!;
    const src = () => (oneIn(12) ? "" : pick(from.numbers));
    rows.push(answered(src(), dst, 40, 900));
    if (i % 7 !== 5) rows.push(answered(src(), dst, 40, 900));
    if (i % 5 === 0) rows.push(answered(pick(others[(i + d + 1) % 2]!.numbers), dst, 60, 600));
    if (i % 6 === 1) rows.push(answered(pick(from.numbers), dst, 3, 25));
    if (i % 4 === 2) rows.push(unanswered(pick(from.numbers), dst));
  }
  for (let i = 0; i < 8; i++) rows.push(answered(pick(domain.numbers), pick(OUTSIDE), 20, 700));
  for (let i = 0; i < 6; i++) rows.push(answered(pick(OUTSIDE), pick(domain.numbers), 20, 700));
  rows.push(unanswered(pick(domain.numbers), pick(OUTSIDE)), unanswered(pick(OUTSIDE), pick(domain.numbers)));
}
rows.sort((a, b) => a.startMs - b.startMs);

const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
const written = rows.map(({ startMs, src, dst, ringS, talkS, disposition }, i) => {
  const answerMs = startMs + 1000 * ringS;
  const hasAnswer = disposition === "ANSWERED";
  const endMs = answerMs + 1000 * talkS;
  const channel = `SIP/trunk-${(0x1000 + i).toString(16).padStart(8, "0")}`;
  const name = src === "" ? '"Anonymous" <anonymous>' : oneIn(4) ? `"Desk, ${src.slice(-4)}" <${src}>` : `<${src}>`;
  // Exchanges write numbers with + or 00 or neither, and a caller who hides as nobody or as anonymous.
  const asWritten = (number: string) => (oneIn(6) ? `00${number.slice(1)}` : oneIn(5) ? number.slice(1) : number);
  return printAsterisk([
    "",
    src === "" ? pick(["", "anonymous"]) : asWritten(src),
    asWritten(dst),
    "from-trunk",
    name,
    channel,
    hasAnswer ? `SIP/desk-${(0x2000 + i).toString(16).padStart(8, "0")}` : "",
    "Dial",
    `SIP/${dst.slice(1)}@trunk,60,tT`,
    stamp(startMs),
    hasAnswer ? stamp(answerMs) : "",
    stamp(hasAnswer ? endMs : answerMs),
    String((endMs - startMs) / 1000),
    String(talkS),
    disposition,
    "DOCUMENTATION",
    `${Math.floor(startMs / 1000)}.${i + 1}`,
    "",
  ]);
});
process.stdout.write(written.join(""));
