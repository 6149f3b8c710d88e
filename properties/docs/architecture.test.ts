/** docs/architecture.md and its picture are what is on disk; what it says of floors and programs holds. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { TABLES } from "../../runtime/command/tables.ts";
import { test } from "../kit/harness.ts";
import { architecturePicture, FLOORS, importsBetween, roomsOf, roomsTable } from "./architecture.ts";

const PAGE = "docs/architecture.md";
const PICTURE = "docs/images/architecture.svg";
const ROOMS = /(<!-- rooms: [^\n]*-->\n)(.*?)(<!-- end of rooms -->)/s;

test("docs: the architecture's picture and its table of rooms are up to date (VIPR_TABLES=write writes them anew)", () => {
  const page = readFileSync(PAGE, "utf8").replace(
    ROOMS,
    (_, begin: string, __, end: string) => `${begin}\n${roomsTable()}\n\n${end}`,
  );
  if (process.env.VIPR_TABLES === "write") {
    writeFileSync(PAGE, page);
    writeFileSync(PICTURE, architecturePicture());
  }
  same(readFileSync(PAGE, "utf8"), page);
  same(readFileSync(PICTURE, "utf8"), architecturePicture());
  ok(readFileSync("README.md", "utf8").includes(PAGE));
});

test("docs: each room has its subject, and imports lead downwards", () => {
  for (const [i, floor] of FLOORS.entries()) {
    for (const { name, subject } of roomsOf(floor)) ok(subject.length > 10, `${floor}/${name}: what is it about?`);
    for (const above of FLOORS.slice(i + 1)) same(importsBetween(floor, above), 0, `${floor} imports ${above}`);
    same(importsBetween(floor, "properties"), 0, floor);
    if (i > 0) ok(importsBetween(floor, FLOORS[i - 1]!) > 0, `${floor} imports nothing of ${FLOORS[i - 1]}`);
  }
});

test("docs: each program of the architecture is a command, and begins where the page says", () => {
  const rows = [...readFileSync(PAGE, "utf8").matchAll(/^\| `vipr (\w+)` \| [^|]+ \| `([^`]+)` \|$/gm)];
  ok(rows.length >= 6);
  for (const [, name, file] of rows) {
    ok(
      TABLES.some((of) => of.name === name),
      name,
    );
    ok(existsSync(file!), file);
  }
});
