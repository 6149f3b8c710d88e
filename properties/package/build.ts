/**
 * Makes `dist/`, which is what the package gives: JavaScript, declarations and maps from one run of `tsc`, and then what tsc
 * does not do. npm runs it by prepare.mjs, after an install and before `npm pack`. DECISIONS.md D-175.
 *
 *   *.ts -- tsc --> *.js, *.d.ts, their maps --+--> .js    `effect` by module; workers' files; its types named for JSR
 *                                              +--> .d.ts  what it imports is .js, as everywhere else
 *                                              +--> command/  the command in a few files (command.ts)
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { buildCommand } from "./command.ts";

const ROOT = new URL("../../", import.meta.url);
process.chdir(ROOT.pathname);

/** `import { Effect, Queue as Q } from "effect"`, of which tsc leaves what is not a type. */
const BARREL = /^import \{([^}]*)\} from "effect";$/gm;
/** What `effect` exports and is no module of its own. */
const FUNCTIONS = new Set(["absurd", "cast", "flow", "hole", "identity", "pipe"]);

/** The whole of `effect` takes longer to load than all of ours: each file loads the modules that it uses. */
export const byModule = (code: string): string =>
  code.replace(BARREL, (_, names: string) =>
    names
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "")
      .map((one) => {
        const [name, alias = name] = one.split(/ as /) as [string, string?];
        return FUNCTIONS.has(name)
          ? `import { ${name} as ${alias} } from "effect/Function";`
          : `import * as ${alias} from "effect/${name}";`;
      })
      .join(" "),
  );

/** Where its types are, for JSR, which does not look beside it; behind a `#!` line, which must stay the first. */
const withTypes = (code: string, file: string): string => {
  const types = `/* @ts-self-types="./${basename(file, ".js")}.d.ts" */ `;
  const at = code.startsWith("#!") ? code.indexOf("\n") + 1 : 0;
  return code.slice(0, at) + types + code.slice(at); // in the same line, so that the map's lines stay right
};

const workersOf = (code: string): string =>
  code.replace(/new URL\("(\.[^"]+)\.ts", import\.meta\.url\)/g, 'new URL("$1.js", import.meta.url)');

const importsOf = (declarations: string): string =>
  declarations.replace(/(\bfrom |\bimport\(|^import )"(\.[^"]+)\.ts"/gm, '$1"$2.js"');

const rewrite = (pattern: string, of: (text: string, file: string) => string): void => {
  for (const file of globSync(pattern)) writeFileSync(file, of(readFileSync(file, "utf8"), file));
};

/**
 * DECISIONS.md D-176: an entry for JSR alone, with every type of every file and no value: JSR cuts types that no entry reaches out of their
 * files, and not the imports of them.
 */
const writeInternals = (): void => {
  const files = globSync("dist/**/*.d.ts").map((file) => file.replace(/^dist\/|\.d\.ts$/g, ""));
  const lines = files.map((file, i) => `export type * as m${i} from "./${file}.js";\n`);
  writeFileSync("dist/internals.d.ts", lines.join(""));
  writeFileSync("dist/internals.js", withTypes("export {};\n", "internals.js"));
};

if (import.meta.main) {
  rmSync("dist", { recursive: true, force: true });
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
  rewrite("dist/**/*.js", (code, file) => withTypes(workersOf(byModule(code)), file));
  rewrite("dist/**/*.d.ts", importsOf);
  writeInternals();
  buildCommand();
}
