/** What every command owes its user, by its table: a summary, examples that can be typed, exit codes, a place in the docs. */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { nodeLimits } from "../../actors/reload/mod.ts";
import { RING_BITS } from "../../machines/reload/mod.ts";
import { REQUIRED_BITS } from "../../machines/vipr/mod.ts";
import { readWords } from "../../runtime/cli/options.ts";
import { ADMIN_PORT, ENROLMENT_PORT, PVP_PORT, RELOAD_PORT, VAP_PORT } from "../../runtime/cli/ports.ts";
import { EXIT_TEXT, exitCode } from "../../runtime/command/exit-codes.ts";
import { allHelp, exitCodesHelp, helpOf, helpPaint } from "../../runtime/command/help.ts";
import { editsBetween, nearest } from "../../runtime/command/near.ts";
import type { CommandTable, Example } from "../../runtime/command/spec.ts";
import { hasColours, painted } from "../../runtime/command/style.ts";
import { TABLES, tableOf } from "../../runtime/command/tables.ts";
import { vipr } from "../cli/processes.ts";
import { test } from "../kit/harness.ts";
import { referencePage } from "./reference.ts";

const PAGE = "docs/command.md";

/** As a shell parts it: quotes, a line that goes on, a comment, a redirection. */
const wordsOf = (line: string): ReadonlyArray<string> => {
  const inner = /<\((vipr [^)]*)\)/.exec(line)?.[1] ?? line;
  const words = [...inner.replaceAll("\\\n", " ").matchAll(/'([^']*)'|[^\s']+/g)].map(([all, quoted]) => quoted ?? all);
  const redirected = words.indexOf(">");
  return redirected === -1 ? words : words.slice(0, redirected);
};

const examplesOf = (of: CommandTable): ReadonlyArray<Example> => [
  ...of.examples,
  ...Object.values(of.orders ?? {}).flatMap(({ examples }) => examples),
];

test("command: each command has a summary, examples that parse, and exit codes that exist", () => {
  ok(TABLES.length > 25);
  for (const of of TABLES) {
    ok(of.summary.length > 10 && of.summary.length < 100, `${of.name}: a summary of one line`);
    for (const { line } of examplesOf(of)) {
      const [program, name, ...args] = wordsOf(line);
      same([program, name], ["vipr", of.name], line);
      ok(!readWords(of, args).isHelp, line);
    }
    for (const [order, { examples, options, summary }] of Object.entries(of.orders ?? {})) {
      ok(summary.length > 5, `${of.name} ${order}`);
      ok(
        examples.some(({ line }) => wordsOf(line)[2] === order),
        `${of.name} ${order}: an example of its own`,
      );
      for (const option of options) ok(of.options[option] !== undefined, `${of.name} ${order} --${option}`);
    }
    ok(of.examples.length > 0, `${of.name}: an example`);
    ok(of.codes.done !== undefined, `${of.name}: exit code 0`);
    for (const code of Object.keys(of.codes)) ok(Object.hasOwn(exitCode, code), `${of.name}: ${code}`);
    for (const [option, { type, value, text }] of Object.entries(of.options)) {
      same(type === "string", value !== undefined, `${of.name} --${option}: a name for its value`);
      ok(!text.endsWith("."), `${of.name} --${option}: ${text}`);
    }
  }
  same(Object.keys(EXIT_TEXT), Object.keys(exitCode));
  same(new Set(Object.values(exitCode)).size, Object.keys(exitCode).length);
});

test("command: what a table says of a default is what the code takes", () => {
  const text = (name: string, option: string) => tableOf(name)!.options[option]!.text;
  ok(text("node", "listen").includes(`:${RELOAD_PORT}`));
  ok(text("node", "admin").includes(`127.0.0.1:${ADMIN_PORT}`));
  ok(text("server", "vap").includes(`127.0.0.1:${VAP_PORT}`));
  ok(text("server", "pvp").includes(`0.0.0.0:${PVP_PORT}`));
  ok(text("server", "required-bits").includes(`default ${REQUIRED_BITS}`));
  ok(text("simulate", "neighbours").includes(`default ${nodeLimits.neighbours}`));
  ok(text("simulate", "fingers").includes(`to ${RING_BITS} (default ${nodeLimits.fingers})`));
  for (const of of TABLES)
    for (const [name, option] of Object.entries(of.options))
      if (typeof option.default === "string" && /default/.test(option.text))
        ok(option.text.includes(option.default), `${of.name} --${name}: ${option.text}`);
  same(tableOf("authority")!.options.listen!.default, `0.0.0.0:${ENROLMENT_PORT}`);
  same(tableOf("verify-call")!.options.required!.default, String(REQUIRED_BITS));
});

