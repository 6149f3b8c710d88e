/** The programs of a page of the documentation: blocks of JavaScript that begin with the name of a file. */

export interface DocBlock {
  readonly file: string;
  readonly code: string;
  /** Lines that it is said to print: the same, in their order, with others between them. */
  readonly prints: ReadonlyArray<string>;
}

export const docBlocksOf = (page: string): ReadonlyArray<DocBlock> =>
  [...page.matchAll(/^```js\n\/\/ ([a-z-]+\.mjs)[^\n]*\n(.*?)^```$/gms)].map(([, file, code]) => ({
    file: file!,
    code: code!,
    prints: printsOf(code!),
  }));

export const printsOf = (code: string): ReadonlyArray<string> =>
  [...code.matchAll(/^\/\/ prints: (.*)$/gm)].map(([, line]) => line!);

/** What is missing in the output; undefined: nothing is. A list of words apart by commas may be so many lines. */
export const missingIn = (output: string, { prints }: Pick<DocBlock, "prints">): string | undefined => {
  let left = output.replaceAll("\n", ", ");
  for (const line of prints) {
    const at = left.indexOf(line);
    if (at < 0) return line;
    left = left.slice(at + line.length);
  }
  return undefined;
};
