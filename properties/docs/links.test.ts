/** What code and pages refer to is there: pages and sections of docs/, links and files that pages name. */
import * as assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "../kit/harness.ts";

const FLOORS = "{codecs,machines,actors,runtime,properties}";
const unix = (path: string): string => path.replaceAll("\\", "/");
const pages = [...globSync("*.md"), ...globSync("docs/**/*.md")].map(unix);
const sources = globSync(`${FLOORS}/**/*.{ts,py,txt,md}`)
  .map(unix)
  .filter((path) => path !== "properties/docs/links.test.ts");
const read = (path: string): string => readFileSync(path, "utf8");

/** A page without its blocks of code, which hold other people's syntax. */
const prose = (page: string): string => page.replace(/^```[\s\S]*?^```$/gm, "");

/** The anchors that a page's headings have on GitHub: lower case, no punctuation, hyphens for spaces. */
const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set(
    [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );

/** What is wrong with a link from one file to another, or to a section of it; undefined when it resolves. */
const faultOf = (from: string, link: string, text: (path: string) => string | undefined): string | undefined => {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? from : unix(join(dirname(from), path));
  const found = text(target);
  if (found === undefined) return `${from}: no ${target}`;
  return anchor === undefined || anchorsOf(found).has(anchor) ? undefined : `${from}: no #${anchor} in ${target}`;
};

/** The text of a page, "" for a file or folder of another kind, undefined for what is not there. */
const onDisk = (path: string): string | undefined => {
  if (!existsSync(path)) return undefined;
  return path.endsWith(".md") ? read(path) : "";
};

/** The relative links of a page. */
const linksOf = (page: string): ReadonlyArray<string> =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));

/** `docs/protocol/pvp.md#the-gate` as code writes it; sections that follow may be given alone: `, #user-name`. */
const citationsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\b(docs\/[\w/-]+\.md)(#[\w-]+)?((?:, #[\w-]+)*)/g)].flatMap(
    ([, page = "", first = "", more = ""]) => [
      page + first,
      ...more
        .split(", ")
        .slice(1)
        .map((anchor) => page + anchor),
    ],
  );

test("docs: every relative link of every page leads to a file, and to a section that it has", () => {
  const links = pages.flatMap((page) => linksOf(read(page)).map((link) => ({ page, link })));
  assert.ok(links.length > 40, `${links.length} links`);
  assert.deepEqual(
    links.flatMap(({ page, link }) => faultOf(page, link, onDisk) ?? []),
    [],
  );
});

test("docs: every page and section that code or a page cites by its path is there", () => {
  const cited = [...sources, ...pages].flatMap((path) => citationsOf(read(path)).map((link) => ({ path, link })));
  assert.ok(cited.length > 80, `${cited.length} citations`);
  assert.deepEqual(
    cited.flatMap(({ path, link }) => {
      const fault = faultOf("README.md", link, onDisk);
      return fault === undefined ? [] : [`${path}: ${fault}`];
    }),
    [],
  );
});

/** The files and folders that a page names in code style, without those that stand for any: `codecs/<role>/`. */
const namedIn = (page: string): ReadonlyArray<string> =>
  [...prose(page).matchAll(/`([\w.-]+(?:\/[\w.*{},-]*)+)(?:#[\w-]+)?`/g)]
    .map(([, path]) => path!)
    .filter((path) => /^(codecs|machines|actors|runtime|properties|docs)\//.test(path) || path.endsWith(".test.ts"))
    .flatMap((path) => {
      const [, before = "", names, after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(path) ?? [];
      return names === undefined ? [path] : names.split(",").map((name) => before + name + after);
    });

test("docs: every file and folder that a page names is there", () => {
  // words.md names what is no more; tests are named by their path below properties/, too.
  const named = pages
    .filter((page) => page !== "docs/words.md")
    .flatMap((page) => namedIn(read(page)).map((path) => ({ page, path })));
  assert.ok(named.length > 150, `${named.length} names`);
  assert.deepEqual(
    named.filter(({ path }) => globSync(path).length + globSync(`properties/${path}`).length === 0),
    [],
  );
});

test("docs: nothing cites a specification that the project does not hold", () => {
  const lost = new RegExp(["profile", "§"].join(" "), "i");
  assert.deepEqual(
    [...sources, ...pages].filter((path) => lost.test(read(path))),
    [],
  );
});

test("docs: the checks of links and citations see what is wrong", () => {
  const files: Readonly<Record<string, string>> = {
    "a.md": "# A\n\n## The caller's side\n\n```sh\n# not a heading\n```\n",
    "docs/b.md": "# B",
  };
  const text = (path: string) => files[path];
  assert.equal(faultOf("docs/b.md", "../a.md#the-callers-side", text), undefined);
  assert.equal(faultOf("a.md", "#a", text), undefined);
  assert.match(faultOf("a.md", "#not-a-heading", text) ?? "", /no #not-a-heading in a\.md/);
  assert.match(faultOf("a.md", "b.md", text) ?? "", /no b\.md/);
  const cited = citationsOf("see docs/b.md#b, #c, and docs/protocol/d.md.");
  assert.deepEqual(cited, ["docs/b.md#b", "docs/b.md#c", "docs/protocol/d.md"]);
  assert.deepEqual(namedIn("`actors/a/{b,c}.ts`, `codecs/<role>/`, `x.md`, `a/b.test.ts`"), [
    "actors/a/b.ts",
    "actors/a/c.ts",
    "a/b.test.ts",
  ]);
  assert.deepEqual(linksOf("[a](b.md#c), [d](https://e.example)\n```\n[f](g.md)\n```\n"), ["b.md#c"]);
});
