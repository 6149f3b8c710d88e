/**
 * What is wrong with the tables of properties/spec, as sentences with the requirement's id: keywords that do not add up,
 * files and tests that are not there or do not cite the section, requirements that must be tested and are not.
 */
import { codeOf, type Source, sources } from "../kit/source.ts";
import type { Counts, Level } from "./keywords.ts";
import { isBinding, type Requirement, reads, type Table } from "./table.ts";

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Whether a text cites a section: `§6.1.1` in one that names the RFC; a page by its path, with or without a heading. */
const cites = (text: string, { document }: Table, section: string): boolean =>
  document.startsWith("docs/")
    ? text.includes(document)
    : text.includes(document) && new RegExp(`(§|\\bREQ-)${escaped(section)}(?![.\\d]*\\d)`).test(text);

interface Titled {
  readonly source: Source;
  /** The title, with the comments that stand above it: where a test cites what it holds. */
  readonly near: string;
}

/** The tests of that title. It may stand on the line of its call or below it; the comments stand above the call. */
const testsTitled = (title: string): ReadonlyArray<Titled> => {
  const quoted = new RegExp(`(["'\`])${escaped(title)}\\1`);
  return sources.flatMap((source): ReadonlyArray<Titled> => {
    if (source.floor !== "properties" || source.room === "spec" || !source.text.includes(title)) return [];
    const lines = source.text.split("\n");
    return lines.flatMap((line, at): ReadonlyArray<Titled> => {
      if (!quoted.test(line) || /^\s*\/\//.test(line)) return [];
      let from = at;
      if (/^\s*["'`]/.test(line)) from--;
      const call = from;
      while (/^\s*\/\//.test(lines[from - 1] ?? "")) from--;
      return [{ source, near: [...lines.slice(from, call), title].join("\n") }];
    });
  });
};

const byPath: ReadonlyMap<string, Source> = new Map(sources.map((source) => [source.path, source]));

const faultsOfFiles = (table: Table, { id, section, files }: Requirement): ReadonlyArray<string> =>
  files.flatMap((path) => {
    const source = byPath.get(path);
    if (source === undefined) return [`${id}: no file ${path}`];
    const comments = commentsOf(source.text);
    return cites(comments, table, section) ? [] : [`${id}: ${path} does not cite ${table.document} §${section}`];
  });

/** What a file says beside its code. Figures and descriptions cite their section in a string: that counts as well. */
const commentsOf = (text: string): string => {
  const code = codeOf(text);
  const strings = [...code.matchAll(/"[^"\n]*"/g)].map(([one]) => one);
  const comments = [...text.matchAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm)].map(([one]) => one);
  return [...comments, ...strings].join("\n");
};

const faultsOfTests = (table: Table, { id, section, tests }: Requirement): ReadonlyArray<string> =>
  tests.flatMap((title) => {
    const found = testsTitled(title);
    if (found.length !== 1) return [`${id}: ${found.length} tests have the title "${title}"`];
    return cites(found[0]!.near, table, section)
      ? []
      : [`${id}: the test "${title}" in ${found[0]!.source.path} does not cite ${table.document} §${section}`];
  });

const faultsOfState = (one: Requirement): ReadonlyArray<string> => {
  const { id, level, state, files, tests } = one;
  if (state === "excepted" || state === "notOurs")
    return tests.length > 0 || files.length > 0 ? [`${id}: has a reason and places as well`] : [];
  if (!isBinding(one)) return [];
  return state === "tested" ? [] : [`${id}: an untested ${level}`];
};

/** Everything that the tables and the source show by themselves. */
export const faultsIn = (table: Table): ReadonlyArray<string> => [
  ...[...table.sections].flatMap(([section, keywords]) => {
    const counted = table.requirements
      .filter((one) => one.section === section)
      .reduce((sum, one) => sum + one.keywords, 0);
    return counted === keywords
      ? []
      : [`${table.document} §${section}: ${keywords} keywords, and requirements for ${counted}`];
  }),
  ...table.requirements.flatMap((one) => [
    ...faultsOfFiles(table, one),
    ...faultsOfTests(table, one),
    ...faultsOfState(one),
  ]),
];

/** The table against the document's own text: each section that it reads and that has keywords, and each level's number of them. */
export const faultsAgainst = (table: Table, counts: Counts): ReadonlyArray<string> => {
  const faults = [...table.sections.keys()]
    .filter((section) => table.sections.get(section)! > 0 && !counts.has(section))
    .map((section) => `${table.document} §${section}: no such section, or none with keywords`);
  for (const [section, levels] of counts) {
    if (!reads(table, section)) continue;
    const mine: Partial<Record<Level, number>> = {};
    for (const one of table.requirements)
      if (one.section === section) mine[one.level] = (mine[one.level] ?? 0) + one.keywords;
    for (const level of new Set([...Object.keys(levels), ...Object.keys(mine)]) as Set<Level>)
      if ((levels[level] ?? 0) !== (mine[level] ?? 0))
        faults.push(
          `${table.document} §${section}: ${levels[level] ?? 0} ${level} in the text, ${mine[level] ?? 0} in the table`,
        );
  }
  return faults;
};
