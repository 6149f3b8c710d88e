/**
 * Where the elements of an XML text lie. A signature covers an element "starting from, and including, the first <" to the
 * last ">" as it stands (RFC 6940 §11.1), and a parser that builds a tree forgets that.
 *
 * For texts that the parser of xml.ts has found well-formed: this one looks for the ends of things, not for mistakes.
 */

const ELEMENTS_MAX = 20_000;

export interface Span {
  /** Without its prefix. */
  readonly name: string;
  /** From its first `<` to behind its last `>`. */
  readonly start: number;
  readonly end: number;
  /** Behind the `>` of the start tag. */
  readonly inside: number;
  /** Its place in the list; -1 for the root. */
  readonly parent: number;
}

/** In the order of the start tags; undefined when tags do not close each other, or there are too many. */
export const spansOf = (text: string): ReadonlyArray<Span> | undefined => {
  const spans: Array<Span> = [];
  const open: Array<number> = [];
  let at = text.indexOf("<");
  while (at >= 0) {
    const end = endOf(text, at);
    if (end < 0) return undefined;
    const isEmpty = text[end - 2] === "/";
    if (text[at + 1] === "/") {
      const closed = open.pop();
      if (closed === undefined || nameAt(text, at + 2) !== spans[closed]!.name) return undefined;
      spans[closed] = { ...spans[closed]!, end };
    } else if (text[at + 1] !== "!" && text[at + 1] !== "?") {
      if (spans.length >= ELEMENTS_MAX) return undefined;
      const parent = open.at(-1) ?? -1;
      if (!isEmpty) open.push(spans.length);
      spans.push({ name: nameAt(text, at + 1), start: at, end, inside: end, parent });
    }
    at = text.indexOf("<", end);
  }
  return open.length === 0 ? spans : undefined;
};

/** Behind the markup that begins here: a comment, CDATA, an instruction, or a tag, whose values may hold `>`. */
const endOf = (text: string, at: number): number => {
  for (const [opening, closing] of [
    ["<!--", "-->"],
    ["<![CDATA[", "]]>"],
    ["<?", "?>"],
  ] as const)
    if (text.startsWith(opening, at)) {
      const end = text.indexOf(closing, at + opening.length);
      return end < 0 ? -1 : end + closing.length;
    }
  let quote = "";
  for (let i = at + 1; i < text.length; i++) {
    const char = text[i]!;
    if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === ">") return i + 1;
  }
  return -1;
};

const NAME = /[^\s/>]+/y;
const nameAt = (text: string, at: number): string => {
  NAME.lastIndex = at;
  const name = NAME.exec(text)?.[0] ?? "";
  return name.slice(name.indexOf(":") + 1);
};

/** The spans under `from` (a place in the list) that are reached by these names, one a level. */
export const spansAt = (spans: ReadonlyArray<Span>, from: number, path: ReadonlyArray<string>): ReadonlyArray<Span> => {
  let reached = [from];
  for (const name of path)
    reached = spans.flatMap((span, i) => (reached.includes(span.parent) && span.name === name ? [i] : []));
  return reached.map((i) => spans[i]!);
};
