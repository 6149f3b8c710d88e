/** What holds of the package wherever it is installed. Contract: the entries and the command that scripts rely on. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { judgeCosts } from "./costs.ts";
import { type DocBlock, docBlocksOf, missingIn, printsOf } from "./doc-blocks.ts";
import { fuzzAll, writtenTargets } from "./fuzz.ts";
import { openPage } from "./page.ts";
import { BUNDLE, openRing } from "./ring-page.ts";
import { DENO_PERMISSIONS, entriesOf, ROOT, type Runtime, runtimesOf, type Stranger, sh } from "./stranger.ts";

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
  const targets = writtenTargets(stranger);
  const onEach = (of: ReadonlyArray<Runtime>, what: string, run: (runtime: Runtime) => Promise<unknown>) =>
    of.map((runtime): Check => ({ name: `${what}, ${runtime.name}`, run: () => run(runtime) }));
  // The longest first.
  return [
    ...onEach(runtimes, "vipr demo --once", (runtime) => demonstrate(stranger, runtime)),
    { name: "a single file that bun build --compile makes of the sources", run: () => compileSingle(stranger) },
    { name: "a single file that deno compile makes of the package", run: () => compileByDeno(stranger) },
    { name: "what is missing is named: fast-check, a newer Node", run: () => missOne(stranger) },
    { name: "files: no test, and a command that runs", run: () => judgeFiles(stranger) },
    { name: "types: a consumer's tsc, strict, its libraries checked, es2022", run: () => compile(stranger) },
    {
      name: "costs: codecs and machines load neither Effect nor XState, and a codec alone weighs little",
      run: () => judgeCosts(stranger),
    },
    { name: "publint", run: () => sh(join(stranger.tools, "node_modules/.bin/publint"), [stranger.tarball], here) },
    {
      name: "attw",
      run: () => sh(join(stranger.tools, "node_modules/.bin/attw"), [stranger.tarball, "--profile", "esm-only"], here),
    },
    {
      name: "deno publish --dry-run, no slow type",
      run: () => sh(join(ROOT, "node_modules/.bin/deno"), ["publish", "--dry-run", "--allow-dirty"], here),
    },
    ...onEach(runtimes, "each command's --help", (runtime) => askHelp(stranger, runtime)),
    ...onEach(runtimes, "entries: each is imported", (runtime) => importAll(stranger, runtime)),
    ...onEach(runtimes, "docs/embedding.md: its programs print what it says", (runtime) => runAll(blocks, runtime)),
    ...onEach(runtimes, "examples: machines in other hosts", (runtime) => runAll(examples, runtime)),
    ...onEach(runtimesOf(stranger, ["--allow-write=."]), "docs/fuzzing.md: vipr fuzz finds what it says", (runtime) =>
      fuzzAll(stranger, targets, runtime),
    ),
    { name: "examples: a page in Chromium", run: () => openPage(stranger) },
    { name: "examples: a ring of eight in a page in Chromium", run: () => showRing(stranger, examples) },
  ];
};
const here = { cwd: ROOT };

const judgeFiles = async ({ tarball, empty, manifest }: Stranger): Promise<void> => {
  const files = (await sh("tar", ["tzf", tarball], here)).trimEnd().split("\n");
  same(
    files.filter((file) => /\.test\.|^package\/properties\/(?!examples\/)|\/properties\/(tables|vectors)\//.test(file)),
    [],
  );
  const command = join(empty, "node_modules/vipr", manifest.bin.vipr!);
  ok((statSync(command).mode & 0o111) !== 0, "the command is not executable");
  ok((await sh("npx", ["--no-install", "vipr", "--help"], { cwd: empty })).includes("usage: vipr"));
  same(undeclaredIn(dirname(command), manifest.dependencies), []);
};

const BARE_IMPORT = /(?:from |import\()"((?:@[^/"]+\/)?[^./"][^/"]*)/g;

/** What the command imports and the manifest does not name: not every installer puts a dependency's dependencies in reach. */
const undeclaredIn = (folder: string, dependencies: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  const imported = readdirSync(folder)
    .filter((file) => file.endsWith(".js"))
    .flatMap((file) => [...readFileSync(join(folder, file), "utf8").matchAll(BARE_IMPORT)].map(([, name]) => name!));
  ok(imported.includes("@noble/hashes"), "no import was found");
  return [...new Set(imported)].filter((name) => !name.startsWith("node:") && dependencies[name] === undefined);
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
  const shown = await openRing(stranger);
  if (shown === undefined) return console.log("        bundled, and not opened: Chromium is not installed");
  judgeOutput(shown.printed, examples.find(({ file }) => file === "ring.mjs")!);
  ok(/^Error: this page needs WebCrypto/.test(shown.refused), shown.refused);
};

