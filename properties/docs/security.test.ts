/** docs/security.md names the test of each attack, and words of its title: file and words are there. */
import * as assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "../kit/harness.ts";

const at = (path: string) => new URL(`../${path}`, import.meta.url);
/** A file of properties/, and the quoted words behind it. */
const NAMED = /`(?:properties\/)?([\w/-]+\.test\.ts)`((?:,?(?: each)? "[^"]+")*)/g;

test("docs/security.md: each test that it names is there, by file and title", () => {
  const page = readFileSync(at("../docs/security.md"), "utf8");
  const named = [...page.matchAll(NAMED)].map(([, file = "", words = ""]) => ({ file, words }));
  const missing = named.flatMap(({ file, words }) => {
    if (!existsSync(at(file))) return [file];
    const source = readFileSync(at(file), "utf8");
    return [...words.matchAll(/"([^"]+)"/g)].flatMap(([, title]) =>
      source.includes(title!) ? [] : [`${file} "${title}"`],
    );
  });
  assert.deepEqual(missing, []);
  assert.ok(named.length > 100, `${named.length} tests are named`);
});
