/** What holds of the package wherever it is installed. Contract: the entries and the command that scripts rely on. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { judgeCosts } from "./costs.ts";
import { type DocBlock, docBlocksOf, missingIn, printsOf } from "./doc-blocks.ts";
import { openPage } from "./page.ts";
import { BUNDLE, openRing } from "./ring-page.ts";
import { entriesOf, ROOT, type Runtime, runtimesOf, type Stranger, sh } from "./stranger.ts";

export interface Check {
  readonly name: string;
  /** Rejects with what is wrong. */
  readonly run: () => Promise<unknown>;
}

export const checksOf = (stranger: Stranger): ReadonlyArray<Check> => {
  const runtimes = runtimesOf(stranger);
  // Written once: several runtimes read them at the same time.
  const blocks = writtenBlocks(stranger);
  const examples = writtenExamples(stranger);
  const onEach = (of: ReadonlyArray<Runtime>, what: string, run: (runtime: Runtime) => Promise<unknown>) =>
    of.map((runtime): Check => ({ name: `${what}, ${runtime.name}`, run: () => run(runtime) }));
  // The longest first.
  return [
    ...onEach(runtimes, "vipr demo --once", (runtime) => demonstrate(stranger, runtime)),
    { name: "a single file that bun build --compile makes of the sources", run: () => compileSingle(stranger) },
    { name: "files: no test, and a command that runs", run: () => judgeFiles(stranger) },
    { name: "types: a consumer's tsc, strict, its libraries checked, es2022", run: () => compile(stranger) },
    { name: "costs: codecs and machines load neither Effect nor XState", run: () => judgeCosts(stranger) },
    { name: "publint", run: () => sh(join(stranger.tools, "node_modules/.bin/publint"), [stranger.tarball], here) },
    {
      name: "attw",
      run: () => sh(join(stranger.tools, "node_modules/.bin/attw"), [stranger.tarball, "--profile", "esm-only"], here),
    },
    {
      name: "deno publish --dry-run, no slow type",
      run: () => sh(join(ROOT, "node_modules/.bin/deno"), ["publish", "--dry-run", "--allow-dirty"], here),
    },
    ...onEach(runtimes, "entries: each is imported", (runtime) => importAll(stranger, runtime)),
    ...onEach(runtimes, "docs/embedding.md: its programs print what it says", (runtime) => runAll(blocks, runtime)),
    ...onEach(runtimes, "examples: machines in other hosts", (runtime) => runAll(examples, runtime)),
    { name: "examples: a page in Chromium", run: () => openPage(stranger) },
    { name: "examples: a ring of eight in a page in Chromium", run: () => showRing(stranger, examples) },
  ];
};
const here = { cwd: ROOT };

const judgeFiles = async ({ tarball, empty, manifest }: Stranger): Promise<void> => {
  const files = (await sh("tar", ["tzf", tarball], here)).trimEnd().split("\n");
  same(
    files.filter((file) => /\.test\.|^package\/properties|\/tables\/|\/vectors\//.test(file)),
    [],
  );
  const command = join(empty, "node_modules/vipr", manifest.bin.vipr!);
  ok((statSync(command).mode & 0o111) !== 0, "the command is not executable");
  ok((await sh("npx", ["--no-install", "vipr", "--help"], { cwd: empty })).includes("usage: vipr"));
};

/** All entries; and, without Node's types and without the DOM's, those that a page has. */
const compile = async (stranger: Stranger): Promise<void> => {
  const { empty } = stranger;
  const importing = (entries: ReadonlyArray<string>) =>
    entries.map((entry, i) => `import * as m${i} from "${entry}";\nexport { m${i} };\n`).join("");
  const bare = entriesOf(stranger).filter(
    (entry) => /^vipr\/(codecs|machines)\//.test(entry) && !entry.endsWith("/xstate"),
  );
  writeFileSync(join(empty, "all.ts"), importing(entriesOf(stranger)));
  writeFileSync(join(empty, "bare.ts"), importing(bare));
  const strictly = { strict: true, skipLibCheck: false, target: "es2022", noEmit: true };
  for (const [file, more] of [
    ["all.ts", { types: ["node"], module: "nodenext" }],
    ["all.ts", { types: ["node"], module: "esnext", moduleResolution: "bundler" }],
    ["bare.ts", { types: [], module: "esnext", moduleResolution: "bundler", lib: ["es2022"] }],
  ] as const) {
    writeFileSync(
      join(empty, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...strictly, ...more }, files: [file] }),
    );
    await sh(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json"], { cwd: empty });
  }
};

