/**
 * The demonstration's own call records, as Asterisk would write them: three ViPR domains and the world outside, over three
 * working days. Every choice comes from one seed: they are those of properties/examples/Master.csv, byte for byte.
 */
import { type Chance, chanceOf } from "../memory/chance.ts";

const SEED = 20_110_401;
const NUMBERS = 28;
const HOUR_MS = 3_600_000;
const DAYS = ["2011-04-04", "2011-04-05", "2011-04-06"].map((day) => Date.parse(`${day}T00:00:00Z`));

/** Its domains are those of domains.ts. */
export const exampleCalls = (): string => {
  const chance = chanceOf(SEED);
  const domains = ["+1408555", "+4930555", "+8135550"].map((prefix) => numbersOf(chance, prefix));
  const outside = ["+1212736", "+44207946"].flatMap((prefix) => numbersOf(chance, prefix).slice(0, 12));
  const rows = rowsOf(chance, domains, outside).sort((a, b) => a.startMs - b.startMs);
  return rows.map((row, i) => printed(chance, row, i)).join("");
};

type Numbers = ReadonlyArray<string>;

const numbersOf = (chance: Chance, prefix: string): Numbers => {
  const found = new Set<string>();
  while (found.size < NUMBERS) found.add(prefix + String(chance.between(0, 9_999)).padStart(4, "0"));
  return [...found].sort();
};

interface Row {
  readonly startMs: number;
  readonly src: string;
  readonly dst: string;
  readonly ringS: number;
  readonly talkS: number;
  readonly disposition: "ANSWERED" | "NO ANSWER" | "BUSY";
}

const choicesOf = (chance: Chance) => {
  const pick = <A>(from: ReadonlyArray<A>): A => from[chance.between(0, from.length - 1)]!;
  const oneIn = (n: number): boolean => chance.between(1, n) === 1;
  /** Between eight and eighteen hours, at any second. */
  const workingHour = (): number => pick(DAYS) + 8 * HOUR_MS + 1000 * chance.between(0, 10 * 3_600 - 1);
  /** Conferences begin on the hour or the half hour, give or take some seconds. */
  const onTheHour = (): number => pick(DAYS) + chance.between(17, 35) * (HOUR_MS / 2) + 1000 * chance.between(-6, 6);
  const answered = (src: string, dst: string, minS: number, maxS: number): Row => {
    const startMs = oneIn(9) ? onTheHour() : workingHour();
    const [ringS, talkS] = [chance.between(2, 20), chance.between(minS, maxS)];
    return { startMs, src, dst, ringS, talkS, disposition: "ANSWERED" };
  };
  const unanswered = (src: string, dst: string): Row => {
    const disposition = oneIn(3) ? "BUSY" : "NO ANSWER";
    const ringS = disposition === "BUSY" ? 1 : chance.between(15, 45);
    return { startMs: workingHour(), src, dst, ringS, talkS: 0, disposition };
  };
  return { pick, oneIn, answered, unanswered };
};

const rowsOf = (chance: Chance, domains: ReadonlyArray<Numbers>, outside: Numbers): Array<Row> => {
  const { pick, oneIn, answered, unanswered } = choicesOf(chance);
  const rows: Array<Row> = [];
  for (const [d, domain] of domains.entries()) {
    const others = domains.filter((other) => other !== domain);
    for (const [i, dst] of domain.entries()) {
      if (i % 14 === 13) continue; // nobody ever calls these
      // Most numbers are called twice by the same other domain, and so become a route; some only once, or too shortly.
      const from = others[(i + d) % 2]!;
      const src = () => (oneIn(12) ? "" : pick(from));
      rows.push(answered(src(), dst, 40, 900));
      if (i % 7 !== 5) rows.push(answered(src(), dst, 40, 900));
      if (i % 5 === 0) rows.push(answered(pick(others[(i + d + 1) % 2]!), dst, 60, 600));
      if (i % 6 === 1) rows.push(answered(pick(from), dst, 3, 25));
      if (i % 4 === 2) rows.push(unanswered(pick(from), dst));
    }
    for (let i = 0; i < 8; i++) rows.push(answered(pick(domain), pick(outside), 20, 700));
    for (let i = 0; i < 6; i++) rows.push(answered(pick(outside), pick(domain), 20, 700));
    rows.push(unanswered(pick(domain), pick(outside)), unanswered(pick(outside), pick(domain)));
  }
  return rows;
};

const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
const hex = (n: number): string => n.toString(16).padStart(8, "0");

/** As Asterisk writes a record: texts in quotes, numbers without. */
const printed = (chance: Chance, { startMs, src, dst, ringS, talkS, disposition }: Row, i: number): string => {
  const { pick, oneIn } = choicesOf(chance);
  const answerMs = startMs + 1000 * ringS;
  const hasAnswer = disposition === "ANSWERED";
  const endMs = answerMs + 1000 * talkS;
  const name = src === "" ? '"Anonymous" <anonymous>' : oneIn(4) ? `"Desk, ${src.slice(-4)}" <${src}>` : `<${src}>`;
  // Exchanges write numbers with + or 00 or neither, and a caller who hides as nobody or as anonymous.
  const asWritten = (number: string) => (oneIn(6) ? `00${number.slice(1)}` : oneIn(5) ? number.slice(1) : number);
  const fields = [
    "",
    src === "" ? pick(["", "anonymous"]) : asWritten(src),
    asWritten(dst),
    "from-trunk",
    name,
    `SIP/trunk-${hex(0x1000 + i)}`,
    hasAnswer ? `SIP/desk-${hex(0x2000 + i)}` : "",
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
  ];
  return `${fields.map((field, i) => (i === 12 || i === 13 ? field : `"${field.replaceAll('"', '""')}"`)).join(",")}\n`;
};
