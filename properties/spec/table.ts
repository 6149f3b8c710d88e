/**
 * The tables of properties/spec/tables: each requirement of a document with the files that obey it and the tests that hold
 * it, or why it is not obeyed. DECISIONS.md D-302.
 *
 *   document RFC 6940                       how code and tests cite it
 *   kind rfc                                rfc | page | draft: how its keywords are counted, keywords.ts
 *   source rfc6940.txt                      the file in the folder of texts, or of this repository
 *   only 16 17 18                           where it is read in part: sections that are, with those within them
 *
 *   § 6.1.1 = 6                             a section, and its requirement keywords
 *   MUST 2: what is asked, in our words     a requirement with two of them; without a number, one; 0 for one without any
 *     machines/reload/route.ts              a file that obeys it, and cites the section
 *     "the title of a test"                 a test that fails where it is not obeyed, and cites the section
 *   MUST: what is asked
 *     excepted: why it is not obeyed
 *   SHALL: what is asked
 *     not ours: whom it is asked of
 *
 * A requirement with neither a file nor a reason is open. Its id is made of document, section and place: `RFC6940-6.1.1-a`.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Level } from "./keywords.ts";

export type State = "tested" | "obeyed" | "excepted" | "notOurs" | "open";

export interface Requirement {
  readonly id: string;
  readonly document: string;
  readonly section: string;
  readonly level: Level;
  /** How many of the document's keywords it stands for. */
  readonly keywords: number;
  readonly says: string;
  readonly state: State;
  /** Why it is excepted or not ours; "" otherwise. */
  readonly reason: string;
  readonly files: ReadonlyArray<string>;
  readonly tests: ReadonlyArray<string>;
  /** Of the table. */
  readonly line: number;
}
export interface Table {
  readonly document: string;
  readonly kind: "rfc" | "page" | "draft";
  readonly source: string;
  /** The sections that are read; empty: all. */
  readonly only: ReadonlyArray<string>;
  readonly sections: ReadonlyMap<string, number>;
  readonly requirements: ReadonlyArray<Requirement>;
}

const FOLDER = "properties/spec/tables";
const SECTION = /^§ (.+) = (\d+)$/;
const REQUIREMENT = /^((?:MUST|SHALL|SHOULD)(?: NOT)?|REQUIRED|RECOMMENDED)(?: (\d+))?: (.+)$/;
const REASON = /^ {2}(excepted|not ours): (.+)$/;
const TEST = /^ {2}(["'])(.+)\1$/;
const FILE = /^ {2}([\w./-]+\.\w+)$/;

type Draft = { -readonly [K in keyof Requirement]: Requirement[K] } & { files: Array<string>; tests: Array<string> };

/** a, b, … z, aa, ab: the place of a requirement in its section. */
const letters = (at: number): string =>
  at < 26 ? String.fromCharCode(97 + at) : letters(Math.floor(at / 26) - 1) + letters(at % 26);

const stateOf = ({ state, files, tests }: Draft): State =>
  state !== "open" ? state : tests.length > 0 && files.length > 0 ? "tested" : files.length > 0 ? "obeyed" : "open";

/** Throws at the first line that is none of the forms above, with its number. */
export const readTable = (text: string, path = "table"): Table => {
  const head: Record<string, string> = {};
  const sections = new Map<string, number>();
  const drafts: Array<Draft> = [];
  let section = "";
  for (const [i, line] of text.split("\n").entries()) {
    const fault = (why: string) => new Error(`${path}:${i + 1}: ${why}: ${line}`);
    if (line === "" || line.startsWith("#")) continue;
    const last = drafts.at(-1);
    const [, name, count] = SECTION.exec(line) ?? [];
    const [, level, keywords = "1", says] = REQUIREMENT.exec(line) ?? [];
    const [, state, reason] = REASON.exec(line) ?? [];
    const test = TEST.exec(line)?.[2];
    const file = FILE.exec(line)?.[1];
    const [, key, value] = /^(document|kind|source|only) (.+)$/.exec(line) ?? [];
    if (name !== undefined) {
      if (sections.has(name)) throw fault("a section that stands twice");
      section = name;
      sections.set(name, Number(count));
    } else if (level !== undefined) {
      if (section === "") throw fault("a requirement before any section");
      const place = letters(drafts.filter((one) => one.section === section).length);
      const document = head.document ?? "";
      const id = `${document.replaceAll(" ", "")}-${section.replaceAll(" ", "-")}-${place}`;
      const made = {
        id,
        document,
        section,
        level: level as Level,
        keywords: Number(keywords),
        says: says!,
        line: i + 1,
      };
      drafts.push({ ...made, state: "open", reason: "", files: [], tests: [] });
    } else if (key !== undefined) head[key] = value!;
    else if (last === undefined) throw fault("before any requirement");
    else if (state !== undefined) {
      last.state = state === "excepted" ? "excepted" : "notOurs";
      last.reason = reason!;
    } else if (test !== undefined) last.tests.push(test);
    else if (file !== undefined) last.files.push(file);
    else throw fault("a line of no form");
  }
  const { document, kind, source } = head;
  if (document === undefined || source === undefined || !/^(rfc|page|draft)$/.test(kind ?? ""))
    throw new Error(`${path}: document, kind and source are wanted at its head`);
  const requirements = drafts.map((draft): Requirement => ({ ...draft, state: stateOf(draft) }));
  const only = head.only?.split(" ") ?? [];
  return { document, kind: kind as Table["kind"], source, only, sections, requirements };
};

export const readTables = (): ReadonlyArray<Table> =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => readTable(readFileSync(`${FOLDER}/${name}`, "utf8"), `${FOLDER}/${name}`));

/** Whether the table reads that section. */
export const reads = ({ only }: Table, section: string): boolean =>
  only.length === 0 || only.some((one) => section === one || section.startsWith(`${one}.`));

/** Whether it must be tested: all but SHOULD and RECOMMENDED, which are strong advice. */
export const isBinding = ({ level }: Requirement): boolean => !/^(SHOULD|RECOMMENDED)/.test(level);