const importAll = async (stranger: Stranger, { run }: Runtime): Promise<void> => {
  const lines = entriesOf(stranger).map(
    (entry) => `if (Object.keys(await import("${entry}")).length === 0) throw "${entry}";`,
  );
  writeFileSync(join(stranger.empty, "all.mjs"), lines.join("\n"));
  await run("all.mjs");
};

const writtenBlocks = ({ empty }: Stranger): ReadonlyArray<DocBlock> => {
  const blocks = docBlocksOf(readFileSync(join(ROOT, "docs/embedding.md"), "utf8"));
  for (const { file, code } of blocks) writeFileSync(join(empty, file), code);
  ok(blocks.length >= 8, `${blocks.length} programs`);
  return blocks;
};

const EXAMPLES = ["cluster.mjs", "nact.mjs", "threads.mjs", "ring.mjs", "embed.ts"];

/** Each as it stands; of the one that this tree tests too, the imports by the names that strangers have. */
const writtenExamples = ({ empty }: Stranger): ReadonlyArray<DocBlock> =>
  EXAMPLES.map((file) => {
    const source = readFileSync(join(ROOT, "properties/examples", file), "utf8");
    const code = source.replace(/"\.\.\/\.\.\/(\w+\/\w+)\/mod\.ts"/g, '"vipr/$1"');
    const prints = printsOf(code);
    ok(prints.length > 0, `${file} does not say what it prints`);
    writeFileSync(join(empty, file), code);
    return { file, code, prints };
  });

const runAll = async (programs: ReadonlyArray<DocBlock>, { run }: Runtime): Promise<void> => {
  for (const program of programs) judgeOutput(await run(program.file), program);
};

const judgeOutput = (output: string, program: DocBlock): void => {
  const missing = missingIn(output, program);
  ok(missing === undefined, `${program.file} does not print: ${missing}\n${output}`);
};

const showRing = async (stranger: Stranger, examples: ReadonlyArray<DocBlock>): Promise<void> => {
  const page = readFileSync(join(ROOT, "docs/embedding.md"), "utf8").replaceAll(/ \\\n +/g, " ");
  ok(page.includes(`npx esbuild ${BUNDLE}`), "docs/embedding.md has another command than what is run");
  const output = await openRing(stranger);
  if (output === undefined) console.log("        bundled, and not opened: Chromium is not installed");
  else judgeOutput(output, examples.find(({ file }) => file === "ring.mjs")!);
};

const demonstrate = async ({ empty, manifest }: Stranger, { run }: Runtime): Promise<void> =>
  judgeDemonstration(await run(join(empty, "node_modules/vipr", manifest.bin.vipr!), ...DEMONSTRATION));
const DEMONSTRATION = ["demo", "--once", "--json", "--seed", "1"];

/** It needs neither the tree nor a runtime beside it: it runs in the empty folder, with nothing in its path. */
const compileSingle = async ({ empty }: Stranger): Promise<void> => {
  const file = join(empty, "vipr-single");
  await sh(join(ROOT, "node_modules/.bin/bun"), ["build", "--compile", "--outfile", file, "runtime/main.ts"], here);
  const alone = { cwd: empty, env: { PATH: "/nonexistent" } };
  ok((await sh(file, ["--help"], alone)).includes("usage: vipr"));
  judgeDemonstration(await sh(file, DEMONSTRATION, alone));
};

const judgeDemonstration = (output: string): void => {
  const { summary } = JSON.parse(output.trimEnd().split("\n").at(-1)!);
  same([summary.falseRoutes, summary.intrusionsAdmitted, summary.failedCalls], [0, 0, 0]);
  ok(summary.sipCalls > 30, JSON.stringify(summary));
};
