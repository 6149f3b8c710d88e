/** docs/api is what the sources export; what an entry exports is found, and has a comment where users of the package begin. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "../kit/harness.ts";
import { apiPages, entriesOf, wordsOf } from "./api.ts";

const ENTRIES = entriesOf();

test("docs: docs/api is up to date (npm run api, or VIPR_TABLES=write, writes it anew)", () => {
  for (const [file, text] of Object.entries(apiPages())) {
    if (process.env.VIPR_TABLES === "write") {
      mkdirSync("docs/api", { recursive: true });
      writeFileSync(file, text);
    }
    same(readFileSync(file, "utf8"), text, file);
  }
});

test("docs: docs/api has every value that an entry exports, as the runtime sees it", async () => {
  ok(ENTRIES.length > 50, `${ENTRIES.length} entries`);
  // Those of one runtime load what the others have not.
  for (const { specifier, file, names } of ENTRIES.filter(({ file }) => !file.startsWith("runtime/"))) {
    const values = Object.keys(await import(new URL(`../../${file}`, import.meta.url).href));
    const listed = new Set(names.map(({ name }) => name));
    same(
      values.filter((name) => !listed.has(name)),
      [],
      specifier,
    );
    same(names.filter(({ head }) => head === "").length, 0, specifier);
  }
});

/** Entries whose every name has a comment. */
const WHOLE = ["vipr", "vipr/kit", "vipr/properties"];
/** Names without one elsewhere, by floor: there may be fewer of them, and not more. */
const WITHOUT_MAX: Readonly<Record<string, number>> = { codecs: 0, machines: 241, actors: 165, runtime: 0 };

test("docs: what is exported has a comment where users begin, and elsewhere no more names lack one than did", () => {
  const lacking = ENTRIES.flatMap(({ specifier, names }) =>
    names.filter(({ doc }) => doc === "").map(({ name }) => ({ specifier, name })),
  );
  same(
    lacking.filter(({ specifier }) => WHOLE.includes(specifier)),
    [],
  );
  for (const [floor, most] of Object.entries(WITHOUT_MAX)) {
    const its = lacking.filter(({ specifier }) => specifier.startsWith(`vipr/${floor}/`));
    ok(its.length <= most, `${floor}: ${its.length} names without a comment, ${most} at most`);
  }
});

test("docs: a comment's first paragraph is what it says first", () => {
  same(wordsOf("/** One. */"), "One.");
  same(wordsOf("/**\n * One,\n * and more.\n *\n *   a figure\n */"), "One, and more.");
});