const demonstrate = async ({ empty, manifest }: Stranger, { run }: Runtime): Promise<void> =>
  judgeDemonstration(await run(join(empty, "node_modules/vipr", manifest.bin.vipr!), ...DEMONSTRATION));
const DEMONSTRATION = ["demo", "--once", "--json", "--seed", "1"];

/** It needs neither the tree nor a runtime beside it: it runs in the empty folder, with nothing in its path. */
const compileSingle = async ({ empty }: Stranger): Promise<void> => {
  const file = join(empty, "vipr-single");
  await sh(join(ROOT, "node_modules/.bin/bun"), ["build", "--compile", "--outfile", file, "runtime/main.ts"], here);
  await judgeSingle(file, empty);
};

/** What Deno says where it cannot fetch the base of its single files, which npm's package of it lacks. */
const NO_BASE = /Setting up base binary/;

/** As far as it goes here: the command's files are read and gone through before the base is fetched. */
const compileByDeno = async ({ empty, manifest }: Stranger): Promise<void> => {
  const file = join(empty, "vipr-deno");
  const command = join(empty, "node_modules/vipr", manifest.bin.vipr!);
  const words = ["compile", "--no-check", ...DENO_PERMISSIONS, "--output", file, command];
  const failed = await sh(join(ROOT, "node_modules/.bin/deno"), words, { cwd: empty }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (failed === undefined) return await judgeSingle(file, empty);
  ok(NO_BASE.test(failed), failed);
  console.log("        not compiled: Deno's release host, which has the base of its single files, was not reached");
};

const judgeSingle = async (file: string, cwd: string): Promise<void> => {
  const alone = { cwd, env: { PATH: "/nonexistent" } };
  ok((await sh(file, ["--help"], alone)).includes("usage: vipr"));
  judgeDemonstration(await sh(file, DEMONSTRATION, alone));
};

const COMMANDS = /^ {2}([a-z-]+) {2,}/gm;

/** Each command is found and loads, from the package's files. */
const askHelp = async ({ empty, manifest }: Stranger, { run }: Runtime): Promise<void> => {
  const command = join(empty, "node_modules/vipr", manifest.bin.vipr!);
  const names = [...(await run(command, "--help")).matchAll(COMMANDS)].map(([, name]) => name!);
  ok(names.length > 15, names.join(" "));
  for (const name of names.filter((one) => one !== "help" && one !== "version"))
    ok((await run(command, name, "--help")).includes(`usage: vipr ${name}`), name);
  // Help is printed from a table: that the command itself loads shows by its own complaint.
  for (const name of names.filter((one) => one !== "help" && one !== "version"))
    ok((await whyNot(run(command, name, "--nonesuch"))).includes("there is no option --nonesuch"), name);
  ok((await run(command, "version")).includes(`vipr ${manifest.version}, `), "version");
};

const whyNot = (started: Promise<string>): Promise<string> =>
  started.then(
    () => "it did not fail",
    (error: Error) => error.message,
  );

/** Nothing beside the tarball, and a Node that is too old: each says in one sentence what is needed. */
const missOne = async ({ bare, empty, oldNode, manifest }: Stranger): Promise<void> => {
  ok((await sh("npx", ["--no-install", "vipr", "--help"], { cwd: bare })).includes("usage: vipr"));
  const why = (node: string, cwd: string, ...args: ReadonlyArray<string>) => whyNot(sh(node, args, { cwd }));
  const importing = (entry: string) => [
    "--input-type=module",
    "--eval",
    `import("${entry}").catch(({ message }) => { console.log(message); process.exit(1); })`,
  ];
  const peer = await why(process.execPath, bare, ...importing("vipr/properties"));
  ok(/^vipr\/properties makes its values by fast-check, .*: npm install fast-check@4$/m.test(peer), peer);
  const needed = /^vipr needs Node 22\.19, Deno 2\.9, Bun 1\.4 or later; this is Node 20\.\S+$/m;
  for (const args of [
    [join(empty, "node_modules/vipr", manifest.bin.vipr!), "--help"],
    importing("vipr/runtime/node"),
  ]) {
    const said = await why(oldNode, empty, ...args);
    ok(needed.test(said), said);
  }
};

const judgeDemonstration = (output: string): void => {
  const { summary } = JSON.parse(output.trimEnd().split("\n").at(-1)!);
  same([summary.falseRoutes, summary.intrusionsAdmitted, summary.failedCalls], [0, 0, 0]);
  ok(summary.sipCalls > 30, JSON.stringify(summary));
};
