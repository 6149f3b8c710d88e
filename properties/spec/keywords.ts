/**
 * The requirement keywords of a document, section by section and by level: what properties/spec's tables must account for.
 *
 *   an RFC    MUST, SHALL, SHOULD with and without NOT, REQUIRED and RECOMMENDED, in capitals (RFC 2119, RFC 8174)
 *   a page    must and should, in small letters too: docs/protocol states its rules in plain English
 *   a seed    the same, where it lists its requirements
 *
 * Words are counted, not sentences: a sentence with two keywords needs two places in the table, or one that says 2.
 */
export type Level = "MUST" | "MUST NOT" | "SHALL" | "SHALL NOT" | "SHOULD" | "SHOULD NOT" | "REQUIRED" | "RECOMMENDED";

const CAPITALS = /\b(?:(?:MUST|SHALL|SHOULD)(?:\s+NOT)?|REQUIRED|RECOMMENDED)\b/g;
const SMALL = /\b(?:(?:must|should|MUST|SHOULD)(?:\s+(?:not|NOT))?)\b/g;

/** The running foot and head of a page of an RFC, and the form feed between them. */
const PAGE_BREAK = /\n+[^\n]*\[Page \d+\]\n\f?\n?(?:RFC|Internet-Draft)[^\n]*\n+/g;
/** A heading stands at the margin: `6.1.1.  Title`; RFC 3261 leaves the last dot out, and indents none either. */
const NUMBERED = /^(\d+(?:\.\d+)*)\.?[ ]+\S/;
const TITLED = /^#{1,4} (.+)$/;

/** Keywords by level, of each section that has any. */
export type Counts = ReadonlyMap<string, Readonly<Partial<Record<Level, number>>>>;

const levelsIn = (text: string, words: RegExp): Partial<Record<Level, number>> => {
  const levels: Partial<Record<Level, number>> = {};
  for (const [word] of text.matchAll(words)) {
    const level = word.toUpperCase().replace(/\s+/, " ") as Level;
    levels[level] = (levels[level] ?? 0) + 1;
  }
  return levels;
};

const countsBy = (text: string, heading: RegExp, words: RegExp): Counts => {
  const texts = new Map<string, string>();
  let section = "0";
  for (const line of text.split("\n")) {
    section = heading.exec(line)?.[1] ?? section;
    texts.set(section, `${texts.get(section) ?? ""}${line}\n`);
  }
  return new Map(
    [...texts]
      .map(([name, held]) => [name, levelsIn(held, words)] as const)
      .filter(([, levels]) => Object.keys(levels).length > 0),
  );
};

export const countsOfRfc = (text: string): Counts => countsBy(text.replace(PAGE_BREAK, "\n"), NUMBERED, CAPITALS);
/** Sections of a page are named by their headings. */
export const countsOfPage = (text: string): Counts => countsBy(text, TITLED, SMALL);
/** A draft whose rules are in small letters. */
export const countsOfDraft = (text: string): Counts => countsBy(text.replace(PAGE_BREAK, "\n"), NUMBERED, SMALL);
