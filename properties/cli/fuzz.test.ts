/** `vipr fuzz` as a process: exit codes, files, JSON, JUnit, an interruption, and what never comes back. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { junitOf } from "../../runtime/fuzz/junit.ts";
import { test } from "../kit/harness.ts";
import { start, vipr, withFolder } from "./processes.ts";

const STRANGERS = new URL("../fuzz/strangers.ts", import.meta.url).pathname;
const fuzz = (...args: ReadonlyArray<string>) => vipr(["fuzz", ...args]);
const SEED = ["--seed", "1", "--runs", "60"];

test("vipr fuzz: a counter-example is exit 1, a file that replays, JSON and JUnit", () =>
  withFolder(async (folder) => {
    const [out, junit] = [join(folder, "example.json"), join(folder, "junit.xml")];
    const target = `${STRANGERS}#racing`;
    const { code, out: printed } = await fuzz(target, ...SEED, "--out", out, "--junit", junit, "--json");
    same(code, 1);
    const summary = JSON.parse(printed);
    same([summary.verdict, summary.seed, summary.counterExample, summary.shown.length], ["violated", 1, out, 2]);
    same(summary.broken, "racing: what is shown is what was asked for");
    same(JSON.parse(readFileSync(out, "utf8")).shown, summary.shown);
    const xml = readFileSync(junit, "utf8");
    same(XMLValidator.validate(xml), true);
    const { testsuite } = new XMLParser({ ignoreAttributes: false }).parse(xml).testsuites;
    same([testsuite["@_tests"], testsuite["@_failures"], testsuite.testcase.length], ["4", "1", 4]);
    const again = await fuzz("--replay", out);
    same([again.code, /BROKEN {2}racing: what is shown/.test(again.out)], [1, true]);
  }));

test("vipr fuzz: laws that hold are exit 0 and no file; ours go by name", () =>
  withFolder(async (folder) => {
    const out = join(folder, "example.json");
    const held = await fuzz(`${STRANGERS}#sound`, ...SEED, "--out", out);
    same([held.code, /: held, 240 runs of 4 laws in .* seed 1$/m.test(held.out), existsSync(out)], [0, true, false]);
    same((await fuzz("VapMessage", "--runs", "20", "--out", out)).code, 0);
    const { code, out: known } = await fuzz("--list");
    same(
      [code, /^VapMessage +codec of vipr\/codecs\/vap$/m.test(known), /^reloadLink +machine$/m.test(known)],
      [0, true, true],
    );
  }));

test("vipr fuzz: what cannot be taken is exit 2, in a sentence", () =>
  withFolder(async (folder) => {
    const file = join(folder, "no-example.json");
    writeFileSync(file, '{"format":"other"}');
    for (const [args, why] of [
      [[], /which machine or codec/],
      [["nope"], /nothing is called "nope"/],
      [[`${STRANGERS}#neither`], /neither is neither a machine/],
      [["VapMessage", "--time", "soon"], /--time wants a time as 90s, 10m or 8h, not "soon"/],
      [["VapMessage", "--runs", "0"], /--runs wants a whole number/],
      [["--replay", file], /no vipr-fuzz of version 1/],
      [["--replay", join(folder, "none")], /no such file/],
    ] as const) {
      const { code, out, err } = await fuzz(...args);
      same([args, code, out, why.test(err)], [args, 2, "", true]);
    }
  }));

test("vipr fuzz: a run that never ends is a counter-example, with the bytes that it does not end with", () =>
  withFolder(async (folder) => {
    const out = join(folder, "example.json");
    const hang = ["--hang", "2", "--runs", "100000", "--seed", "1", "--out", out];
    const { code, out: printed } = await fuzz(`${STRANGERS}#stubborn`, ...hang);
    same([code, /a run has not ended after 2 s/.test(printed)], [1, true]);
    const { shown } = JSON.parse(readFileSync(out, "utf8"));
    ok(/^Uint8Array\.from\(\[7,/.test(shown[0]), shown[0]);
    same((await fuzz("--replay", out, "--hang", "2")).code, 1);
  }));

test("vipr fuzz: SIGINT ends it with what was run", () =>
  withFolder(async (folder) => {
    const loud = join(folder, "loud.mjs");
    writeFileSync(loud, 'export const decode = (bytes) => bytes;\nconsole.log("loaded");\n');
    const one = start(["fuzz", `${loud}#decode`, "--time", "1h", "--json"]);
    await one.said(/loaded/);
    same(await one.kill("SIGINT"), 0);
    const summary = JSON.parse(one.out().trimEnd().split("\n").at(-1)!);
    same([summary.verdict, summary.interrupted], ["held", true]);
  }));

test("vipr fuzz: any text of a counter-example is XML that is read again", () => {
  const failure = 'a < b && "c" \u0000 \ud800 \u{1f600} ]]>\nsecond line';
  const xml = junitOf("./x.mjs#a", [{ name: "law", runs: 1, seconds: 0.5, failure }]);
  same(XMLValidator.validate(xml), true);
  const parsed = new XMLParser({ ignoreAttributes: false, trimValues: false }).parse(xml);
  const { failure: read } = parsed.testsuites.testsuite.testcase;
  same(read["#text"], 'a < b && "c" \\u{0} \\u{d800} \u{1f600} ]]>\nsecond line');
});
