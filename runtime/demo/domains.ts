/** Who owns which number: from prefixes one gives, from the example's, or from the file itself. */
import type { E164 } from "../../codecs/shared/mod.ts";
import type { DemoCall } from "./records.ts";

/** One company of the demonstration, and the numbers of the file that are its own. */
export interface Company {
  readonly domain: string;
  readonly numbers: ReadonlySet<E164>;
}

export const COMPANIES = 3;

/** `acme.example=+1408555,+1408556` */
export interface DomainPrefixes {
  readonly domain: string;
  readonly prefixes: ReadonlyArray<string>;
}

const EXAMPLE: ReadonlyArray<DomainPrefixes> = [
  { domain: "acme.example", prefixes: ["+1408555"] },
  { domain: "nord.example", prefixes: ["+4930555"] },
  { domain: "sakura.example", prefixes: ["+8135550"] },
];
const DOMAIN_FORM = /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*=\+[0-9]{1,15}(,\+[0-9]{1,15})*$/;

/** Undefined when the text is not of that form. */
export const readPrefixes = (text: string): DomainPrefixes | undefined => {
  if (!DOMAIN_FORM.test(text)) return undefined;
  const [domain, prefixes] = text.split("=") as [string, string];
  return { domain, prefixes: prefixes.split(",") };
};

/** Three companies, or undefined when the file has not three numbers to give away. */
export const companiesOf = (
  calls: ReadonlyArray<DemoCall>,
  given: ReadonlyArray<DomainPrefixes>,
): ReadonlyArray<Company> | undefined => {
  const numbers = [
    ...new Set(calls.flatMap(({ calling, called }) => (calling === undefined ? [called] : [calling, called]))),
  ];
  if (given.length > 0) return byPrefix(numbers, given);
  const example = byPrefix(numbers, EXAMPLE);
  return canCallEachOther(example) ? example : byBlock(numbers);
};

/** Two of them have numbers; the third may be a company that nobody calls. */
export const canCallEachOther = (companies: ReadonlyArray<Company>): boolean =>
  companies.filter(({ numbers }) => numbers.size > 0).length >= 2;

const byPrefix = (numbers: ReadonlyArray<E164>, given: ReadonlyArray<DomainPrefixes>): ReadonlyArray<Company> =>
  given.map(({ domain, prefixes }) => ({
    domain,
    numbers: new Set(numbers.filter((number) => prefixes.some((prefix) => number.startsWith(prefix)))),
  }));

/** Blocks of ten thousand, thousand, hundred thousand ... numbers: the first size of which three blocks have two or more. */
const BLOCK_DIGITS = [4, 3, 5, 6, 2];
const NAMES = ["acme.example", "nord.example", "sakura.example"];

const byBlock = (numbers: ReadonlyArray<E164>): ReadonlyArray<Company> | undefined => {
  for (const digits of BLOCK_DIGITS) {
    const blocks = new Map<string, Array<E164>>();
    for (const number of numbers) {
      const block = number.slice(0, -digits);
      blocks.set(block, [...(blocks.get(block) ?? []), number]);
    }
    const largest = [...blocks.values()].filter(({ length }) => length >= 2).sort((a, b) => b.length - a.length);
    if (largest.length >= COMPANIES) return NAMES.map((domain, i) => ({ domain, numbers: new Set(largest[i]) }));
  }
  if (numbers.length < COMPANIES) return undefined;
  const sorted = [...numbers].sort();
  return NAMES.map((domain, i) => ({
    domain,
    numbers: new Set(sorted.filter((_, at) => Math.floor((at * COMPANIES) / sorted.length) === i)),
  }));
};