test("command: docs/command.md is what the tables say, and the README names it (VIPR_TABLES=write writes it anew)", () => {
  if (process.env.VIPR_TABLES === "write") writeFileSync(PAGE, referencePage());
  same(readFileSync(PAGE, "utf8"), referencePage());
  ok(readFileSync("README.md", "utf8").includes("docs/command.md"));
});

test("command: help of everything, of each command and of each order; no line is too wide for a terminal", () => {
  const pages = [
    allHelp(TABLES),
    exitCodesHelp(),
    ...TABLES.flatMap((of) => [helpOf(of), ...Object.keys(of.orders ?? {}).map((order) => helpOf(of, order))]),
  ];
  for (const page of pages)
    for (const line of page.split("\n")) ok(line.length <= 120, `${line.length} columns: ${line}`);
  for (const of of TABLES) {
    ok(helpOf(of).startsWith(`vipr ${of.name}: `));
    for (const order of Object.keys(of.orders ?? {}))
      ok(helpOf(of, order).includes(`usage: vipr ${of.name} ${order}`), order);
  }
});

test("command: what is mistyped is answered with what is near", () => {
  same(editsBetween("agent", "agnet"), 1);
  same(editsBetween("", "abc"), 3);
  same(editsBetween("abc", "abc"), 0);
  same(nearest("sever", ["server", "node"]), "server");
  same(nearest("pass", ["password-file", "data"]), "password-file");
  same(nearest("zzz", ["server", "node"]), undefined);
  const why =
    (name: string, ...args: ReadonlyArray<string>) =>
    () =>
      readWords(tableOf(name)!, args);
  throws(why("node", "--dta", "x"), /there is no option --dta; did you mean --data\?/);
  throws(why("node", "publsh", "+1"), /there is no order "publsh".*did you mean publish\?/);
  throws(why("server", "agents", "--share", "5"), /--share is no option of agents; it belongs to add-tenant/);
  throws(why("server", "--private"), /--private is no option here; it belongs to add-domain/);
  throws(why("node", "find"), /something is missing/);
  throws(why("node", "find", "+1", "+2"), /nothing to do with "\+2"/);
  throws(why("vcr"), /say which of import, follow/);
  throws(why("node", "--data"), /--data/);
});

test("command: colours are for terminals, and a terminal's own orders stay text", () => {
  same(hasColours({ isTTY: true }, {}), true);
  same(hasColours({ isTTY: true }, { NO_COLOR: "" }), true);
  same(hasColours({ isTTY: true }, { NO_COLOR: "1" }), false);
  same(hasColours({ isTTY: true }, { TERM: "dumb" }), false);
  same(hasColours({ isTTY: false }, {}), false);
  same(hasColours({ isTTY: false }, { FORCE_COLOR: "1", TERM: "dumb" }), true);
  same(hasColours({ isTTY: false }, { FORCE_COLOR: "" }), false);
  same(hasColours({ isTTY: true }, { FORCE_COLOR: "0" }), false);
  same(hasColours({ isTTY: true }, { FORCE_COLOR: "1", NO_COLOR: "1" }), false);
  same(painted("options:\n  # x\n  y", helpPaint), "\u001b[1moptions:\u001b[0m\n\u001b[2m  # x\u001b[0m\n  y");
});

test("command: the program itself: help without loading, near names, one JSON object for a version", async () => {
  const [help, order, codes, unknown, version] = await Promise.all([
    vipr(["--help"]),
    vipr(["server", "add-agent", "--help"]),
    vipr(["help", "exit-codes"]),
    vipr(["sever"]),
    vipr(["version", "--json"]),
  ]);
  same([help.code, help.out.trimEnd()], [0, allHelp(TABLES).trimEnd()]);
  same(order.out.trimEnd(), helpOf(tableOf("server")!, "add-agent").trimEnd());
  same([codes.code, codes.out.trimEnd()], [0, exitCodesHelp().trimEnd()]);
  same([unknown.code, unknown.out], [exitCode.usage, ""]);
  ok(unknown.err.includes('there is no command "sever"; did you mean server?'), unknown.err);
  same(Object.keys(JSON.parse(version.out)), ["version", "runtime", "platform"]);
});
