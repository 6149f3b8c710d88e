/**
 * Specification beside tests: each requirement of the documents that this project speaks has its file and its test, or a
 * reason; an untested MUST is a fault. docs/specification.md, DECISIONS.md D-302.
 */
import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "../kit/harness.ts";
import { faultsAgainst, faultsIn } from "./check.ts";
import { countsOfPage, countsOfRfc } from "./keywords.ts";
import { readTable, readTables } from "./table.ts";

const tables = readTables();

test("spec: every requirement's file and test is there and cites its section, and no MUST is without a test", () => {
  assert.ok(tables.length > 0);
  assert.deepEqual(tables.flatMap(faultsIn), []);
});

test("spec: docs/protocol has as many requirement keywords, by section and level, as its tables say", () => {
  const pages = tables.filter(({ kind }) => kind === "page");
  assert.deepEqual(
    pages.flatMap((table) => faultsAgainst(table, countsOfPage(readFileSync(table.source, "utf8")))),
    [],
  );
});

const TITLE = "RFC 6940 §6.2.2: the way back is the way there, reversed";
const tableOf = (rules: string, keywords = 1) =>
  readTable(`document RFC 6940\nkind rfc\nsource x.txt\n\n§ 6.2.2 = ${keywords}\n${rules}`);
const faultsOf = (rules: string, keywords?: number) => faultsIn(tableOf(rules, keywords));
const GOOD = `MUST: one\n  machines/reload/route.ts\n  "${TITLE}"`;

test("spec: a title that is renamed, a citation that is gone, a keyword that is lost and an untested MUST are faults", () => {
  assert.deepEqual(faultsOf(GOOD), []);
  assert.match(faultsOf(GOOD.replace("reversed", "turned")).join(), /0 tests have the title/);
  assert.match(faultsOf(GOOD.replace("route.ts", "no-such-file.ts")).join(), /no file/);
  assert.match(faultsOf(GOOD.replace("route.ts", "quota.ts")).join(), /quota.ts does not cite RFC 6940 §6.2.2/);
  assert.match(
    faultsOf(GOOD.replace(TITLE, "any packet gets a verdict, and a forwarded one can still be written")).join(),
    /the test .* does not cite/,
  );
  assert.match(faultsOf(GOOD, 2).join(), /2 keywords, and requirements for 1/);
  assert.match(faultsOf("MUST: one\n  machines/reload/route.ts").join(), /an untested MUST/);
  assert.match(faultsOf("MUST NOT: one").join(), /an untested MUST NOT/);
  assert.deepEqual(faultsOf("SHOULD: one\n  machines/reload/route.ts"), []);
  assert.deepEqual(faultsOf("MUST: one\n  excepted: as it stands there"), []);
  assert.match(faultsOf(`${GOOD}\n  excepted: why`).join(), /a reason and places/);
});

test("spec: a requirement's state is made of its places, its id of its place", () => {
  const { requirements } = tableOf(
    `${GOOD}\nSHOULD 2: two\n  machines/reload/route.ts\nMUST: three\n  not ours: of others\nSHOULD NOT: four\nSHALL: five\n  excepted: why`,
    6,
  );
  assert.deepEqual(
    requirements.map(({ id, level, keywords, state, reason }) => [id, level, keywords, state, reason]),
    [
      ["RFC6940-6.2.2-a", "MUST", 1, "tested", ""],
      ["RFC6940-6.2.2-b", "SHOULD", 2, "obeyed", ""],
      ["RFC6940-6.2.2-c", "MUST", 1, "notOurs", "of others"],
      ["RFC6940-6.2.2-d", "SHOULD NOT", 1, "open", ""],
      ["RFC6940-6.2.2-e", "SHALL", 1, "excepted", "why"],
    ],
  );
  for (const wrong of ["MAY: what", "  machines/x", "MUST one", '  "half', "§ 6.2.2 = 1"])
    assert.throws(() => tableOf(`MUST: one\n${wrong}`), /table:7: /, wrong);
});

const RFC = `1.  Terms

   It MUST, and it
   MUST
   NOT. You must not mind.

Someone                      Standards Track                    [Page 1]
\fRFC 1                            A title                  December 2026

   This SHOULD NOT count as a heading:
   2.  Nothing here, as it is indented.

1.1.  More

   It is RECOMMENDED, and it SHALL.
   May it be "REQUIREDLY" so.
`;

test("spec: keywords are counted by section and level, over the ends of lines and of pages", () => {
  assert.deepEqual(Object.fromEntries(countsOfRfc(RFC)), {
    "1": { MUST: 1, "MUST NOT": 1, "SHOULD NOT": 1 },
    "1.1": { RECOMMENDED: 1, SHALL: 1 },
  });
  assert.deepEqual(
    Object.fromEntries(countsOfPage("# A\n\nYou must.\n## B\nYou should not, and MUST\n## C\nMustard.\n")),
    {
      A: { MUST: 1 },
      B: { "SHOULD NOT": 1, MUST: 1 },
    },
  );
  const part = readTable(
    `document RFC 6940\nkind rfc\nsource x.txt\nonly 6.2 7\n§ 6.2.2 = 1\n${GOOD}\nMUST 0: two\n  excepted: why`,
  );
  assert.deepEqual(faultsIn(part), []);
  assert.deepEqual(
    faultsAgainst(part, countsOfRfc("6.2.2.  A\n   It MUST.\n6.20.  B\n   It SHALL.\n8.  C\n   It MUST.\n")),
    [],
  );
  assert.equal(faultsAgainst(part, countsOfRfc("6.2.2.  A\n   It MUST.\n7.1.  B\n   It SHALL.\n")).length, 1);
  const table = tableOf(GOOD);
  assert.deepEqual(faultsAgainst(table, countsOfRfc("6.2.2.  A\n   It MUST.\n")), []);
  assert.equal(faultsAgainst(table, countsOfRfc("6.2.2.  A\n   It MUST and SHOULD.\n")).length, 1);
  assert.equal(faultsAgainst(table, countsOfRfc("6.2.2.  A\n   It MUST.\n6.3.  B\n   It SHALL.\n")).length, 1);
  assert.equal(faultsAgainst(table, countsOfRfc("6.2.3.  A\n   It MUST.\n")).length, 2);
});
