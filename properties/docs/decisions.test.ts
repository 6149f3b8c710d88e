/** DECISIONS.md: each entry is whole, each id that is cited exists, and entries about code are cited by the code. */
import * as assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "../kit/harness.ts";

const SELF = "properties/docs/decisions.test.ts";
const STATE = /^State: (accepted|open|superseded by (D-\d{3}))(; no file)?$/m;
const read = (path: string): string => readFileSync(path, "utf8");

interface Entry {
  readonly id: string;
  readonly text: string;
  readonly state: string | undefined;
  readonly supersededBy: string | undefined;
  readonly hasNoFile: boolean;
}

/** The entries of such a file, in its order. */
const entriesOf = (page: string): ReadonlyArray<Entry> =>
  page
    .split(/^(?=### )/m)
    .slice(1)
    .map((text) => {
      const [, state, supersededBy, noFile] = STATE.exec(text) ?? [];
      const id = /^### (D-\d{3}) \S.*$/m.exec(text)?.[1] ?? text.split("\n")[0]!;
      return { id, text, state, supersededBy, hasNoFile: noFile !== undefined };
    });

/** The ids behind each `DECISIONS.md D-001, D-002`. */
const citedIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/DECISIONS\.md (D-\d+(?:(?:,| and) D-\d+)*)/g)].flatMap(
    ([, ids = ""]) => ids.match(/D-\d+/g) ?? [],
  );

const faultsOf = (entry: Entry): ReadonlyArray<string> => [
  ...(/^D-\d{3}$/.test(entry.id) ? [] : [`${entry.id}: no id`]),
  ...(entry.state === undefined ? [`${entry.id}: no state`] : []),
  ...["Choice", "Not taken", "Consequence"].flatMap((part) =>
    new RegExp(`^- ${part}: \\S`, "m").test(entry.text) ? [] : [`${entry.id}: no ${part}`],
  ),
];

const entries = entriesOf(read("DECISIONS.md"));
const ids = entries.map(({ id }) => id);
const code = globSync("{codecs,machines,actors,runtime,properties}/**/*.{ts,py}")
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path !== SELF)
  .flatMap((path) => citedIn(read(path)).map((id) => ({ path, id })));

test("DECISIONS.md: each entry has an id of its own, a state, a choice, the road not taken and the consequence", () => {
  assert.ok(entries.length >= 80, `${entries.length} entries`);
  assert.deepEqual(entries.flatMap(faultsOf), []);
  assert.deepEqual(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
  );
  const heirs = entries.flatMap(({ supersededBy }) => supersededBy ?? []);
  assert.deepEqual(
    heirs.filter((id) => !ids.includes(id)),
    [],
  );
});

test("DECISIONS.md: every id that a file cites is there", () => {
  const pages = [...globSync("*.md"), ...globSync("docs/**/*.md")].filter((path) => path !== "DECISIONS.md");
  const cited = [...code, ...pages.flatMap((path) => citedIn(read(path)).map((id) => ({ path, id })))];
  assert.deepEqual(
    cited.filter(({ id }) => !ids.includes(id)),
    [],
  );
});

test("DECISIONS.md: every accepted entry about code is cited by a file of code", () => {
  const cited = new Set(code.map(({ id }) => id));
  assert.deepEqual(
    entries
      .filter(({ id, state, hasNoFile }) => state === "accepted" && !hasNoFile && !cited.has(id))
      .map(({ id }) => id),
    [],
  );
  assert.deepEqual(
    entries.filter(({ id, hasNoFile }) => hasNoFile && cited.has(id)).map(({ id }) => id),
    [],
  );
});

test("DECISIONS.md: the checks see an entry without an id or a state, and ids in a row", () => {
  const [good, bad] = entriesOf(
    "# D\n\n### D-001 A\n\nState: superseded by D-002; no file\n\n- Choice: a\n- Not taken: b\n- Consequence: c\n\n### B\n",
  );
  assert.deepEqual(faultsOf(good!), []);
  assert.equal(good!.supersededBy, "D-002");
  assert.ok(good!.hasNoFile);
  assert.equal(faultsOf(bad!).length, 5);
  assert.deepEqual(citedIn("See DECISIONS.md D-001, D-002 and D-9."), ["D-001", "D-002", "D-9"]);
});
