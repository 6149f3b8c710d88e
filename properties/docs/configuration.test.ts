/** docs/configuration.md lists the keys that there are (VIPR_TABLES=write writes it anew), and its example is taken. */
import { equal, ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { readNumber } from "../../codecs/numbers/mod.ts";
import {
  type Configuration,
  faultText,
  readConfig,
  rootKeys,
  tables,
  tomlText,
  trunkKeys,
} from "../../runtime/config/mod.ts";
import { test } from "../kit/harness.ts";

const FILE = "docs/configuration.md";
const EXAMPLE = "docs/vipr.toml.example";

interface Described {
  readonly kind: { readonly want: string };
  readonly about: string;
  readonly initial: unknown;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

const rowsOf = (prefix: string, keys: Readonly<Record<string, Described>>): ReadonlyArray<string> =>
  Object.entries(keys).map(([name, { kind, about, initial }]) => {
    const holds = initial === undefined ? "" : `\`${cell(tomlText(initial))}\``;
    return `| \`${prefix}${name}\` | ${cell(kind.want)} | ${holds} | ${cell(about)} |`;
  });

const written = (): string =>
  [
    "| key | wants | without it | meaning |",
    "|---|---|---|---|",
    ...rowsOf("", rootKeys),
    ...Object.entries(tables).flatMap(([name, keys]) => rowsOf(`${name}.`, keys)),
    ...rowsOf("trunk.NAME.", trunkKeys),
  ].join("\n");

test("docs: configuration.md lists every key with what it wants and what holds without it", () => {
  const page = readFileSync(FILE, "utf8");
  const [head, rest = ""] = page.split(/(?<=<!-- made from [^\n]*-->\n)/);
  const [, tail] = rest.split(/(?=<!-- end -->)/).length > 1 ? rest.split(/(?=<!-- end -->)/) : ["", rest];
  const made = `${head}\n${written()}\n\n${tail}`;
  if (process.env.VIPR_TABLES === "write") writeFileSync(FILE, made);
  equal(readFileSync(FILE, "utf8"), made);
});

const example = (): Configuration => {
  const reading = readConfig({ file: EXAMPLE, text: readFileSync(EXAMPLE, "utf8") });
  if (reading.type === "refused") throw new Error(reading.faults.map(faultText).join("\n"));
  return reading.configuration;
};

test("docs: the example has every table and is taken", () => {
  const { raw, plan } = example();
  same(Object.keys(raw).sort(), [...Object.keys(rootKeys), ...Object.keys(tables), "trunk"].sort());
  equal(readNumber(plan, "949305550901", { source: "dialled", trunk: "trunk1" }).number, "+49305550901");
  equal(readNumber(plan, "0201", { source: "calledFromTrunk", trunk: "trunk2" }).number, "+14085550201");
});

test("docs: the folds of configuration.md fold as they are written", () => {
  const { plan } = example();
  const rows = [...readFileSync(FILE, "utf8").matchAll(/^\| `([A-Z]{2})` \| (\+[0-9 ]+)[^|]*\| (\+[0-9 ]+) \|$/gm)];
  ok(rows.length >= 6, `${rows.length} rows`);
  for (const [, name, from, to] of rows) {
    const { number, steps } = readNumber(plan, from!, { source: "callerFromTrunk" });
    equal(number, to!.replaceAll(" ", ""), `${name}: ${steps.join("; ")}`);
  }
});
