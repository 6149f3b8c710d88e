/**
 * How far each document is obeyed, and by which tests: `npm run spec`. Reads properties/spec/tables and the source; runs no
 * test. DECISIONS.md D-302.
 *
 *   npm run spec -- [DOCUMENT...] [--against FOLDER] [--json]
 */
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { complain, say } from "../../runtime/cli/output.ts";
import { faultsAgainst, faultsIn } from "./check.ts";
import { type Counts, countsOfDraft, countsOfPage, countsOfRfc } from "./keywords.ts";
import { type Requirement, readTables, type State, type Table } from "./table.ts";

const HELP = `usage: npm run spec -- [DOCUMENT...] [options]

Prints for each document how many of its requirements are obeyed and tested, obeyed only, excepted with a reason, asked of
others, and open; then those that are obeyed only or open, and the reasons of those that are excepted. With documents named
("RFC 5054", docs/protocol/pvp.md): each requirement of these, with its files and tests.

  --against FOLDER  also compare the number of keywords in each section with the documents' own texts in that folder
                    (rfc6940.txt, vipr-overview.txt ...); docs/protocol is compared always
  --json            one line: {"documents":[...],"requirements":[...],"faults":[...],"missing":[...]}
  --help

Exit codes: 0, 1 (a MUST without a test, or a table that does not fit the source or a text), 2 (usage).`;

const usage = (why: string): never => {
  complain(`${why}\n\n${HELP}`);
  process.exit(2);
};
const parsed = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        against: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return usage((error as Error).message);
  }
};
const { values, positionals } = parsed();
if (values.help) {
  say(HELP);
  process.exit(0);
}

const STATES: ReadonlyArray<readonly [state: State, title: string]> = [
  ["tested", "obeyed, tested"],
  ["obeyed", "obeyed only"],
  ["excepted", "excepted"],
  ["notOurs", "not ours"],
  ["open", "open"],
];
const counting: Readonly<Record<Table["kind"], (text: string) => Counts>> = {
  rfc: countsOfRfc,
  page: countsOfPage,
  draft: countsOfDraft,
};

/** The tables of the documents named, by any part of their names; of all when none is. */
const chosen = (tables: ReadonlyArray<Table>): ReadonlyArray<Table> => {
  if (positionals.length === 0) return tables;
  return positionals.flatMap((name) => {
    const found = tables.filter(({ document }) => document.toLowerCase().includes(name.toLowerCase()));
    const all = tables.map(({ document }) => document).join(", ");
    return found.length > 0 ? found : usage(`no document is called "${name}"; there are: ${all}`);
  });
};

/** Texts that the folder does not have. */
const missing: Array<string> = [];
/** A page of this repository is always there; another text where a folder is given that has it. */
const againstText = (table: Table): ReadonlyArray<string> => {
  if (table.kind !== "page" && values.against === undefined) return [];
  const file = table.kind === "page" ? table.source : `${values.against}/${table.source}`;
  if (!existsSync(file)) {
    missing.push(file);
    return [];
  }
  return faultsAgainst(table, counting[table.kind](readFileSync(file, "utf8")));
};

const summaryOf = ({ document, requirements }: Table) => ({
  document,
  keywords: requirements.reduce((sum, { keywords }) => sum + keywords, 0),
  requirements: requirements.length,
  ...(Object.fromEntries(
    STATES.map(([state]) => [state, requirements.filter((one) => one.state === state).length]),
  ) as Record<State, number>),
});
type Summary = ReturnType<typeof summaryOf>;

const sumOf = (all: ReadonlyArray<Summary>): Summary =>
  all.reduce((sum, one) => {
    const added = Object.entries(one).map(([key, value]) => [
      key,
      key === "document" ? "all" : (value as number) + (sum[key as State] ?? 0),
    ]);
    return Object.fromEntries(added) as Summary;
  }, {} as Summary);

const printSummaries = (all: ReadonlyArray<Summary>): void => {
  const columns = ["document", "keywords", "requirements", ...STATES.map(([state]) => state)] as const;
  const titles = ["document", "keywords", "requirements", ...STATES.map(([, title]) => title)];
  const rows = [titles, ...[...all, sumOf(all)].map((one) => columns.map((key) => String(one[key])))];
  const widths = titles.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  for (const row of rows)
    say(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "));
};

const heading = ({ id, level, keywords, says }: Requirement): string =>
  `${id}  ${level}${keywords === 1 ? "" : ` (${keywords})`}: ${says}`;
const printWhole = (one: Requirement): void => {
  say(heading(one));
  if (one.reason !== "") say(`    ${one.state === "excepted" ? "excepted" : "not ours"}: ${one.reason}`);
  for (const file of one.files) say(`    ${file}`);
  for (const test of one.tests) say(`    "${test}"`);
};

if (values.against !== undefined && !existsSync(values.against)) usage(`no folder ${values.against}`);
const tables = chosen(readTables());
const requirements = tables.flatMap((table) => table.requirements);
const faults = tables.flatMap((table) => [...faultsIn(table), ...againstText(table)]);
const summaries = tables.map(summaryOf);
if (values.json) say(JSON.stringify({ documents: summaries, requirements, faults, missing }));
else {
  printSummaries(summaries);
  const listed: ReadonlyArray<State> = positionals.length > 0 ? [] : ["open", "obeyed", "excepted"];
  for (const state of listed) {
    const found = requirements.filter((one) => one.state === state);
    if (found.length === 0) continue;
    say(`\n${STATES.find(([name]) => name === state)![1]}:`);
    for (const one of found) say(`  ${heading(one)}${one.reason === "" ? "" : `\n      ${one.reason}`}`);
  }
  if (positionals.length > 0) say("");
  if (positionals.length > 0) for (const one of requirements) printWhole(one);
  if (missing.length > 0) complain(`\nNot compared, as there is no ${missing.join(", ")}`);
  if (faults.length > 0) complain(`\nFaults:\n${faults.join("\n")}`);
}
process.exitCode = faults.length === 0 ? 0 : 1;
