/**
 * Every command that a page shows. Each one can be typed as it stands (command-faults.ts). And each block of a shell's commands is
 * run: by a test that takes it from its page, `shown("PAGE", "SECTION")` of properties/kit/shown.ts, by .ci/run, or it is an exception
 * with its reason (command-exceptions.ts).
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { globSync, readFileSync } from "node:fs";
import { test } from "../kit/harness.ts";
import { type Block, blocksIn, commandsIn, mentionsIn, pageText } from "../kit/shown.ts";
import { EXCEPTIONS, type Exception } from "./command-exceptions.ts";
import { faultOf, type Words } from "./command-faults.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md").map((page) => page.replaceAll("\\", "/"))];
const BLOCKS = PAGES.flatMap((page) => blocksIn(page, pageText(page)));
/** Its examples are its tables', which properties/command/tables.test.ts reads; the usage above them is no command. */
const REFERENCE = "docs/command.md";

const CI = commandsIn(readFileSync(".ci/run", "utf8"));
const TESTS = globSync("properties/**/*.{test,interop}.ts").map((file) => readFileSync(file, "utf8"));
const TAKEN = new Set(
  TESTS.flatMap((text) => [...text.matchAll(/\bshown\(\s*"([\w/-]+\.md)",\s*"([^"]+)"/g)]).map(
    ([, page, section]) => `${page}#${section}`,
  ),
);

const exceptionOf = (page: string, command: Words): Exception | undefined =>
  EXCEPTIONS.find((one) => one.page === page && command.join(" ").startsWith(one.start));
const isOfCi = (command: Words): boolean =>
  CI.some((one) => command.every((word, i) => one[i] === word) || one.join(" ").includes(command.join(" ")));

/** Commands of a file for GitHub or GitLab. */
const ofPipeline = (text: string): string =>
  [...text.matchAll(/^ *- (?:run: )?((?:npm|npx|vipr|node) .*)$/gm)].map(([, line]) => line).join("\n");

const shellOf = ({ language, text }: Block): string =>
  language === "sh" ? text : language === "yaml" ? ofPipeline(text) : "";

test("docs: every command of a block can be typed as it stands", () => {
  const commands = BLOCKS.flatMap((block) => commandsIn(shellOf(block)).map((command) => ({ block, command })));
  ok(commands.length > 150, `${commands.length} commands`);
  same(
    commands.flatMap(({ block: { page, line }, command }) => {
      const fault = faultOf(command);
      return fault === undefined ? [] : [`${page}:${line}: ${command.join(" ")}: ${fault}`];
    }),
    [],
  );
});

/** `[--data DIR | --config FILE]`, as usage has it, with all of that. */
const withoutBrackets = (text: string): string =>
  text.replace(/\[([^\]]*)\]/g, (_, within: string) => within.replaceAll("|", " "));

test("docs: every command of a sentence or a table is one that there is", () => {
  const mentions = PAGES.flatMap((page) => mentionsIn(pageText(page)).map((text) => ({ page, text })));
  ok(mentions.length > 250, `${mentions.length} mentions`);
  same(
    mentions.flatMap(({ page, text }) =>
      commandsIn(withoutBrackets(text)).flatMap((command) => {
        const fault = faultOf(command, true);
        return fault === undefined ? [] : [`${page}: ${text}: ${fault}`];
      }),
    ),
    [],
  );
});

test("docs: a block of commands says that it is one", () => {
  const PROGRAM = /^(vipr|npm|npx|node|curl|openssl|sudo|systemctl|export|alias) /;
  same(
    BLOCKS.filter(({ page, language, text }) => page !== REFERENCE && language === "" && PROGRAM.test(text)),
    [],
  );
});

test("docs: every block of commands is run by a test, by .ci/run, or has its reason not to be", () => {
  const shells = BLOCKS.filter(({ page, language }) => language === "sh" && page !== REFERENCE);
  ok(shells.length > 30, `${shells.length} blocks`);
  const left = shells.filter(({ page, section }) => !TAKEN.has(`${page}#${section}`));
  same(
    left.flatMap(({ page, line, text }) =>
      commandsIn(text)
        .filter((command) => !isOfCi(command) && exceptionOf(page, command) === undefined)
        .map((command) => `${page}:${line}: ${command.join(" ")}`),
    ),
    [],
  );
  ok(left.length < shells.length / 2, `${left.length} of ${shells.length} blocks are run by no test`);
});

test("docs: each exception is needed, and what it names instead is there", () => {
  const commands = BLOCKS.flatMap((block) =>
    commandsIn(shellOf(block)).map((command) => ({ page: block.page, command })),
  );
  for (const one of EXCEPTIONS) {
    ok(
      commands.some(({ page, command }) => exceptionOf(page, command) === one),
      `nobody shows ${one.page}: ${one.start}`,
    );
    const [file, text] = one.instead ?? [];
    if (file !== undefined) ok(readFileSync(file, "utf8").includes(text!), `${file} has no ${text}`);
  }
});

test("docs: each section that a test runs is there, and has commands", () => {
  ok(TAKEN.size > 12, `${TAKEN.size} sections`);
  same(
    [...TAKEN].filter((one) => !BLOCKS.some(({ page, section }) => `${page}#${section}` === one)),
    [],
  );
});

test("docs: the reader of a shell's words sees what is run", () => {
  const words = (text: string) => commandsIn(text).map((command) => command.join(" "));
  same(words("a b # c\n\n# d\ne \\\n  f"), ["a b", "e f"]);
  same(words("x=1 a 'b c' \"d $x\" > f 2>&1 && g | h; (i) &"), ["a b c d $x", "g", "h", "i"]);
  same(words("for n in a b; do (umask 077; rand $n > f); done"), ["umask 077", "rand $n"]);
  same(words('end=$(date +%s)\ncall="$((end - 41))"'), ["date +%s"]);
  same(words("source <(vipr completion bash)"), ["vipr completion bash", "source <()"]);
  same(words("vipr explain N --data DIR/<domain>"), ["vipr explain N --data DIR/<domain>"]);
  const page = "# A\n```sh\na\n```\n## B\n1. x\n\n   ```sh\n   b\n     c\n   ```\n";
  same(
    blocksIn("p.md", page).map(({ section, line, text }) => [section, line, text]),
    [
      ["A", 3, "a"],
      ["B", 9, "b\n  c"],
    ],
  );
  same(mentionsIn("`vipr a` and `x`\n```sh\n`vipr b`\n```\n"), ["vipr a"]);
});

test("docs: the judge of commands sees what is wrong", () => {
  const faults = (...commands: ReadonlyArray<string>) => commands.map((one) => faultOf(one.split(" ")));
  same(
    faults(
      "vipr node --data x",
      "npm start -- --once",
      "npm run bench -- vap --json",
      "node properties/kit/run.ts node --only docs",
    ),
    [undefined, undefined, undefined, undefined],
  );
  for (const wrong of faults(
    "vipr nod --data x",
    "vipr node --dta x",
    "vipr server agents --share 5",
    "npm run benches",
    "npm run bench --json",
    "npm run bench -- --jsn",
    "npm run bench -- vapp",
    "npm run interop -- nosuchpeer",
    "npm start -- --onec",
    "node properties/kit/nothing.ts",
    "node properties/kit/run.ts node --only nowhere",
    "sh .ci/nothing",
  ))
    ok(wrong !== undefined);
});
